import type { Settings } from '../config/schema/settings.ts';
import type { Denylist } from '../core/catalogue/denylist.ts';
import type { Credential } from '../core/signing/credential.ts';
import type { Pools } from '../upstream/connections/pools.ts';

/** What is configured, as one consistent whole: SIGHUP swaps it between two calls, never within one. */
export interface LiveConfig {
  readonly settings: Settings;
  /** The names of the clients whose key has ended: they may cancel and nothing else. */
  readonly expired: ReadonlySet<string>;
  /** The key that signs for each account: the configured one, or the one before it until the new one was judged. */
  readonly keys: ReadonlyMap<string, Credential>;
  readonly denylist: Denylist;
  readonly pools: Pools;
}
