import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { startSimulator } from '../../../src/simulator/simulator.ts';
import { folderWith } from '../../support/fixtures/config-folder.ts';
import { addressesOf, MAIN, startChild } from '../../support/processes/child.ts';
import { TEST_KEY, TEST_SECRET, upstreamsAt } from '../../support/servers/proxy.ts';

const LOOKED_AT_MS = 4_000;
/** What else runs on the machine puts the process aside, but never makes it go to sleep once more. */
const MOST_A_SECOND = 15;

/** How often the main thread has gone to sleep by itself. */
function sleepsOf(pid: number): number {
  const [status = ''] = readdirSync(`/proc/${pid}/task`)
    .filter((thread) => Number(thread) === pid)
    .map((thread) => readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8'));
  return Number(/^voluntary_ctxt_switches:\s+(\d+)$/m.exec(status)?.[1]);
}

it('An idle proxy sleeps: no timer of a hundred times a second', async () => {
  const simulator = await startSimulator({ accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET }] });
  const child = startChild([MAIN, 'serve'], {
    cwd: folderWith(),
    env: {
      BINANCE_API_KEY: TEST_KEY,
      BINANCE_API_SECRET: TEST_SECRET,
      BINANCE_PROXY_ENVIRONMENT: 'simulator',
      BINANCE_PROXY_PORT: '0',
      BINANCE_PROXY_OPERATOR_PORT: '0',
      ...upstreamsAt(simulator.url),
    },
  });
  try {
    await addressesOf(child);
    // What comes after the start is over by then.
    await pause(2_000);
    const before = sleepsOf(child.pid ?? 0);
    await pause(LOOKED_AT_MS);
    const aSecond = (sleepsOf(child.pid ?? 0) - before) / (LOOKED_AT_MS / 1_000);
    expect(aSecond).toBeLessThan(MOST_A_SECOND);
  } finally {
    child.kill('SIGTERM');
    await child.ended;
    await simulator.close();
  }
});
