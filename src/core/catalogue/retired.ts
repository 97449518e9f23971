/** That Binance has taken an endpoint or a method out of use. */
export interface Retired {
  /** The day, e.g. `2026-02-20`. */
  readonly date: string;
  /** What does the same today. */
  readonly instead: string;
}

const LISTEN_KEYS: Retired = {
  date: '2026-02-20',
  instead: 'userDataStream.subscribe on the WebSocket API (/ws-api/v3)',
};
const MARGIN_LISTEN_KEYS: Retired = {
  date: '2026-02-20',
  instead:
    'POST /sapi/v1/userListenToken, then userDataStream.subscribe.listenToken on the WebSocket API (/ws-api/v3)',
};
const MARGIN_LOANS: Retired = { date: '2024-03-31', instead: '/sapi/v1/margin/borrow-repay' };
const MARGIN_TRANSFERS: Retired = { date: '2024-03-31', instead: '/sapi/v1/asset/transfer' };

/** Paths that are gone from the catalogue and that libraries still call. */
const PATHS: ReadonlyMap<string, Retired> = new Map([
  ['/api/v3/userDataStream', LISTEN_KEYS],
  ['/sapi/v1/userDataStream', MARGIN_LISTEN_KEYS],
  ['/sapi/v1/userDataStream/isolated', MARGIN_LISTEN_KEYS],
  ['/sapi/v1/margin/loan', MARGIN_LOANS],
  ['/sapi/v1/margin/repay', MARGIN_LOANS],
  ['/sapi/v1/margin/transfer', MARGIN_TRANSFERS],
  ['/sapi/v1/margin/isolated/transfer', MARGIN_TRANSFERS],
]);
const METHODS: ReadonlyMap<string, Retired> = new Map(
  ['start', 'ping', 'stop'].map((name) => [`spot userDataStream.${name}`, LISTEN_KEYS]),
);
const FIRST_VERSION = /^\/api\/v1\//;

/** What Binance has retired at a path that the catalogue lacks; undefined when nothing is known of it. */
export function retiredPath(path: string): Retired | undefined {
  if (FIRST_VERSION.test(path))
    return { date: '2026-03-25', instead: 'the path of the same name under /api/v3' };
  return PATHS.get(path);
}

/** The same for a method of a WebSocket API, without its version prefix. */
export function retiredMethod(family: string, method: string): Retired | undefined {
  return METHODS.get(`${family} ${method.replace(/^v\d\//, '')}`);
}
