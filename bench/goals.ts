import type { OneShot } from './one-shot.ts';
import { PROXY } from './proxy.ts';
import type { Results, Shape } from './rounds.ts';
import { added, errorsOf, figure, ratio } from './tables.ts';

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
export function judgeGoals(results: Results, rssMb: number, oneShot: OneShot): readonly Goal[] {
  const throughput = [16, 64].map((connections) => {
    const shape = shapeOf(results, 'closed', connections);
    const value = shape && ratio(results, shape, PROXY, GO, ({ rps }) => rps);
    return goal(
      `req/s at ${connections} connections, ratio to Go: at least 1`,
      figure(value, 2),
      value && value >= 1,
    );
  });
  const open = shapeOf(results, 'open', 500);
  const [p50, goP50] = [PROXY, GO].map((name) => open && added(results, open, name, (sample) => sample.p50));
  const [p99, goP99] = [PROXY, GO].map((name) => open && added(results, open, name, (sample) => sample.p99));
  const errors = errorsOf(results, PROXY);
  const oneShotRatio = oneShot.directMs / oneShot.warmMs;
  return [
    ...throughput,
    goal(
      'added p50 at 500 req/s: not above Go',
      `${figure(p50)} µs, Go ${figure(goP50)} µs`,
      p50 && goP50 && p50 <= goP50,
    ),
    goal(
      'added p99 at 500 req/s: not above half of Go',
      `${figure(p99)} µs, Go ${figure(goP99)} µs`,
      p99 && goP99 && p99 <= goP99 / 2,
    ),
    goal(
      `resident memory after the run: below ${MOST_RSS_MB} MB`,
      `${figure(rssMb)} MB`,
      rssMb < MOST_RSS_MB,
    ),
    goal('errors: 0', String(errors + oneShot.errors), errors + oneShot.errors === 0),
    goal(
      `one-shot order, 20 ms round trip: at least ${ONE_SHOT_RATIO} times faster`,
      `${oneShotRatio.toFixed(2)} (${oneShot.directMs.toFixed(1)} ms direct, ${oneShot.warmMs.toFixed(1)} ms through the proxy)`,
      oneShotRatio >= ONE_SHOT_RATIO,
    ),
    ...afterIdle(oneShot),
  ];
}

function afterIdle({ directMs, idle }: OneShot): readonly Goal[] {
  if (idle === undefined) return [];
  const slowest = Math.max(...idle.ms);
  const value = directMs / slowest;
  return [
    goal(
      `the same after ${idle.seconds} s without a call`,
      `${value.toFixed(2)} (slowest ${slowest.toFixed(1)} ms)`,
      value >= ONE_SHOT_RATIO,
    ),
  ];
}

function shapeOf(results: Results, loop: Shape['loop'], level: number): Shape | undefined {
  return [...results.keys()].find(
    (shape) => shape.loop === loop && shape.level === level && shape.method === 'GET',
  );
}

function goal(aim: string, measured: string, met: boolean | number | undefined): Goal {
  return { aim, measured, met: met === undefined ? undefined : met === true };
}
