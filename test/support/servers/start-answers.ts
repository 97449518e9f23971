/** Which limits a stand-in for Binance states: more than any test sends, or none, so that the proxy keeps its own. */
export type StatedLimits = 'generous' | 'fallback';

const LIMIT = 1_000_000_000;

type Row = readonly [type: string, count: number, interval: string];

const WEIGHT: Row = ['REQUEST_WEIGHT', 1, 'MINUTE'];
const ORDERS_10S: Row = ['ORDERS', 10, 'SECOND'];
const ORDERS_1M: Row = ['ORDERS', 1, 'MINUTE'];

/** The limits of each family, in the windows of Binance. */
const EXCHANGE_INFOS: ReadonlyMap<string, string> = new Map([
  [
    '/api/v3/exchangeInfo',
    exchangeInfo(WEIGHT, ['RAW_REQUESTS', 5, 'MINUTE'], ORDERS_10S, ['ORDERS', 1, 'DAY']),
  ],
  ['/fapi/v1/exchangeInfo', exchangeInfo(WEIGHT, ORDERS_10S, ORDERS_1M)],
  ['/dapi/v1/exchangeInfo', exchangeInfo(WEIGHT, ORDERS_1M)],
  ['/eapi/v1/exchangeInfo', exchangeInfo(WEIGHT, ORDERS_10S, ORDERS_1M)],
]);

const KEY_SWITCHES = JSON.stringify({
  ipRestrict: true,
  createTime: 1_600_000_000_000,
  enableReading: true,
  enableSpotAndMarginTrading: true,
  enableFutures: true,
  enableMargin: true,
  enableVanillaOptions: true,
  enablePortfolioMarginTrading: true,
  enableInternalTransfer: false,
  enableWithdrawals: false,
  permitsUniversalTransfer: false,
});

/**
 * What every stand-in answers with 200 to the questions that the proxy asks of its own accord: the time, the limits,
 * what a key may do, and what keeps a connection open. Undefined for everything else.
 */
export function startAnswer(
  target: string,
  { limits = 'generous', clockOffsetMs = 0 }: { limits?: StatedLimits; clockOffsetMs?: number } = {},
): string | undefined {
  const [path = ''] = target.split('?');
  if (path === '/api/v3/time') return JSON.stringify({ serverTime: Date.now() + clockOffsetMs });
  if (path === '/sapi/v1/account/apiRestrictions') return KEY_SWITCHES;
  if (/^\/(?:api\/v3|[fdep]api\/v1)\/ping$/.test(path)) return '{}';
  return limits === 'fallback' ? undefined : EXCHANGE_INFOS.get(path);
}

function exchangeInfo(...rows: readonly Row[]): string {
  const rateLimits = rows.map(([rateLimitType, intervalNum, interval]) => {
    return { rateLimitType, interval, intervalNum, limit: LIMIT };
  });
  return JSON.stringify({ timezone: 'UTC', rateLimits, symbols: [] });
}
