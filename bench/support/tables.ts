import { MOST_FOREIGN } from '../ladder/others.ts';
import { labelOf, type Results, type Sample, type Shape } from '../ladder/rounds.ts';

export const DIRECT = 'direct';

export function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle];
  if (upper === undefined || sorted.length % 2 === 1) return upper;
  return (upper + (sorted[middle - 1] ?? upper)) / 2;
}

/** The value below which so much of them lies. */
export function quantile(values: readonly number[], share: number): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

/** Median over the rounds of one figure. */
function medianOf(
  results: Results,
  shape: Shape,
  target: string,
  figure: (sample: Sample) => number | undefined,
): number | undefined {
  const { samples } = roundsThatCount(results, shape, [target]);
  return median(samples.map(([sample]) => sample && figure(sample)).filter((each) => each !== undefined));
}

/** Median over the rounds of the ratio to another target in the same round: what disturbed both cancels out. */
export function ratio(
  results: Results,
  shape: Shape,
  target: string,
  base: string,
  figure: (sample: Sample) => number,
): number | undefined {
  const { samples } = roundsThatCount(results, shape, [target, base]);
  return median(
    samples.flatMap(([sample, other]) => (sample && other ? [figure(sample) / figure(other)] : [])),
  );
}

/** Median over the rounds of what a target adds to the direct way, in µs. */
export function added(
  results: Results,
  shape: Shape,
  target: string,
  figure: (sample: Sample) => number,
): number | undefined {
  const { samples } = roundsThatCount(results, shape, [target, DIRECT]);
  return median(
    samples.flatMap(([sample, direct]) => (sample && direct ? [figure(sample) - figure(direct)] : [])),
  );
}

/** `~` when others disturbed more than half of the rounds that a figure is made of. */
export function mark(results: Results, shape: Shape, targets: readonly string[]): '' | '~' {
  return roundsThatCount(results, shape, targets).isDisturbed ? '~' : '';
}

/** How many samples there are, and how many of them others disturbed. */
export function disturbances(results: Results): { samples: number; disturbed: number } {
  const all = [...results.values()].flatMap((byTarget) => [...byTarget.values()].flat());
  return { samples: all.length, disturbed: all.filter(({ foreign }) => foreign > MOST_FOREIGN).length };
}

/** The rounds in which none of these was disturbed, if they are half of them at least; else all. */
function roundsThatCount(
  results: Results,
  shape: Shape,
  targets: readonly string[],
): { readonly samples: readonly (readonly Sample[])[]; readonly isDisturbed: boolean } {
  const series = targets.map((target) => results.get(shape)?.get(target) ?? []);
  const all = (series[0] ?? [])
    .map((_, round) => series.flatMap((each) => each[round] ?? []))
    .filter((each) => each.length === targets.length && each.every(({ rps }) => Number.isFinite(rps)));
  const calm = all.filter((each) => each.every(({ foreign }) => foreign <= MOST_FOREIGN));
  const isDisturbed = calm.length * 2 < all.length;
  return { samples: isDisturbed ? all : calm, isDisturbed };
}

/** Throughput of all closed loops, as ratios to `base`. */
export function closedLoopTable(results: Results, targets: readonly string[], base: string): string {
  const shapes = shapesOf(results, 'closed');
  const rows = targets.map((target) => [
    target,
    ...shapes.flatMap((shape) => {
      const own = mark(results, shape, [target]);
      const toBase = ratio(results, shape, target, base, ({ rps }) => rps);
      return [
        own + figure(medianOf(results, shape, target, ({ rps }) => rps)),
        mark(results, shape, [target, base]) + figure(toBase, 2),
        figure(medianOf(results, shape, target, ({ cpuMicros }) => cpuMicros)),
      ];
    }),
  ]);
  return table(['', ...shapes.flatMap((shape) => [`${labelOf(shape)}: req/s`, 'ratio', 'CPU µs'])], rows);
}

/** What each target adds to the direct way, in µs, for all open loops. */
export function openLoopTable(results: Results, targets: readonly string[]): string {
  const shapes = shapesOf(results, 'open');
  const rows = targets.map((target) => [
    target,
    ...shapes.flatMap((shape) => {
      const of = (quantileOf: (sample: Sample) => number) =>
        mark(results, shape, [target, DIRECT]) + figure(added(results, shape, target, quantileOf));
      return [of(({ p50 }) => p50), of(({ p99 }) => p99), of(({ p999 }) => p999)];
    }),
  ]);
  return table(['added µs', ...shapes.flatMap((shape) => [`${labelOf(shape)}: p50`, 'p99', 'p99.9'])], rows);
}

export function errorsOf(results: Results, target: string): number {
  let sum = 0;
  for (const byTarget of results.values()) for (const { errors } of byTarget.get(target) ?? []) sum += errors;
  return sum;
}

/** A Markdown table; all columns but the first are figures. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const rule = head.map((_, index) => (index === 0 ? '---' : '---:'));
  return [head, rule, ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

export function figure(value: number | undefined, digits = 0): string {
  return value === undefined || !Number.isFinite(value) ? '–' : value.toFixed(digits);
}

function shapesOf(results: Results, loop: Shape['loop']): Shape[] {
  return [...results.keys()].filter((shape) => shape.loop === loop);
}
