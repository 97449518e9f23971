import { closeSync, fstatSync, statSync } from 'node:fs';

/** Takes the open file away from its owner, as a stand-in for a disk that fails: the next use is an error. */
export function closeUnder(path: string): void {
  const { ino } = statSync(path);
  for (let fd = 3; fd < 256; fd++) {
    try {
      if (fstatSync(fd).ino === ino) closeSync(fd);
    } catch {
      // This number is not in use.
    }
  }
}
