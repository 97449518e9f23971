import { INTERVALS, isIntervalName, SECOND_MS } from '../intervals.ts';

/** What the budgets look at in an answer of Binance. */
export interface UpstreamAnswer {
  readonly status: number;
  readonly header: (name: string) => string | undefined;
  /** Text of small error bodies only. */
  readonly bodyText: string | undefined;
  /** Whether the call did what it asked for. */
  readonly successful: boolean;
}

/** That Binance wants silence: from everybody on the host, from the orders of the account that called, or who knows from whom. */
export interface BackOff {
  readonly what: 'host' | 'orders' | 'page';
  readonly status: number;
  /** End by server time in ms; undefined where Binance named none. */
  readonly untilMs: number | undefined;
  /** Length of the window that is full, where the text names it. */
  readonly windowMs: number | undefined;
}

const TOO_MANY_ORDERS = -1015;
const REPLACE_CODES: ReadonlySet<unknown> = new Set([-2021, -2022]);
const BANNED_UNTIL = /banned until (\d{13})\b/;
const PER_WINDOW = new RegExp(`per (\\d+) (${Object.keys(INTERVALS).join('|')})\\b`);
const COUNT = /^\d{1,15}$/;

/**
 * Reads out of an answer whether Binance wants silence. Order counts (-1015, also inside a cancelReplace whose cancel
 * was done) stop orders only; other 429 and 418 stop the host. A 403 that is no Binance answer is the page of a firewall,
 * which judges addresses and what is asked for.
 */
export function readBackOff(answer: UpstreamAnswer, nowMs: number): BackOff | undefined {
  const { status } = answer;
  if (status < 400) return undefined;
  const body = readBody(answer.bodyText);
  const text = answer.bodyText ?? '';
  if (status === 418)
    return { what: 'host', status, untilMs: endOf(answer, text, nowMs), windowMs: undefined };
  if (isOrderLimit(body, status)) {
    const [, count, unit] = PER_WINDOW.exec(text) ?? [];
    const windowMs = isIntervalName(unit) ? Number(count) * INTERVALS[unit].ms : undefined;
    return { what: 'orders', status, untilMs: retryAfter(answer, nowMs), windowMs };
  }
  if (status === 429)
    return { what: 'host', status, untilMs: endOf(answer, text, nowMs), windowMs: undefined };
  if (status === 403 && body === undefined)
    return { what: 'page', status, untilMs: retryAfter(answer, nowMs), windowMs: undefined };
  return undefined;
}

/** A count in the first of these headers that has one. */
export function readCount(answer: UpstreamAnswer, headers: readonly string[]): number | undefined {
  for (const name of headers) {
    const text = answer.header(name);
    if (text !== undefined && COUNT.test(text)) return Number(text);
  }
  return undefined;
}

interface ErrorBody {
  readonly code: number;
  readonly innerCodes: readonly unknown[];
}

/** Undefined when the text is no error of Binance's own shape. */
function readBody(text: string | undefined): ErrorBody | undefined {
  if (text === undefined) return undefined;
  try {
    const body: unknown = JSON.parse(text);
    const code = member(body, 'code');
    if (typeof code !== 'number') return undefined;
    const parts = member(body, 'data');
    return {
      code,
      innerCodes: [
        member(member(parts, 'newOrderResponse'), 'code'),
        member(member(parts, 'cancelResponse'), 'code'),
      ],
    };
  } catch {
    return undefined;
  }
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function isOrderLimit(body: ErrorBody | undefined, status: number): boolean {
  if (body === undefined) return false;
  if (body.code === TOO_MANY_ORDERS || body.innerCodes.includes(TOO_MANY_ORDERS)) return true;
  return status === 429 && REPLACE_CODES.has(body.code);
}

/** The later of the two times that Binance may name. */
function endOf(answer: UpstreamAnswer, text: string, nowMs: number): number | undefined {
  const banned = BANNED_UNTIL.exec(text)?.[1];
  const wait = retryAfter(answer, nowMs);
  if (banned === undefined) return wait;
  return Math.max(Number(banned), wait ?? 0);
}

/** Retry-After on REST is in seconds. */
function retryAfter(answer: UpstreamAnswer, nowMs: number): number | undefined {
  const text = answer.header('retry-after');
  return text !== undefined && COUNT.test(text) ? nowMs + Number(text) * SECOND_MS : undefined;
}
