import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { assertOwnFolder, takeOwnFile } from '../audit/own-files.ts';
import { RollingDay } from '../core/orders/rolling-day.ts';
import type { NotionalLedger } from './day-ledger.ts';
import { formatLine, type LedgerLine, parseLine } from './ledger-lines.ts';

export const LEDGER_FILE = 'daily-order-sums.ndjson';

export interface FileLedgerOptions {
  /** Lines written before the file is rewritten without what no longer counts; 10,000 unless told. */
  readonly compactAfterLines?: number;
}

/**
 * Daily sums in an append-only file (mode 0600) of a state folder that one process owns. A reservation is written
 * before its call is sent, and a crash leaves it counted; only giving back writes a second line.
 * @throws UnsafePathError when others may write to the folder, or a link stands in the place of the file
 * @throws Error when the folder cannot be written, or when a line other than a torn last one cannot be read
 */
export function createFileNotionalLedger(
  stateDir: string,
  nowMs: number,
  options: FileLedgerOptions = {},
): NotionalLedger {
  const compactAfterLines = options.compactAfterLines ?? 10_000;
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  assertOwnFolder(stateDir, 'state folder');
  const path = join(stateDir, LEDGER_FILE);
  takeOwnFile(path);
  const day = readDay(path);
  let file = rewrite(path, day, nowMs);
  let linesSinceRewrite = 0;
  let broken = false;
  let closed = false;

  function append(line: LedgerLine): void {
    if (broken) throw new Error('the file of daily order sums cannot be written');
    const sizeBefore = fstatSync(file).size;
    try {
      writeWhole(file, formatLine(line));
    } catch (error) {
      broken = !cutBack(file, sizeBefore);
      throw error;
    }
    linesSinceRewrite++;
  }

  function compact(atMs: number): void {
    if (linesSinceRewrite < compactAfterLines || broken) return;
    linesSinceRewrite = 0;
    const old = file;
    try {
      file = rewrite(path, day, atMs);
      closeSync(old);
    } catch {
      // The disk refuses a second copy: the long file goes on, unless it is the one that was replaced.
      broken = fstatSync(old).nlink === 0;
    }
  }

  return {
    reserve(claim, limits, atMs) {
      const granted = day.take(claim, limits, atMs);
      if (typeof granted === 'string') return { refusedBy: granted };
      try {
        append({ take: granted });
      } catch (error) {
        day.refund(granted);
        throw error;
      }
      compact(atMs);
      return { reservation: granted };
    },
    use: (client, limits, nowMs) => day.use(client, limits, nowMs),
    keep() {},
    refund({ client, id }) {
      try {
        append({ back: { client, id } });
      } catch {
        // What the file goes on counting is counted in memory too: too strict beats two different sums.
        return;
      }
      day.refund({ client, id });
    },
    sums: (client, atMs) => day.sums(client, atMs),
    close() {
      if (!closed) closeSync(file);
      closed = true;
      broken = true;
    },
  };
}

/** Reads the lines that still may count. A last line without its end was never followed by a call: it is dropped. */
function readDay(path: string): RollingDay {
  const day = new RollingDay();
  if (!existsSync(path)) return day;
  const lines = readFileSync(path, 'utf8').split('\n');
  const torn = lines.pop() ?? '';
  for (const [index, text] of lines.entries()) {
    const line = parseLine(text);
    if (line === undefined) throw new Error(`line ${index + 1} of ${path} cannot be read`);
    apply(day, line);
  }
  const last = parseLine(torn);
  if (last !== undefined) apply(day, last);
  return day;
}

function apply(day: RollingDay, line: LedgerLine): void {
  if ('next' in line) day.skipTo(line.next);
  else if ('take' in line) day.restore(line.take);
  else day.refund(line.back);
}

/**
 * Replaces the file by one with only what counts, in a way that leaves either the old or the new one. Its first bytes are
 * written through (O_DSYNC in place of fsync, which Node's permission model refuses); what follows need not be.
 */
function rewrite(path: string, day: RollingDay, nowMs: number): number {
  const draft = `${path}.new`;
  rmSync(draft, { force: true });
  const { O_WRONLY, O_CREAT, O_EXCL, O_DSYNC } = constants;
  const file = openSync(draft, O_WRONLY | O_CREAT | O_EXCL | O_DSYNC, 0o600);
  try {
    let text = formatLine({ next: day.nextId });
    for (const entry of day.entries(nowMs)) text += formatLine({ take: entry });
    writeWhole(file, text);
  } finally {
    closeSync(file);
  }
  const whole = openSync(draft, 'a');
  try {
    renameSync(draft, path);
  } catch (error) {
    closeSync(whole);
    throw error;
  }
  return whole;
}

function writeWhole(file: number, text: string): void {
  const bytes = Buffer.from(text);
  let written = 0;
  while (written < bytes.length) written += writeSync(file, bytes, written);
}

function cutBack(file: number, size: number): boolean {
  try {
    ftruncateSync(file, size);
    return true;
  } catch {
    return false;
  }
}
