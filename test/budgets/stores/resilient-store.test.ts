import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RedisBudgetStore } from '../../../src/budgets/stores/redis-store.ts';
import { ResilientBudgetStore } from '../../../src/budgets/stores/resilient-store.ts';
import type { ChargeOutcome, Receipt } from '../../../src/budgets/stores/store.ts';
import { plainCharge } from '../../support/fixtures/budget-calls.ts';
import {
  hasRedisServer,
  type RedisServer,
  sayWhatIsLeftOut,
  startRedisServer,
} from '../../support/servers/redis-server.ts';

const NOW = 1_700_000_050_000;
const WATCH_MS = 20;

sayWhatIsLeftOut('what the shared budget does when Redis is slow, gone, or empty');

describe.skipIf(!hasRedisServer)('the shared budget when Redis fails', () => {
  let server: RedisServer;
  const open: ResilientBudgetStore[] = [];
  const heard: [string, boolean][] = [];
  let run = 0;
  const serverNow = () => NOW + 100;

  /** Most tests kill the server, which shows at once; a busy machine must not look like a slow Redis. */
  function store(name: string, replicas = 2, egressId = 'one', timeoutMs = 5_000): ResilientBudgetStore {
    const made = new ResilientBudgetStore({
      shared: new RedisBudgetStore({ url: server.url, egressId: `${egressId}-${run}`, timeoutMs }),
      replicas,
      serverNow,
      watchMs: WATCH_MS,
      firstWordMs: 30_000,
    });
    made.onDegraded((degraded) => heard.push([name, degraded]));
    open.push(made);
    return made;
  }

  async function fill(
    of: ResilientBudgetStore,
    weight: number,
    limit = 100,
  ): Promise<{ passed: number; receipts: Receipt[]; last: ChargeOutcome }> {
    const receipts: Receipt[] = [];
    for (;;) {
      const last = await of.charge(plainCharge('ip:it', weight, limit), NOW);
      if (last.kind !== 'charged') return { passed: receipts.length * weight, receipts, last };
      receipts.push(last.receipt);
    }
  }

  async function until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  const alone = (of: ResilientBudgetStore) => of.view(NOW).degraded;

  beforeAll(async () => {
    server = await startRedisServer();
  });
  beforeEach(async () => {
    await Promise.all(open.splice(0).map((each) => each.close()));
    heard.length = 0;
    run++;
    await server.start();
  });
  afterAll(async () => {
    await Promise.all(open.map((each) => each.close()));
    await server.stop();
  });

  it('Two processes on one egress IP share one count, and not with another IP', async () => {
    const [one, two, elsewhere] = [store('one'), store('two'), store('three', 2, 'other')];
    await one.charge(plainCharge('ip:it', 70, 100), NOW);
    expect((await fill(two, 10)).passed).toBe(30);
    expect((await fill(elsewhere, 10)).passed).toBe(100);
  });

  it('The count of an account is shared across egress IPs', async () => {
    const [here, elsewhere] = [store('one'), store('two', 2, 'other')];
    const call = (weight: number) =>
      plainCharge(`account:main-${run}:orders`, weight, 100, { scope: 'account' });
    await here.charge(call(70), NOW);
    expect((await elsewhere.charge(call(40), NOW)).kind).toBe('full');
  });

  it('A freeze is told to the neighbours', async () => {
    const [one, two] = [store('one'), store('two')];
    await one.charge(plainCharge('ip:it', 1, 100), NOW);
    one.freeze({ key: 'ip:spot:host', untilMs: NOW + 60_000, status: 418 }, NOW);
    const { last } = await fill(two, 1);
    expect(last).toMatchObject({ kind: 'frozen', freeze: { untilMs: NOW + 60_000, status: 418 } });
  });

  it('Each process gets its part of what is left when Redis dies, and never more', async () => {
    const [one, two] = [store('one'), store('two')];
    await one.charge(plainCharge('ip:it', 40, 100), NOW);
    await two.charge(plainCharge('ip:it', 1, 100), NOW);
    await until(() => [one, two].every((each) => each.view(NOW).buckets[0]?.used === 41));
    await server.kill();
    expect((await fill(one, 1)).passed).toBe(29);
    expect((await fill(two, 1)).passed).toBe(29);
    expect([alone(one), alone(two)]).toEqual([true, true]);
  });

  it('A process whose part is nothing refuses rather than fails open', async () => {
    const one = store('one', 200);
    await one.charge(plainCharge('ip:it', 1, 100), NOW);
    await server.kill();
    expect((await fill(one, 1)).last.kind).toBe('full');
  });

  it('A rolling quota is divided while Redis is away, and all is known again when it is back, empty or not', async () => {
    const [one, two] = [store('one'), store('two')];
    const quota = plainCharge(`account:quota-${run}`, 1, 4, {
      ...({ kind: 'rolling', scope: 'account', windowMs: 600_000 } as const),
    });
    const use = (of: ResilientBudgetStore) =>
      of.view(NOW).buckets.find(({ bucket }) => bucket.kind === 'rolling')?.used;
    for (const each of [one, two]) expect((await each.charge(quota, NOW)).kind).toBe('charged');
    await until(() => use(one) === 2 && use(two) === 2);
    await server.kill();
    for (const each of [one, two]) {
      expect((await each.charge(quota, NOW)).kind).toBe('charged');
      expect((await each.charge(quota, NOW)).kind).toBe('full');
    }
    await server.start();
    await until(() => !alone(one) && !alone(two));
    await until(() => (use(one) ?? 0) >= 4);
    expect((await one.charge(quota, NOW)).kind).toBe('full');
  });

  it('A process that is alone holds what Binance reports against the whole limit', async () => {
    const one = store('one');
    const first = await one.charge(plainCharge('ip:it', 1, 100), NOW);
    await server.kill();
    const second = await one.charge(plainCharge('ip:it', 1, 100), NOW);
    if (first.kind !== 'charged' || second.kind !== 'charged') throw new Error('not charged');
    one.reconcile(second.receipt, [{ counted: 1, reported: 97 }], NOW);
    expect((await fill(one, 1)).passed).toBe(2);
  });

  it('A process that is alone ends a call that Redis had charged', async () => {
    const one = store('one', 1);
    const { receipts } = await fill(one, 50);
    await server.kill();
    expect((await one.charge(plainCharge('ip:it', 1, 100), NOW)).kind).toBe('full');
    for (const receipt of receipts) one.refund(receipt, NOW);
    expect((await fill(one, 10)).passed).toBe(100);
  });

  it('A process falls back while Redis is slow, without waiting for it', async () => {
    const one = store('one', 2, 'one', 100);
    await one.charge(plainCharge('ip:it', 20, 100), NOW);
    const other = new Redis(server.port, '127.0.0.1');
    await other.call('CLIENT', 'PAUSE', '3000', 'ALL');
    const outcome = await one.charge(plainCharge('ip:it', 20, 100), NOW);
    // The pause still holds: whoever asks Redis now gets no answer in time.
    const stillPaused = await Promise.race([
      other.ping().then(() => false),
      new Promise((resolve) => setTimeout(() => resolve(true), 50)),
    ]);
    other.disconnect();
    expect([outcome.kind, alone(one), stillPaused]).toEqual(['charged', true, true]);
    await server.kill();
  });

  it('A process notices that Redis is gone while nobody calls', async () => {
    const one = store('one');
    await one.charge(plainCharge('ip:it', 1, 100), NOW);
    await server.kill();
    await until(() => alone(one));
    expect(heard).toEqual([['one', true]]);
  });

  it('A process comes back by itself, once, and tells an empty Redis what was used', async () => {
    const [one, two] = [store('one'), store('two')];
    await fill(one, 10, 60);
    await fill(two, 10, 60);
    await server.kill();
    await fill(one, 10);
    await fill(two, 10);
    await until(() => alone(one) && alone(two));
    await server.start();
    await until(() => !alone(one) && !alone(two));
    expect((await fill(one, 10)).passed).toBe(0);
    expect(heard.filter(([name]) => name === 'one')).toEqual([
      ['one', true],
      ['one', false],
    ]);
  });

  it('A process brings a freeze that it learned alone back to Redis', async () => {
    const [one, two] = [store('one'), store('two')];
    await one.charge(plainCharge('ip:it', 1, 100), NOW);
    await server.kill();
    await until(() => alone(one));
    one.freeze({ key: 'ip:spot:host', untilMs: NOW + 60_000, status: 418 }, NOW);
    expect((await fill(one, 1)).last.kind).toBe('frozen');
    await server.start();
    await until(() => !alone(one) && !alone(two));
    expect((await fill(two, 1)).last.kind).toBe('frozen');
  });

  it('A process tells a Redis that lost its counts, without having been away, what they were', async () => {
    const one = store('one');
    await one.charge(plainCharge('ip:it', 80, 100), NOW - 10);
    const other = new Redis(server.port, '127.0.0.1');
    await other.flushall();
    other.disconnect();
    await one.charge(plainCharge('ip:it', 1, 100), NOW);
    expect((await fill(one, 1)).passed).toBeLessThanOrEqual(19);
    expect(heard).toEqual([]);
  });

  it('A charge whose answer was lost is not made twice', async () => {
    const one = store('one', 1, 'one', 500);
    await one.charge(plainCharge('ip:other', 1, 100), NOW);
    const charges = Promise.all(
      Array.from({ length: 20 }, () => one.charge(plainCharge('ip:it', 1, 100), NOW)),
    );
    await server.kill();
    await charges;
    await until(() => alone(one));
    await server.start();
    await until(() => !alone(one));
    const { passed } = await fill(one, 1);
    expect(passed).toBeGreaterThanOrEqual(60);
    expect(passed).toBeLessThanOrEqual(80);
  });
});
