import { randomUUID } from 'node:crypto';
import {
  chownSync,
  closeSync,
  constants,
  fchmodSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';

/** A file that must not be written as things are; its message is a sentence that says why. */
export class UnsafeFileError extends Error {
  override readonly name = 'UnsafeFileError';
}

const OWN = 0o600;

/**
 * Looks at the way to a file without opening anything: no symbolic link on it, below the working folder, and at its end
 * nothing or a plain file of this user.
 * @returns whether there is a file
 * @throws UnsafeFileError
 */
export function lookAt(cwd: string, path: string): boolean {
  for (const part of wayTo(cwd, path)) {
    if (lstatSync(part, { throwIfNoEntry: false })?.isSymbolicLink())
      throw new UnsafeFileError(`${part} is a symbolic link, which is not followed: nothing was written.`);
  }
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return false;
  if (!stats.isFile()) throw new UnsafeFileError(`${path} is no plain file: nothing was written.`);
  const own = process.getuid?.();
  if (own !== undefined && own !== 0 && stats.uid !== own)
    throw new UnsafeFileError(`${path} belongs to another user (uid ${stats.uid}): nothing was written.`);
  return true;
}

/** Makes a new file (0600), and the folders on the way to it (0700). @throws UnsafeFileError when there is something already */
export function createFile(cwd: string, path: string, text: string): void {
  if (lookAt(cwd, path)) throw new UnsafeFileError(`${path} is there already: nothing was written.`);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeNew(path, text, OWN);
}

/**
 * Puts a new text in the place of a file at once: whoever reads it finds the old one or the new one, whole.
 * @param mode that of the new file; that of the old one when undefined
 * @throws UnsafeFileError
 */
export function replaceFile(cwd: string, path: string, text: string, mode?: number): void {
  if (!lookAt(cwd, path)) {
    createFile(cwd, path, text);
    return;
  }
  const { mode: oldMode, uid, gid } = lstatSync(path);
  const beside = join(dirname(path), `.${basename(path)}.${randomUUID()}`);
  try {
    writeNew(beside, text, mode ?? oldMode & 0o777);
    if (process.getuid?.() === 0) chownSync(beside, uid, gid);
    renameSync(beside, path);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
}

function writeNew(path: string, text: string, mode: number): void {
  const fd = openSync(
    path,
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
    OWN,
  );
  try {
    writeFileSync(fd, text);
    fchmodSync(fd, mode);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** The folders from the working folder down and the file itself; of a path elsewhere its folder and itself. */
function wayTo(cwd: string, path: string): readonly string[] {
  const inside = relative(cwd, path);
  if (inside.startsWith('..') || inside === path) return [dirname(path), path];
  const parts = inside.split(sep);
  return parts.map((_, index) => join(cwd, ...parts.slice(0, index + 1)));
}
