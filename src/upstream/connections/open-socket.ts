import type { createConnection, Socket } from 'node:net';
import { rootCertificates } from 'node:tls';
import { WebSocket } from 'ws';
import { isDirect, type WayOut } from '../../config/schema/ways-out.ts';
import type { UpstreamAnswer } from '../../core/budget/back-off.ts';
import { ProxyError } from '../../core/errors.ts';
import { createConnector, createTrust } from './connector.ts';
import { LoopError, type OwnAddresses, portOf } from './own-addresses.ts';

export interface UpstreamSocketOptions {
  /** Origin, path and query as they are sent. */
  readonly url: string;
  /** PEM of an additional authority; Node's own stay trusted. */
  readonly ca: string | undefined;
  /** Where it may not end. */
  readonly own: OwnAddresses;
  /** How it leaves this machine. */
  readonly way: WayOut;
  readonly handshakeTimeoutMs: number;
  /** Aborts when the app is gone. */
  readonly signal: AbortSignal;
}

/** How a connection attempt ended: a socket that reads nothing yet, or what Binance said instead. */
export type UpstreamOpening =
  | { readonly socket: WebSocket }
  /** It was refused with an HTTP answer. */
  | { readonly refused: UpstreamAnswer }
  /** There was no connection. */
  | { readonly failed: ProxyError };

/** The largest frame of Binance's that is taken: a whole exchangeInfo has about a fifth of it. */
const MAX_FRAME_BYTES = 128 * 1024 * 1024;
const MAX_REFUSAL_BYTES = 4_096;

/**
 * Connects to Binance: TLS always verified, no redirects, no compression. The socket is paused, so that nothing is lost
 * before its owner listens. Never rejects.
 */
export function openUpstreamSocket(options: UpstreamSocketOptions): Promise<UpstreamOpening> {
  const url = new URL(options.url);
  const port = portOf(url);
  const loop = options.own.refuse(url.hostname, port);
  if (loop !== undefined) return Promise.resolve({ failed: unreachable(loop) });
  return new Promise((resolve) => {
    const socket = new WebSocket(options.url, {
      perMessageDeflate: false,
      followRedirects: false,
      handshakeTimeout: options.handshakeTimeoutMs,
      maxPayload: MAX_FRAME_BYTES,
      rejectUnauthorized: true,
      lookup: options.own.lookupFor(port),
      ...(options.ca === undefined ? {} : { ca: [...rootCertificates, options.ca] }),
      ...throughWayOut(options),
    });
    const giveUp = () => socket.terminate();
    options.signal.addEventListener('abort', giveUp, { once: true });
    const end = (opening: UpstreamOpening) => {
      options.signal.removeEventListener('abort', giveUp);
      resolve(opening);
    };
    socket.once('open', () => {
      socket.pause();
      end({ socket });
    });
    socket.once('unexpected-response', (request, response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        if (text.length < MAX_REFUSAL_BYTES) text += chunk;
      });
      const close = () => {
        request.destroy();
        const header = (name: string) => {
          const value = response.headers[name];
          return Array.isArray(value) ? value[0] : value;
        };
        end({ refused: { status: response.statusCode ?? 502, header, bodyText: text, successful: false } });
      };
      response.once('end', close);
      response.once('error', close);
    });
    socket.on('error', (error) => end({ failed: unreachable(error) }));
  });
}

type Connect = typeof createConnection;

/** Nothing for a way that leads out directly: the connection is made as ever then. */
function throughWayOut({ url, ca, own, way }: UpstreamSocketOptions): { createConnection?: Connect } {
  if (isDirect(way)) return {};
  const { protocol, hostname, host, port } = new URL(url);
  const connect = createConnector(createTrust(ca), own, way);
  const target = { protocol: protocol.replace('ws', 'http'), hostname, host, port };
  // Node's HTTP client also takes a connection that comes later; its types do not say so.
  const open = (_options: unknown, done: (error: Error | null, socket?: Socket) => void): void =>
    connect(target, (error, socket) => (error === null ? done(null, socket) : done(error)));
  return { createConnection: open as unknown as Connect };
}

/** The refusal of an app whose call or socket found nobody at the other end. */
export function unreachable(why?: Error): ProxyError {
  // A way out says itself what is wrong with it.
  if (why instanceof ProxyError) return why;
  if (why instanceof LoopError) {
    const message = 'The address of this upstream leads back to the signing proxy itself: nothing was sent.';
    return new ProxyError('PROXY_UPSTREAM_UNREACHABLE', message, { rule: 'loop' });
  }
  return new ProxyError('PROXY_UPSTREAM_UNREACHABLE', 'Binance could not be reached: nothing was sent.', {
    rule: 'not connected',
  });
}
