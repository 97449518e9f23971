import { rootCertificates } from 'node:tls';
import { type Dispatcher, Pool } from 'undici';

export interface PoolOptions {
  /** PEM of an additional authority; Node's own stay trusted. */
  readonly ca: string | undefined;
}

/** Binance decides within 10 s; a shorter wait would turn known results into unknown ones. */
export const HEADERS_TIMEOUT_MS = 15_000;
const CONNECTIONS = 128;
/** Below the idle limit of Binance's edge, so that the proxy closes first and an order never meets a dying socket. */
const KEEP_ALIVE_MS = 25_000;

/**
 * The connections to one upstream: TLS always verified, HTTP/1.1 only, no pipelining, no redirects (a dispatch never
 * follows one), nothing sent anywhere but to this origin.
 */
export function createPool(origin: string, options: PoolOptions): Dispatcher {
  return new Pool(origin, {
    connections: CONNECTIONS,
    pipelining: 1,
    allowH2: false,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: 2 * KEEP_ALIVE_MS,
    headersTimeout: HEADERS_TIMEOUT_MS,
    bodyTimeout: HEADERS_TIMEOUT_MS,
    connect: {
      timeout: 5_000,
      keepAlive: true,
      rejectUnauthorized: true,
      ...(options.ca === undefined ? {} : { ca: [...rootCertificates, options.ca] }),
    },
  });
}
