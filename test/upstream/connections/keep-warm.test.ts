import { setTimeout as pause } from 'node:timers/promises';
import type { Dispatcher } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BudgetState } from '../../../src/budgets/budgets.ts';
import type { UpstreamName } from '../../../src/core/upstream.ts';
import { fetchText } from '../../../src/upstream/connections/fetch-text.ts';
import { createKeepWarm, type KeepWarm } from '../../../src/upstream/connections/keep-warm.ts';
import { OwnAddresses } from '../../../src/upstream/connections/own-addresses.ts';
import { createPools, type Pools } from '../../../src/upstream/connections/pools.ts';
import { type FaultServer, startFaultServer } from '../../support/servers/fault-server.ts';

/** Many times the refresh: a pause of the event loop must not let a connection grow idle. */
const IDLE_MS = 1_000;
const REFRESH_MS = 100;
const LONGER_THAN_IDLE_MS = 2_100;
const SOME_ROUNDS_MS = 4 * REFRESH_MS;
const NOWHERE = {
  spot: undefined,
  usdm: undefined,
  coinm: undefined,
  options: undefined,
  portfolio: undefined,
  web: undefined,
};
const ROOMY: BudgetState = {
  degraded: false,
  proxies: 1,
  frozen: [],
  frozenOrders: [],
  buckets: [],
  waiting: 0,
};

let server: FaultServer;
let pools: Pools;
let keepWarm: KeepWarm;
let state: BudgetState;
let asked: string[];

beforeEach(async () => {
  server = await startFaultServer();
  pools = createPools(
    { ...NOWHERE, spot: server.url },
    { ca: undefined, own: new OwnAddresses(), idleConnectionMs: IDLE_MS },
  );
  state = ROOMY;
  asked = [];
  keepWarm = createKeepWarm({
    pool: (upstream) => pools.next(upstream),
    ask: (upstream, target, connection) => {
      asked.push(`${upstream} ${target}`);
      return get(connection, target);
    },
    budgetState: () => state,
    refreshMs: REFRESH_MS,
  });
});
afterEach(async () => {
  keepWarm.stop();
  await pools.close();
  await server.close();
});

/** The whole answer; rejects when none came. */
async function get(pool: Dispatcher, target: string) {
  const { answer, error } = await fetchText(pool, target, []);
  if (answer === undefined) throw error;
  return answer;
}

const call = (target = '/api/v3/depth') => get(pools.get('spot')!, target);
const calls = (count: number) => Promise.all(Array.from({ length: count }, () => call()));

function weight(upstream: UpstreamName, used: number): BudgetState {
  const limit = 6_000;
  const bucket = { key: 'w', scope: 'ip', kind: 'weight', upstream, windowMs: 60_000, limit } as const;
  return { ...ROOMY, buckets: [{ ...bucket, used, reported: used, untilMs: Number.MAX_SAFE_INTEGER }] };
}

