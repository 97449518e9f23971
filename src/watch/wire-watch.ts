import type { AuditTrail } from '../audit/trail.ts';
import type { Settings } from '../config/schema/settings.ts';
import { isAnyWatched } from '../config/schema/watching/account-watch.ts';
import { type UserStreamDeps, UserStreams } from './open-user-stream.ts';
import { OwnBook, type OwnBookDeps } from './own-book.ts';
import { OwnOrders } from './own-orders.ts';
import { Watch, type WatchDeps } from './watch.ts';

export interface WireWatchDeps
  extends UserStreamDeps,
    Pick<WatchDeps, 'ask' | 'enter' | 'wallNow'>,
    Pick<OwnBookDeps, 'resting' | 'realised'> {
  readonly trail: Pick<AuditTrail, 'write' | 'note' | 'hearing'>;
  readonly monotonicNow: () => number;
}

/** The watch over the accounts that ask for it. Its client of Redis is loaded only where one is configured. */
export async function wireWatch(
  { redisUrl, accountWatches }: Settings,
  deps: WireWatchDeps,
): Promise<{ readonly watch: Watch; close(): void }> {
  const settings = () => deps.config().settings;
  const isUsed = isAnyWatched(accountWatches);
  const others =
    isUsed && redisUrl !== undefined
      ? new (await import('./shared-orders.ts')).SharedOrders(redisUrl)
      : undefined;
  const isWatched = (account: string) => (settings().accountWatches.get(account)?.streams.length ?? 0) > 0;
  const own = new OwnOrders(isWatched, others, deps.monotonicNow);
  const { resting, realised, monotonicNow } = deps;
  const book = new OwnBook({ own, resting, realised, auditDir: () => settings().audit.dir });
  for (const [account, { streams }] of accountWatches)
    for (const family of streams) resting.watch(account, family);
  if (isUsed) {
    deps.trail.hearing(own.hear);
    deps.trail.hearing(book.hear);
  }
  const streams = new UserStreams(deps);
  const { ask, enter, trail, wallNow } = deps;
  const watch = new Watch({
    ...{ settings, own, book, resting, realised, ask, enter, trail, wallNow, monotonicNow },
    open: streams.open.bind(streams),
  });
  return {
    watch,
    close() {
      watch.close();
      others?.close();
    },
  };
}
