import type { Endpoint } from '../../core/catalogue/endpoint.ts';
import { HOUR_MS } from '../../core/intervals.ts';
import type { AdmittedCall } from '../authorise.ts';
import type { LiveConfig } from '../live-config.ts';
import { mayRead } from './shown-client.ts';

/** Who uses the one listen key that an account has at a family of endpoints. */
interface Users {
  /** Those who asked for it in this run; undefined for a key of an earlier one: then any reader may use it. */
  asked: Set<string> | undefined;
  /** Those of its readers who ended it. */
  readonly ended: Set<string>;
  /** Monotonic ms of the last sign that the key lives. */
  aliveMs: number;
}

/** What the record of a call says that was answered here because of it. */
export const LISTEN_KEY_SHARED = 'listen-key-shared';

/** Binance ends a listen key that nobody kept alive for an hour. */
const LIFE_MS = HOUR_MS;

/**
 * Futures, options and portfolio margin have one listen key for each account, so that whoever ends it ends it for all.
 * The proxy counts who asked for it: the last of them ends it at Binance, and for the others it is ended here only.
 */
export class ListenKeys {
  readonly #users = new Map<string, Users>();
  readonly #monotonicNow: () => number;

  constructor(monotonicNow: () => number) {
    this.#monotonicNow = monotonicNow;
  }

  /** True when the call would end a listen key that others still use: it is answered here and does not leave. */
  isShared({ endpoint, client, account }: AdmittedCall, config: LiveConfig): boolean {
    if (!isListenKey(endpoint) || endpoint.method !== 'DELETE') return false;
    const users = this.#usersOf(endpoint, account);
    users.ended.add(client.name);
    users.asked?.delete(client.name);
    return readersOf(config, account).some(
      (name) => name !== client.name && (users.asked?.has(name) ?? !users.ended.has(name)),
    );
  }

  /** Learns from what Binance did. */
  note({ endpoint, client, account }: AdmittedCall): void {
    if (!isListenKey(endpoint)) return;
    const users = this.#usersOf(endpoint, account);
    users.aliveMs = this.#monotonicNow();
    if (endpoint.method === 'POST') {
      users.asked ??= new Set();
      users.asked.add(client.name);
    }
    if (endpoint.method === 'DELETE') this.#users.delete(keyOf(endpoint, account));
  }

  #usersOf(endpoint: Endpoint, account: string | undefined): Users {
    const key = keyOf(endpoint, account);
    const nowMs = this.#monotonicNow();
    const known = this.#users.get(key);
    if (known !== undefined && nowMs - known.aliveMs < LIFE_MS) return known;
    const users: Users = {
      asked: known === undefined ? undefined : new Set(),
      ended: new Set(),
      aliveMs: nowMs,
    };
    this.#users.set(key, users);
    return users;
  }
}

function isListenKey({ path }: Endpoint): boolean {
  return path.endsWith('/listenKey');
}

function keyOf({ upstream, path }: Endpoint, account: string | undefined): string {
  return `${account} ${upstream} ${path}`;
}

function readersOf({ settings }: LiveConfig, account: string | undefined): readonly string[] {
  return [...settings.clients.values()]
    .filter((client) => client.account === account && mayRead(client))
    .map(({ name }) => name);
}
