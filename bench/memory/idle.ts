import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { cpuMs } from '../support/programs.ts';
import { startProxy } from '../support/proxy.ts';
import { KEY, SECRET } from '../support/workshop.ts';

export interface Idle {
  /** How often the main thread wakes in a second. */
  readonly wakeUps: number;
  /** Per cent of one core. */
  readonly cpuPercent: number;
}

/** What comes after the start is over by then. */
const SETTLE_MS = 5_000;
const LOOK_MS = 20_000;

/** What a proxy does while nobody calls it. Its exchange answers rightly, or it would be asked again and again. */
export async function measureIdle(folder: string): Promise<Idle> {
  const simulator = await startSimulator({ accounts: [{ apiKey: KEY, hmacSecret: SECRET }] });
  const { program } = await startProxy(folder, { upstream: simulator.url });
  const pid = program?.pid ?? 0;
  await pause(SETTLE_MS);
  const [sleeps, cpu] = [sleepsOf(pid), cpuMs(pid)];
  await pause(LOOK_MS);
  const idle = {
    wakeUps: ((sleepsOf(pid) - sleeps) * 1_000) / LOOK_MS,
    cpuPercent: ((cpuMs(pid) - cpu) * 100) / LOOK_MS,
  };
  await program?.stop();
  await simulator.close();
  return idle;
}

/** How often the main thread has gone to sleep by itself. */
function sleepsOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/task/${pid}/status`, 'utf8');
  return Number(/^voluntary_ctxt_switches:\s+(\d+)$/m.exec(status)?.[1]);
}
