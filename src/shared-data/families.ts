import { MINUTE_MS, SECOND_MS } from '../core/intervals.ts';

/** How shared calls are counted. */
export const FAMILIES = ['exchangeInfo', 'klines', 'tickers', 'depth', 'other'] as const;
export type Family = (typeof FAMILIES)[number];

export interface FamilyRule {
  readonly family: Family;
  /** How old an answer may be, in ms; undefined where none is ever kept. */
  readonly mostAgeMs: number | undefined;
}

const OTHER: FamilyRule = { family: 'other', mostAgeMs: undefined };
const RULES: FamilyRule = { family: 'exchangeInfo', mostAgeMs: MINUTE_MS };
const CANDLES: FamilyRule = { family: 'klines', mostAgeMs: SECOND_MS };
const TICKER: FamilyRule = { family: 'tickers', mostAgeMs: 250 };
const QUOTE: FamilyRule = { family: 'tickers', mostAgeMs: SECOND_MS };

/** The rules of trading, by which orders are made; other products have answers of the same name. */
const TRADING_RULES: ReadonlySet<string> = new Set([
  '/api/v3/exchangeInfo',
  '/api/v3/executionRules',
  '/fapi/v1/exchangeInfo',
  '/dapi/v1/exchangeInfo',
  '/eapi/v1/exchangeInfo',
]);

const BY_LAST_PART: ReadonlyMap<string, FamilyRule> = new Map([
  ['klines', CANDLES],
  ['uiKlines', CANDLES],
  ['continuousKlines', CANDLES],
  ['bookTicker', QUOTE],
  ['premiumIndex', QUOTE],
  ['fundingInfo', { family: 'tickers', mostAgeMs: MINUTE_MS }],
  ['depth', { family: 'depth', mostAgeMs: 100 }],
]);

const A_TICKER = /\/ticker(?:\/[^/]+)?$/;

/** The family of a public endpoint, by its path. */
export function familyOf(path: string): FamilyRule {
  if (TRADING_RULES.has(path)) return RULES;
  const named = BY_LAST_PART.get(path.slice(path.lastIndexOf('/') + 1));
  if (named !== undefined) return named;
  return A_TICKER.test(path) ? TICKER : OTHER;
}
