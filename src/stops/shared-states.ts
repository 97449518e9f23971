import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { SECOND_MS } from '../core/intervals.ts';
import type { SecretText } from '../core/records/secret-text.ts';
import { readStatesScript } from './states-script.ts';
import { orderedEntry, readEntry, type StateEntry, scopeKey, supersedes } from './trading-state.ts';

interface ScriptedRedis extends Redis {
  states(keyCount: number, ...args: readonly (string | number)[]): Promise<number>;
}

export interface SharedStatesDeps {
  /** What this proxy knows, to be written where Redis knows less. */
  readonly entries: () => readonly StateEntry[];
  readonly onHeard: (entry: StateEntry) => void;
}

const ANSWER_WITHIN_MS = 500;
const FIRST_ANSWER_WITHIN_MS = SECOND_MS;
/** Whoever missed a message hears of it so late. */
const LOOK_EVERY_MS = SECOND_MS;
const HASH = 'bsp:{states}';
const CHANNEL = 'bsp:{states}:changes';

/**
 * The states that any number of proxies share through Redis. A change is told to all of them at once, and each looks once a
 * second as well. Of two entries of a scope the higher revision holds, and each proxy writes back what Redis has lost.
 */
export class SharedStates {
  readonly #redis: ScriptedRedis;
  readonly #listener: Redis;
  readonly #deps: SharedStatesDeps;
  readonly #name = randomUUID();
  readonly #timer: NodeJS.Timeout;
  readonly #firstLook = Promise.withResolvers<boolean>();

  constructor(url: SecretText, deps: SharedStatesDeps) {
    const options = {
      connectTimeout: ANSWER_WITHIN_MS,
      commandTimeout: ANSWER_WITHIN_MS,
      maxRetriesPerRequest: 1,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      retryStrategy: (attempt: number) => Math.min(attempt * 100, SECOND_MS),
    };
    const redis = new Redis(url.reveal(), options);
    redis.defineCommand('states', { lua: readStatesScript() });
    this.#listener = new Redis(url.reveal(), { ...options, autoResubscribe: false });
    this.#redis = redis as ScriptedRedis;
    this.#deps = deps;
    // Every failure rejects its own command. Without a listener the emitter would throw.
    for (const each of [redis, this.#listener]) each.on('error', () => {});
    redis.on('ready', () => void this.#look());
    this.#listener.on('ready', () => void this.#listener.subscribe(CHANNEL).catch(() => {}));
    this.#listener.on('message', (_channel: string, text: string) => this.#hear(text));
    this.#timer = setInterval(() => void this.#look(), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  /** Resolves when Redis was read once, with true; with false when it did not answer soon. */
  async first(): Promise<boolean> {
    const timer = setTimeout(() => this.#firstLook.resolve(false), FIRST_ANSWER_WITHIN_MS);
    const isRead = await this.#firstLook.promise;
    clearTimeout(timer);
    return isRead;
  }

  /**
   * Tells all proxies; answers the revision that the entry got.
   * @throws Error when Redis is away
   */
  put(entry: StateEntry): Promise<number> {
    return this.#run('put', entry);
  }

  /** Tells the other proxies that a client lives. */
  seen(client: string, forMs: number): void {
    this.#redis.set(`bsp:{states}:alive:${client}`, '1', 'PX', Math.ceil(forMs)).catch(() => {});
  }

  /** @throws Error when Redis is away */
  async isSeen(client: string): Promise<boolean> {
    return (await this.#redis.exists(`bsp:{states}:alive:${client}`)) === 1;
  }

  /** True for one of all proxies, for so long; while Redis is away for each. */
  async mayBeat(what: string, forMs: number): Promise<boolean> {
    const key = `bsp:{states}:beat:${what}`;
    try {
      if ((await this.#redis.set(key, this.#name, 'PX', Math.ceil(forMs), 'NX')) === 'OK') return true;
      if ((await this.#redis.get(key)) !== this.#name) return false;
      await this.#redis.pexpire(key, Math.ceil(forMs));
    } catch {
      // Two beats do no harm; none would cancel orders of clients that live.
    }
    return true;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#redis.disconnect();
    this.#listener.disconnect();
  }

  async #look(): Promise<void> {
    if (this.#redis.status !== 'ready') return;
    try {
      const fields = await this.#redis.hgetall(HASH);
      const stored = new Map<string, StateEntry>();
      for (const text of Object.values(fields)) {
        const entry = parse(text);
        if (entry === undefined) continue;
        stored.set(scopeKey(entry), entry);
        this.#deps.onHeard(entry);
      }
      const newer = this.#deps.entries().filter((entry) => supersedes(entry, stored.get(scopeKey(entry))));
      await Promise.all(newer.map((entry) => this.#run('merge', entry)));
      this.#firstLook.resolve(true);
    } catch {
      // The next look finds what this one missed.
    }
  }

  #hear(text: string): void {
    const space = text.indexOf(' ');
    if (text.slice(0, space) === this.#name) return;
    const entry = parse(text.slice(space + 1));
    if (entry !== undefined) this.#deps.onHeard(entry);
  }

  #run(what: 'put' | 'merge', entry: StateEntry): Promise<number> {
    const { revision, ...rest } = orderedEntry(entry);
    const args = [what, scopeKey(entry), JSON.stringify(rest), revision, CHANNEL, this.#name];
    return this.#redis.states(1, HASH, ...args);
  }
}

function parse(text: string): StateEntry | undefined {
  try {
    return readEntry(JSON.parse(text));
  } catch {
    return undefined;
  }
}
