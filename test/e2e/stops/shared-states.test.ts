import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import type { EnterRequest } from '../../../src/stops/entered.ts';
import { STATE_FILE } from '../../../src/stops/state-file.ts';
import { type Scope, WHOLE_PROXY } from '../../../src/stops/trading-state.ts';
import { send } from '../../support/clients/http.ts';
import { startTestProxy, TEST_KEY, TEST_SECRET, type TestProxy } from '../../support/servers/proxy.ts';
import {
  hasRedisServer,
  type RedisServer,
  sayWhatIsLeftOut,
  startRedisServer,
} from '../../support/servers/redis-server.ts';

sayWhatIsLeftOut('states that proxies share');

const ORDER = '/api/v3/order?symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=50000';
const CLIENT: Scope = { kind: 'client', name: 'default' };

describe.skipIf(!hasRedisServer)('states of several proxies', () => {
  let simulator: Simulator;
  let redis: RedisServer;
  let folder: string;
  const open: TestProxy[] = [];
  beforeAll(async () => {
    simulator = await startSimulator({
      accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET, balances: { USDT: '1000000' } }],
      marketStepMs: 0,
    });
  });
  afterAll(() => simulator.close());
  beforeEach(async () => {
    simulator.reset();
    folder = mkdtempSync(join(tmpdir(), 'shared-states-'));
    redis = await startRedisServer();
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((proxy) => proxy.close()));
    await redis.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function start(name?: string): Promise<TestProxy> {
    const proxy = await startTestProxy({
      upstream: simulator.url,
      env: {
        BINANCE_PROXY_REDIS_URL: redis.url.reveal(),
        ...(name === undefined ? {} : { BINANCE_PROXY_STATE_DIR: join(folder, name) }),
      },
    });
    open.push(proxy);
    return proxy;
  }
  const enter = (
    proxy: TestProxy,
    state: EnterRequest['state'],
    scope = WHOLE_PROXY,
    cancel: EnterRequest['cancel'] = 'none',
  ) =>
    proxy.parts.stops.enter({
      state,
      scope,
      reason: 'a test',
      cancel,
      operator: 'alice',
      channel: 'test',
    });
  const place = async (proxy: TestProxy) =>
    (await send(proxy.port, ORDER, { method: 'POST' })).headers['x-proxy-error'];
  const states = (proxy: TestProxy) => proxy.parts.stops.list().map(({ name, state }) => `${name}=${state}`);

  it('All stop together, each cancels its own, and one that starts later stops as well', async () => {
    const [one, two] = [await start('one'), await start('two')];
    expect(await place(one)).toBeUndefined();
    expect(await place(two)).toBeUndefined();
    await enter(one, 'cancel-only', WHOLE_PROXY, 'own');
    await expect.poll(() => place(two), { timeout: 5_000 }).toBe('PROXY_STOPPED');
    await expect
      .poll(() => two.records('state.cancelled').at(-1), { timeout: 10_000 })
      .toMatchObject({ detail: { cancelled: 1, isDone: true } });
    const three = await start();
    expect(await place(three)).toBe('PROXY_STOPPED');
    await enter(three, 'run');
    for (const proxy of [one, two]) await expect.poll(() => place(proxy), { timeout: 5_000 }).toBeUndefined();
  });

  it('What a proxy knows comes back into a Redis that lost it', async () => {
    const one = await start('one');
    await enter(one, 'halt', CLIENT);
    await redis.kill();
    await redis.start();
    await expect
      .poll(async () => states(await start()), { timeout: 15_000, interval: 500 })
      .toEqual(['default=halt']);
  });

  it('While Redis is away only a stricter state is accepted, and the others hear of it later', async () => {
    const [one, two] = [await start('one'), await start('two')];
    await enter(one, 'cancel-only', CLIENT);
    await expect.poll(() => states(two)).toEqual(['default=cancel-only']);
    await redis.kill();
    await expect(enter(two, 'run', CLIENT)).rejects.toThrow(/Redis is away/);
    expect(await place(two)).toBe('PROXY_STOPPED');
    await enter(two, 'halt', CLIENT);
    await redis.start();
    await expect.poll(() => states(one), { timeout: 15_000 }).toEqual(['default=halt']);
  });

  it('Two operators at once end in the same state everywhere', async () => {
    const [one, two] = [await start('one'), await start('two')];
    for (let round = 0; round < 10; round++) {
      await Promise.all([enter(one, round % 2 === 0 ? 'halt' : 'run'), enter(two, 'reduce-only')]);
      await expect
        .poll(() => JSON.stringify(one.parts.stops.list()), { timeout: 5_000 })
        .toBe(JSON.stringify(two.parts.stops.list()));
    }
  });

  it('A state file that cannot be read is made up for by Redis; without it everything is cancel-only', async () => {
    const one = await start('one');
    await enter(one, 'run', CLIENT);
    await one.close();
    open.splice(0);
    writeFileSync(join(folder, 'one', STATE_FILE), '{"version":1,"entr');
    const again = await start('one');
    expect(await place(again)).toBeUndefined();
    await again.close();
    open.splice(0);
    await redis.kill();
    writeFileSync(join(folder, 'one', STATE_FILE), '');
    const alone = await start('one');
    expect(
      alone
        .records('config.warning')
        .map(({ msg }) => msg)
        .join(' '),
    ).toMatch(/cannot be read \(it is empty\).*cancel-only/);
    expect(await place(alone)).toBe('PROXY_STOPPED');
  });
});
