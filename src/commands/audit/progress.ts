import { setTimeout as pause } from 'node:timers/promises';

/** How far a long reading has come, for people who wait for it. */
export interface Progress {
  /** Counts bytes that were read; true when the bar should be drawn again. */
  isDue(bytes: number): boolean;
  /** Draws, which needs a turn of the event loop. */
  show(): Promise<void>;
  /** Takes the bar away. */
  end(): void;
}

/** Shorter readings are over before a bar says anything. */
const WORTH_SHOWING_BYTES = 16_000_000;
const STEP_BYTES = 4_000_000;
/** The library draws from a timer that is due by then: one turn of the event loop is enough. */
const DRAW_EVERY_MS = 200;
/** Its timer is not due before this. Once, at the first drawing, it is waited for. */
const FIRST_DRAW_MS = 150;
/** A terminal that tells no width, as some engines open it, would get one letter a line. */
const LEAST_COLUMNS = 40;
const INTERRUPTED = 130;

const NONE: Progress = { isDue: () => false, show: async () => {}, end: () => {} };

/** A bar on stderr when that is a terminal and there is much to read; else nothing at all. */
export async function startProgress(title: string, totalBytes: number): Promise<Progress> {
  const { isTTY, columns } = process.stderr;
  if (!isTTY || columns < LEAST_COLUMNS || totalBytes < WORTH_SHOWING_BYTES) return NONE;
  const { progress } = await import('@clack/prompts');
  const bar = progress({ max: totalBytes, output: process.stderr, withGuide: false });
  let readBytes = 0;
  let stepBytes = 0;
  let shownMs = Number.NEGATIVE_INFINITY;
  // On Ctrl-C the library ends the program with 0, which would pass for "all is right".
  const interrupted = () => {
    process.exitCode = INTERRUPTED;
  };
  process.once('exit', interrupted);
  bar.start(title);
  return {
    isDue(bytes) {
      stepBytes += bytes;
      if (stepBytes < STEP_BYTES) return false;
      readBytes += stepBytes;
      bar.advance(stepBytes, `${title}: ${Math.min(100, Math.floor((100 * readBytes) / totalBytes))} %`);
      stepBytes = 0;
      return performance.now() - shownMs > DRAW_EVERY_MS;
    },
    async show() {
      await pause(shownMs < 0 ? FIRST_DRAW_MS : 1);
      shownMs = performance.now();
    },
    end() {
      process.off('exit', interrupted);
      bar.clear();
    },
  };
}
