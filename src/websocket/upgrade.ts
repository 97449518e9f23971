import fastifyWebsocket from '@fastify/websocket';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { WebSocket } from 'ws';
import type { AuditTrail } from '../audit/trail.ts';
import type { Budgets } from '../budgets/budgets.ts';
import { wayOf } from '../config/schema/ways-out.ts';
import type { BinanceHost } from '../core/binance-hosts.ts';
import type { ProxyError } from '../core/errors.ts';
import { isCombined, type StreamWish, streamWish } from '../core/frames/stream-event.ts';
import { listenKeyIn, listenKeysOf } from '../core/frames/stream-query.ts';
import { LaneCounts } from '../core/lanes.ts';
import type { CallContext } from '../pipeline/call-context.ts';
import type { LiveConfig } from '../pipeline/live-config.ts';
import type { Pipeline } from '../pipeline/wire-pipeline.ts';
import type { OwnAddresses } from '../upstream/connections/own-addresses.ts';
import type { ServerClock } from '../upstream/server-clock.ts';
import { ApiSocket } from './api/api-socket.ts';
import { FirstFrame } from './api/first-frame.ts';
import { SocketIdentity } from './api/socket-identity.ts';
import { connectSocket } from './connect.ts';
import { type AdmittedSocket, admitSocket } from './opening.ts';
import type { OpenSockets } from './sockets/open-sockets.ts';
import type { SocketLimits } from './sockets/socket-limits.ts';
import { SocketRecords } from './sockets/socket-records.ts';
import { AllFeeds } from './streams/all-feeds.ts';
import { type Feeds, FeedsByWay, type WayFeeds } from './streams/feeds-by-way.ts';
import { OwnStream, PER_SECOND } from './streams/own-stream.ts';
import { SharedStream } from './streams/shared-stream.ts';

export interface WebSocketDeps {
  readonly pipeline: Pipeline;
  readonly budgets: Budgets;
  readonly trail: Pick<AuditTrail, 'note'>;
  readonly clock: Pick<ServerClock, 'nowOrLocal'>;
  readonly config: () => LiveConfig;
  readonly sockets: OpenSockets;
  /** Where no socket to Binance may end. */
  readonly own: OwnAddresses;
  readonly limits: SocketLimits;
  readonly monotonicNow: () => number;
  readonly wallNow: () => number;
  /** The context of a request; the first hook put it there. */
  readonly contextOf: (request: FastifyRequest) => CallContext;
  /** The host of Binance's that a request called by its name. */
  readonly hostOf: (request: FastifyRequest) => BinanceHost | undefined;
  /** Counts a wrong key from where a request came; what refuses when there were too many. */
  readonly guesses: (request: FastifyRequest) => Promise<ProxyError | undefined>;
}

/** What the one GET route needs to serve upgrades too: they pass the same hooks as any request before they reach it. */
export interface WebSocketRoute {
  readonly preHandler: (request: FastifyRequest, reply: unknown, done: (error?: Error) => void) => void;
  readonly wsHandler: (socket: WebSocket, request: FastifyRequest) => void;
}

