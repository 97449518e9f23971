import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const LOCKFILE = new URL('../package-lock.json', import.meta.url);

interface Lockfile {
  readonly packages: Readonly<Record<string, Record<string, unknown>>>;
}

/**
 * Takes out of a lockfile what npm would act on by the Node that runs npm, which runs nothing else here:
 *
 * - `engines`: npm warns of each package that asks for a newer Node, and leaves out those that are optional;
 * - `hasInstallScript`: without it npm runs no script of a package. Nothing here needs one, and they would be run by the
 *   new Node before anybody could say which library it lacks.
 */
export function tidyLockfile(text: string): string {
  const lockfile = JSON.parse(text) as Lockfile;
  for (const [path, entry] of Object.entries(lockfile.packages)) {
    if (path === '') continue;
    delete entry.engines;
    delete entry.hasInstallScript;
  }
  return `${JSON.stringify(lockfile, null, 2)}\n`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  writeFileSync(LOCKFILE, tidyLockfile(readFileSync(LOCKFILE, 'utf8')));
