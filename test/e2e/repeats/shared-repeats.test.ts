import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import { send } from '../../support/clients/http.ts';
import { startTestProxy, TEST_KEY, TEST_SECRET, type TestProxy } from '../../support/servers/proxy.ts';
import {
  hasRedisServer,
  type RedisServer,
  sayWhatIsLeftOut,
  startRedisServer,
} from '../../support/servers/redis-server.ts';

sayWhatIsLeftOut('repeats over several proxies');

const ORDER = '/api/v3/order';
const MARKET = 'symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01';
const POST_ORDER = { method: 'POST', path: ORDER };

describe.skipIf(!hasRedisServer)('several proxies of one Redis', () => {
  let redis: RedisServer;
  let simulator: Simulator;
  let proxies: TestProxy[];
  beforeAll(async () => {
    redis = await startRedisServer();
  });
  afterAll(() => redis.stop());
  beforeEach(async () => {
    simulator = await startSimulator({
      accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET, balances: { USDT: '1000000' } }],
      marketStepMs: 0,
    });
    proxies = [];
  });
  afterEach(async () => {
    for (const proxy of proxies) await proxy.close();
    await simulator.close();
  });

  async function start(pausesMs: readonly number[] = [20, 20]): Promise<TestProxy> {
    const proxy = await startTestProxy({
      upstream: simulator.url,
      env: { BINANCE_PROXY_REDIS_URL: redis.url.reveal() },
      timeouts: { resolutionPausesMs: pausesMs },
    });
    proxies.push(proxy);
    return proxy;
  }

  const post = (proxy: TestProxy, query: string) => send(proxy.port, `${ORDER}?${query}`, { method: 'POST' });
  const dated = (text = MARKET) => `${text}&timestamp=${Date.now()}`;
  const arrived = () =>
    simulator.requests.filter(({ method, path }) => method === 'POST' && path === ORDER).length;

  it('An order that one proxy sent is not sent again by another', async () => {
    const [one, two] = [await start(), await start()];
    const query = dated();
    const first = await post(one, query);
    expect(first.status).toBe(200);
    const second = await post(two, query);
    expect([second.json?.code, second.headers['x-proxy-order-id']]).toEqual([
      -2010,
      String(first.json?.orderId),
    ]);
    const race = dated(`${MARKET}&newClientOrderId=race`);
    const replies = await Promise.all([one, two, one, two].map((proxy) => post(proxy, race)));
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(arrived()).toBe(2);
  });

  it('A lost order of one proxy holds its id at the others until its fate is known, and a minute longer', async () => {
    const [one, two] = [await start([400, 20]), await start()];
    simulator.inject({ kind: 'execute-then-drop', match: POST_ORDER });
    const query = `${MARKET}&newClientOrderId=mine`;
    expect((await post(one, query)).json?.code).toBe(-1007);
    expect((await post(two, query)).json?.code).toBe(-1007);
    await expect.poll(() => one.records('call.resolved').length, { interval: 5 }).toBe(1);
    const known = await post(two, query);
    expect([known.json?.code, known.headers['x-proxy-order-id']]).toEqual([
      -2010,
      expect.stringMatching(/^\d+$/),
    ]);
    expect(arrived()).toBe(1);
  });

  it('An id is free at every proxy as soon as its app has the answer, or Binance has refused', async () => {
    const [one, two] = [await start(), await start()];
    for (const proxy of [one, two, one, two])
      await expect.poll(async () => (await post(proxy, `${MARKET}&newClientOrderId=free`)).status).toBe(200);
    const body = '{"code":-2010,"msg":"No."}';
    const query = dated(`${MARKET}&newClientOrderId=theirs`);
    simulator.inject({
      kind: 'status',
      status: 400,
      body,
      contentType: 'application/json',
      match: POST_ORDER,
    });
    expect((await post(one, query)).status).toBe(400);
    await expect.poll(async () => (await post(two, query)).status).toBe(200);
  });

  it('A proxy whose Redis is away goes on alone, and tells Redis what it holds when it is back', async () => {
    const [one, two] = [await start([600_000]), await start()];
    expect((await post(two, dated())).status).toBe(200);
    await redis.kill();
    simulator.inject({ kind: 'execute-then-drop', match: POST_ORDER });
    const query = `${MARKET}&newClientOrderId=alone`;
    expect((await post(one, query)).json?.code).toBe(-1007);
    expect((await post(one, query)).json?.code).toBe(-1007);
    await redis.start();
    const before = arrived();
    await expect.poll(() => one.records('budget.restored').length, { timeout: 10_000 }).toBeGreaterThan(0);
    await expect.poll(async () => (await post(two, query)).json?.code, { timeout: 10_000 }).toBe(-1007);
    expect(arrived()).toBeGreaterThanOrEqual(before);
  });
});
