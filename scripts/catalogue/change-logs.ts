import { readFileSync } from 'node:fs';
import { DAY_MS } from '../../src/core/intervals.ts';

/** How old the newest entry that was read may be. */
const MOST_DAYS = 30;
const FILE = new URL('./change-logs.json', import.meta.url);

/** The newest entry that was read of each of Binance's change logs, by its date. Whoever reads on writes it there. */
export function readChangeLogs(): Readonly<Record<string, string>> {
  return JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, string>;
}

/** What is wrong when nobody has read on for too long; undefined when all is well. */
export function staleChangeLogs(newest: Readonly<Record<string, string>>, today: string): string | undefined {
  const dates = Object.values(newest);
  const last = dates.toSorted().at(-1);
  if (last === undefined || dates.some((date) => Number.isNaN(Date.parse(date))))
    return 'the dates of change-logs.json cannot be read';
  const days = Math.floor((Date.parse(today) - Date.parse(last)) / DAY_MS);
  if (days <= MOST_DAYS) return undefined;
  return `the newest entry that was read is of ${last}, ${days} days ago: read Binance's change logs on, and write the date into change-logs.json`;
}
