import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import { send } from '../../support/clients/http.ts';
import {
  askOperator,
  startTestProxy,
  TEST_KEY,
  TEST_SECRET,
  type TestProxy,
} from '../../support/servers/proxy.ts';
import {
  hasRedisServer,
  type RedisServer,
  sayWhatIsLeftOut,
  startRedisServer,
} from '../../support/servers/redis-server.ts';

sayWhatIsLeftOut('that a proxy is not ready before it has heard Redis');

describe.skipIf(!hasRedisServer)('a proxy whose Redis is not there yet', () => {
  let simulator: Simulator;
  let redis: RedisServer;
  beforeAll(async () => {
    simulator = await startSimulator({ accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET }] });
    redis = await startRedisServer();
  });
  afterAll(async () => {
    await simulator.close();
    await redis.stop();
  });

  async function startWithout(yaml?: string): Promise<TestProxy> {
    await redis.kill();
    const proxy = await startTestProxy({
      upstream: simulator.url,
      env: { BINANCE_PROXY_REDIS_URL: redis.url.reveal() },
      ...(yaml === undefined ? {} : { yaml }),
    });
    onTestFinished(() => proxy.close());
    return proxy;
  }
  const readyz = ({ operatorUrl }: TestProxy) => send(Number(new URL(operatorUrl).port), '/readyz');
  const errorOf = async ({ port }: TestProxy, path: string) =>
    (await send(port, path)).headers['x-proxy-error'];
  const paths = ['/api/v3/depth?symbol=BTCUSDT', '/api/v3/account'];

  it('It is not ready, says why, sends nothing, and is ready with the first word of Redis', async () => {
    const proxy = await startWithout();
    const { status, json } = await readyz(proxy);
    expect([status, json?.reasons]).toEqual([503, expect.arrayContaining(['redis'])]);
    const sentences = JSON.stringify(
      (await askOperator(proxy.operatorUrl, '/operator/status')).json?.reasons,
    );
    expect(sentences).toMatch(/Redis was not heard yet.*ECONNREFUSED.*throttle\.replicas/);
    simulator.reset();
    for (const path of paths) expect(await errorOf(proxy, path)).toBe('PROXY_NOT_READY');
    expect(simulator.requests.map(({ path }) => path)).toEqual([]);
    expect(proxy.records('budget.degraded').length).toBeGreaterThan(0);
    await redis.start();
    await expect.poll(async () => (await readyz(proxy)).status).toBe(200);
    for (const path of paths) expect(await errorOf(proxy, path)).toBeUndefined();
  });

  it('With replicas above 1 it serves with its part', async () => {
    const proxy = await startWithout('throttle: { replicas: 4 }');
    expect((await readyz(proxy)).status).toBe(200);
    for (const path of paths) expect(await errorOf(proxy, path)).toBeUndefined();
    const heavy = '/api/v3/depth?symbol=BTCUSDT&limit=5000';
    const ends = [];
    for (let i = 0; i < 8; i++) ends.push(await errorOf(proxy, heavy));
    expect(ends.at(-1)).toBe('PROXY_WEIGHT_EXHAUSTED');
  });
});
