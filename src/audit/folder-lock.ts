import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ProxyError } from '../core/errors.ts';
import { takeOwnFile } from './own-files.ts';

/** Stays empty: only the kernel's lock on it matters. */
const LOCK_FILE = 'audit.lock';

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
  constructor(folder: string) {
    const path = join(folder, LOCK_FILE);
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
      throw new ProxyError(
        'PROXY_AUDIT_UNAVAILABLE',
        `Another process writes its audit trail to ${folder}: give each process a folder of its own.`,
        { rule: 'audit folder in use', cause: error },
      );
    }
  }

  close(): void {
    this.#database.close();
  }
}
