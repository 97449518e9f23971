import type { UpstreamName } from '../upstream.ts';

/** Families of APIs. They share a wire format, but their codes and statuses have different meanings. */
export type Family = 'spot' | 'sapi' | 'usdm' | 'coinm' | 'options' | 'portfolio';

/**
 * What is known about the state change that a call asked for. refused: certainly not done; partly: one half or some
 * elements were done; unknown: it may or may not have been done.
 */
export type Execution = 'executed' | 'refused' | 'unknown' | 'partly';

interface UnavailableText {
  /** The beginning of `msg` in a 503 answer. */
  readonly text: string;
  readonly execution: Execution;
}

export interface FamilyTable {
  /** Codes after which the order may exist, at any HTTP status. */
  readonly openCodes: ReadonlySet<number>;
  /** Codes that say one half of the call was done. */
  readonly partlyCodes: ReadonlySet<number>;
  /** Texts that decide a 503 (and a -1001) before codes and statuses do. */
  readonly unavailable: readonly UnavailableText[];
  /** Statuses that differ from their class. A 4xx is refused; any other status but 2xx is open. */
  readonly statuses: ReadonlyMap<number, Execution>;
}

const OPEN_CODES: ReadonlySet<number> = new Set([-1000, -1001, -1006, -1007]);
const NO_CODES: ReadonlySet<number> = new Set();

/**
 * The four 503 texts of the futures documentation: the first leaves the order open, the others certainly failed. The
 * third is also the text of -1001, of which spot and /sapi promise nothing.
 * @see https://developers.binance.com/docs/derivatives/usds-margined-futures/general-info (2026-05-28)
 */
const FUTURES_UNAVAILABLE: readonly UnavailableText[] = [
  { text: 'Unknown error, please check your request or try again later', execution: 'unknown' },
  { text: 'Service Unavailable', execution: 'refused' },
  { text: 'Internal error; unable to process your request', execution: 'refused' },
  { text: 'Request throttled by system-level protection', execution: 'refused' },
];

/** What futures answer in a maintenance window says nothing of the order. */
const MAINTENANCE = 239_999;

const FUTURES: FamilyTable = {
  openCodes: new Set([...OPEN_CODES, MAINTENANCE]),
  partlyCodes: NO_CODES,
  unavailable: FUTURES_UNAVAILABLE,
  statuses: new Map([[408, 'unknown']]),
};

/**
 * One table per family. On spot -2021 is a cancelReplace of which one half was done (409, or 429 where only the cancel
 * was allowed); on futures it is an ordinary refusal.
 * @see https://github.com/binance/binance-spot-api-docs/blob/master/errors.md (2026-07-21)
 */
export const OUTCOME_TABLES: Readonly<Record<Family, FamilyTable>> = {
  spot: {
    openCodes: OPEN_CODES,
    partlyCodes: new Set([-2021]),
    unavailable: [],
    statuses: new Map<number, Execution>([
      [408, 'unknown'],
      [409, 'partly'],
    ]),
  },
  sapi: {
    openCodes: OPEN_CODES,
    partlyCodes: NO_CODES,
    unavailable: [],
    statuses: new Map([[408, 'unknown']]),
  },
  usdm: FUTURES,
  coinm: FUTURES,
  options: FUTURES,
  portfolio: FUTURES,
};

/** Codes that are given before the matching engine sees the call, or by the engine as its refusal; also at a 5xx. */
const CERTAIN_CODES: ReadonlySet<number> = new Set([
  -1002, -1003, -1008, -1013, -1014, -1015, -1016, -1020, -1021, -1022, -1034, -2010, -2011, -2013, -2014,
  -2015, -2022, -2038,
]);

/** True when the code alone proves that nothing was done, whatever the status says. */
export function isCertainRefusal(code: number): boolean {
  return CERTAIN_CODES.has(code) || (code <= -1100 && code > -1200);
}

/** GET endpoints that change something. They are never repeated, and a lost answer leaves them open. */
const CHANGING_GETS: ReadonlySet<string> = new Set(['/sapi/v1/soft-staking/set']);

/** POST endpoints that change nothing. */
const READING_POSTS: ReadonlySet<string> = new Set([
  '/api/v3/order/test',
  '/api/v3/sor/order/test',
  '/fapi/v1/order/test',
  '/sapi/v1/asset/get-funding-asset',
  '/sapi/v3/asset/getUserAsset',
  '/sapi/v1/asset/dust-btc',
  '/sapi/v1/asset/dust-convert/query-convertible-assets',
]);

/** True when a second execution of the call would do nothing that the first did not. */
export function changesNothing(method: string, path: string): boolean {
  return method === 'GET' ? !CHANGING_GETS.has(path) : READING_POSTS.has(path);
}

/** The family of a path. Public Alpha data (`web`) is read like spot. */
export function codeFamily(upstream: UpstreamName, path: string): Family {
  switch (upstream) {
    case 'spot':
    case 'web':
      return path.startsWith('/sapi/') ? 'sapi' : 'spot';
    default:
      return upstream;
  }
}
