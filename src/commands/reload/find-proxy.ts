import { readdirSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';

const PROCESSES = '/proc';

/** The processes that have a file open; `hidden` when there were some that this user may not look into. */
export interface Holders {
  readonly pids: readonly number[];
  readonly isComplete: boolean;
}

/**
 * Finds the processes that have a file open, by what the kernel says and not by a number that somebody once wrote down:
 * a number may belong to another process by now, or be that of another container.
 * @returns undefined where the system does not tell
 */
export function holdersOf(path: string): Holders | undefined {
  const file = statSync(path, { throwIfNoEntry: false });
  const names = attempt(() => readdirSync(PROCESSES));
  if (names === undefined) return undefined;
  if (file === undefined) return { pids: [], isComplete: true };
  let isComplete = true;
  const pids: number[] = [];
  for (const name of names.filter((each) => /^\d+$/.test(each) && Number(each) !== process.pid)) {
    const folder = join(PROCESSES, name, 'fd');
    const open = attempt(() => readdirSync(folder));
    if (open === undefined) isComplete = false;
    else if (
      open.some((number) =>
        isSame(
          file,
          attempt(() => statSync(join(folder, number))),
        ),
      )
    )
      pids.push(Number(name));
  }
  return { pids, isComplete };
}

function isSame(file: Stats, other: Stats | undefined): boolean {
  return other !== undefined && other.ino === file.ino && other.dev === file.dev;
}

/** Processes end while one looks, and those of others cannot be looked into. */
function attempt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
