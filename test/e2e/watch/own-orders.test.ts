import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Money } from '../../../src/simulator/base/money.ts';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import { type Reply, send } from '../../support/clients/http.ts';
import { hmacSigner, SignedCaller } from '../../support/clients/signed-caller.ts';
import {
  askOperator,
  startTestProxy,
  TEST_KEY,
  TEST_SECRET,
  type TestProxy,
} from '../../support/servers/proxy.ts';
import { wsEnv } from '../../support/servers/ws-upstream.ts';

const BOT = 'B'.repeat(64);
const yaml = (order: string) => `
accounts: { main: { envPrefix: BINANCE, watch: [spot, usdm] } }
clients:
  bot: { envPrefix: BOT, permissions: [market-data, read, spot-margin-trade, futures-trade], symbols: [BTCUSDT], ${order} }
`;
const MAX_TWO = yaml('order: { maxOpen: 2 }');
const LIMIT = 'symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=20000';
const SPOT = `/api/v3/order?${LIMIT}`;
const USDM = `/fapi/v1/order?${LIMIT}`;

let simulator: Simulator;
let folder: string;
let proxy: TestProxy | undefined;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'own-orders-'));
  simulator = await startSimulator({
    accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET, balances: { USDT: '1000000', BTC: '20' } }],
    marketStepMs: 0,
  });
});
afterEach(async () => {
  await proxy?.close();
  proxy = undefined;
  await simulator.close();
  rmSync(folder, { recursive: true, force: true });
});

async function start(text: string, audit = true): Promise<TestProxy> {
  const started = await startTestProxy({
    upstream: simulator.url,
    yaml: text,
    env: {
      ...wsEnv({ wsUrl: simulator.url.replace('http', 'ws') }),
      BOT_CLIENT_KEY: BOT,
      ...(audit ? { BINANCE_PROXY_AUDIT_DIR: join(folder, 'audit') } : {}),
    },
  });
  proxy = started;
  await expect.poll(() => started.records('watch.began').length, { timeout: 20_000 }).toBe(2);
  return started;
}

const call = (running: TestProxy, method: string, target: string): Promise<Reply> =>
  send(running.port, target, { method, headers: { 'x-mbx-apikey': BOT } });
const place = async (running: TestProxy, target: string) => {
  const reply = await call(running, 'POST', target);
  expect(reply.status, reply.text).toBe(200);
  return reply;
};
const open = (running: TestProxy) =>
  running.parts.watch.ownOrders.find(({ client }) => client === 'bot')?.open;
const byHand = () => new SignedCaller(simulator.url, TEST_KEY, hmacSigner(TEST_SECRET));

