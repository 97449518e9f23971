import type { FastifyRequest } from 'fastify';
import { wayOf } from '../config/schema/ways-out.ts';
import { ANONYMOUS } from '../core/access/client.ts';
import { isCombined } from '../core/frames/stream-event.ts';
import { listenKeysOf } from '../core/frames/stream-query.ts';
import { ApiSocket } from './api/api-socket.ts';
import { FirstFrame } from './api/first-frame.ts';
import { SocketIdentity } from './api/socket-identity.ts';
import { connectSocket } from './connect.ts';
import type { AdmittedSocket } from './opening.ts';
import { OwnStream } from './streams/own-stream.ts';

import { connectingOf, type Entry, recordsOf, refusedOn, type WebSocketDeps } from './websocket-deps.ts';
/** An app that gets a socket to Binance of its own. */
export async function openOwnSocket(
  deps: WebSocketDeps,
  admitted: AdmittedSocket,
  request: FastifyRequest,
  signal: AbortSignal,
): Promise<Entry> {
  const { target, readers, context } = admitted;
  const { family, kind, path, query, isPrivate } = target;
  if (kind === 'api' && context.identified === undefined) return openWithFirstFrame(deps, admitted, request);
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
        const onRefused = refusedOn(deps, admitted);
        new OwnStream({ ...options, isCombined: isCombined(target), readers, rights, onRefused });
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

/** An app on a signed API whose key comes with its frames: it decides by which way they leave, and in which lane they wait. */
function openWithFirstFrame(deps: WebSocketDeps, admitted: AdmittedSocket, request: FastifyRequest): Entry {
  const { target, context, readers } = admitted;
  const { pipeline } = deps;
  const guesses = () => deps.guesses(request);
  return {
    giveUp: () => {},
    accept(app) {
      const { requestId } = context;
      const identity = new SocketIdentity(request.raw.headers, deps.wallNow());
      const records = recordsOf(deps, admitted);
      let { way } = admitted;
      new FirstFrame({
        ...{ ...deps, app, records, requestId },
        judges: { pipeline, family: target.family, identity, readers },
        refusing: { ...deps, guesses },
        arrive: (method, id) =>
          pipeline.arrival.arrive(method ?? 'WS', () => undefined, {
            ...context.detail,
            socket: requestId,
            id,
          }),
        onRefused: (error) => void pipeline.recorder.refused(context, error),
        connect(client, signal) {
          const isKnown = client.name !== ANONYMOUS;
          way = wayOf(deps.config().settings.egress, isKnown ? client.account : undefined);
          admitted.place.moveTo(client);
          return connectSocket(
            connectingOf(deps),
            { ...admitted, client, way },
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
          new ApiSocket({ ...pair, way, identity, readers, guesses });
        },
      });
    },
  };
}
