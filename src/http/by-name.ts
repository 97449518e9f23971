import type { IncomingMessage, Server } from 'node:http';
import { Server as HttpsServer } from 'node:https';
import { createServer, type Server as TlsServer } from 'node:tls';
import type { Settings } from '../config/schema/settings.ts';
import { type BinanceHost, binanceHost } from '../core/binance-hosts.ts';
import { type Pem, pemOf } from './http-server.ts';

/** How a request came: by the name of one of Binance's hosts, or by a name of the proxy's own. */
export type Door =
  | { readonly isByName: false; readonly host?: undefined }
  /** The host is undefined when the `Host` header names none that is served. */
  | { readonly isByName: true; readonly host: BinanceHost | undefined };

const OWN_NAME: Door = { isByName: false };

/** The connections that came to a listener by name. */
const named = new WeakSet<object>();

/**
 * A further TLS listener of an app's HTTP server: what is read on its connections is served like anything else, and only
 * the Host is judged in another way.
 */
export function createNamedServer(app: Server, pem: Pem): TlsServer {
  const arrival = app instanceof HttpsServer ? 'secureConnection' : 'connection';
  const server = createServer({ ...pemOf(pem), ALPNProtocols: ['http/1.1'], noDelay: true }, (socket) => {
    named.add(socket);
    app.emit(arrival, socket);
  });
  // Whoever does not trust the certificate hangs up, and so do we.
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  return server;
}

/** Through which door a request came, and which host it called there. */
export function doorOf({ socket, headers }: IncomingMessage, { environment }: Settings): Door {
  return named.has(socket) ? { isByName: true, host: binanceHost(headers.host, environment) } : OWN_NAME;
}
