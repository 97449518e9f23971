import type { Settings } from '../config/schema/settings.ts';
import type { Denylist } from '../core/catalogue/denylist.ts';
import type { Pools } from '../upstream/connections/pools.ts';

/** What is configured, as one consistent whole: SIGHUP swaps it between two calls, never within one. */
export interface LiveConfig {
  readonly settings: Settings;
  readonly denylist: Denylist;
  readonly pools: Pools;
}
