import { type EarlierCalls, earlierCallsIn } from '../audit/reading/earlier-calls.ts';
import { giveBackMemory } from '../audit/reading/give-back-memory.ts';
import type { Settings } from '../config/schema/settings.ts';
import { isAnyWatched } from '../config/schema/watching/account-watch.ts';
import { READ_BACK_MS } from '../repeats/wire-repeats.ts';

/** What earlier runs left in the audit folder, read once for everything that takes it up. */
export interface EarlierRuns {
  /** Resolves when `read` was called and has ended; undefined where there is nothing to be read. */
  readonly calls: Promise<EarlierCalls | undefined>;
  /** Reads what stood in the folder when this was made. */
  read(): Promise<EarlierCalls | undefined>;
}

/** Reading more than so much leaves something behind that is worth a pause. */
const LARGE_BYTES = 32 * 1024 * 1024;

/** Notes what the audit folder holds now, before this run writes. */
export function readEarlierCalls({ audit: { dir }, accountWatches }: Settings, nowMs: number): EarlierRuns {
  if (dir === undefined) {
    const calls = Promise.resolve(undefined);
    return { calls, read: () => calls };
  }
  const readFolder = earlierCallsIn(dir, nowMs - READ_BACK_MS, isAnyWatched(accountWatches));
  const { promise: calls, resolve } = Promise.withResolvers<EarlierCalls | undefined>();
  return {
    calls,
    read() {
      // A folder that cannot be read shows in readiness, and the next record says so; the proxy serves all the same.
      readFolder().then(
        (earlier) => {
          resolve(earlier);
          if (earlier.bytes > LARGE_BYTES) setImmediate(giveBackMemory);
        },
        () => resolve(undefined),
      );
      return calls;
    },
  };
}
