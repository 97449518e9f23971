import { chmodSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ProxyError } from '../core/errors.ts';
import { takeOwnFile } from './own-files.ts';

/** What a lock is for. */
export interface LockKind {
  /** Name of the file; it stays empty, only the kernel's lock on it matters. */
  readonly file: string;
  /** What its holder does in the folder, for the sentence. */
  readonly use: string;
  readonly rule: string;
}

export const AUDIT_LOCK: LockKind = {
  file: 'audit.lock',
  use: 'writes its audit trail to',
  rule: 'audit folder in use',
};
export const STATE_LOCK: LockKind = {
  file: 'state.lock',
  use: 'keeps its state in',
  rule: 'state folder in use',
};

const SQLITE_BUSY = 5;

/**
 * The right to write into a folder, held by one process at a time. It is a POSIX record lock: the kernel drops it with its
 * holder however that ends, so there is no stale lock to clean up and no process number to mistake after a reuse, and it
 * holds across containers that share the folder. Node has no call for such locks; SQLite, which comes with Node, takes one.
 */
export class FolderLock {
  readonly #database: DatabaseSync;

  /**
   * @throws ProxyError PROXY_AUDIT_UNAVAILABLE when another process, or another sink of this one, holds the folder;
   *   UnsafePathError when the lock file is a link; other errors when it cannot be made
   */
  constructor(folder: string, kind: LockKind) {
    const path = join(folder, kind.file);
    // Only looked at: to open and close the file here would drop the lock that this process may hold on it.
    takeOwnFile(path);
    this.#database = new DatabaseSync(path, { timeout: 0 });
    try {
      // The journal in memory: otherwise an empty audit.lock-journal stays behind after a kill.
      this.#database.exec('PRAGMA journal_mode=MEMORY; PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE');
      chmodSync(path, 0o600);
    } catch (error) {
      this.#database.close();
      if ((error as { readonly errcode?: number }).errcode !== SQLITE_BUSY) throw error;
      throw lockedBy(folder, kind, error);
    }
  }

  close(): void {
    this.#database.close();
  }
}

/** Whether another process holds the lock; nothing is taken that would keep a proxy from it, and nothing is made. */
export function isLocked(folder: string, kind: LockKind): boolean {
  const path = join(folder, kind.file);
  if (!existsSync(path)) return false;
  const database = new DatabaseSync(path, { readOnly: true, timeout: 0 });
  try {
    // Reading asks for a shared lock, for as long as it takes.
    database.exec('SELECT name FROM sqlite_schema');
    return false;
  } catch (error) {
    if ((error as { readonly errcode?: number }).errcode === SQLITE_BUSY) return true;
    throw error;
  } finally {
    database.close();
  }
}

/** The refusal of a folder that another process holds. */
export function lockedBy(folder: string, { use, rule }: LockKind, cause?: unknown): ProxyError {
  const message = `Another process ${use} ${folder}: give each process a folder of its own.`;
  return new ProxyError('PROXY_AUDIT_UNAVAILABLE', message, { rule, cause });
}
