import { readdirSync } from 'node:fs';

const DAY_FILE = /^audit-(\d{4}-\d{2}-\d{2})\.ndjson$/;
const TORN_FILE = /^audit-\d{4}-\d{2}-\d{2}\.torn-(\d+)$/;

/** The name of the file that takes the records of a day (UTC). */
export function dayFileName(timeMs: number): string {
  return `audit-${new Date(timeMs).toISOString().slice(0, 10)}.ndjson`;
}

/** YYYY-MM-DD of a day file's name; undefined for any other name. */
export function dayOfFile(name: string): string | undefined {
  return DAY_FILE.exec(name)?.[1];
}

/** The names of the day files of a folder, the oldest first. */
export function dayFiles(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => DAY_FILE.test(name))
    .sort();
}

/** The names of the torn lines that were set aside. */
export function tornFiles(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => TORN_FILE.test(name))
    .sort();
}

/** A free name beside a day file for its torn last line. */
export function tornFileName(folder: string, dayFile: string): string {
  const taken = tornFiles(folder).map((name) => Number(TORN_FILE.exec(name)?.[1]));
  return dayFile.replace(/ndjson$/, `torn-${Math.max(0, ...taken) + 1}`);
}
