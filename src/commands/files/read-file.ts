import { readFileSync } from 'node:fs';

/** The text of a file; undefined when there is none. @throws the file system's error when it cannot be read */
export function readFileIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
