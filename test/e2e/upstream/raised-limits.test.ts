import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import { send } from '../../support/clients/http.ts';
import { startTestProxy, TEST_KEY, TEST_SECRET, type TestProxy } from '../../support/servers/proxy.ts';
import {
  hasRedisServer,
  type RedisServer,
  sayWhatIsLeftOut,
  startRedisServer,
} from '../../support/servers/redis-server.ts';

const BOOK = '/fapi/v1/depth?symbol=BTCUSDT&limit=1000';
const BOOK_WEIGHT = 20;
/** What Binance gives everybody on USD-M futures in a minute; this address has more. */
const USUAL = 2_400;
const RAISED = 100_000;
const NEEDED_MS = 15_000;

sayWhatIsLeftOut('raised limits beside other proxies');

describe.skipIf(!hasRedisServer)('an address with raised limits', () => {
  let simulator: Simulator;
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedisServer();
  });
  afterAll(() => redis.stop());

  async function start(weight: number): Promise<() => Promise<TestProxy>> {
    simulator = await startSimulator({
      accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET }],
      limits: { weightPerMinute: { usdm: weight }, rawRequestsPer5Minutes: RAISED },
    });
    onTestFinished(() => simulator.close());
    return async () => {
      const proxy = await startTestProxy({
        upstream: simulator.url,
        yaml: 'throttle: { replicas: 2 }\n',
        env: { BINANCE_PROXY_REDIS_URL: redis.url.reveal(), BINANCE_PROXY_EGRESS_ID: `raised-${weight}` },
      });
      onTestFinished(() => proxy.close());
      await proxy.parts.limitsRead;
      return proxy;
    };
  }
  /** Not merged, so that each of them is charged. */
  const read = ({ port }: TestProxy) => send(port, BOOK, { headers: { 'cache-control': 'no-cache' } });

  it('A proxy that starts while others use more than the usual limit reads the right one, and serves', {
    timeout: 40_000,
  }, async () => {
    const startOne = await start(RAISED);
    await withinOneMinute();
    const first = await startOne();
    for (let sent = 0; sent <= USUAL; sent += BOOK_WEIGHT) expect((await read(first)).status).toBe(200);
    const second = await startOne();
    expect((await read(second)).status).toBe(200);
  });

  /** Budgets begin anew with each minute: what is told here happens within one. */
  async function withinOneMinute(): Promise<void> {
    const leftMs = 60_000 - (Date.now() % 60_000);
    if (leftMs < NEEDED_MS) await pause(leftMs);
  }

  it('Where no more is used than the usual limit allows, a full budget is not asked beyond', {
    timeout: 40_000,
  }, async () => {
    const startOne = await start(USUAL);
    await withinOneMinute();
    const first = await startOne();
    let last = 200;
    for (let sent = 0; last === 200; sent += BOOK_WEIGHT) {
      expect(sent).toBeLessThan(USUAL);
      last = (await read(first)).status;
    }
    expect(last).toBe(429);
    simulator.reset();
    const second = await startOne();
    expect((await read(second)).headers['x-proxy-error']).toBe('PROXY_WEIGHT_EXHAUSTED');
    expect(simulator.requests.filter(({ status }) => status === 429 || status === 418)).toEqual([]);
  });
});
