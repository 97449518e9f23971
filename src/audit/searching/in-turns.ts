import { setImmediate as nextTurn } from 'node:timers/promises';

const SLICE_MS = 4;

/** Runs through steps for a few ms at a time, and lets everything else have its turn in between. */
export async function inTurns<T, R>(
  steps: Generator<T, R, void>,
  onStep: (step: T) => void,
  monotonicNow: () => number,
): Promise<R> {
  let sliceEndMs = monotonicNow() + SLICE_MS;
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    onStep(step.value);
    if (monotonicNow() < sliceEndMs) continue;
    await nextTurn();
    sliceEndMs = monotonicNow() + SLICE_MS;
  }
}
