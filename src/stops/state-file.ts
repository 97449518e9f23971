import {
  closeSync,
  constants,
  copyFileSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { assertOwnFolder, openOwnFile, takeOwnFile } from '../audit/own-files.ts';
import type { CancelWork } from './cancelling/cancel-work.ts';
import { readWork } from './cancelling/cancel-work.ts';
import { orderedEntry, readEntry, type StateEntry } from './trading-state.ts';

export const STATE_FILE = 'trading-states.json';
const VERSION = 1;

/** What outlives the process. */
export interface KeptStates {
  readonly entries: readonly StateEntry[];
  /** Cancelling that was begun and has not ended. */
  readonly work: readonly CancelWork[];
  /** Clients whose silence counts. */
  readonly armed: readonly string[];
  /** Countdowns that are beaten at Binance, and for whom. */
  readonly beats: readonly string[];
}

/** How the file was found. */
export type FoundStates =
  | { readonly kind: 'none' }
  | { readonly kind: 'read'; readonly kept: KeptStates }
  /** It is there, and what it says cannot be told. */
  | { readonly kind: 'unreadable'; readonly why: string };

/**
 * The states in one small file (mode 0600) of the state folder. A change replaces the file whole, and is on the disk before
 * it is answered.
 */
export class StateFile {
  readonly #folder: string;
  readonly #path: string;
  #isUnreadable = false;

  /** @throws UnsafePathError when others may write to the folder; Error when it cannot be made */
  constructor(stateDir: string) {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    assertOwnFolder(stateDir, 'state folder');
    this.#folder = stateDir;
    this.#path = join(stateDir, STATE_FILE);
  }

  get path(): string {
    return this.#path;
  }

  read(): FoundStates {
    let text: string;
    try {
      takeOwnFile(this.#path);
      text = readFileSync(this.#path, 'utf8');
    } catch (error) {
      const { code = 'unknown' } = error as NodeJS.ErrnoException;
      return code === 'ENOENT' ? { kind: 'none' } : { kind: 'unreadable', why: code };
    }
    const found = parse(text);
    this.#isUnreadable = found.kind === 'unreadable';
    return found;
  }

  /** @throws Error when it cannot be written; what was there before stands then */
  write({ entries, work, armed, beats }: KeptStates): void {
    const kept = { version: VERSION, entries: entries.map(orderedEntry), work, armed, beats };
    const draft = `${this.#path}.new`;
    rmSync(draft, { force: true });
    const { O_WRONLY, O_CREAT, O_EXCL, O_SYNC } = constants;
    writeAndClose(openSync(draft, O_WRONLY | O_CREAT | O_EXCL | O_SYNC, 0o600), JSON.stringify(kept));
    // What could not be read may be of use to somebody else.
    if (this.#isUnreadable) copyFileSync(this.#path, `${this.#path}.set-aside`);
    this.#isUnreadable = false;
    renameSync(draft, this.#path);
    this.#syncName();
  }

  /**
   * The file's new place has to be on the disk too. Node's permission model refuses fsync: then a byte that is written
   * through after the renaming brings the folder along on the file systems with a journal.
   */
  #syncName(): void {
    const { O_WRONLY, O_APPEND, O_SYNC } = constants;
    writeAndClose(openOwnFile(this.#path, O_WRONLY | O_APPEND | O_SYNC), '\n');
    const folder = openSync(this.#folder, 'r');
    try {
      fsyncSync(folder);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_ACCESS_DENIED') throw error;
    } finally {
      closeSync(folder);
    }
  }
}

function parse(text: string): FoundStates {
  if (text.trim() === '') return unreadable('it is empty');
  let kept: unknown;
  try {
    kept = JSON.parse(text);
  } catch {
    return unreadable('it is cut or damaged');
  }
  if (typeof kept !== 'object' || kept === null) return unreadable('it is damaged');
  const { version, entries, work, armed, beats } = kept as Record<string, unknown>;
  if (typeof version === 'number' && version > VERSION)
    return unreadable('it was written by a newer version of this program');
  if (version !== VERSION || ![entries, work, armed, beats].every(Array.isArray))
    return unreadable('it is damaged');
  const read = (entries as unknown[]).map(readEntry);
  const works = (work as unknown[]).map(readWork);
  const isWhole =
    read.every((entry) => entry !== undefined) &&
    works.every((each) => each !== undefined) &&
    [...(armed as unknown[]), ...(beats as unknown[])].every((name) => typeof name === 'string');
  if (!isWhole) return unreadable('it is damaged');
  return {
    kind: 'read',
    kept: { entries: read, work: works, armed: armed as string[], beats: beats as string[] },
  };
}

function unreadable(why: string): FoundStates {
  return { kind: 'unreadable', why };
}

function writeAndClose(file: number, text: string): void {
  try {
    const bytes = Buffer.from(text);
    let written = 0;
    while (written < bytes.length) written += writeSync(file, bytes, written);
  } finally {
    closeSync(file);
  }
}
