import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../core/intervals.ts';

const UNITS_MS: ReadonlyMap<string, number> = new Map([
  ['m', MINUTE_MS],
  ['h', HOUR_MS],
  ['d', DAY_MS],
]);

/**
 * Reads a point in time: a day or an ISO time (UTC when it names no zone), or `90m`, `24h`, `7d` ago.
 * @param edge - a day without a time means its beginning as a start, and its end as an end
 * @returns ms, undefined when the text is none of these
 */
export function readMoment(text: string, edge: 'start' | 'end', nowMs: number): number | undefined {
  const ago = /^(\d+)([mhd])$/.exec(text);
  if (ago !== null) return nowMs - Number(ago[1]) * (UNITS_MS.get(ago[2] ?? '') ?? 0);
  if (/^\d{4}-\d{2}-\d{2}$/.test(text)) {
    const startMs = Date.parse(`${text}T00:00:00Z`);
    return Number.isNaN(startMs) ? undefined : startMs + (edge === 'end' ? DAY_MS : 0);
  }
  if (!/^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}/.test(text)) return undefined;
  const timeMs = Date.parse(/(?:Z|[+-]\d{2}:?\d{2})$/.test(text) ? text : `${text}Z`);
  return Number.isNaN(timeMs) ? undefined : timeMs;
}
