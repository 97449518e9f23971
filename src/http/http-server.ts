import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { Server as TlsListener } from 'node:tls';
import type { Settings } from '../config/schema/settings.ts';

type Tls = Settings['server']['tls'];
/** A certificate and its key. */
export type Pem = NonNullable<Tls>;

/** Longer than any client's pool keeps a connection, so that an order never meets a socket that is just closing. */
const KEEP_ALIVE_MS = 125_000;

const OPTIONS = {
  keepAliveTimeout: KEEP_ALIVE_MS,
  headersTimeout: 30_000,
  requestTimeout: 30_000,
  noDelay: true,
  // A request without a body gets no stream to read it from.
  optimizeEmptyRequests: true,
  maxHeaderSize: 64 * 1024,
  // The hook that looks at the Host answers for a missing one too, in Binance's shape.
  requireHostHeader: false,
  shouldUpgradeCallback: isWebSocket,
};

/** The HTTP server for apps; with certificate and key it speaks TLS and nothing else. */
export function createAppServer(handler: RequestListener, tls: Tls): Server {
  if (tls === undefined) return createServer(OPTIONS, handler);
  return createTlsServer({ ...OPTIONS, ...pemOf(tls) }, handler);
}

/** Puts a new certificate in place for new connections; turning TLS on or off takes a new start. */
export function renewCertificate(server: unknown, tls: Tls): void {
  if (tls !== undefined && server instanceof TlsListener) server.setSecureContext(pemOf(tls));
}

/** Every other offer is ignored, as HTTP wants it: java.net.http offers h2c with its first request, whatever that is. */
function isWebSocket({ method, headers }: IncomingMessage): boolean {
  return method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket';
}

/** How a listener speaks TLS with a certificate. */
export function pemOf({ cert, key }: Pem) {
  return { cert, key: key.reveal(), minVersion: 'TLSv1.2' as const };
}
