import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Waits until a window that is aligned to the clock has at least `neededMs` left, so that what a test counts falls into
 * one window. Windows turn a little late and what came last counts twice, hence the second after the turn.
 */
export async function clearOfWindowEnd(windowMs: number, neededMs: number): Promise<void> {
  const leftMs = windowMs - (Date.now() % windowMs);
  if (leftMs < neededMs) await sleep(leftMs + 1_000);
}
