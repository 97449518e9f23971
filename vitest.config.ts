import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** Generous, as a loaded machine is slow; only a test that hangs gets there. */
const TIMEOUT_MS = process.env.TEST_LONG === '1' ? 600_000 : 60_000;

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/draw-seed.ts', 'test/support/process-caches.ts'],
    setupFiles: ['test/support/loopback-only.ts'],
    pool: 'forks',
    execArgv: ['--import', './test/support/bundled-typebox.mjs'],
    // Most tests wait for processes and sockets: on two cores one worker would leave half of them idle.
    maxWorkers: Math.max(2, availableParallelism()),
    testTimeout: TIMEOUT_MS,
    hookTimeout: TIMEOUT_MS,
    expect: { poll: { timeout: TIMEOUT_MS / 2 } },
  },
});
