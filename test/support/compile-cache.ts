import { fileURLToPath } from 'node:url';

/**
 * Runs once before all tests: what Node has compiled is kept, for the workers and for every program they start, as
 * bin/launch.mjs does for users. Without it each of them strips the types of the whole program again.
 */
export function setup(): void {
  process.env.NODE_COMPILE_CACHE ??= fileURLToPath(
    new URL('../../node_modules/.cache/tests', import.meta.url),
  );
}
