import { labelOf, type Results, type Sample, type Shape } from './rounds.ts';

export const DIRECT = 'direct';

export function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle];
  if (upper === undefined || sorted.length % 2 === 1) return upper;
  return (upper + (sorted[middle - 1] ?? upper)) / 2;
}

/** Median over the rounds of one figure. */
export function medianOf(
  results: Results,
  shape: Shape,
  target: string,
  figure: (sample: Sample) => number | undefined,
): number | undefined {
  return median(
    samplesOf(results, shape, target)
      .map(figure)
      .filter((each) => each !== undefined),
  );
}

/** Median over the rounds of the ratio to another target in the same round: what disturbed both cancels out. */
export function ratio(
  results: Results,
  shape: Shape,
  target: string,
  base: string,
  figure: (sample: Sample) => number,
): number | undefined {
  const bases = samplesOf(results, shape, base);
  const ratios = samplesOf(results, shape, target).map((sample, round) => {
    const other = bases[round];
    return other === undefined ? undefined : figure(sample) / figure(other);
  });
  return median(ratios.filter((each) => each !== undefined));
}

/** Median over the rounds of what a target adds to the direct way, in µs. */
export function added(
  results: Results,
  shape: Shape,
  target: string,
  figure: (sample: Sample) => number,
): number | undefined {
  const directs = samplesOf(results, shape, DIRECT);
  const differences = samplesOf(results, shape, target).map((sample, round) => {
    const direct = directs[round];
    return direct === undefined ? undefined : figure(sample) - figure(direct);
  });
  return median(differences.filter((each) => each !== undefined));
}

/** Throughput of all closed loops, as ratios to `base`. */
export function closedLoopTable(results: Results, targets: readonly string[], base: string): string {
  const shapes = shapesOf(results, 'closed');
  const rows = targets.map((target) => [
    target,
    ...shapes.flatMap((shape) => [
      figure(medianOf(results, shape, target, ({ rps }) => rps)),
      figure(
        ratio(results, shape, target, base, ({ rps }) => rps),
        2,
      ),
      figure(medianOf(results, shape, target, ({ cpuMicros }) => cpuMicros)),
    ]),
  ]);
  return table(['', ...shapes.flatMap((shape) => [`${labelOf(shape)}: req/s`, 'ratio', 'CPU µs'])], rows);
}

/** What each target adds to the direct way, in µs, for all open loops. */
export function openLoopTable(results: Results, targets: readonly string[]): string {
  const shapes = shapesOf(results, 'open');
  const rows = targets.map((target) => [
    target,
    ...shapes.flatMap((shape) => [
      figure(added(results, shape, target, ({ p50 }) => p50)),
      figure(added(results, shape, target, ({ p99 }) => p99)),
      figure(added(results, shape, target, ({ p999 }) => p999)),
    ]),
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

function samplesOf(results: Results, shape: Shape, target: string): readonly Sample[] {
  return results.get(shape)?.get(target) ?? [];
}
