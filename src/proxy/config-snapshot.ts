import type { Settings } from '../config/schema/settings.ts';
import { createDenylist } from '../core/catalogue/denylist.ts';
import { SecretMask } from '../core/records/secret-mask.ts';
import type { LiveConfig } from '../pipeline/live-config.ts';
import { createPools, type Pools } from '../upstream/connections/pools.ts';
import type { Timeouts } from '../upstream/timeouts.ts';

const RETIRE_MS = 60_000;

/** The configuration in force, and what of earlier ones is still in use. */
export class ConfigSnapshot {
  readonly #timeouts: Timeouts;
  readonly #retired = new Set<Pools>();
  #current: LiveConfig;
  #secretMask: SecretMask;

  constructor(settings: Settings, timeouts: Timeouts) {
    this.#timeouts = timeouts;
    this.#current = toLiveConfig(settings, timeouts);
    this.#secretMask = settings.secretMask;
  }

  get current(): LiveConfig {
    return this.#current;
  }

  /** Knows the secrets of every configuration so far: an app that was not told may still bring one that was rotated away. */
  get secretMask(): SecretMask {
    return this.#secretMask;
  }

  /** Puts a new configuration in place between two calls; those that began before finish on the old connections. */
  swap(settings: Settings): void {
    const old = this.#current;
    this.#secretMask = new SecretMask([], [settings.secretMask, this.#secretMask]);
    this.#current = toLiveConfig(settings, this.#timeouts, old);
    if (this.#current.pools !== old.pools) this.#retire(old.pools);
  }

  async close(): Promise<void> {
    await Promise.all([this.#current.pools, ...this.#retired].map((pools) => pools.close()));
  }

  #retire(pools: Pools): void {
    this.#retired.add(pools);
    setTimeout(() => void pools.close().then(() => this.#retired.delete(pools)), RETIRE_MS).unref();
  }
}

function toLiveConfig(settings: Settings, timeouts: Timeouts, old?: LiveConfig): LiveConfig {
  const same =
    old !== undefined &&
    JSON.stringify(old.settings.upstreams) === JSON.stringify(settings.upstreams) &&
    JSON.stringify(old.settings.spotOrigins) === JSON.stringify(settings.spotOrigins) &&
    old.settings.upstreamCa === settings.upstreamCa;
  return {
    settings,
    denylist: createDenylist(settings.denylist),
    pools: same
      ? old.pools
      : createPools(settings.upstreams, { ca: settings.upstreamCa, ...timeouts }, settings.spotOrigins),
  };
}
