import { setTimeout as pause } from 'node:timers/promises';

const TICK_MS = 5;

export interface SteadyLoad {
  readonly perSecond: number;
  readonly seconds: number;
  /** Sends one call; whether it was answered with 200. */
  readonly send: () => Promise<boolean>;
  /** Looked at about twenty times a second. */
  readonly look?: () => void;
}

export interface SteadyResult {
  readonly sent: number;
  /** With 200. */
  readonly answered: number;
  /** Of the answered calls, in ms, from the decision to send to the last byte. */
  readonly latenciesMs: readonly number[];
}

/** Sends calls at a steady rate, however slowly they are answered. */
export async function steadyLoad({ perSecond, seconds, send, look }: SteadyLoad): Promise<SteadyResult> {
  const latenciesMs: number[] = [];
  const running: Promise<void>[] = [];
  const one = async () => {
    const begunMs = performance.now();
    if (await send()) latenciesMs.push(performance.now() - begunMs);
  };
  const startMs = performance.now();
  const all = seconds * perSecond;
  for (let tick = 0; running.length < all; tick++) {
    const due = Math.floor(((performance.now() - startMs) / 1_000) * perSecond);
    while (running.length < Math.min(due, all)) running.push(one());
    if (tick % 10 === 0) look?.();
    await pause(TICK_MS);
  }
  await Promise.all(running);
  look?.();
  return { sent: all, answered: latenciesMs.length, latenciesMs };
}
