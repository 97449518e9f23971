import { exchangeOf } from '../config/schema/live.ts';
import type { Settings } from '../config/schema/settings.ts';
import { areSameWays } from '../config/schema/ways-out.ts';
import { createDenylist } from '../core/catalogue/denylist.ts';
import { SecretMask } from '../core/records/secret-mask.ts';
import type { Credential } from '../core/signing/credential.ts';
import { type Expiry, expiryAt } from '../pipeline/clients/expiry.ts';
import type { LiveConfig } from '../pipeline/live-config.ts';
import type { OwnAddresses } from '../upstream/connections/own-addresses.ts';
import { createPools, type Pools } from '../upstream/connections/pools.ts';
import type { Timeouts } from '../upstream/timeouts.ts';

const RETIRE_MS = 60_000;

export interface SnapshotDeps {
  readonly timeouts: Timeouts;
  readonly own: OwnAddresses;
  /** Time of the exchange, by which keys end. */
  readonly serverNow: () => number;
}

/** The configuration in force, and what of earlier ones is still in use. */
export class ConfigSnapshot {
  readonly #deps: SnapshotDeps;
  readonly #retired = new Set<Pools>();
  #current: LiveConfig;
  /** As it was read. */
  #configured: Settings;
  #expiry: Expiry;
  #secretMask: SecretMask;

  constructor(settings: Settings, deps: SnapshotDeps) {
    this.#deps = deps;
    this.#configured = settings;
    this.#expiry = expiryAt(settings, deps.serverNow());
    this.#current = toLiveConfig(this.#expiry, deps);
    this.#secretMask = settings.secretMask;
  }

  get current(): LiveConfig {
    const nowMs = this.#deps.serverNow();
    if (nowMs < this.#expiry.fromMs || nowMs >= this.#expiry.untilMs) {
      this.#expiry = expiryAt(this.#configured, nowMs);
      const { settings, expired } = this.#expiry;
      this.#current = { ...this.#current, settings, expired };
    }
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
    this.#configured = settings;
    this.#expiry = expiryAt(settings, this.#deps.serverNow());
    this.#current = toLiveConfig(this.#expiry, this.#deps, old);
    if (this.#current.pools !== old.pools) this.#retire(old.pools);
  }

  /** From the next call on the account's configured key signs. */
  takeOver(account: string): void {
    const { settings, keys } = this.#current;
    const next = settings.accounts.get(account);
    if (next !== undefined) this.#current = { ...this.#current, keys: new Map([...keys, [account, next]]) };
  }

  async close(): Promise<void> {
    await Promise.all([this.#current.pools, ...this.#retired].map((pools) => pools.close()));
  }

  #retire(pools: Pools): void {
    this.#retired.add(pools);
    setTimeout(() => void pools.close().then(() => this.#retired.delete(pools)), RETIRE_MS).unref();
  }
}

function toLiveConfig(
  { settings, expired }: Expiry,
  { timeouts, own }: SnapshotDeps,
  old?: LiveConfig,
): LiveConfig {
  const same =
    old !== undefined &&
    JSON.stringify(old.settings.upstreams) === JSON.stringify(settings.upstreams) &&
    JSON.stringify(old.settings.spotOrigins) === JSON.stringify(settings.spotOrigins) &&
    old.settings.upstreamCa === settings.upstreamCa &&
    areSameWays(old.settings.egress, settings.egress);
  return {
    settings,
    expired,
    keys: keysInForce(settings, old),
    denylist: createDenylist(settings.denylist),
    pools: same
      ? old.pools
      : createPools(
          settings.upstreams,
          { ca: settings.upstreamCa, own, egress: settings.egress, ...timeouts },
          settings.spotOrigins,
        ),
  };
}

/** A key that replaces another does not sign until it was judged: the account keeps the one it has, in its old exchange. */
function keysInForce(settings: Settings, old: LiveConfig | undefined): ReadonlyMap<string, Credential> {
  const { accounts, keyPreflight } = settings;
  if (old === undefined || keyPreflight === 'off' || exchangeOf(old.settings) !== exchangeOf(settings))
    return accounts;
  return new Map(
    Array.from(accounts, ([account, next]) => {
      const present = old.keys.get(account);
      return [account, present === undefined || present.keyDigest === next.keyDigest ? next : present];
    }),
  );
}
