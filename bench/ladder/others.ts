import { execFileSync } from 'node:child_process';
import { CPU_LOAD, cpuMs, machineBusyMs } from '../support/programs.ts';

/** More of one core than this, used by others, and a sample does not count. */
export const MOST_FOREIGN = 0.2;

/** What others use of one core from now on until the returned function is called: all but this process and `pids`. */
export function watchOthers(pids: readonly number[]): () => number {
  const busyMs = () => machineBusyMs() - pids.reduce((sum, pid) => sum + cpuMs(pid), 0) - ownMs();
  const before = busyMs();
  const startedMs = performance.now();
  return () => Math.max(0, busyMs() - before) / (performance.now() - startedMs);
}

/** This process is the load: it goes where the load belongs. */
export function moveToLoadCore(): void {
  if (CPU_LOAD === undefined) return;
  execFileSync('taskset', ['-a', '-c', '-p', String(CPU_LOAD), String(process.pid)], { stdio: 'ignore' });
}

/**
 * Measures until nobody else was in the way, three times at the most, and takes what was disturbed least.
 * @param measure its result says what others used meanwhile
 */
export async function undisturbed<T extends { readonly foreign: number }>(
  measure: () => Promise<T>,
  tries = 3,
): Promise<T> {
  let best = await measure();
  for (let attempt = 1; attempt < tries && best.foreign > MOST_FOREIGN; attempt++) {
    const next = await measure();
    if (next.foreign < best.foreign) best = next;
  }
  return best;
}

/** One sentence below a table about what else the machine did. */
export function foreignNote(shares: readonly number[]): string {
  const disturbed = shares.filter((share) => share > MOST_FOREIGN).length;
  const most = (100 * Math.max(0, ...shares)).toFixed(0);
  return disturbed === 0
    ? `Others used at most ${most} % of a core meanwhile.`
    : `**Disturbed**: during ${disturbed} of ${shares.length} measurements others used more than ${100 * MOST_FOREIGN} % of a core (at most ${most} %), also when they were taken again.`;
}

function ownMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
