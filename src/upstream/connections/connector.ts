import { createSecureContext, rootCertificates, type SecureContext, TLSSocket } from 'node:tls';
import type { buildConnector as Connectors } from 'undici';
import { isDirect, type WayOut } from '../../config/schema/ways-out.ts';
import { nothingBeyond } from './egress-refusals.ts';
import { type OwnAddresses, portOf } from './own-addresses.ts';
import { buildConnector } from './undici.ts';

const CONNECT_MS = 5_000;

/**
 * Whom TLS connections trust: Node's own authorities and the one whose PEM is given. Read once, when it is first asked
 * for, because reading them all takes longer than a handshake.
 */
export function createTrust(ca: string | undefined): () => SecureContext {
  let context: SecureContext | undefined;
  return () => {
    context ??= createSecureContext(ca === undefined ? {} : { ca: [...rootCertificates, ca] });
    return context;
  };
}

/** Opens the connections of one pool: TLS always verified, HTTP/1.1 only, no Nagle, and none to the proxy itself. */
export function createConnector(
  trust: () => SecureContext,
  own: OwnAddresses,
  way?: WayOut,
): Connectors.connector {
  return way === undefined || isDirect(way) ? connectorOf(trust, own) : throughWayOut(way, trust, own);
}

/** Lets TLS with Binance begin within a connection that the way out has opened; nobody on the way can end it. */
function throughWayOut(way: WayOut, trust: () => SecureContext, own: OwnAddresses): Connectors.connector {
  const secure = connectorOf(trust, undefined);
  return (target, callback) => {
    const isSecure = target.protocol === 'https:';
    const destination = { host: target.hostname.replace(/^\[|\]$/g, ''), port: portOf(target) };
    // Loaded by those that have a way out of their own.
    const opening = import('./way-out.ts').then(({ openWayOut }) =>
      openWayOut(way, trust, { ...destination, own }),
    );
    opening.then(
      (socket) => {
        if (!isSecure) return callback(null, socket);
        secure({ ...target, httpSocket: socket }, (error, secured) => {
          if (error === null) return callback(null, secured);
          socket.destroy();
          callback(nothingBeyond(way.setting, `no verified TLS connection (${codeOf(error)})`), null);
        });
      },
      (error: Error) => callback(error, null),
    );
  };
}

function codeOf(error: Error): string {
  return 'code' in error ? String(error.code) : 'no code';
}

/** @param own undefined within a connection that is open already */
function connectorOf(trust: () => SecureContext, own: OwnAddresses | undefined): Connectors.connector {
  let connect: Connectors.connector | undefined;
  // undici remembers sessions by weak references only: without this one the next collection of garbage takes them.
  const session: Buffer[] = [];
  return (target, callback) => {
    const port = portOf(target);
    const loop = own?.refuse(target.hostname, port);
    if (loop !== undefined) {
      process.nextTick(callback, loop, null);
      return;
    }
    connect ??= buildConnector({
      timeout: CONNECT_MS,
      keepAlive: true,
      rejectUnauthorized: true,
      allowH2: false,
      ...(own === undefined ? {} : { lookup: own.lookupFor(port) }),
      ...(target.protocol === 'https:' ? { secureContext: trust() } : {}),
    });
    connect(target, (...outcome) => {
      const [, socket] = outcome;
      if (socket instanceof TLSSocket) {
        socket.on('session', (latest) => {
          session[0] = latest;
        });
      }
      callback(...outcome);
    });
  };
}