describe('connections between rare calls', () => {
  it('The proxy does not use its connections while the host is frozen', async () => {
    await call();
    state = { ...ROOMY, frozen: [{ upstream: 'spot', untilMs: Number.MAX_SAFE_INTEGER, status: 418 }] };
    keepWarm.start();
    await pause(SOME_ROUNDS_MS);
    expect(server.requests).toHaveLength(1);
  });

  it('The proxy does not use its connections while more than half of the weight is used up', async () => {
    await call();
    state = weight('spot', 3_001);
    keepWarm.start();
    await pause(SOME_ROUNDS_MS);
    expect(server.requests).toHaveLength(1);
  });

  it('The proxy uses the connections to a host whatever happens on another host', async () => {
    await call();
    state = {
      ...weight('usdm', 6_000),
      frozen: [{ upstream: 'usdm', untilMs: Number.MAX_SAFE_INTEGER, status: 429 }],
    };
    keepWarm.start();
    await expect.poll(() => server.requests.length).toBeGreaterThan(1);
    expect(new Set(asked)).toEqual(new Set(['spot /api/v3/ping']));
  });

  it('The proxy does not use its connections after it has stopped', async () => {
    await call();
    keepWarm.start();
    await expect.poll(() => asked.length).toBeGreaterThan(0);
    keepWarm.stop();
    const before = asked.length;
    await pause(SOME_ROUNDS_MS);
    expect(asked).toHaveLength(before);
  });

  it('The proxy opens no connection where nobody has called, and where there is no address', async () => {
    keepWarm.start();
    await pause(SOME_ROUNDS_MS);
    expect([asked, server.connections]).toEqual([[], 0]);
  });

  it('The proxy does not reopen a connection that the other side has closed, until somebody calls', async () => {
    await call();
    server.dropConnections('fin');
    await expect.poll(() => server.openConnections).toBe(0);
    keepWarm.start();
    await pause(SOME_ROUNDS_MS);
    expect([asked, server.connections]).toEqual([[], 1]);
    await call();
    await expect.poll(() => asked.length).toBeGreaterThan(0);
  });

  it('A connection closes after its idle time when nobody keeps it', async () => {
    await call();
    await pause(LONGER_THAN_IDLE_MS);
    await call();
    expect(server.connections).toBe(2);
  });

  it('A kept connection stays open longer than its idle time', async () => {
    await call();
    keepWarm.start();
    await pause(LONGER_THAN_IDLE_MS);
    await call();
    // One more is the spare.
    expect([server.connections, server.requests.at(-1)?.connection]).toEqual([2, 1]);
  });

  it('After a crowd two connections stay open: the one that the next call takes, and the spare', async () => {
    await calls(8);
    expect(server.connections).toBe(8);
    keepWarm.start();
    await pause(LONGER_THAN_IDLE_MS);
    expect(server.openConnections).toBe(2);
    await call();
    expect(server.connections).toBe(9);
  });

  it('A call takes the spare connection while the first is busy with its refresh', async () => {
    await call();
    await server.plan([{ at: 'nowhere' }, { at: 'after-request', how: 'stall' }]);
    keepWarm.start();
    await expect.poll(() => server.requests.length).toBe(3);
    await call();
    expect(server.requests.map(({ connection }) => connection)).toEqual([1, 2, 1, 2]);
  });

  it('A call takes the first connection while the spare is busy with its refresh', async () => {
    await call();
    await server.plan([{ at: 'after-request', how: 'stall' }]);
    keepWarm.start();
    await expect.poll(() => server.requests.length).toBe(2);
    await call();
    expect(server.requests.map(({ connection }) => connection)).toEqual([1, 2, 1]);
  });

  it('Calls get as many connections as they want, also while the first is refreshed', async () => {
    await call();
    await server.plan([{ at: 'nowhere' }, { at: 'after-request', how: 'stall' }]);
    keepWarm.start();
    await expect.poll(() => server.requests.length).toBe(3);
    await calls(3);
    expect(new Set(server.requests.slice(3).map(({ connection }) => connection))).toEqual(new Set([2, 3, 4]));
  });

  it('A connection is left alone while a call is under way on it', async () => {
    await server.plan([{ at: 'after-request', how: 'stall' }]);
    call().catch(() => undefined);
    await expect.poll(() => server.requests.length).toBe(1);
    keepWarm.start();
    await pause(SOME_ROUNDS_MS);
    expect(asked).toEqual([]);
  });

  it('A connection is given up quietly when a refresh breaks it', async () => {
    await call();
    await server.plan([{ at: 'nowhere' }, { at: 'after-request', how: 'reset' }]);
    keepWarm.start();
    await expect.poll(() => server.requests.length).toBe(3);
    await pause(SOME_ROUNDS_MS);
    expect(asked).toHaveLength(2);
    expect(await call()).toMatchObject({ status: 200 });
  });
});

describe('connections of several spot origins', () => {
  it('The connections of several spot origins are kept at the origin that the next call goes to', async () => {
    const second = await startFaultServer();
    const limits = { ca: undefined, own: new OwnAddresses(), idleConnectionMs: IDLE_MS };
    const both = createPools({ ...NOWHERE, spot: server.url }, limits, [second.url]);
    const refresh = () => both.next('spot')!.refresh((connection) => get(connection, '/api/v3/ping'));
    try {
      await get(both.get('spot')!, '/api/v3/depth');
      await refresh();
      expect([server.requests.length, second.requests.length]).toEqual([3, 0]);
      await server.plan({ at: 'before-accept' });
      await get(both.get('spot')!, '/api/v3/depth');
      await refresh();
      expect([server.requests.length, second.requests.length]).toEqual([3, 3]);
    } finally {
      await both.close();
      await second.close();
    }
  });
});
