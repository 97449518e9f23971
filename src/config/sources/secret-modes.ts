import { statSync } from 'node:fs';

/**
 * What is wrong with the mode of a file that holds secrets, as the end of a sentence; undefined when nothing is. A file
 * that belongs to somebody else was put there by that user (Docker, Kubernetes, systemd), and is that user's to guard.
 */
export function readableByOthers(path: string): string | undefined {
  const own = process.getuid?.();
  const stats = own === undefined ? undefined : statSync(path, { throwIfNoEntry: false });
  if (stats === undefined || stats.uid !== own || (stats.mode & 0o077) === 0) return undefined;
  const mode = (stats.mode & 0o777).toString(8).padStart(4, '0');
  return `can be used by other users (mode ${mode}): run chmod go-rwx ${path}`;
}
