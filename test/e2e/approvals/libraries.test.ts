import { Spot, SpotRestAPI } from '@binance/spot';
import { MainClient } from 'binance';
import { binance as Ccxt, InvalidOrder } from 'ccxt';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import { send } from '../../support/clients/http.ts';
import { DEAD_HTTP_PROXY, thrownBy } from '../../support/processes/library-scenario.ts';
import { startTestProxy, TEST_KEY, TEST_SECRET, type TestProxy } from '../../support/servers/proxy.ts';

const KEY = 'IssuedKeyIssuedKeyIssuedKeyIssuedKeyIssuedKeyIssuedKeyIssuedKey0';
const SECRET = 'IssuedSecretIssuedSecretIssuedSecretIssuedSecretIssuedSecretIssu';
const YAML = `
clients:
  app:
    account: main
    envPrefix: APP
    requireSignature: true
    permissions: [market-data, read, spot-margin-trade, futures-trade]
    approval: { above: { USDT: "50" } }
`;

let simulator: Simulator;
let proxy: TestProxy;
beforeAll(async () => {
  for (const [name, value] of Object.entries(DEAD_HTTP_PROXY)) vi.stubEnv(name, value);
  simulator = await startSimulator({
    accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET, balances: { USDT: '100000' } }],
    marketStepMs: 0,
  });
  const env = { APP_CLIENT_KEY: KEY, APP_CLIENT_SECRET: SECRET };
  proxy = await startTestProxy({ upstream: simulator.url, yaml: YAML, env });
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await proxy.close();
  await simulator.close();
});

const arrived = () =>
  simulator.requests.filter(({ method, path }) => method === 'POST' && path.endsWith('/order')).length;
const seen = () => proxy.records('approval.asked').length;
let before = { arrived: 0, asked: 0 };
beforeEach(() => {
  before = { arrived: arrived(), asked: seen() };
});

/** What an operator does between the first and the second try. */
function approve(): void {
  expect(arrived()).toBe(before.arrived);
  const [ticket, ...others] = proxy.parts.decisions.list();
  expect(others).toEqual([]);
  const { id = '', digest = '' } = ticket ?? {};
  const alice = { operator: 'alice', channel: 'test', passkeyRequired: false };
  proxy.parts.decisions.decide(alice, id, { decision: 'approve', digest });
}

/** The order went out once, after one ask. */
function expectPlacedOnce(): void {
  expect(seen()).toBe(before.asked + 1);
  expect(arrived()).toBe(before.arrived + 1);
}

function throughProxy(): Record<string, string> {
  const urls = Object.entries<string>(new Ccxt().urls.api);
  return Object.fromEntries(urls.map(([name, url]) => [name, proxy.url + new URL(url).pathname]));
}

it('The library ccxt throws InvalidOrder with the sentence, and places the same order after the yes under a new id', async () => {
  const exchange = new Ccxt({
    apiKey: KEY,
    secret: SECRET,
    enableRateLimit: false,
    urls: { api: throughProxy() },
  });
  const place = () => exchange.createOrder('BTC/USDT', 'limit', 'buy', 0.01, 50_000);
  const refusal = await thrownBy(place);
  expect(refusal).toBeInstanceOf(InvalidOrder);
  expect(String(refusal)).toContain('Waits for approval');
  expect(String(await thrownBy(place))).toContain('Waits for approval');
  approve();
  expect((await place()).status).toBe('open');
  expectPlacedOnce();
});

it('The library @binance/spot throws with the code and the sentence, and places the same order after the yes', async () => {
  const configurationRestAPI = {
    apiKey: KEY,
    apiSecret: SECRET,
    basePath: proxy.url,
    timeout: 10_000,
    backoff: 10,
  };
  const { restAPI } = new Spot({ configurationRestAPI });
  const { NewOrderSideEnum: Side, NewOrderTypeEnum: Type } = SpotRestAPI;
  const place = (newClientOrderId: string) =>
    restAPI.newOrder({
      symbol: 'BTCUSDT',
      side: Side.BUY,
      type: Type.MARKET,
      quoteOrderQty: 61,
      newClientOrderId,
    });
  expect(String(await thrownBy(() => place('first')))).toContain('Waits for approval');
  approve();
  expect((await (await place('second')).data()).status).toBe('FILLED');
  expectPlacedOnce();
});

it('The library binance throws a body with -2010 and the sentence, and places the same order after the yes', async () => {
  const client = new MainClient({ api_key: KEY, api_secret: SECRET, baseUrl: proxy.url });
  // The library makes a client order id of its own for each try.
  const place = () =>
    client.submitNewOrder({ symbol: 'BTCUSDT', side: 'BUY', type: 'MARKET', quoteOrderQty: 72 });
  expect(await thrownBy(place)).toMatchObject({
    code: -2010,
    message: expect.stringContaining('Waits for approval'),
  });
  approve();
  expect(await place()).toMatchObject({ status: 'FILLED' });
  expectPlacedOnce();
});

it('A Python-like program that signs its query reads the id in the head, and sends again with another timestamp and id', async () => {
  const place = async (newClientOrderId: string) => {
    const { createHmac } = await import('node:crypto');
    const query = `symbol=BTCUSDT&side=BUY&type=MARKET&quoteOrderQty=83&newClientOrderId=${newClientOrderId}&recvWindow=5000&timestamp=${Date.now()}`;
    const signature = createHmac('sha256', SECRET).update(query).digest('hex');
    return send(proxy.port, `/api/v3/order?${query}&signature=${signature}`, {
      method: 'POST',
      headers: { 'x-mbx-apikey': KEY, 'user-agent': 'python-requests/2.32.3' },
    });
  };
  const first = await place('py-1');
  expect([first.status, first.headers['x-proxy-error']]).toEqual([400, 'PROXY_APPROVAL_PENDING']);
  const id = String(first.headers['x-proxy-approval']);
  const own = () => send(proxy.port, `/proxy/approvals/${id}`, { headers: { 'x-mbx-apikey': KEY } });
  expect((await own()).json).toMatchObject({ state: 'pending' });
  approve();
  expect((await own()).json).toMatchObject({ state: 'approved' });
  expect((await place('py-2')).status).toBe(200);
  expect((await own()).json).toMatchObject({ state: 'used' });
  expectPlacedOnce();
});
