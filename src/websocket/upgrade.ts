import fastifyWebsocket from '@fastify/websocket';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { WebSocket } from 'ws';
import type { Client } from '../core/access/client.ts';
import { streamWish } from '../core/frames/stream-event.ts';
import { LaneCounts } from '../core/lanes.ts';
import { admitSocket } from './opening.ts';
import { openOwnSocket } from './own-socket.ts';
import { joinSharedStream } from './shared-socket.ts';
import { AllFeeds } from './streams/all-feeds.ts';
import type { Entry, WebSocketDeps } from './websocket-deps.ts';

/** What the one GET route needs to serve upgrades too: they pass the same hooks as any request before they reach it. */
export interface WebSocketRoute {
  readonly preHandler: (request: FastifyRequest, reply: unknown, done: (error?: Error) => void) => void;
  readonly wsHandler: (socket: WebSocket, request: FastifyRequest) => void;
}

/**
 * Serves WebSockets on an app. Nothing is compressed on the app's side, so no frame is larger than it looks; on shutdown
 * every socket is finished politely.
 */
export async function serveWebSockets(app: FastifyInstance, deps: WebSocketDeps): Promise<WebSocketRoute> {
  const { limits, sockets, monotonicNow } = deps;
  const feeds = new AllFeeds({ now: monotonicNow, limits });
  await app.register(fastifyWebsocket, {
    options: { maxPayload: limits.maxFrameBytes, perMessageDeflate: false, clientTracking: false },
    // The socket's own closing tells; an error of its own says nothing more.
    errorHandler: () => {},
    preClose: (done) => void sockets.drain().then(() => done()),
  });
  watchOver(app, deps, feeds);

  const entries = new WeakMap<FastifyRequest, Entry>();
  const watched = new WeakMap<FastifyRequest, Client>();
  const admitting = {
    rates: deps.pipeline.rates,
    keyHolders: deps.pipeline.keyHolders,
    stops: deps.pipeline.stops,
    monotonicNow,
    sockets: new LaneCounts(limits.sockets),
  };

  /** Everything before the upgrade is accepted; an app so learns of an unreachable Binance as without a proxy. */
  async function prepare(request: FastifyRequest): Promise<void> {
    const opening = {
      url: request.originalUrl,
      host: deps.hostOf(request),
      headers: request.raw.headers,
    };
    const admitted = admitSocket(admitting, deps.contextOf(request), opening);
    const gone = new AbortController();
    request.raw.socket.once('close', () => {
      admitted.place[Symbol.dispose]();
      gone.abort();
      // An upgrade that fails after all (a wrong Sec-WebSocket-Key) must leave nothing behind.
      const entry = entries.get(request);
      entries.delete(request);
      entry?.giveUp();
    });
    const { isPrivate, kind } = admitted.target;
    if (isPrivate || kind === 'api') watched.set(request, admitted.client);
    const wish = streamWish(admitted.target);
    const entry = await (wish === undefined
      ? openOwnSocket(deps, admitted, request, gone.signal)
      : joinSharedStream(deps, feeds, admitted, wish));
    if (gone.signal.aborted) entry.giveUp();
    else entries.set(request, entry);
  }

  return {
    preHandler(request, _reply, done) {
      if (!request.ws) done();
      else prepare(request).then(() => done(), done);
    },
    wsHandler(app, request) {
      const entry = entries.get(request);
      entries.delete(request);
      if (entry === undefined) {
        app.close(1011);
        return;
      }
      const client = watched.get(request);
      if (client !== undefined) deps.pipeline.presence.watch(app, client);
      entry.accept(app);
    },
  };
}

/** Looks after what depends on time, for as long as the app listens. */
function watchOver(app: FastifyInstance, deps: WebSocketDeps, feeds: AllFeeds): void {
  const { limits, sockets, monotonicNow } = deps;
  const timers = [
    setInterval(() => sockets.tick(monotonicNow()), limits.tickMs),
    setInterval(() => {
      sockets.ping();
      feeds.ping();
    }, limits.pingEveryMs),
  ];
  for (const timer of timers) timer.unref();
  app.addHook('onClose', (_app, done) => {
    for (const timer of timers) clearInterval(timer);
    feeds.close();
    done();
  });
}
