/** Something that is done again and again until it is stopped. */
export interface Repeating {
  /** Runs after so many ms, and from then on by itself. */
  start(firstDelayMs: number): void;
  stop(): void;
  /** True after `stop`. */
  readonly isStopped: boolean;
}

/**
 * Runs `act`, waits for as many ms as it says, and runs it again. It keeps no process alive.
 * @param act returns the pause until the next run; must not reject
 */
export function repeat(act: () => Promise<number>): Repeating {
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;

  function schedule(delayMs: number): void {
    if (isStopped) return;
    timer = setTimeout(() => void act().then(schedule), delayMs);
    timer.unref();
  }

  return {
    start: schedule,
    stop() {
      isStopped = true;
      clearTimeout(timer);
    },
    get isStopped() {
      return isStopped;
    },
  };
}
