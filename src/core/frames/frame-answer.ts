import type { HeaderValues } from '../call/headers.ts';
import { INTERVALS, isIntervalName, SECOND_MS } from '../intervals.ts';
import { jsonMembers, jsonSources } from '../json.ts';
import { canonicalId } from './frame.ts';

/** The head of an answer. Events have none. */
export interface AnswerHead {
  /** Canonical JSON text. */
  readonly id: string;
  readonly status: number;
}

/** The content of an answer as text, so that ids keep their digits. */
export interface AnswerBody {
  /** JSON text of `result`, or of `error`. */
  readonly text: string | undefined;
  /** False when the frame does not parse. */
  readonly wellFormed: boolean;
}

/** Binance writes id and status first, so reading them costs the same for an answer of any size. */
const HEAD = /^\s*\{\s*"id"\s*:\s*("(?:[^"\\]|\\.){0,800}"|-?\d{1,20}|null)\s*,\s*"status"\s*:\s*(\d{3})\b/;
const EVENT = /^\s*\{\s*"(?:subscriptionId|event|stream|e)"/;
/** A text that begins otherwise is parsed only up to this length, in characters. */
const LONGEST_SEARCH = 262_144;
const LIMITS = /"rateLimits"\s*:\s*(\[[^\]]*\])/;
/** `rateLimits` is at the end of an answer, within this many characters. */
const LONGEST_LIMITS = 4_096;

/** Reads the head of an answer. Undefined for events and for what cannot be read. */
export function readAnswerHead(text: string): AnswerHead | undefined {
  const match = HEAD.exec(text);
  if (match?.[1] !== undefined) return toHead(match[1], Number(match[2]));
  if (EVENT.test(text) || text.length > LONGEST_SEARCH) return undefined;
  try {
    const sources = new Map(jsonSources(text).map(({ name, source }) => [name, source]));
    const id = sources.get('id');
    const status = Number(sources.get('status'));
    return id === undefined || !Number.isInteger(status) ? undefined : toHead(id, status);
  } catch {
    return undefined;
  }
}

/** Reads the `result` of a successful answer, the `error` of any other. */
export function readAnswerBody(text: string, status: number): AnswerBody {
  try {
    const wanted = status >= 400 ? 'error' : 'result';
    return { text: jsonSources(text).find(({ name }) => name === wanted)?.source, wellFormed: true };
  } catch {
    return { text: undefined, wellFormed: false };
  }
}

/**
 * The limits that an answer reports (REQUEST_WEIGHT, ORDERS), as the headers of REST, and `retry-after` in seconds. On
 * the WebSocket API `retryAfter` is a time in ms since the epoch.
 * @param errorText JSON text of the answer's error
 */
export function limitHeaders(text: string, errorText: string | undefined, nowMs: number): HeaderValues {
  const headers: Record<string, string> = Object.create(null);
  for (const { type, interval, count } of readLimits(text)) {
    const name = type === 'ORDERS' ? 'x-mbx-order-count' : 'x-mbx-used-weight';
    headers[`${name}-${interval}`] = String(count);
  }
  const untilMs = errorText === undefined ? undefined : retryAfterMs(errorText);
  if (untilMs !== undefined)
    headers['retry-after'] = String(Math.max(1, Math.ceil((untilMs - nowMs) / SECOND_MS)));
  return headers;
}

/** The id of the subscription that an answer opened. */
export function subscriptionIdOf(resultText: string | undefined): string | undefined {
  if (resultText === undefined) return undefined;
  try {
    return jsonMembers(resultText).find(({ name }) => name === 'subscriptionId')?.value;
  } catch {
    return undefined;
  }
}

function toHead(source: string, status: number): AnswerHead | undefined {
  const id = canonicalId(source);
  return id === undefined ? undefined : { id, status };
}

interface ReportedLimit {
  readonly type: string;
  readonly interval: string;
  readonly count: number;
}

function readLimits(text: string): ReportedLimit[] {
  const list = LIMITS.exec(text.slice(-LONGEST_LIMITS))?.[1];
  if (list === undefined) return [];
  try {
    const rows = JSON.parse(list) as readonly Readonly<Record<string, unknown>>[];
    return rows.flatMap(({ rateLimitType, interval, intervalNum, count }) => {
      const letter = isIntervalName(interval) ? INTERVALS[interval].letter.toLowerCase() : undefined;
      const isCounted = rateLimitType === 'ORDERS' || rateLimitType === 'REQUEST_WEIGHT';
      if (letter === undefined || !isCounted || !Number.isSafeInteger(count)) return [];
      return [{ type: rateLimitType, interval: `${intervalNum}${letter}`, count: Number(count) }];
    });
  } catch {
    return [];
  }
}

function retryAfterMs(errorText: string): number | undefined {
  try {
    const { data } = JSON.parse(errorText) as { readonly data?: { readonly retryAfter?: unknown } };
    return typeof data?.retryAfter === 'number' ? data.retryAfter : undefined;
  } catch {
    return undefined;
  }
}
