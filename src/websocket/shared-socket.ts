import { wayOf } from '../config/schema/ways-out.ts';
import type { StreamWish } from '../core/frames/stream-event.ts';
import { listenKeyIn } from '../core/frames/stream-query.ts';
import { connectSocket } from './connect.ts';
import type { AdmittedSocket } from './opening.ts';
import type { AllFeeds } from './streams/all-feeds.ts';
import { type Feeds, FeedsByWay, type WayFeeds } from './streams/feeds-by-way.ts';
import { PER_SECOND } from './streams/own-stream.ts';
import { SharedStream } from './streams/shared-stream.ts';

import { connectingOf, type Entry, recordsOf, refusedOn, type WebSocketDeps } from './websocket-deps.ts';
/** An app that shares sockets to Binance with others. */
export async function joinSharedStream(
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
  const onRefused = refusedOn(deps, admitted);
  const socket = new SharedStream({ ...deps, records, family, wish, group, open, readers, onRefused });
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
