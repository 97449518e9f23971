import { statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { dayFiles, dayOfFile } from '../file-names.ts';

/** The files of one trail, in the order of their records. */
export interface TrailPaths {
  readonly folder: string;
  /** Names within the folder. */
  readonly names: readonly string[];
  /** True when the whole folder was named, false for some of its files. */
  readonly isWhole: boolean;
}

/**
 * Sorts paths of folders and files into trails, one for each folder. Day files are sorted by day. Files with other
 * names keep the order in which they were named.
 * @throws the file system's error when a path does not exist
 */
export function trailsOf(paths: readonly string[]): TrailPaths[] {
  const trails: TrailPaths[] = [];
  const loose = new Map<string, string[]>();
  for (const path of paths) {
    if (statSync(path).isDirectory()) {
      trails.push({ folder: path, names: dayFiles(path), isWhole: true });
      continue;
    }
    const folder = dirname(path);
    const names = loose.get(folder) ?? [];
    if (!names.includes(basename(path))) names.push(basename(path));
    loose.set(folder, names);
  }
  for (const [folder, names] of loose) {
    const sorted = names.every((name) => dayOfFile(name) !== undefined) ? names.toSorted() : names;
    trails.push({ folder, names: sorted, isWhole: false });
  }
  return trails;
}

/** The full paths of a trail's files. */
export function filesOf(trail: TrailPaths): string[] {
  return trail.names.map((name) => join(trail.folder, name));
}

/** How much there is to read, in bytes. */
export function sizeOf(paths: readonly string[]): number {
  return paths.reduce((sum, path) => sum + statSync(path).size, 0);
}