describe('the limit of resting orders', () => {
  it('While nobody watches, what was sent is added and only cancels take off; the refusal says so', async () => {
    const running = await start(MAX_TWO);
    const first = await place(running, SPOT);
    await expect.poll(() => open(running)).toBe(1);
    simulator.injectSocket({ kind: 'refuse-upgrade', status: 503, match: {}, times: 1_000 });
    simulator.closeSockets();
    await expect.poll(() => running.records('watch.blind').length, { timeout: 20_000 }).toBe(2);
    await place(running, USDM);
    const refused = await call(running, 'POST', SPOT);
    expect(refused.headers['x-proxy-error']).toBe('PROXY_ORDER_REFUSED');
    expect(refused.json?.msg).toMatch(/more than 2 resting orders; nobody watches them at the moment/);
    // Whoever fills or cancels it elsewhere is not heard.
    await byHand().call('DELETE', '/fapi/v1/allOpenOrders', { symbol: 'BTCUSDT' });
    expect((await call(running, 'POST', SPOT)).headers['x-proxy-error']).toBe('PROXY_ORDER_REFUSED');
    await call(running, 'DELETE', `/api/v3/order?symbol=BTCUSDT&orderId=${first.json?.orderId}`);
    await expect.poll(() => open(running)).toBe(1);
    await place(running, SPOT);
    expect((await call(running, 'POST', SPOT)).headers['x-proxy-error']).toBe('PROXY_ORDER_REFUSED');
  });

  it('After a gap the list of open orders says what rests', async () => {
    const running = await start(MAX_TWO);
    for (const target of [SPOT, USDM]) await place(running, target);
    await expect.poll(() => open(running)).toBe(2);
    simulator.closeSockets();
    await byHand().call('DELETE', '/fapi/v1/allOpenOrders', { symbol: 'BTCUSDT' });
    await expect.poll(() => open(running), { timeout: 30_000 }).toBe(1);
    await expect.poll(() => running.records('watch.began').length, { timeout: 30_000 }).toBe(4);
    await place(running, USDM);
    expect((await call(running, 'POST', SPOT)).json?.msg).toMatch(/more than 2 resting orders \(rule/);
  });

  it('What rests from an earlier run counts from the first order on', async () => {
    const first = await start(MAX_TWO);
    for (const target of [SPOT, USDM]) await place(first, target);
    await byHand().call('POST', '/api/v3/order', Object.fromEntries(new URLSearchParams(LIMIT)));
    await first.close();
    const again = await start(MAX_TWO);
    await expect.poll(() => open(again), { timeout: 20_000 }).toBe(2);
    expect((await call(again, 'POST', SPOT)).headers['x-proxy-error']).toBe('PROXY_ORDER_REFUSED');
  });

  it('What nobody watches is not placed, and what cannot rest is', async () => {
    const running = await start(MAX_TWO);
    const margin = await call(running, 'POST', `/sapi/v1/margin/order?${LIMIT}`);
    expect(margin.headers['x-proxy-error']).toBe('PROXY_ORDER_REFUSED');
    expect(margin.json?.msg).toMatch(/nobody watches what rests there/);
    expect(simulator.requests.filter(({ path }) => path.startsWith('/sapi/v1/margin'))).toEqual([]);
    for (const target of [SPOT, SPOT]) await place(running, target);
    await place(running, '/api/v3/order?symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01');
    // A trial places nothing.
    await place(running, `/api/v3/order/test?${LIMIT}`);
    const oco =
      'symbol=BTCUSDT&side=SELL&quantity=0.01&aboveType=LIMIT_MAKER&abovePrice=90000&belowType=STOP_LOSS&belowStopPrice=20000';
    await call(running, 'DELETE', '/api/v3/openOrders?symbol=BTCUSDT');
    await expect.poll(() => open(running)).toBe(0);
    await place(running, `/api/v3/orderList/oco?${oco}`);
    await expect.poll(() => open(running)).toBe(2);
    expect((await call(running, 'POST', USDM)).headers['x-proxy-error']).toBe('PROXY_ORDER_REFUSED');
  });
});

it('What a conditional order became is the client’s own: it counts, and a stop cancels it', async () => {
  const running = await start(yaml('order: { maxOpen: 2 }'), false);
  const market = simulator.exchange.spot.market('BTCUSDT');
  const triggerPrice = market.lastPrice.add('0.01').toFixed();
  const conditional = `symbol=BTCUSDT&side=BUY&algoType=CONDITIONAL&type=STOP&timeInForce=GTC&quantity=0.01&price=20000&triggerPrice=${triggerPrice}`;
  await place(running, `/fapi/v1/algoOrder?${conditional}`);
  await expect.poll(() => open(running)).toBe(1);
  const [owner] = [...simulator.exchange.accounts.all()].map((account) => account.owner);
  const orders = () => simulator.exchange.futures.portfolio(owner!).orders;
  const buy = { symbol: 'BTCUSDT', side: 'BUY', type: 'MARKET', quantity: '0.4' };
  await byHand().call('POST', '/api/v3/order', buy);
  await byHand().call('GET', '/fapi/v1/openOrders');
  expect(orders()).toMatchObject([{ status: 'NEW' }]);
  await byHand().call('POST', '/fapi/v1/order', Object.fromEntries(new URLSearchParams(LIMIT)));
  await expect.poll(() => running.records('order.foreign').length, { timeout: 20_000 }).toBe(2);
  expect(open(running)).toBe(1);
  const entered = await running.parts.stops.enter({
    ...{ state: 'cancel-only', scope: { kind: 'client', name: 'bot' }, reason: 'a test', cancel: 'own' },
    ...{ operator: 'alice', channel: 'test' },
  });
  expect(entered).toMatchObject({ cancelled: 1, left: [] });
  expect(orders().map(({ status }) => status)).toEqual(['CANCELED', 'NEW']);
  await expect.poll(() => open(running)).toBe(0);
});

it('What the futures fills of a day made is shown exactly, by client and asset', async () => {
  const running = await start(yaml('order: { maxOpen: 50 }'));
  const [owner] = [...simulator.exchange.accounts.all()].map((account) => account.owner);
  const trade = (side: string) => `/fapi/v1/order?symbol=BTCUSDT&side=${side}&type=MARKET&quantity=0.013`;
  for (let round = 0; round < 3; round++) {
    await place(running, trade('BUY'));
    for (let step = 0; step < 50; step++) simulator.exchange.advanceMarkets();
    await place(running, trade('SELL'));
  }
  await byHand().call(
    'POST',
    '/fapi/v1/order',
    Object.fromEntries(new URLSearchParams(trade('BUY').split('?')[1])),
  );
  const { orders } = simulator.exchange.futures.portfolio(owner!);
  const sum = orders.reduce((total, { profit }) => total.add(profit), new Money(0));
  expect(sum.isZero()).toBe(false);
  const realised = async () =>
    (await askOperator(running.operatorUrl, '/operator/status')).json?.ownOrders as unknown;
  await expect
    .poll(realised)
    .toEqual([{ client: 'bot', account: 'main', open: 0, realised: { USDT: sum.toFixed() } }]);
  const { text } = await send(Number(new URL(running.operatorUrl).port), '/metrics');
  expect(text).toContain(
    `binance_proxy_realised_result{client="bot",asset="USDT"} ${Number(sum.toFixed())}\n`,
  );
});
