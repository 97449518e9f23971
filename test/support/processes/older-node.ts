import { execFileSync } from 'node:child_process';
import { delimiter, join } from 'node:path';

/** A Node of this machine that is too old for the program, as a newcomer may have it; undefined where there is none. */
export function olderNode(): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/bin', '/usr/local/bin'];
  return folders.map((folder) => join(folder, 'node')).find(isOlder);
}

function isOlder(path: string): boolean {
  try {
    return (
      Number.parseInt(execFileSync(path, ['-p', 'process.versions.node'], { encoding: 'utf8' }), 10) < 26
    );
  } catch {
    return false;
  }
}
