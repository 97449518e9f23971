import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RedisBudgetStore } from '../../../src/budgets/stores/redis-store.ts';
import { ResilientBudgetStore } from '../../../src/budgets/stores/resilient-store.ts';
import type { ChargeOutcome, Receipt } from '../../../src/budgets/stores/store.ts';
import { SecretText } from '../../../src/core/records/secret-text.ts';
import { plainCharge } from '../../support/fixtures/budget-calls.ts';
import {
  hasRedisServer,
  type RedisServer,
  sayWhatIsLeftOut,
  startRedisServer,
} from '../../support/servers/redis-server.ts';
import { Line } from '../../support/storm/line.ts';

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
  function store(
    name: string,
    replicas = 2,
    egressId = 'one',
    timeoutMs = 5_000,
    port = server.port,
  ): ResilientBudgetStore {
    const url = new SecretText(`redis://127.0.0.1:${port}`);
    const made = new ResilientBudgetStore({
      shared: new RedisBudgetStore({ url, egressId: `${egressId}-${run}`, timeoutMs }),
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

  async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  const isAlone = (of: ResilientBudgetStore) => of.view(NOW).degraded;

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
    expect([isAlone(one), isAlone(two)]).toEqual([true, true]);
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
    await until(() => !isAlone(one) && !isAlone(two));
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
    expect([outcome.kind, isAlone(one), stillPaused]).toEqual(['charged', true, true]);
    await server.kill();
  });

  it('A process notices that Redis is gone while nobody calls', async () => {
    const one = store('one');
    await one.charge(plainCharge('ip:it', 1, 100), NOW);
    await server.kill();
    await until(() => isAlone(one));
    expect(heard).toEqual([['one', true]]);
  });

  it('A process comes back by itself, once, and tells an empty Redis what was used', async () => {
    const [one, two] = [store('one'), store('two')];
    await fill(one, 10, 60);
    await fill(two, 10, 60);
    await server.kill();
    await fill(one, 10);
    await fill(two, 10);
    await until(() => isAlone(one) && isAlone(two));
    await server.start();
    await until(() => !isAlone(one) && !isAlone(two));
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
    await until(() => isAlone(one));
    one.freeze({ key: 'ip:spot:host', untilMs: NOW + 60_000, status: 418 }, NOW);
    expect((await fill(one, 1)).last.kind).toBe('frozen');
    await server.start();
    await until(() => !isAlone(one) && !isAlone(two));
    // Each finds Redis again in its own moment, and one may be before the other.
    await expect.poll(async () => (await fill(two, 1)).last.kind).toBe('frozen');
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
    await until(() => isAlone(one));
    await server.start();
    await until(() => !isAlone(one));
    const { passed } = await fill(one, 1);
    expect(passed).toBeGreaterThanOrEqual(60);
    expect(passed).toBeLessThanOrEqual(80);
  });

  describe('proxies that were told nothing of each other', () => {
    const oldest = () => store('one', 1);

    /** A dead proxy is forgotten after three seconds. Whatever took longer on a busy machine is played again. */
    async function beforeForgotten(
      play: () => Promise<{ readonly sinceMs: number; readonly check: () => Promise<void> }>,
    ): Promise<void> {
      for (;;) {
        const { sinceMs, check } = await play();
        if (performance.now() - sinceMs < 2_900) return check();
        await Promise.all(open.splice(0).map((each) => each.close()));
        run++;
      }
    }

    it('Proxies count themselves: three share what is left when Redis dies', async () => {
      const three = [oldest(), oldest(), oldest()];
      for (const each of three) await each.charge(plainCharge('ip:it', 1, 93), NOW);
      await until(() => three.every((each) => each.view(NOW).buckets[0]?.used === 3));
      await pause(3 * WATCH_MS);
      await server.kill();
      for (const each of three) expect((await fill(each, 1, 93)).passed).toBe(30);
    });

    it('A proxy that is cut off uses its part alone, and the others keep that free', async () => {
      const line = await Line.open(server.port);
      await beforeForgotten(async () => {
        line.mend();
        const [cut, other] = [store('cut', 1, 'one', 500, line.port), oldest()];
        for (const each of [cut, other]) await each.charge(plainCharge('ip:it', 5, 100), NOW);
        await until(() => cut.view(NOW).buckets[0]?.used === 10);
        const cutMs = performance.now();
        line.cut();
        const alone = (await fill(cut, 1)).passed;
        const { passed } = await fill(other, 1);
        return {
          sinceMs: cutMs,
          async check() {
            // What is left is divided; the part of the limit is kept free.
            expect([alone, passed]).toEqual([45, 40]);
            line.mend();
            await until(() => !isAlone(cut));
            const left = (await fill(other, 1)).passed + (await fill(cut, 1)).passed;
            expect(left).toBeLessThanOrEqual(5);
          },
        };
      });
      await line.close();
    });

    it('A cancel of a proxy that is cut off waits for nothing', async () => {
      const [one, two] = [oldest(), oldest()];
      for (const each of [one, two]) await each.charge(plainCharge('ip:it', 5, 100), NOW);
      await server.kill();
      let isOpen = false;
      const read = Promise.resolve(one.charge(plainCharge('ip:it', 1, 100), NOW)).then(() => {
        isOpen = true;
      });
      await until(() => isAlone(one));
      const cancel = { ...plainCharge('ip:it', 1, 100), lane: 'cancels' as const };
      expect((await one.charge(cancel, NOW)).kind).toBe('charged');
      expect(isOpen).toBe(false);
      await read;
    });

    it('A proxy that dies is forgotten after seconds, and one that ends says so', async () => {
      const line = await Line.open(server.port);
      await beforeForgotten(async () => {
        line.mend();
        const [dying, ending, left] = [store('dying', 1, 'one', 500, line.port), oldest(), oldest()];
        for (const each of [dying, ending, left]) await each.charge(plainCharge('ip:it', 1, 90), NOW);
        await ending.close();
        open.splice(open.indexOf(ending), 1);
        const cutMs = performance.now();
        line.cut();
        await pause(700);
        const { passed } = await fill(left, 1, 90);
        return {
          sinceMs: cutMs,
          async check() {
            expect(passed).toBe(42);
            const charge = () => left.charge(plainCharge('ip:it', 1, 90), NOW);
            await until(async () => (await charge()).kind === 'charged');
            expect((await fill(left, 1, 90)).passed).toBe(44);
          },
        };
      });
      await line.close();
    });

    it('The first that comes to a Redis that lost everything says how many there were, and each is counted once', async () => {
      const other = new Redis(server.port, '127.0.0.1');
      // Those that died in an earlier test are counted for three seconds.
      await other.flushall();
      const made = [1, 2, 3].map(
        () => new RedisBudgetStore({ url: server.url, egressId: `lost-${run}`, timeoutMs: 5_000 }),
      );
      await Promise.all(made.map((each) => new Promise<void>((resolve) => each.onConnected(resolve))));
      const look = (of: RedisBudgetStore) =>
        of.look({ freezeKeys: [], buckets: [], wantsLease: true, wantsAll: false }, NOW);
      for (const each of [...made, ...made, ...made]) await look(each);
      await other.flushall();
      for (const each of made) expect((await look(each)).attendance).toMatchObject({ neighbours: 3, all: 3 });
      other.disconnect();
      for (const each of made) await each.close();
    });

    it('What only others have used counts when Redis dies', async () => {
      const [busy, idle] = [oldest(), oldest()];
      await idle.charge(plainCharge('ip:other', 1, 100), NOW);
      await busy.charge(plainCharge('ip:it', 90, 100), NOW);
      await pause(10 * WATCH_MS);
      await server.kill();
      expect((await fill(idle, 1)).passed).toBe(5);
    });

    it('A proxy that never heard Redis is not ready, and one that has fellows by its configuration takes its part', async () => {
      await server.kill();
      const [alone, one] = [store('alone', 1), store('one', 4)];
      await expect(fill(alone, 1)).rejects.toMatchObject({ name: 'PROXY_NOT_READY' });
      expect(alone.view(NOW)).toMatchObject({
        degraded: true,
        unusable: expect.stringContaining('not heard'),
      });
      expect((await fill(one, 1)).passed).toBe(25);
      expect(one.view(NOW).unusable).toBeUndefined();
      await server.start();
      await until(() => !isAlone(alone));
      expect(alone.view(NOW).unusable).toBeUndefined();
      expect((await alone.charge(plainCharge('ip:it', 1, 100), NOW)).kind).toBe('charged');
    });
  });

  describe('freezes in Redis', () => {
    const FREEZE = { key: 'ip:spot:host', untilMs: NOW + 60_000, status: 418 };
    const redisKey = () => `bsp:{budget}:one-${run}:ip:spot:host`;
    async function frozen() {
      const [one, two] = [store('one'), store('two')];
      const thawed: string[] = [];
      two.onThawed((key) => thawed.push(key));
      for (const each of [one, two]) await each.charge(plainCharge('ip:it', 1, 100), NOW);
      one.freeze(FREEZE, NOW);
      await until(() => [one, two].every((each) => each.view(NOW).freezes.length === 1));
      await pause(3 * WATCH_MS);
      const other = new Redis(server.port, '127.0.0.1');
      return { one, two, other, thawed };
    }

    it('A freeze that is deleted in Redis ends at every proxy, also at the one that found it', async () => {
      const { one, two, other, thawed } = await frozen();
      expect(await other.del(redisKey())).toBe(1);
      await until(() => [one, two].every((each) => each.view(NOW).freezes.length === 0));
      expect((await one.charge(plainCharge('ip:it', 1, 100), NOW)).kind).toBe('charged');
      expect(thawed).toEqual([FREEZE.key]);
      other.disconnect();
    });

    it('A freeze that Redis lost with everything else is written again', async () => {
      const { one, two, other } = await frozen();
      await other.flushall();
      await until(async () => (await other.exists(redisKey())) === 1);
      for (const each of [one, two])
        expect((await each.charge(plainCharge('ip:it', 1, 100), NOW)).kind).toBe('frozen');
      other.disconnect();
    });

    it('A freeze read from Redis lasts no longer than Binance bans', async () => {
      const one = store('one');
      const other = new Redis(server.port, '127.0.0.1');
      await other.set(redisKey(), `${NOW + 30 * 86_400_000} 418`);
      const outcome = await one.charge(plainCharge('ip:it', 1, 100), NOW);
      const most = 3 * 86_400_000 + 60_000;
      expect(outcome).toMatchObject({ kind: 'frozen', freeze: { untilMs: NOW + most } });
      expect(await other.get(redisKey())).toBe(`${NOW + most} 418`);
      expect(await other.pttl(redisKey())).toBeLessThanOrEqual(most + 120_000);
      other.disconnect();
    });
  });
});