/** What waits for an upgrade to be accepted. */
interface Entry {
  accept(app: WebSocket): void;
  giveUp(): void;
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
  const admitting = {
    rates: deps.pipeline.rates,
    keyHolders: deps.pipeline.keyHolders,
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
      if (entry === undefined) app.close(1011);
      else entry.accept(app);
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

/** An app that gets a socket to Binance of its own. */
async function openOwnSocket(
  deps: WebSocketDeps,
  admitted: AdmittedSocket,
  request: FastifyRequest,
  signal: AbortSignal,
): Promise<Entry> {
  const { target, readers, context } = admitted;
  const { family, kind, path, query, isPrivate } = target;
  const { egress } = context.config.settings;
  if (kind === 'api' && context.identified === undefined && egress.accounts.size > 0)
    return openWithFirstFrame(deps, admitted, request);
  const upstream = await connectSocket(connectingOf(deps), admitted, `${path}${query}`, signal);
  return {
    giveUp: () => upstream.terminate(),
    accept(app) {
      const records = recordsOf(deps, admitted);
      const options = {
        ...deps,
        socketId: context.requestId,
        detail: context.detail,
        records,
        app,
        upstream,
        family,
      };
      if (kind === 'stream') {
        const rights = isPrivate ? readers.rightsTo(listenKeysOf(target)) : [];
        new OwnStream({ ...options, isCombined: isCombined(target), readers, rights });
      } else {
        const identity = new SocketIdentity(request.raw.headers, deps.wallNow());
        new ApiSocket({
          ...options,
          way: admitted.way,
          identity,
          readers,
          guesses: () => deps.guesses(request),
        });
      }
    },
  };
}

/** An app on a signed API whose key comes with its frames, where the key decides by which way it leaves. */
function openWithFirstFrame(deps: WebSocketDeps, admitted: AdmittedSocket, request: FastifyRequest): Entry {
  const { target, context } = admitted;
  return {
    giveUp: () => {},
    accept(app) {
      const { requestId } = context;
      const identity = new SocketIdentity(request.raw.headers, deps.wallNow());
      const records = recordsOf(deps, admitted);
      let { way } = admitted;
      new FirstFrame({
        ...{ ...deps, app, records, requestId },
        onRefused: (error) => void deps.pipeline.recorder.refused(context, error),
        connect(apiKey, signal) {
          const config = deps.config();
          way = wayOf(config.settings.egress, identity.clientFor(config, apiKey)?.account);
          return connectSocket(
            connectingOf(deps),
            { ...admitted, way },
            `${target.path}${target.query}`,
            signal,
          );
        },
        begin(upstream) {
          const pair = {
            ...deps,
            socketId: requestId,
            detail: context.detail,
            records,
            app,
            upstream,
            family: target.family,
          };
          const { readers } = admitted;
          new ApiSocket({ ...pair, way, identity, readers, guesses: () => deps.guesses(request) });
        },
      });
    },
  };
}

/** An app that shares sockets to Binance with others. */
async function joinSharedStream(
  deps: WebSocketDeps,
  feeds: AllFeeds,
  admitted: AdmittedSocket,
  wish: StreamWish,
): Promise<Entry> {
  const { target, readers } = admitted;
  const open = () =>
    connectSocket(connectingOf(deps), admitted, wish.sharedTarget, new AbortController().signal);
  const group = feedsFor(deps, feeds, admitted, wish);
  const { family } = target;
  const records = recordsOf(deps, admitted);
  const socket = new SharedStream({ ...deps, records, family, wish, group, open, readers });
  await socket.join();
  return { giveUp: () => socket.dispose(), accept: (app) => socket.attach(app) };
}

/** Public streams are shared by all; those with a listen key leave by their account's way, where it has one. */
function feedsFor(
  deps: WebSocketDeps,
  feeds: AllFeeds,
  admitted: AdmittedSocket,
  { sharedTarget }: StreamWish,
): Feeds {
  const { target, origin, context } = admitted;
  const of = (name: string) => feeds.of(name, PER_SECOND[target.family]);
  const common = of(`${origin}${sharedTarget}`);
  if (context.config.settings.egress.accounts.size === 0) return common;
  const ownOf = (stream: string): WayFeeds | undefined => {
    const key = listenKeyIn(stream);
    if (key === undefined) return undefined;
    const { settings } = deps.config();
    const owner = deps.pipeline.keyHolders.accountOf([key], settings) ?? context.identified?.account;
    const way = wayOf(settings.egress, owner);
    if (way.account === undefined) return undefined;
    const open = () =>
      connectSocket(connectingOf(deps), { ...admitted, way }, sharedTarget, new AbortController().signal);
    return { group: of(`${origin}${sharedTarget} ${way.account}`), open };
  };
  return new FeedsByWay(common, ownOf);
}

function connectingOf({ budgets, limits, own }: WebSocketDeps) {
  return { budgets, handshakeTimeoutMs: limits.handshakeTimeoutMs, own };
}

function recordsOf(deps: WebSocketDeps, { target, client, context }: AdmittedSocket): SocketRecords {
  const { family, printable } = target;
  const subject = { client: client.name, upstream: family, path: printable };
  return new SocketRecords(deps, context.requestId, subject, context.detail);
}
