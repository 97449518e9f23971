import type { Endpoint } from '../catalogue/endpoint.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../intervals.ts';

/** A quota that Binance states in words, counted in calls. */
export interface Quota {
  /** Whose calls count together. */
  readonly scope: 'ip' | 'account';
  /** What is counted together: an endpoint, or the endpoints that share it. */
  readonly name: string;
  readonly windowMs: number;
  readonly limit: number;
  /** Whether each call counts for one window from its own time on; else all begin anew with the window. */
  readonly isRolling: boolean;
}

/** The longest month: a month of Binance's never holds more calls than a rolling one of this length. */
const MONTH_MS = 31 * DAY_MS;

const UNITS_MS: Readonly<Record<string, number>> = {
  s: SECOND_MS,
  sec: SECOND_MS,
  second: SECOND_MS,
  min: MINUTE_MS,
  minute: MINUTE_MS,
  h: HOUR_MS,
  hour: HOUR_MS,
  d: DAY_MS,
  day: DAY_MS,
  month: MONTH_MS,
};
const QUOTA =
  /(\d+)(?: (?:requests?|times?))? ?(?:\/| per )(\d*)(seconds?|sec|s|minutes?|min|hours?|h|months?|days?|d)\b/g;
const PARTNER = /\bwith ([A-Z]+ \S+)/;
const FUTURES_DATA = '/futures/data/';
const FUTURES_DATA_TEXT = 'shares 1000/5min/IP with GET /futures/data/*';

/**
 * The quotas of an endpoint: `360/hour, 500/day`, `10 requests per second`, `1 time/min per IP`,
 * `shares 500/5min/IP with GET /fapi/v1/fundingRate`, `2/10min rolling`, `2/min per IP; 8/month`: what stands behind a
 * semicolon is of its own kind, and months always roll. All of /futures/data shares one, also where no row says so.
 */
export function quotasOf(endpoint: Endpoint): readonly Quota[] {
  const text =
    endpoint.extraLimit ?? (endpoint.path.startsWith(FUTURES_DATA) ? FUTURES_DATA_TEXT : undefined);
  return text === undefined ? [] : text.split(';').flatMap((part) => readQuotas(part, endpoint));
}

function readQuotas(text: string, { method, path, security }: Endpoint): readonly Quota[] {
  const own = `${method} ${path}`;
  const name = sharedName(own, PARTNER.exec(text)?.[1]);
  const scope = security === 'NONE' || /\bIP\b/.test(text) ? 'ip' : 'account';
  const quotas: Quota[] = [];
  for (const [, limit, count, unit] of text.matchAll(QUOTA)) {
    const unitMs = UNITS_MS[unit ?? ''] ?? UNITS_MS[(unit ?? '').replace(/s$/, '')];
    if (unitMs === undefined) continue;
    const windowMs = (count === '' ? 1 : Number(count)) * unitMs;
    const isRolling = unitMs === MONTH_MS || /\brolling\b/.test(text);
    quotas.push({ scope, name, windowMs, limit: Number(limit), isRolling });
  }
  return quotas;
}

/** Both endpoints of a shared quota must come to the same name; a pattern stands for all that it covers. */
function sharedName(own: string, partner: string | undefined): string {
  if (partner === undefined) return own;
  if (partner.endsWith('*')) return partner;
  return [own, partner].sort().join(' + ');
}
