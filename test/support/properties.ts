/**
 * The one place that says how often properties and soaks run, and from which seed. `npm run test:long` runs all that
 * is asked for; every other run about a tenth of it.
 */
export const IS_LONG = process.env.TEST_LONG === '1';

/** Less than this many runs of a property say little. */
const LEAST_RUNS = 20;

/** What `draw-seed.ts` drew for this run of the tests and printed, or what the environment says. */
export const SEED = readSeed(process.env.PROPERTY_SEED);

/** All of `most` in the long form, otherwise a tenth of it, though never less than `least`. */
export function portion(most: number, least = LEAST_RUNS): number {
  return IS_LONG ? most : Math.min(most, Math.max(least, Math.round(most / 10)));
}

/** The parameters of a property; a failure prints the seed with the path to its counterexample. */
export function runs(most: number, least = LEAST_RUNS): { readonly seed: number; readonly numRuns: number } {
  return { seed: SEED, numRuns: portion(most, least) };
}

function readSeed(text: string | undefined): number {
  const seed = Number(text);
  if (text === undefined || !Number.isInteger(seed)) throw new Error('PROPERTY_SEED is no integer');
  return seed;
}
