import { rootCertificates } from 'node:tls';
import type { Dispatcher } from 'undici';
import { PATIENCE } from './patience.ts';
import { Pool } from './undici.ts';

export interface PoolOptions {
  /** PEM of an additional authority; Node's own stay trusted. */
  readonly ca: string | undefined;
  /** How long an answer may take to begin, and between two pieces of it; 15 s. */
  readonly headersTimeoutMs?: number;
  /** How many calls may be under way; 512. */
  readonly callsPerUpstream?: number;
}

/** Below the idle limit of Binance's edge, so that the proxy closes first and an order never meets a dying socket. */
const KEEP_ALIVE_MS = 25_000;
/** The proxy's own questions come on top of the calls of apps. */
const CONNECTIONS_FOR_ITSELF = 16;

/**
 * The connections to one upstream: TLS always verified, HTTP/1.1 only, no pipelining, no redirects (a dispatch never
 * follows one), nothing sent anywhere but to this origin. There are as many as calls may be under way, so that a call
 * is never stamped and then kept waiting.
 */
export function createPool(origin: string, options: PoolOptions): Dispatcher {
  const { ca, headersTimeoutMs = PATIENCE.headersTimeoutMs } = options;
  return new Pool(origin, {
    connections: (options.callsPerUpstream ?? PATIENCE.callsPerUpstream) + CONNECTIONS_FOR_ITSELF,
    pipelining: 1,
    allowH2: false,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: 2 * KEEP_ALIVE_MS,
    headersTimeout: headersTimeoutMs,
    bodyTimeout: headersTimeoutMs,
    connect: {
      timeout: 5_000,
      keepAlive: true,
      rejectUnauthorized: true,
      ...(ca === undefined ? {} : { ca: [...rootCertificates, ca] }),
    },
  });
}
