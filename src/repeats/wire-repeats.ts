import type { EarlierCalls } from '../audit/reading/earlier-calls.ts';
import type { Settings } from '../config/schema/settings.ts';
import { MINUTE_MS } from '../core/intervals.ts';
import type { ResolvedCall } from '../orders/order-lookup.ts';
import { ClaimBook } from './claim-book.ts';
import { type ClaimRight, createClaimRight } from './claim-right.ts';
import { readBack } from './read-back.ts';

/** How far the calls of earlier runs are known where there is an audit folder, ms before the start. */
const KNOWN_BEFORE_START_MS = 3 * MINUTE_MS;
/** How far back records are read for it: an app may date its calls ahead. */
export const READ_BACK_MS = 5 * MINUTE_MS;
export interface RepeatsDeps {
  readonly wallNow: () => number;
  /** Binance's time, ms; undefined before it was read. */
  readonly serverNow: () => number | undefined;
  /** What earlier runs wrote; undefined without an audit folder. */
  readonly earlierCalls: Promise<EarlierCalls | undefined>;
}

/** Keeps every call from being sent twice, whoever repeats it. */
export interface Repeats {
  readonly claimRight: ClaimRight;
  resolved(call: ResolvedCall): void;
  close(): void;
}

/** The claims of this proxy, or of all proxies of one Redis. Its client is loaded only where one is configured. */
export async function wireRepeats(settings: Settings, deps: RepeatsDeps): Promise<Repeats> {
  const { wallNow, serverNow, earlierCalls } = deps;
  const { redisUrl, audit } = settings;
  const now = () => Math.min(wallNow(), serverNow() ?? Number.POSITIVE_INFINITY);
  const shared =
    redisUrl === undefined ? undefined : new (await import('./shared-claims.ts')).SharedClaims(redisUrl);
  const book = new ClaimBook({ now, shared });
  const restored = earlierCalls.then((calls) => {
    if (calls !== undefined) readBack(book, calls);
  });
  const knownSinceMs = wallNow() - (audit.dir === undefined ? 0 : KNOWN_BEFORE_START_MS);
  return {
    claimRight: createClaimRight({ book, wallNow, now, restored, knownSinceMs }),
    resolved: (call) => book.resolved(call),
    close: () => shared?.close(),
  };
}
