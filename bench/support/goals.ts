import type { OneShot } from '../ladder/one-shot.ts';
import type { Results, Sample, Shape } from '../ladder/rounds.ts';
import type { Idle } from '../memory/idle.ts';
import { PROXY } from './proxy.ts';
import { added, DIRECT, errorsOf, figure, mark, ratio } from './tables.ts';

/** One line of the goal: what was aimed at, what was measured, and whether it is met; undefined when it was not measured. */
export interface Goal {
  readonly aim: string;
  readonly measured: string;
  readonly met: boolean | undefined;
}

export interface Measured {
  readonly results: Results;
  /** Resident memory after the run by target, in MB. */
  readonly memory: ReadonlyMap<string, { readonly rss: number }>;
  readonly idle: Idle | undefined;
  readonly oneShot: OneShot | undefined;
}

const GO = 'Go ReverseProxy';
/** The prescribed stack with nothing on top: what nobody here can go below. */
const FLOOR = 'Fastify + undici dispatch';
const MOST_ADDED_TO_FLOOR = 1.15;
const MOST_P99_TO_GO = 1.5;
const MOST_CPU_TO_FLOOR = 1.6;
const LEAST_THROUGHPUT_TO_GO = 0.6;
const MOST_WAKE_UPS = 5;
const MOST_MB_ABOVE_FLOOR = 10;
const ONE_SHOT_RATIO = 2.85;
const IDLE_SHOT_RATIO = 2.75;

/** The goal lines: latency, CPU and memory against the floor of the stack, throughput and the tail against Go, one-shot scripts. */
export function judgeGoals({ results, memory, idle, oneShot }: Measured): readonly Goal[] {
  return [
    ...shapesOf(results, 'open', [100, 500]).map((shape) => addedToFloor(results, shape)),
    ...shapesOf(results, 'open', [500])
      .filter(({ method }) => method === 'GET')
      .map((shape) => tailToGo(results, shape)),
    ...shapesOf(results, 'closed', [16, 64]).map((shape) => cpuToFloor(results, shape)),
    ...shapesOf(results, 'closed', [16, 64])
      .filter(({ method }) => method === 'GET')
      .map((shape) => throughputToGo(results, shape)),
    ...(idle === undefined
      ? []
      : [
          goal(
            `wake-ups a second when idle: at most ${MOST_WAKE_UPS}`,
            `${figure(idle.wakeUps, 1)}, ${figure(idle.cpuPercent, 2)} % of a core`,
            idle.wakeUps <= MOST_WAKE_UPS,
          ),
        ]),
    memoryAboveFloor(memory.get(PROXY)?.rss, memory.get(FLOOR)?.rss),
    ...(oneShot === undefined ? [] : oneShotGoals(oneShot)),
    errors(errorsOf(results, PROXY) + (oneShot?.errors ?? 0)),
  ];
}

function addedToFloor(results: Results, shape: Shape): Goal {
  const [own, floor] = [PROXY, FLOOR].map((name) => added(results, shape, name, ({ p50 }) => p50));
  const value = quotient(own, floor);
  return goal(
    `added p50, ${shape.method} at ${shape.level} req/s, ratio to the floor: at most ${MOST_ADDED_TO_FLOOR}`,
    `${mark(results, shape, [PROXY, FLOOR, DIRECT])}${figure(value, 2)} (${figure(own)} µs, the floor ${figure(floor)} µs)`,
    isAtMost(value, MOST_ADDED_TO_FLOOR),
  );
}

function tailToGo(results: Results, shape: Shape): Goal {
  const [own, go] = [PROXY, GO].map((name) => added(results, shape, name, ({ p99 }) => p99));
  const value = quotient(own, go);
  return goal(
    `added p99 at ${shape.level} req/s, ratio to Go: at most ${MOST_P99_TO_GO}`,
    `${mark(results, shape, [PROXY, GO, DIRECT])}${figure(value, 2)} (${figure(own)} µs, Go ${figure(go)} µs)`,
    isAtMost(value, MOST_P99_TO_GO),
  );
}

function cpuToFloor(results: Results, shape: Shape): Goal {
  const value = ratio(results, shape, PROXY, FLOOR, cpuOf);
  return goal(
    `CPU per call, ${shape.method} at ${shape.level} connections, ratio to the floor: at most ${MOST_CPU_TO_FLOOR}`,
    mark(results, shape, [PROXY, FLOOR]) + figure(value, 2),
    isAtMost(value, MOST_CPU_TO_FLOOR),
  );
}

function throughputToGo(results: Results, shape: Shape): Goal {
  const value = ratio(results, shape, PROXY, GO, ({ rps }) => rps);
  return goal(
    `req/s at ${shape.level} connections, ratio to Go: at least ${LEAST_THROUGHPUT_TO_GO}`,
    mark(results, shape, [PROXY, GO]) + figure(value, 2),
    value === undefined ? undefined : value >= LEAST_THROUGHPUT_TO_GO,
  );
}

function memoryAboveFloor(own: number | undefined, floor: number | undefined): Goal {
  return goal(
    `resident memory after the run: at most the floor's and ${MOST_MB_ABOVE_FLOOR} MB`,
    `${figure(own)} MB, the floor ${figure(floor)} MB`,
    isAtMost(own, floor === undefined ? undefined : floor + MOST_MB_ABOVE_FLOOR),
  );
}

function oneShotGoals({ directMs, warmMs, idle }: OneShot): readonly Goal[] {
  const value = directMs / warmMs;
  const warm = goal(
    `one-shot order, 20 ms round trip: at least ${ONE_SHOT_RATIO} times faster`,
    `${value.toFixed(2)} (${directMs.toFixed(1)} ms direct, ${warmMs.toFixed(1)} ms through the proxy)`,
    value >= ONE_SHOT_RATIO,
  );
  if (idle === undefined) return [warm];
  const slowest = Math.max(...idle.ms);
  return [
    warm,
    goal(
      `the same after ${idle.seconds} s without a call: at least ${IDLE_SHOT_RATIO}`,
      `${(directMs / slowest).toFixed(2)} (slowest ${slowest.toFixed(1)} ms)`,
      directMs / slowest >= IDLE_SHOT_RATIO,
    ),
  ];
}

function errors(count: number): Goal {
  return goal('errors: 0', String(count), count === 0);
}

function cpuOf({ cpuMicros }: Sample): number {
  return cpuMicros ?? Number.NaN;
}

function quotient(value: number | undefined, by: number | undefined): number | undefined {
  return value === undefined || by === undefined ? undefined : value / by;
}

function isAtMost(value: number | undefined, limit: number | undefined): boolean | undefined {
  return value === undefined || limit === undefined ? undefined : value <= limit;
}

function shapesOf(results: Results, loop: Shape['loop'], levels: readonly number[]): readonly Shape[] {
  return [...results.keys()].filter((shape) => shape.loop === loop && levels.includes(shape.level));
}

function goal(aim: string, measured: string, met: boolean | undefined): Goal {
  return { aim, measured, met };
}
