import type { FastifyRequest } from 'fastify';
import type { Ticket } from '../budgets/budgets.ts';
import type { Client } from '../core/access/client.ts';
import type { Call } from '../core/call/call.ts';
import type { Endpoint } from '../core/catalogue/endpoint.ts';
import type { Admission } from '../orders/order-limits.ts';
import type { LiveConfig } from './live-config.ts';

/** What is known about one call so far: filled step by step, read by records and answers. */
export interface Exchange {
  readonly requestId: string;
  /** Monotonic ms. */
  readonly arrivedMs: number;
  readonly snapshot: LiveConfig;
  readonly method: string;
  /** The client that the request proves to be; undefined when it proves nothing. */
  readonly identified: Client | undefined;
  client: Client | undefined;
  call: Call | undefined;
  endpoint: Endpoint | undefined;
  account: string | undefined;
  /** The open charge; undefined once it is settled. */
  ticket: Ticket | undefined;
  /** The weight that this call has cost so far, for `x-proxy-weight`. */
  weight: number | undefined;
  /** The used weight that Binance reported with its answer. */
  weightUsed: number | undefined;
  /** The open reservation of order sums; undefined once it is settled. */
  admission: Admission | undefined;
  /** True from the moment at which its bytes may have left, unless it is certain that none did. */
  sent?: boolean;
  /** True once the call has its last record. */
  concluded: boolean;
  waitMs: number | undefined;
  signMs: number | undefined;
  upstreamMs: number | undefined;
  clientOrderIds: readonly string[];
  /** What only a frame of a WebSocket has: its socket and its own id. */
  readonly detail?: Readonly<Record<string, string>>;
  /** Ends the counting of this call as one that is under way; missing before it was. */
  leave?: () => void;
}

declare module 'fastify' {
  interface FastifyRequest {
    exchange: Exchange | undefined;
  }
}

/** What an arriving call takes from the proxy. */
export interface ArrivalDeps {
  readonly snapshot: () => LiveConfig;
  readonly nextRequestId: () => string;
  readonly monotonicNow: () => number;
}

/** What is known when a call comes: its name, its time, the configuration that holds for it, and who it proves to be. */
export function beginExchange(
  { snapshot, nextRequestId, monotonicNow }: ArrivalDeps,
  method: string,
  identify: (snapshot: LiveConfig) => Client | undefined,
  detail?: Readonly<Record<string, string>>,
): Exchange {
  const config = snapshot();
  return {
    requestId: nextRequestId(),
    arrivedMs: monotonicNow(),
    snapshot: config,
    method,
    identified: identify(config),
    client: undefined,
    call: undefined,
    endpoint: undefined,
    account: undefined,
    ticket: undefined,
    weight: undefined,
    weightUsed: undefined,
    waitMs: undefined,
    admission: undefined,
    concluded: false,
    signMs: undefined,
    upstreamMs: undefined,
    clientOrderIds: [],
    ...(detail === undefined ? {} : { detail }),
  };
}

/** The exchange of a request; the first hook put it there. */
export function exchangeOf(request: FastifyRequest): Exchange {
  if (request.exchange === undefined) throw new Error('a request without its exchange');
  return request.exchange;
}
