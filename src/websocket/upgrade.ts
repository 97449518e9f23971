import fastifyWebsocket from '@fastify/websocket';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { WebSocket } from 'ws';
import { createWsMethods } from '../core/frames/frame-methods.ts';
import { streamWish } from '../core/frames/stream-event.ts';
import { ClientRates } from '../pipeline/clients/client-rates.ts';
import type { Line } from '../pipeline/line.ts';
import { ApiSocket } from './api/api-socket.ts';
import { SocketIdentity } from './api/socket-identity.ts';
import { type AdmittedSocket, admitSocket, connectSocket } from './opening.ts';
import { SOCKET_LIMITS, type SocketLimits } from './sockets/socket-limits.ts';
import { AllFeeds } from './streams/all-feeds.ts';
import { OwnStream, PER_SECOND } from './streams/own-stream.ts';
import { SharedStream } from './streams/shared-stream.ts';

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
    answerTimeoutMs: line.timeouts.headersTimeoutMs,
    slowReaderMs: Math.min(SOCKET_LIMITS.slowReaderMs, line.timeouts.slowReaderMs),
    ...given,
  };
  const { sockets } = line;
  const groups = new AllFeeds(line.monotonicNow);
  await app.register(fastifyWebsocket, {
    options: { maxPayload: limits.maxFrameBytes, perMessageDeflate: false, clientTracking: false },
    // The socket's own closing tells; an error of its own says nothing more.
    errorHandler: () => {},
    preClose: (done) => void sockets.drain().then(() => done()),
  });
  const timers = [
    setInterval(() => sockets.tick(line.monotonicNow()), limits.tickMs),
    setInterval(() => {
      sockets.ping();
      groups.ping();
    }, limits.pingEveryMs),
  ];
  for (const timer of timers) timer.unref();
  app.addHook('onClose', (_app, done) => {
    for (const timer of timers) clearInterval(timer);
    groups.close();
    done();
  });

  const entries = new WeakMap<FastifyRequest, Entry>();
  const methods = createWsMethods(line.catalogue);
  const rates = new ClientRates();

  /** Everything before the upgrade is accepted; an app so learns of an unreachable Binance as without a proxy. */
  async function prepare(request: FastifyRequest): Promise<void> {
    const admitted = admitSocket(line, limits, request);
    const gone = new AbortController();
    request.raw.socket.once('close', () => {
      gone.abort();
      // An upgrade that fails after all (a wrong Sec-WebSocket-Key) must leave nothing behind.
      const entry = entries.get(request);
      entries.delete(request);
      entry?.giveUp();
    });
    const entry = await (streamWish(admitted.target) === undefined
      ? ownSocket(admitted, request, gone.signal)
      : sharedSocket(admitted));
    if (gone.signal.aborted) entry.giveUp();
    else entries.set(request, entry);
  }

  async function ownSocket(
    admitted: AdmittedSocket,
    request: FastifyRequest,
    signal: AbortSignal,
  ): Promise<Entry> {
    const { family, kind, path, query } = admitted.target;
    const upstream = await connectSocket(line, limits, admitted, `${path}${query}`, signal);
    return {
      giveUp: () => upstream.terminate(),
      accept(app) {
        const { socketId, subject } = named(admitted);
        const options = { line, limits, socketId, subject, app, upstream, family };
        if (kind === 'stream') {
          new OwnStream(options);
          return;
        }
        const identity = new SocketIdentity(request.raw.headers, line.wallNow());
        const gone = new AbortController();
        const context = { line, socketId, identity, rates, signal: gone.signal };
        new ApiSocket({ ...options, methods, context, onAppGone: () => gone.abort() });
      },
    };
  }

  async function sharedSocket(admitted: AdmittedSocket): Promise<Entry> {
    const { target, origin } = admitted;
    const wish = streamWish(target);
    if (wish === undefined) throw new Error('a shared socket without a wish');
    const open = () => connectSocket(line, limits, admitted, wish.sharedTarget, new AbortController().signal);
    const group = groups.of(`${origin}${wish.sharedTarget}`, PER_SECOND[target.family]);
    const socket = new SharedStream({ line, limits, ...named(admitted), wish, group, open });
    await socket.join();
    return { giveUp: () => socket.dispose(), accept: (app) => socket.attach(app) };
  }

  return {
    preHandler(request, _reply, done) {
      if (!request.ws) done();
      else prepare(request).then(() => done(), done);
    },
    wsHandler(app, request) {
      const entry = entries.get(request);
      entries.delete(request);
      if (entry === undefined) app.close(1011);
      else entry.accept(app);
    },
  };
}

/** What waits for an upgrade to be accepted. */
interface Entry {
  accept(app: WebSocket): void;
  giveUp(): void;
}

function named({ target, client, exchange }: AdmittedSocket) {
  const { family, printable } = target;
  return {
    socketId: exchange.requestId,
    subject: { client: client.name, upstream: family, path: printable },
  };
}
