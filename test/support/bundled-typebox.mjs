import * as nodeModule from 'node:module';

const folder = new URL('../../node_modules/.cache/tests/', import.meta.url);

/** What a process of the tests loads instead of the seven hundred files of this package: see `process-caches.ts`. */
const BUNDLED = new Map(
  ['typebox', 'typebox/compile', 'typebox/system', 'typebox/value'].map((name) => [
    name,
    new URL(`${name.replace('/', '-')}.mjs`, folder).href,
  ]),
);

// A Node that is too old for the program has no hooks, and does not get as far.
nodeModule.registerHooks?.({
  resolve(specifier, context, next) {
    const url = BUNDLED.get(specifier);
    return url === undefined ? next(specifier, context) : { url, format: 'module', shortCircuit: true };
  },
});
