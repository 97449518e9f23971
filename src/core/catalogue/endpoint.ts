import type { UpstreamName } from '../upstream.ts';
import type { Permission } from './permission.ts';
import type { Retired } from './retired.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** NONE: neither key nor signature; APIKEY: the key header only; SIGNED: key header, timestamp and signature. */
export type Security = 'NONE' | 'APIKEY' | 'SIGNED';

/** What a call does to orders: decides its lane and how its endings are read. */
export type OrderEffect = 'place' | 'amend' | 'cancel' | 'none';

/**
 * What a changing call touches, whatever its form: `orders` places, amends or cancels some; `symbol` changes something
 * about one symbol, pair or underlying (leverage, margin, a countdown); `account` something for the whole account
 * (modes, fee switches, transfers, loans); `nothing` changes nothing that matters (listen keys, test orders, reads by POST).
 */
export type Touches = 'symbol' | 'account' | 'orders' | 'nothing';

/**
 * One condition of a parameter-dependent weight; the first that matches decides.
 * `has` and `eq` look at a parameter, `limit` steps over the `limit` parameter, `count*` count the symbols in a
 * JSON array parameter; a bare `{w}` matches always.
 */
export type WeightStep =
  | { readonly has: string; readonly w: number }
  | { readonly eq: readonly [name: string, ...values: string[]]; readonly w: number }
  | { readonly limit: readonly (readonly [upTo: number, w: number])[]; readonly default: number }
  | { readonly count: string; readonly each: number; readonly cap: number }
  | {
      readonly countSteps: string;
      readonly steps: readonly (readonly [upTo: number, w: number])[];
      readonly over: number;
    }
  | { readonly w: number };

/** Where a weight is counted: per egress IP, or per Binance account (UID). */
export type WeightScope = 'IP' | 'UID';

export interface Weight {
  readonly scope: WeightScope;
  /** The fixed weight, or the largest one where steps stand. */
  readonly max: number;
  readonly steps?: readonly WeightStep[];
}

/** The orderShape by which orders enter: names the reading of intended orders out of the parameters. */
export type OrderShape =
  | 'single'
  | 'cancel-replace'
  | 'oco'
  | 'order-list-oco'
  | 'oto'
  | 'otoco'
  | 'opo'
  | 'opoco'
  | 'batch'
  | 'amend'
  | 'amend-batch'
  | 'algo'
  | 'convert'
  | 'equity';

/** A parameter whose values outside `harmless` ask for a further permission, e.g. a margin order that borrows. */
export interface RaisedPermission {
  readonly parameter: string;
  readonly harmless: readonly string[];
  readonly permission: Permission;
}

export interface Endpoint {
  readonly upstream: UpstreamName;
  readonly method: Method;
  /** The literal path that is sent, e.g. `/api/v3/order`. */
  readonly path: string;
  /** The method of the WebSocket API that does the same; this endpoint is its REST twin. */
  readonly webSocket?: string;
  /** What that method weighs, where it is not what this endpoint weighs. */
  readonly webSocketWeights?: readonly Weight[];
  readonly product: string;
  readonly security: Security;
  /** Binance's own security type, e.g. USER_DATA. */
  readonly securityType: string;
  readonly permission: Permission;
  /** Undefined for a read. */
  readonly touches?: Touches;
  /** One or two weights (one endpoint is counted by IP and by UID). Empty where Binance names none. */
  readonly weights: readonly Weight[];
  /** Order counts by interval, e.g. `{ '10S': 1, '1D': 1 }` or `{ '10S': 5, '1M': 1 }`. */
  readonly orders: Readonly<Record<string, number>>;
  readonly effect: OrderEffect;
  readonly orderShape?: OrderShape;
  /** Names of the parameters that carry a client order id, in the order Binance documents them. */
  readonly clientOrderIds: readonly string[];
  /** Parameter names that may stand more than once. */
  readonly repeatable: readonly string[];
  /** A further quota that Binance states in words, e.g. `360/hour, 500/day`. */
  readonly extraLimit?: string;
  readonly raised?: RaisedPermission;
  /** True of a connection to streams: they have a host of their own, beside the one of REST and the signed API. */
  readonly isStream?: true;
  /** What a connection opens: a socket that carries what is an account's own, or public market data. */
  readonly opens?: 'own' | 'public';
  /** Set where Binance has retired it and libraries still call it: it passes, and Binance's own error comes back. */
  readonly retired?: Retired;
}
