import { accessSync, constants, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { UnsafePathError } from './own-files.ts';

/** A folder of the proxy's own, as its sentences name it. */
export interface NamedFolder {
  readonly folder: string;
  /** Such as `audit folder`. */
  readonly what: string;
  /** The variable that names it. */
  readonly variable: string;
}

const NO_ROOM = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** What keeps the proxy from using a folder, in one sentence that says what to do. */
export function folderTrouble({ folder, what, variable }: NamedFolder, error: unknown): string {
  if (error instanceof UnsafePathError) return error.message;
  const code = folderCode(error, folder);
  return `The ${what} ${folder} cannot be used (${code}): ${remedy(code, folder, variable)}.`;
}

/**
 * The code of the cause. SQLite, which takes the lock, tells its own in place of the system's; and who makes folders in one
 * that is read-only is told that there is none.
 */
export function folderCode(error: unknown, folder: string): string {
  const { code, errcode } = error as NodeJS.ErrnoException & { readonly errcode?: number };
  if (code === 'ERR_SQLITE_ERROR' && errcode !== undefined) return SQLITE_CODES[errcode & 0xff] ?? code;
  return code === 'ENOENT' ? whyNotMade(folder) : (code ?? 'unknown');
}

/** @see https://www.sqlite.org/rescode.html */
const SQLITE_CODES: Readonly<Record<number, string>> = { 8: 'EROFS', 10: 'EIO', 13: 'ENOSPC', 14: 'EACCES' };

function remedy(code: string, folder: string, variable: string): string {
  const user = process.getuid?.();
  if (NO_ROOM.has(code)) return 'there is no room for it; make room on its disk, or raise its quota';
  switch (code) {
    case 'EACCES':
    case 'EPERM': {
      const nearest = nearestFolder(folder);
      const owner = user === undefined ? 'the user of the proxy' : `this user (uid ${user})`;
      return `${owner} may not write in ${nearest}; run chown ${user ?? 'USER'} ${nearest}, or set ${variable} to another folder`;
    }
    case 'EROFS':
      return `its file system is read-only; set ${variable} to a folder on a volume that can be written`;
    case 'EEXIST':
    case 'ENOTDIR':
      return `a file stands in its way; move that away, or set ${variable} to another folder`;
    case 'ENOENT':
      return `the folder above it does not exist and cannot be made; set ${variable} to a folder on a volume that can be written`;
    case 'ERR_ACCESS_DENIED':
      return `Node’s permission model keeps this process out of it; set ${variable} to a folder below one of its --allow-fs-write, in the image /var/lib/binance-proxy`;
    default:
      return `set ${variable} to a folder that can be written`;
  }
}

function whyNotMade(folder: string): string {
  try {
    accessSync(nearestFolder(folder), constants.W_OK);
    return 'ENOENT';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'ENOENT';
  }
}

/** The folder itself, or the nearest one above it that is there. */
export function nearestFolder(folder: string): string {
  for (let at = folder; ; at = dirname(at)) {
    if (isThere(at) || dirname(at) === at) return at;
  }
}

function isThere(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}
