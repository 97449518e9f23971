import type { Call } from '../core/call/call.ts';
import { rawValue } from '../core/call/form.ts';
import type { HeaderValues } from '../core/call/headers.ts';
import type { Endpoint } from '../core/catalogue/endpoint.ts';
import { intervalMs } from './candle-close.ts';
import { type FamilyRule, familyOf } from './families.ts';

/** A call whose answer is the same for everybody who asks for it now. */
export interface Shareable extends FamilyRule {
  /** Equal for calls that Binance answers with the same bytes. */
  readonly key: string;
  /** How long the candles are that it asks for; undefined when it asks for none. */
  readonly candleMs: number | undefined;
}

/** What tells the time, the way to Binance, or what a caller pages through by itself. */
const NEVER = /\/(?:time|ping|historicalTrades|historicalBlockTrades)$/;
const CANDLES = /klines$/i;
const WANTS_NEWS = /\bno-(?:cache|store)\b/i;
/** Longer than any query that many ask: what is longer is not worth remembering. */
const LONGEST_KEY = 2_048;
/** From here on a time is in microseconds. */
const MICROSECONDS_FROM = 1e14;

/**
 * Says whether a call may be shared, and what it has to equal for that. Only a GET that needs neither key nor signature is
 * shared, and never one that names a moment of now: each caller means another one.
 * @param nowMs Binance's time; undefined while it is not known
 */
export function shareable(
  endpoint: Endpoint,
  call: Call,
  headers: HeaderValues,
  nowMs: number | undefined,
): Shareable | undefined {
  const { method, security, effect, touches, path, upstream } = endpoint;
  if (method !== 'GET' || security !== 'NONE' || effect !== 'none' || touches !== undefined) return undefined;
  if (NEVER.test(path) || call.repeated.length > 0 || call.body.length > 0) return undefined;
  if (WANTS_NEWS.test(text(headers, 'cache-control'))) return undefined;
  const values = new Map(call.query.map((pair) => [pair.name, rawValue(pair)]));
  if (values.has('fromId')) return undefined;
  const interval = values.get('interval') ?? values.get('period');
  const candleMs = interval === undefined ? undefined : intervalMs(interval);
  if (candleMs === undefined && (interval !== undefined || CANDLES.test(path))) return undefined;
  // The days of other time zones end at other moments.
  if ((values.get('timeZone') ?? '0') !== '0') return undefined;
  if (!isPast(values.get('startTime'), candleMs, nowMs) || !isPast(values.get('endTime'), candleMs, nowMs))
    return undefined;
  const query = call.query.map((pair) => pair.text).sort();
  const key = [upstream, path, query.join('&'), ...negotiated(headers)].join('\n');
  return key.length > LONGEST_KEY ? undefined : { ...familyOf(path), key, candleMs };
}

/** Whether a named moment lies so far back that its candles no longer change. */
function isPast(value: string | undefined, candleMs: number | undefined, nowMs: number | undefined): boolean {
  if (value === undefined) return true;
  if (candleMs === undefined || nowMs === undefined || !/^\d{1,17}$/.test(value)) return false;
  const moment = Number(value);
  const momentMs = moment >= MICROSECONDS_FROM ? moment / 1_000 : moment;
  return momentMs < nowMs - 2 * candleMs;
}

/** The headers by which Binance chooses the form of an answer. `accept` matters only to who can read SBE. */
function negotiated(headers: HeaderValues): readonly string[] {
  const accept = text(headers, 'accept');
  const sbe = text(headers, 'x-mbx-sbe');
  return [
    text(headers, 'accept-encoding'),
    sbe,
    text(headers, 'x-mbx-time-unit'),
    sbe !== '' || /sbe/i.test(accept) ? accept : '',
  ];
}

function text(headers: HeaderValues, name: string): string {
  const value = headers[name];
  return typeof value === 'string' ? value.trim().toLowerCase() : '';
}
