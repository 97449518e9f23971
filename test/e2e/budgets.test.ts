import { afterEach, describe, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import type { SimulatorLimits } from '../../src/simulator/simulator-options.ts';
import { clearOfWindowEnd } from '../helpers/clear-of-window.ts';
import { type Reply, send } from '../helpers/http.ts';
import { startTestProxy, TEST_KEY, TEST_SECRET, type TestProxy } from '../helpers/proxy.ts';

let simulator: Simulator;
let proxy: TestProxy;
afterEach(async () => {
  await proxy.close();
  await simulator.close();
});

async function start(limits: SimulatorLimits = {}): Promise<void> {
  await clearOfWindowEnd(60_000, 6_000);
  simulator = await startSimulator({
    accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET, balances: { USDT: '1000000' } }],
    limits,
  });
  proxy = await startTestProxy({ upstream: simulator.url });
}

const account = () => send(proxy.port, '/api/v3/account');
const order = (params = 'type=MARKET&quoteOrderQty=10') =>
  send(proxy.port, '/api/v3/order', { method: 'POST', body: `symbol=BTCUSDT&side=BUY&${params}` });
const cancel = (id: string) =>
  send(proxy.port, `/api/v3/order?symbol=BTCUSDT&origClientOrderId=${id}`, { method: 'DELETE' });
const operator = (path: string) => send(Number(new URL(proxy.operatorUrl).port), path);
const errorsOf = (replies: readonly Reply[]) => replies.map(({ headers }) => headers['x-proxy-error']);
const banned = () => simulator.requests.filter(({ status }) => status === 429 || status === 418);

describe('the budget of the IP', () => {
  it('refuses before Binance does, and keeps the last tenth for orders and cancels', async () => {
    await start({ weightPerMinute: { spot: 300 } });
    expect(
      (await order('type=LIMIT&timeInForce=GTC&quantity=0.001&price=20000&newClientOrderId=rest-1')).status,
    ).toBe(200);
    const replies = await Promise.all(Array.from({ length: 30 }, account));
    expect(replies.filter(({ status }) => status === 200).length).toBeGreaterThan(8);
    const refused = replies.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(10);
    expect(new Set(errorsOf(refused))).toEqual(new Set(['PROXY_WEIGHT_EXHAUSTED']));
    expect(refused.every(({ json }) => json?.code === -1003)).toBe(true);
    expect(refused.every(({ headers }) => Number(headers['retry-after']) <= 61)).toBe(true);
    expect((await order()).status).toBe(200);
    expect((await cancel('rest-1')).status).toBe(200);
    expect(banned()).toEqual([]);
  });

  it('learns what a neighbour on the IP uses from the headers', async () => {
    await start();
    expect((await account()).status).toBe(200);
    simulator.setUsedWeight(5_390);
    await account();
    const before = simulator.requests.length;
    expect(errorsOf([await account()])).toEqual(['PROXY_WEIGHT_EXHAUSTED']);
    expect(simulator.requests.length).toBe(before);
  });

  it('costs nothing for orders that succeed', async () => {
    await start({ weightPerMinute: { spot: 200 } });
    for (let i = 0; i < 60; i++) expect((await order()).status).toBe(200);
    expect((await account()).status).toBe(200);
  });

  it('counts orders per account, with -1015', async () => {
    await start({ ordersPer10Seconds: 5 });
    const replies = await Promise.all(
      Array.from({ length: 14 }, () => order('type=LIMIT&timeInForce=GTC&quantity=0.001&price=20000')),
    );
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
    expect(banned()).toEqual([]);
  });
});

describe('a ban', () => {
  it('stops the host for everybody until its time is over; nothing is sent to find out; one line tells', async () => {
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
          status === 429 && json?.code === -1003 && Number(headers['retry-after']) > 20,
      ),
    ).toBe(true);
    expect(simulator.requests.length).toBe(before);
    expect(proxy.records('upstream.frozen')).toHaveLength(1);
    expect((await operator('/readyz')).json?.frozen).toMatchObject([{ upstream: 'spot', status: 418 }]);
  });
});
