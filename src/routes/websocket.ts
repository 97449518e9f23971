import fastifyWebsocket from '@fastify/websocket';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { WebSocket } from 'ws';
import { createWsMethods } from '../core/ws-methods.ts';
import type { Line } from './line.ts';
import { ApiSocket } from './websocket-api.ts';
import { ClientRates } from './websocket-client-rates.ts';
import { SocketIdentity } from './websocket-identity.ts';
import { SOCKET_LIMITS, type SocketLimits } from './websocket-limits.ts';
import { type Opening, openSocket } from './websocket-opening.ts';
import { StreamSocket } from './websocket-stream.ts';

/** What the one GET route needs to serve upgrades too: they pass the same hooks as any request before they reach it. */
export interface WebSocketRoute {
  readonly preHandler: (request: FastifyRequest, reply: unknown, done: (error?: Error) => void) => void;
  readonly wsHandler: (socket: WebSocket, request: FastifyRequest) => void;
}

/**
 * Serves WebSockets on an app. Nothing is compressed on the app's side, so no frame is larger than it looks; on shutdown
 * every socket is finished politely.
 */
export async function serveWebSockets(
  app: FastifyInstance,
  line: Line,
  given: Partial<SocketLimits> = {},
): Promise<WebSocketRoute> {
  const limits: SocketLimits = {
    ...SOCKET_LIMITS,
    answerTimeoutMs: line.patience.headersTimeoutMs,
    slowReaderMs: Math.min(SOCKET_LIMITS.slowReaderMs, line.patience.slowReaderMs),
    ...given,
  };
  const { sockets } = line;
  await app.register(fastifyWebsocket, {
    options: { maxPayload: limits.maxFrameBytes, perMessageDeflate: false, clientTracking: false },
    // The socket's own closing tells; an error of its own says nothing more.
    errorHandler: () => {},
    preClose: (done) => void sockets.drain().then(() => done()),
  });
  const timers = [
    setInterval(() => sockets.tick(line.monotonicNow()), limits.tickMs),
    setInterval(() => sockets.ping(), limits.pingEveryMs),
  ];
  for (const timer of timers) timer.unref();
  app.addHook('onClose', (_app, done) => {
    for (const timer of timers) clearInterval(timer);
    done();
  });

  const openings = new WeakMap<FastifyRequest, Opening>();
  const methods = createWsMethods(line.catalogue);
  const rates = new ClientRates();

  async function prepare(request: FastifyRequest): Promise<void> {
    const opening = await openSocket(line, limits, request);
    openings.set(request, opening);
    // An upgrade that fails after all (a wrong Sec-WebSocket-Key) must leave no socket behind.
    request.raw.socket.once('close', () => {
      if (openings.delete(request)) opening.upstream.terminate();
    });
  }

  function pair(socket: WebSocket, request: FastifyRequest): void {
    const opening = openings.get(request);
    openings.delete(request);
    if (opening === undefined) {
      socket.close(1011);
      return;
    }
    const { target, upstream, exchange, client } = opening;
    const { family, kind, printable } = target;
    const gone = new AbortController();
    const socketId = exchange.requestId;
    const options = {
      line,
      limits,
      socketId,
      app: socket,
      upstream,
      family,
      subject: { client: client.name, upstream: family, path: printable },
    };
    if (kind === 'stream') {
      new StreamSocket(options);
      return;
    }
    const identity = new SocketIdentity(request.raw.headers, line.wallNow());
    const context = { line, socketId, identity, rates, signal: gone.signal };
    new ApiSocket({ ...options, methods, context, onAppGone: () => gone.abort() });
  }

  return {
    preHandler(request, _reply, done) {
      if (!request.ws) done();
      else prepare(request).then(() => done(), done);
    },
    wsHandler: pair,
  };
}
