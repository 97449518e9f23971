import { afterEach, describe, expect, it } from 'vitest';
import { type ClockSync, type ClockSyncOptions, createClockSync } from '../../src/upstream/clock-sync.ts';
import { ServerClock, type ServerClockOptions, type TimeReading } from '../../src/upstream/server-clock.ts';

const SERVER_AHEAD_MS = 300_000;
let clock: (ServerClock & ClockSync) | undefined;
afterEach(() => clock?.stop());

/** The clock with what asks for its time, as one. */
function createServerClock(options: ServerClockOptions & Omit<ClockSyncOptions, 'clock'>) {
  const passive = new ServerClock(options);
  return Object.assign(passive, createClockSync({ ...options, clock: passive }));
}

/** An exchange at a distance: each reading takes the next of `trips` (there, back) in simulated ms. */
function exchange(trips: readonly (readonly [thereMs: number, backMs: number])[], startMs = 1000) {
  let nowMs = startMs;
  let asked = 0;
  const readServerTime = (): Promise<TimeReading> => {
    const trip = trips[Math.min(asked++, trips.length - 1)];
    if (trip === undefined) return Promise.reject(new Error('unreachable'));
    const sentMs = nowMs;
    nowMs += trip[0];
    const serverMs = Math.round(nowMs + SERVER_AHEAD_MS);
    nowMs += trip[1];
    return Promise.resolve({ serverMs, sentMs, receivedMs: nowMs });
  };
  return {
    readServerTime,
    monotonicNow: () => nowMs,
    wallNow: () => nowMs,
    pass: (ms: number) => (nowMs += ms),
    asked: () => asked,
  };
}

describe('the server clock', () => {
  it('The server clock does not know the time before the first reading', () => {
    clock = createServerClock(exchange([[1, 1]]));
    expect(clock.now()).toBeUndefined();
    expect(clock.state.synced).toBe(false);
  });

  it('The server clock takes half of the round trip off', async () => {
    const world = exchange([[20, 20]]);
    clock = createServerClock(world);
    await clock.start();
    expect(clock.now()).toBe(Math.floor(world.monotonicNow() + SERVER_AHEAD_MS));
    expect(clock.state).toMatchObject({ synced: true, offsetMs: SERVER_AHEAD_MS, roundTripMs: 40 });
  });

  it('The server clock believes the sample with the shortest round trip', async () => {
    const world = exchange([
      [400, 0],
      [2, 2],
      [0, 300],
    ]);
    clock = createServerClock(world);
    await clock.start();
    expect(world.asked()).toBe(3);
    expect(clock.now()).toBe(Math.floor(world.monotonicNow() + SERVER_AHEAD_MS));
  });

  it('The server clock does not follow the wall clock', async () => {
    const world = exchange([[1, 1]]);
    let wallMs = 5_000;
    clock = createServerClock({ ...world, wallNow: () => wallMs });
    await clock.start();
    const before = clock.now()!;
    wallMs += 3_600_000;
    expect(clock.now()).toBe(before);
    world.pass(50);
    expect(clock.now()).toBe(before + 50);
  });

  it('The server clock forgets what it knew when it is told to measure anew, once for all who ask', async () => {
    const world = exchange([
      [1, 1],
      [1, 1],
      [1, 1],
      [30, 30],
    ]);
    clock = createServerClock(world);
    await clock.start();
    await Promise.all([clock.resync(), clock.resync(), clock.resync()]);
    expect(world.asked()).toBe(6);
    expect(clock.state.roundTripMs).toBe(60);
  });

  it('The server clock tells of a failure, stays unsynced, and tries again by itself', async () => {
    let failures = 0;
    let answers = false;
    const world = exchange([[1, 1]]);
    const synced = new Promise<void>((resolve) => {
      clock = createServerClock({
        ...world,
        readServerTime: () => (answers ? world.readServerTime() : Promise.reject(new Error('down'))),
        onFailure: () => {
          failures++;
          answers = true;
        },
        onSync: () => resolve(),
      });
    });
    await clock!.start();
    expect([failures, clock!.state.synced]).toEqual([1, false]);
    await synced;
    expect(clock!.state.synced).toBe(true);
  });

  it('The server clock refuses an answer that is no time', async () => {
    const failures: unknown[] = [];
    clock = createServerClock({
      ...exchange([]),
      readServerTime: () => Promise.resolve({ serverMs: Number.NaN, sentMs: 0, receivedMs: 1 }),
      onFailure: (error) => failures.push(error),
    });
    await clock.start();
    expect(failures).toHaveLength(1);
    expect(clock.now()).toBeUndefined();
  });
});
