/**
 * Runs once before all tests: draws the seed of all properties of this run and prints it, so that a run can be repeated
 * also when it fails elsewhere than within a property.
 */
export function setup(): void {
  process.env.PROPERTY_SEED ??= String(Math.floor(Math.random() * 2 ** 31));
  process.stdout.write(`Properties begin from PROPERTY_SEED=${process.env.PROPERTY_SEED}.\n`);
}
