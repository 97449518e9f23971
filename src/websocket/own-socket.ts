import type { FastifyRequest } from 'fastify';
import { wayOf } from '../config/schema/ways-out.ts';
import { isCombined } from '../core/frames/stream-event.ts';
import { listenKeysOf } from '../core/frames/stream-query.ts';
import { ApiSocket } from './api/api-socket.ts';
import { FirstFrame } from './api/first-frame.ts';
import { SocketIdentity } from './api/socket-identity.ts';
import { connectSocket } from './connect.ts';
import type { AdmittedSocket } from './opening.ts';
import { OwnStream } from './streams/own-stream.ts';

import { connectingOf, type Entry, recordsOf, type WebSocketDeps } from './websocket-deps.ts';
/** An app that gets a socket to Binance of its own. */
export async function openOwnSocket(
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
          const client = identity.clientFor(config, apiKey);
          way = wayOf(config.settings.egress, client?.account);
          return connectSocket(
            connectingOf(deps),
            { ...admitted, way, client: client ?? admitted.client },
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
