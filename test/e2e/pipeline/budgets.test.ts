import { afterEach, describe, expect, it } from 'vitest';
import type { SimulatorLimits } from '../../../src/simulator/base/options.ts';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import { clearOfWindowEnd } from '../../support/clear-of-window.ts';
import { type Reply, send } from '../../support/clients/http.ts';
import {
  askOperator,
  startTestProxy,
  TEST_KEY,
  TEST_SECRET,
  type TestProxy,
} from '../../support/servers/proxy.ts';

let simulator: Simulator;
let proxy: TestProxy;
afterEach(async () => {
  await proxy.close();
  await simulator.close();
});

const HEDGE_KEY = TEST_KEY.toLowerCase();
const HEDGE_SECRET = TEST_SECRET.toLowerCase();
const BOT = { 'x-mbx-apikey': 'a-key-that-was-issued-to-the-bot' };
const HEDGER = { 'x-mbx-apikey': 'a-key-that-was-issued-to-the-hedger' };

/** Two accounts behind one IP; the YAML says who calls for which of them. */
async function start(limits: SimulatorLimits = {}, yaml?: string): Promise<void> {
  await clearOfWindowEnd(60_000, 15_000);
  const balances = { USDT: '1000000' };
  simulator = await startSimulator({
    accounts: [
      { apiKey: TEST_KEY, hmacSecret: TEST_SECRET, balances },
      { apiKey: HEDGE_KEY, hmacSecret: HEDGE_SECRET, balances },
    ],
    limits,
  });
  const env = {
    BINANCE_HEDGE_API_KEY: HEDGE_KEY,
    BINANCE_HEDGE_API_SECRET: HEDGE_SECRET,
    BOT_CLIENT_KEY: BOT['x-mbx-apikey'],
    HEDGER_CLIENT_KEY: HEDGER['x-mbx-apikey'],
  };
  proxy = await startTestProxy({ upstream: simulator.url, ...(yaml === undefined ? {} : { yaml, env }) });
}

const account = (headers = {}) => send(proxy.port, '/api/v3/account', { headers });
const RESTING = 'type=LIMIT&timeInForce=GTC&quantity=0.001&price=20000';
const order = (params = 'type=MARKET&quoteOrderQty=10', headers = {}) =>
  send(proxy.port, '/api/v3/order', { method: 'POST', headers, body: `symbol=BTCUSDT&side=BUY&${params}` });
const cancel = (id: string) =>
  send(proxy.port, `/api/v3/order?symbol=BTCUSDT&origClientOrderId=${id}`, { method: 'DELETE' });
const errorsOf = (replies: readonly Reply[]) => replies.map(({ headers }) => headers['x-proxy-error']);
const banned = () => simulator.requests.filter(({ status }) => status === 429 || status === 418);

