import type { Call } from '../core/call/call.ts';
import type { Endpoint } from '../core/catalogue/endpoint.ts';
import type { SocketTarget } from '../core/frames/socket-target.ts';
import type { SocketFamily } from '../core/upstream.ts';

/** What Binance counts for a connection to a signed API, in weight. */
const CONNECTION_WEIGHT: Readonly<Record<SocketFamily, number>> = { spot: 2, usdm: 5, coinm: 5 };
const NO_PARAMETERS = { query: [], body: [], repeated: [] } as const;
const NO_STAMP = { timestamp: undefined, recvWindow: undefined, signature: undefined };

/** A connection as an endpoint of the catalogue, so that the same judges and budgets count it. */
export function connectionEndpoint({ kind, family, printable, isPrivate }: SocketTarget): Endpoint {
  const path = printable;
  return {
    upstream: family,
    method: 'GET',
    path,
    product: 'websocket',
    security: 'NONE',
    securityType: 'NONE',
    permission: isPrivate ? 'read' : 'market-data',
    weights: kind === 'api' ? [{ scope: 'IP', max: CONNECTION_WEIGHT[family] }] : [],
    orders: {},
    effect: 'none',
    clientOrderIds: [],
    repeatable: [],
    ...(kind === 'stream' ? { isStream: true } : {}),
    opens: kind === 'api' || isPrivate ? 'own' : 'public',
    // All routes of one host count together.
    extraLimit: `shares 300/5min/IP with GET /${family}-${kind}-connections/*`,
  };
}

/** A connection as a call without parameters. */
export function callOf({ upstream, method, path }: Endpoint): Call {
  return { method, upstream, path, ...NO_PARAMETERS, stamp: NO_STAMP };
}
