import type { OneShot } from '../ladder/one-shot.ts';
import type { Results, Shape } from '../ladder/rounds.ts';
import { PROXY } from './proxy.ts';
import { added, DIRECT, errorsOf, figure, mark, ratio } from './tables.ts';

/** One line of the goal: what was aimed at, what was measured, and whether it is met; undefined when it was not measured. */
export interface Goal {
  readonly aim: string;
  readonly measured: string;
  readonly met: boolean | undefined;
}

const GO = 'Go ReverseProxy';
const MOST_RSS_MB = 90;
const ONE_SHOT_RATIO = 2.8;

/** The goal lines: throughput and latency against the Go proxy that only signs, memory, errors, one-shot scripts. */
export function judgeGoals(
  results: Results,
  rssMb: number | undefined,
  oneShot: OneShot | undefined,
): readonly Goal[] {
  const throughput = [16, 64].map((connections) => {
    const shape = shapeOf(results, 'closed', connections);
    const value = shape && ratio(results, shape, PROXY, GO, ({ rps }) => rps);
    return goal(
      `req/s at ${connections} connections, ratio to Go: at least 1`,
      (shape ? mark(results, shape, [PROXY, GO]) : '') + figure(value, 2),
      value === undefined ? undefined : value >= 1,
    );
  });
  const open = shapeOf(results, 'open', 500);
  const [p50, goP50] = [PROXY, GO].map((name) => open && added(results, open, name, (sample) => sample.p50));
  const [p99, goP99] = [PROXY, GO].map((name) => open && added(results, open, name, (sample) => sample.p99));
  const errors = errorsOf(results, PROXY) + (oneShot?.errors ?? 0);
  const sign = open ? mark(results, open, [PROXY, GO, DIRECT]) : '';
  return [
    ...throughput,
    goal(
      'added p50 at 500 req/s: not above Go',
      `${sign}${figure(p50)} µs, Go ${figure(goP50)} µs`,
      isAtMost(p50, goP50),
    ),
    goal(
      'added p99 at 500 req/s: not above half of Go',
      `${sign}${figure(p99)} µs, Go ${figure(goP99)} µs`,
      isAtMost(p99, goP99 === undefined ? undefined : goP99 / 2),
    ),
    goal(
      `resident memory after the run: below ${MOST_RSS_MB} MB`,
      `${figure(rssMb)} MB`,
      rssMb === undefined ? undefined : rssMb < MOST_RSS_MB,
    ),
    goal('errors: 0', String(errors), errors === 0),
    ...(oneShot === undefined ? [] : oneShotGoals(oneShot)),
  ];
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
      `the same after ${idle.seconds} s without a call`,
      `${(directMs / slowest).toFixed(2)} (slowest ${slowest.toFixed(1)} ms)`,
      directMs / slowest >= ONE_SHOT_RATIO,
    ),
  ];
}

function isAtMost(value: number | undefined, limit: number | undefined): boolean | undefined {
  return value === undefined || limit === undefined ? undefined : value <= limit;
}

function shapeOf(results: Results, loop: Shape['loop'], level: number): Shape | undefined {
  return [...results.keys()].find(
    (shape) => shape.loop === loop && shape.level === level && shape.method === 'GET',
  );
}

function goal(aim: string, measured: string, met: boolean | undefined): Goal {
  return { aim, measured, met };
}
