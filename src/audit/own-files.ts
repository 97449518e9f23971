import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  type Stats,
  statSync,
} from 'node:fs';

/** What others may change is no place for the proxy's own files; its message says how to mend that. */
export class UnsafePathError extends Error {
  override readonly name = 'UnsafePathError';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

const WRITABLE_BY_OTHERS = 0o022;

/**
 * A folder of the proxy's own belongs to its user or to root, and nobody else may write to it. A group counts as
 * others: who may write here may put a link in the place of a file.
 * @param what names it in the sentence, such as `audit folder`
 * @throws UnsafePathError
 */
export function assertOwnFolder(folder: string, what: string): void {
  const { uid, mode } = statSync(folder);
  if (!isOurs(uid)) {
    const owner = `belongs to another user (uid ${uid})`;
    throw new UnsafePathError(
      'folder of another user',
      `The ${what} ${folder} ${owner}: run chown ${process.getuid?.()} ${folder}`,
    );
  }
  if ((mode & WRITABLE_BY_OTHERS) === 0) return;
  throw new UnsafePathError(
    'folder writable by others',
    `The ${what} ${folder} can be written to by others (mode ${octal(mode)}): run chmod go-w ${folder}`,
  );
}

/**
 * Looks at what stands at the path of a file of the proxy's own, without opening it: nothing, or a plain file whose
 * mode is 0600 from now on.
 * @throws UnsafePathError for a link, a pipe, a folder, and for another user's file
 */
export function takeOwnFile(path: string): void {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return;
  assertOwn(path, stats);
  // By its name: Node's permission model refuses the calls that take a descriptor.
  if ((stats.mode & 0o777) !== 0o600) chmodSync(path, 0o600);
}

/**
 * Opens a file of the proxy's own (0600), never through a link.
 * @throws UnsafePathError
 */
export function openOwnFile(path: string, flags: number): number {
  takeOwnFile(path);
  let fd: number;
  try {
    fd = openSync(path, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK, 0o600);
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'ELOOP' ? linkAt(path) : error;
  }
  try {
    assertOwn(path, fstatSync(fd));
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return fd;
}

function assertOwn(path: string, stats: Stats): void {
  if (stats.isSymbolicLink()) throw linkAt(path);
  if (!stats.isFile()) {
    throw new UnsafePathError('no plain file', `${path} is no plain file: move it away.`);
  }
  if (isOurs(stats.uid)) return;
  throw new UnsafePathError(
    'file of another user',
    `${path} belongs to another user (uid ${stats.uid}): move it away, or run chown ${process.getuid?.()} ${path}`,
  );
}

function linkAt(path: string): UnsafePathError {
  return new UnsafePathError(
    'symbolic link',
    `${path} is a symbolic link, which is not followed: move it away, or put the file itself there.`,
  );
}

/** Systems without user ids have none to compare. */
function isOurs(uid: number): boolean {
  const own = process.getuid?.();
  return own === undefined || uid === own || uid === 0;
}

function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0');
}
