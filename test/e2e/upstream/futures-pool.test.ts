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
import { hasRedisServer, sayWhatIsLeftOut, startRedisServer } from '../../support/servers/redis-server.ts';

let simulator: Simulator;
const proxies: TestProxy[] = [];
const others: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(proxies.splice(0).map((each) => each.close()));
  await simulator.close();
  for (const close of others.splice(0)) await close();
});

/** An exchange that has so long in the minute that is under way. */
async function startExchange(limits: SimulatorLimits, neededMs = 15_000): Promise<void> {
  await clearOfWindowEnd(60_000, neededMs);
  const account = { apiKey: TEST_KEY, hmacSecret: TEST_SECRET, balances: { USDT: '1000000' } };
  simulator = await startSimulator({ accounts: [account], limits });
}

async function startOne(env: Readonly<Record<string, string>> = {}, yaml?: string): Promise<TestProxy> {
  const options = yaml === undefined ? {} : { yaml };
  const proxy = await startTestProxy({ upstream: simulator.url, env, ...options });
  proxies.push(proxy);
  return proxy;
}

const tooMany = () => simulator.requests.filter(({ status }) => status === 429 || status === 418);
const errorOf = ({ headers }: Reply) => headers['x-proxy-error'];
const ORDER = 'side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=20000';
const place = ({ port }: TestProxy, path: string, symbol: string) =>
  send(port, path, { method: 'POST', body: `symbol=${symbol}&${ORDER}` });
const placeUsdm = (proxy: TestProxy) => place(proxy, '/fapi/v1/order', 'BTCUSDT');
const placeCoinm = (proxy: TestProxy) => place(proxy, '/dapi/v1/order', 'BTCUSD_PERP');

describe('the pool of USD-M and COIN-M', () => {
  sayWhatIsLeftOut('eight proxies on one Redis that want five times the pool of USD-M and COIN-M');

  it.skipIf(!hasRedisServer)(
    'Eight proxies on one Redis that want five times the pool over both hosts are never answered 429',
    async () => {
      const limits = { weightPerMinute: { usdm: 400 }, futuresOrdersPer10Seconds: 40, refusalsBeforeBan: 1 };
      await startExchange(limits, 30_000);
      const redis = await startRedisServer();
      others.push(() => redis.stop());
      const env = { BINANCE_PROXY_REDIS_URL: redis.url.reveal() };
      for (let i = 0; i < 8; i++) await startOne(env);
      const reads = ['/fapi/v1/openOrder', '/dapi/v1/positionRisk', '/fapi/v1/ping', '/dapi/v1/openOrder'];
      const query = '?symbol=BTCUSD_PERP&orderId=1';
      const replies: Reply[] = [];
      for (let round = 0; round < 25; round++) {
        const calls = proxies.flatMap((proxy, i) => [
          ...reads.map((path) => send(proxy.port, path.endsWith('ping') ? path : `${path}${query}`)),
          ...reads.map((path) => send(proxy.port, path.endsWith('ping') ? path : `${path}${query}`)),
          (round + i) % 2 === 0 ? placeUsdm(proxy) : placeCoinm(proxy),
        ]);
        replies.push(...(await Promise.all(calls)));
      }
      expect(replies.length).toBe(25 * 8 * 9);
      expect(tooMany()).toEqual([]);
      const refused = new Set(replies.map(errorOf));
      expect(refused).toContain('PROXY_WEIGHT_EXHAUSTED');
      const calledOn = (prefix: string) =>
        simulator.requests.filter(({ path }) => path.startsWith(prefix)).length;
      expect(calledOn('/fapi/')).toBeGreaterThan(50);
      expect(calledOn('/dapi/')).toBeGreaterThan(50);
    },
  );

  it('Weight that was used on USD-M is refused to COIN-M before Binance does', async () => {
    await startExchange({ weightPerMinute: { usdm: 100 }, refusalsBeforeBan: 1 });
    const proxy = await startOne();
    for (let i = 0; i < 14; i++) await send(proxy.port, '/fapi/v3/account');
    const replies = await Promise.all(
      Array.from({ length: 50 }, () => send(proxy.port, '/dapi/v1/positionRisk')),
    );
    expect(replies.filter(({ status }) => status === 200).length).toBeLessThan(30);
    expect(new Set(replies.map(errorOf))).toEqual(new Set([undefined, 'PROXY_WEIGHT_EXHAUSTED']));
    expect(tooMany()).toEqual([]);
  });

  it('Orders on USD-M and COIN-M count together in 10 s, and the sentence names both', async () => {
    await startExchange({ futuresOrdersPer10Seconds: 6, refusalsBeforeBan: 1 });
    await clearOfWindowEnd(10_000, 6_000);
    const proxy = await startOne();
    const replies: Reply[] = [];
    for (let i = 0; i < 5; i++) replies.push(await placeUsdm(proxy), await placeCoinm(proxy));
    // An answer without a count of its own is added until later answers report, so the last ones may be refused.
    expect(new Set(replies.slice(0, 4).map(errorOf))).toEqual(new Set([undefined]));
    expect(new Set(replies.slice(6).map(errorOf))).toEqual(new Set(['PROXY_ORDERS_EXHAUSTED']));
    expect(replies.at(-1)?.json?.msg).toContain('on usdm and coinm');
    expect(tooMany()).toEqual([]);
  });

  it('A ban that COIN-M tells stops USD-M too, and the operator sees both', async () => {
    await startExchange({}, 0);
    const proxy = await startOne();
    simulator.ban(30_000);
    expect((await send(proxy.port, '/dapi/v1/positionRisk')).status).toBe(418);
    const before = simulator.requests.length;
    expect(errorOf(await send(proxy.port, '/fapi/v3/account'))).toBe('PROXY_UPSTREAM_FROZEN');
    expect(errorOf(await placeUsdm(proxy))).toBe('PROXY_UPSTREAM_FROZEN');
    expect(simulator.requests.length).toBe(before);
    const ready = await askOperator(proxy.operatorUrl, '/operator/status');
    expect(ready.json?.frozen).toMatchObject([{ upstream: 'usdm' }, { upstream: 'coinm' }]);
    expect(proxy.records('upstream.frozen')).toMatchObject([{ detail: { upstream: 'usdm, coinm' } }]);
  });
});
