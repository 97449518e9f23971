import type { IncomingHttpHeaders } from 'node:http';
import { ExchangeError } from '../base/exchange-error.ts';
import type { JsonValue } from '../base/json-value.ts';

const TIME_FIELDS: ReadonlySet<string> = new Set([
  'serverTime',
  'time',
  'transactTime',
  'transactionTime',
  'updateTime',
  'workingTime',
  'openTime',
  'closeTime',
  'T',
]);

/**
 * 1 for answers in milliseconds, 1000 when `X-MBX-TIME-UNIT` asks for microseconds.
 * @throws ExchangeError -1194
 */
export function timeFactor(headers: IncomingHttpHeaders): 1 | 1000 {
  const unit = headers['x-mbx-time-unit'];
  if (unit === undefined || unit === 'MILLISECOND' || unit === 'millisecond') return 1;
  if (unit === 'MICROSECOND' || unit === 'microsecond') return 1_000;
  throw new ExchangeError(-1194, 'Invalid value for time unit; expected either MICROSECOND or MILLISECOND.');
}

/** Multiplies every time in an answer; -1 (never) stays. */
export function withTimeFactor(value: JsonValue, factor: 1 | 1000): JsonValue {
  if (factor === 1 || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((entry: JsonValue) => withTimeFactor(entry, factor));
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      if (member === undefined) return [name, undefined];
      const isTime = TIME_FIELDS.has(name) && typeof member === 'number' && member > 0;
      return [name, isTime ? member * factor : withTimeFactor(member, factor)];
    }),
  );
}
