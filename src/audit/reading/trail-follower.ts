import { existsSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { dayFileName, dayFiles } from '../file-names.ts';
import { GrowingFile } from './growing-file.ts';

/** Where the reading begins: at a time, or so many bytes before the end. */
export type FollowFrom = { readonly sinceMs: number } | { readonly backBytes: number };

/**
 * Follows a trail while it is written: over midnight into the next day's file, and over a file that was moved away or
 * emptied into the new one.
 */
export class TrailFollower {
  readonly #path: string;
  readonly #isFolder: boolean;
  #open: { readonly path: string; readonly file: GrowingFile } | undefined;

  /**
   * @param path an audit folder, or a single file such as a saved log of stdout
   * @throws the file system's error when it does not exist
   */
  constructor(path: string, from: FollowFrom) {
    this.#path = path;
    this.#isFolder = statSync(path).isDirectory();
    const first = this.#isFolder ? firstDay(path, from) : path;
    if (first === undefined) return;
    this.#open = {
      path: first,
      file: new GrowingFile(first, 'backBytes' in from ? from.backBytes : undefined),
    };
  }

  /** The lines that were written since the last reading. */
  *read(): Generator<string> {
    for (;;) {
      // Looked for before the rest is read: once there is a newer file, nothing is added to this one.
      const next = this.#nextPath();
      if (this.#open !== undefined) yield* this.#open.file.lines();
      if (next === undefined) return;
      this.close();
      this.#open = { path: next, file: new GrowingFile(next) };
    }
  }

  close(): void {
    this.#open?.file.close();
    this.#open = undefined;
  }

  #nextPath(): string | undefined {
    if (this.#open?.file.isReplaced) return this.#open.path;
    if (!this.#isFolder) return this.#open === undefined && existsSync(this.#path) ? this.#path : undefined;
    if (!existsSync(this.#path)) return undefined;
    const read = this.#open === undefined ? '' : basename(this.#open.path);
    const next = dayFiles(this.#path).find((name) => name > read);
    return next === undefined ? undefined : join(this.#path, next);
  }
}

function firstDay(folder: string, from: FollowFrom): string | undefined {
  const names = dayFiles(folder);
  const first = 'sinceMs' in from ? names.find((name) => name >= dayFileName(from.sinceMs)) : names.at(-1);
  return first === undefined ? undefined : join(folder, first);
}
