import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { openOwnFile } from './own-files.ts';

/** `process`: a record survives the end of the process; `disk`: also that of the machine, for a synchronous write per record. */
export type Durability = 'process' | 'disk';

/** The open file of a day: whole lines go in, or nothing does. */
export class DayFile {
  readonly name: string;
  readonly #path: string;
  readonly #fd: number;
  readonly #device: number;
  readonly #inode: number;
  #length: number;
  /** False while the file may end in a part of a line. */
  #isWhole = true;

  /** Opens the file of that name, and makes it (0600) when there is none. */
  constructor(folder: string, name: string, durability: Durability) {
    this.name = name;
    this.#path = join(folder, name);
    // O_DSYNC in place of fdatasync: Node's permission model refuses the calls that take a descriptor.
    const onDisk = durability === 'disk' ? constants.O_DSYNC : 0;
    const flags = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | onDisk;
    this.#fd = openOwnFile(this.#path, flags);
    const stats = fstatSync(this.#fd);
    this.#device = stats.dev;
    this.#inode = stats.ino;
    this.#length = stats.size;
    if (durability === 'disk' && stats.size === 0) this.#syncFolder(folder);
  }

  /** In bytes. */
  get length(): number {
    return this.#length;
  }

  /**
   * False when the path names another file by now, or none (the file or a folder above it was removed, renamed, or hidden
   * by a mount), or when a part of a line could not be taken back: the file must be opened anew then. Asked before each record: it costs 1.5 µs, and an interval would lose the records within it.
   */
  get isInPlace(): boolean {
    if (!this.#isWhole) return false;
    const stats = statSync(this.#path, { throwIfNoEntry: false });
    return stats !== undefined && stats.ino === this.#inode && stats.dev === this.#device;
  }

  /** Appends whole lines in one write; when the disk takes only a part of it, that part is taken back. */
  append(line: string): void {
    const bytes = Buffer.from(line);
    let written = 0;
    this.#isWhole = false;
    try {
      while (written < bytes.length) written += writeSync(this.#fd, bytes, written);
    } catch (error) {
      // Counted from the end as it is now: what others may have appended is theirs.
      if (written > 0) ftruncateSync(this.#fd, fstatSync(this.#fd).size - written);
      this.#isWhole = true;
      throw error;
    }
    this.#isWhole = true;
    this.#length += bytes.length;
  }

  close(): void {
    closeSync(this.#fd);
  }

  /** Makes the new name last, too. */
  #syncFolder(folder: string): void {
    try {
      const fd = openSync(folder, constants.O_RDONLY);
      try {
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
    } catch (error) {
      // Under the permission model the name is left to the file system, which writes it with the first record.
      if ((error as NodeJS.ErrnoException).code === 'ERR_ACCESS_DENIED') return;
      this.close();
      throw error;
    }
  }
}