describe('the budget of the IP', () => {
  it('The budget of the IP refuses before Binance does, and keeps the last tenth for orders and cancels', async () => {
    await start({ weightPerMinute: { spot: 300 } });
    expect((await order(`${RESTING}&newClientOrderId=rest-1`)).status).toBe(200);
    // All are under way before the first is answered, and they are of two endpoints.
    for (const path of ['/api/v3/account', '/api/v3/myTrades'])
      simulator.inject({ kind: 'delay', ms: 200, match: { path }, times: 15 });
    const trades = () => send(proxy.port, '/api/v3/myTrades?symbol=BTCUSDT');
    const replies = await Promise.all(Array.from({ length: 30 }, (_, i) => (i % 2 ? account() : trades())));
    expect(replies.filter(({ status }) => status === 200).length).toBeGreaterThan(8);
    const refused = replies.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(10);
    expect(new Set(errorsOf(refused))).toEqual(new Set(['PROXY_WEIGHT_EXHAUSTED']));
    expect(refused.every(({ json }) => json?.code === -1003)).toBe(true);
    expect(
      refused.every(
        ({ headers }) => Number(headers['retry-after']) >= 1 && Number(headers['retry-after']) <= 61,
      ),
    ).toBe(true);
    const pings: Reply[] = [];
    while (pings.at(-1)?.status !== 429 && pings.length < 100)
      pings.push(await send(proxy.port, '/api/v3/ping'));
    expect(errorsOf(pings.slice(-1))).toEqual(['PROXY_WEIGHT_EXHAUSTED']);
    expect((await order()).status).toBe(200);
    expect((await cancel('rest-1')).status).toBe(200);
    expect(banned()).toEqual([]);
  });

  it('The budget of the IP learns what a neighbour uses from the headers', async () => {
    await start();
    expect((await account()).status).toBe(200);
    simulator.setUsedWeight(5_390);
    await account();
    const before = simulator.requests.length;
    expect(errorsOf([await account()])).toEqual(['PROXY_WEIGHT_EXHAUSTED']);
    expect(simulator.requests.length).toBe(before);
  });

  it('Orders that succeed cost nothing of the budget of the IP', async () => {
    await start({ weightPerMinute: { spot: 100 } });
    for (let i = 0; i < 60; i++) expect((await order()).status).toBe(200);
    expect((await account()).status).toBe(200);
  });

  it('Orders that succeed cost nothing of the share of a client either, and orders that fail do', async () => {
    await start({}, 'clients: { bot: { account: main, envPrefix: BOT, weightPerMinute: 10 } }');
    for (let i = 0; i < 20; i++) expect((await order(undefined, BOT)).status).toBe(200);
    for (let i = 0; i < 10; i++) expect((await order('type=LIMIT', BOT)).status).toBe(400);
    expect(errorsOf([await order(undefined, BOT)])).toEqual(['PROXY_WEIGHT_EXHAUSTED']);
  });

  it('A rolling quota is refused before Binance does, with the time of the next call that fits', async () => {
    await start({}, 'clients: { bot: { account: main, envPrefix: BOT, permissions: [universal-transfer] } }');
    const path = '/sapi/v1/portfolio/bnb-transfer';
    const transfer = () =>
      send(proxy.port, path, { method: 'POST', headers: BOT, body: 'amount=1&transferSide=TO_UM' });
    expect((await transfer()).status).toBe(200);
    expect((await transfer()).status).toBe(200);
    const third = await transfer();
    expect(third).toMatchObject({ status: 429, json: { code: -1003 } });
    expect(third.json?.msg).toContain('the next call fits in');
    expect(Number(third.headers['retry-after'])).toBeGreaterThan(500);
    expect(Number(third.headers['retry-after'])).toBeLessThanOrEqual(601);
    expect(proxy.records('call.refused')).toMatchObject([{ rule: 'budget rolling 600s' }]);
    expect(simulator.requests.filter((request) => request.path === path)).toHaveLength(2);
  });

  it('ORDERS are counted per account, with -1015', async () => {
    const accounts = 'accounts: { main: { envPrefix: BINANCE }, hedge: { envPrefix: BINANCE_HEDGE } }';
    await start(
      { ordersPer10Seconds: 5 },
      `${accounts}\nclients: { bot: { account: main, envPrefix: BOT }, hedger: { account: hedge, envPrefix: HEDGER } }`,
    );
    const replies = await Promise.all(Array.from({ length: 14 }, () => order(RESTING, BOT)));
    const refused = replies.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    expect(
      refused.every(
        ({ json, headers }) => json?.code === -1015 && headers['x-proxy-error'] === 'PROXY_ORDERS_EXHAUSTED',
      ),
    ).toBe(true);
    expect(
      refused.every(
        ({ headers }) => Number(headers['retry-after']) >= 1 && Number(headers['retry-after']) <= 11,
      ),
    ).toBe(true);
    expect((await order(RESTING, HEDGER)).status).toBe(200);
    expect(banned()).toEqual([]);
  });
});

describe('a ban', () => {
  it('A ban stops the host for everybody until its time is over, nothing is sent to find out, and one line tells', async () => {
    await start();
    simulator.ban(30_000);
    expect((await account()).status).toBe(418);
    const before = simulator.requests.length;
    const replies = await Promise.all([
      account(),
      order(),
      send(proxy.port, '/api/v3/depth?symbol=BTCUSDT'),
      cancel('x'),
    ]);
    expect(new Set(errorsOf(replies))).toEqual(new Set(['PROXY_UPSTREAM_FROZEN']));
    expect(
      replies.every(
        ({ status, json, headers }) =>
          status === 429 &&
          json?.code === -1003 &&
          Number(headers['retry-after']) > 20 &&
          Number(headers['retry-after']) <= 31,
      ),
    ).toBe(true);
    expect(simulator.requests.length).toBe(before);
    expect(proxy.records('upstream.frozen')).toHaveLength(1);
    expect((await askOperator(proxy.operatorUrl, '/operator/status')).json?.frozen).toMatchObject([
      { upstream: 'spot', status: 418 },
    ]);
  });

  it('A ban is over when its time is, without a call that was sent too early', async () => {
    await start();
    simulator.ban(2_000);
    expect((await account()).status).toBe(418);
    expect(errorsOf([await account()])).toEqual(['PROXY_UPSTREAM_FROZEN']);
    await expect.poll(async () => (await account()).status, { interval: 100 }).toBe(200);
    expect(banned()).toHaveLength(1);
    expect(proxy.records('upstream.thawed')).toHaveLength(1);
    expect((await askOperator(proxy.operatorUrl, '/operator/status')).json?.frozen).toEqual([]);
  });
});
