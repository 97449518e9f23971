import { hash } from 'node:crypto';
import { Redis } from 'ioredis';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../core/intervals.ts';
import type { SecretText } from '../core/records/secret-text.ts';
import type { Holder } from './claim.ts';
import { readClaimsScript } from './claims-script.ts';

interface ScriptedRedis extends Redis {
  claims(keyCount: number, ...args: readonly (string | number)[]): Promise<string | null>;
}

/** One thing that this proxy holds, to be written again when Redis lost it. */
interface Held {
  readonly holder: Holder;
  /** Infinity for as long as the fate of the call is open. */
  readonly untilMs: number;
}

const ANSWER_WITHIN_MS = 100;
const FIRST_CONNECTION_WITHIN_MS = 500;
/** A claim whose fate is open ends so long after the last sign of the proxy that holds it. */
const OPEN_FOR_MS = HOUR_MS;
const RENEW_EVERY_MS = 10 * MINUTE_MS;

/**
 * The claims that any number of proxies share through Redis. While Redis is away each proxy knows its own calls only;
 * what it holds is written again as soon as Redis is back.
 */
export class SharedClaims {
  readonly #redis: ScriptedRedis;
  readonly #held = new Map<string, Held>();
  readonly #timer: NodeJS.Timeout;
  #connecting: Promise<void> | undefined;

  constructor(url: SecretText) {
    const redis = new Redis(url.reveal(), {
      connectTimeout: 500,
      commandTimeout: ANSWER_WITHIN_MS,
      maxRetriesPerRequest: 1,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      retryStrategy: (attempt) => Math.min(attempt * 100, SECOND_MS),
    });
    redis.defineCommand('claims', { lua: readClaimsScript() });
    // Every failure rejects its own command. Without a listener the emitter would throw.
    redis.on('error', () => {});
    redis.on('ready', () => this.#renew());
    this.#redis = redis as ScriptedRedis;
    this.#connecting = this.#firstConnection();
    this.#timer = setInterval(() => this.#renew(), RENEW_EVERY_MS);
    this.#timer.unref();
  }

  /** Takes all of these keys or none; answers who else holds one of them. */
  async claim(keys: readonly string[], holder: Holder): Promise<Holder | undefined> {
    if (keys.length === 0) return undefined;
    try {
      if (this.#connecting !== undefined) await this.#connecting;
      const other = await this.#run(keys, ['claim', JSON.stringify(holder), OPEN_FOR_MS]);
      if (other !== null) return JSON.parse(other) as Holder;
    } catch {
      // Redis is away: this proxy holds it, and says so when Redis is back.
    }
    // Not before: what is written again at a connection would stand in the way of its own claim.
    for (const key of keys) this.#held.set(key, { holder, untilMs: Number.POSITIVE_INFINITY });
    return undefined;
  }

  /** Says what is known of a call by now. @param forMs Infinity for as long as its fate is open */
  put(keys: readonly string[], holder: Holder, forMs: number): void {
    if (!(forMs > 0)) {
      // It cannot come again: Redis forgets it by itself.
      for (const key of keys) this.#held.delete(key);
      return;
    }
    for (const key of keys) {
      this.#held.set(key, { holder, untilMs: Date.now() + forMs });
      this.#write(key, holder, forMs);
    }
  }

  /** Gives up those keys that this call holds. */
  drop(keys: readonly string[], requestId: string): void {
    for (const key of keys) this.#held.delete(key);
    this.#run(keys, ['drop', requestId]).catch(() => {});
  }

  close(): void {
    clearInterval(this.#timer);
    this.#redis.disconnect();
  }

  /** The first calls may come before the connection is open: they wait for it for a moment. */
  async #firstConnection(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, FIRST_CONNECTION_WITHIN_MS);
    this.#redis.once('ready', resolve);
    await promise;
    clearTimeout(timer);
    this.#connecting = undefined;
  }

  /** Writes again what may have been lost, and what ends while its fate is open. */
  #renew(): void {
    const nowMs = Date.now();
    for (const [key, { holder, untilMs }] of this.#held) {
      if (untilMs <= nowMs) this.#held.delete(key);
      else this.#write(key, holder, untilMs - nowMs);
    }
  }

  #write(key: string, holder: Holder, forMs: number): void {
    const ms = Math.ceil(Math.min(forMs, OPEN_FOR_MS));
    this.#redis.set(redisKey(key), JSON.stringify(holder), 'PX', ms).catch(() => {});
  }

  #run(keys: readonly string[], args: readonly (string | number)[]): Promise<string | null> {
    return this.#redis.claims(keys.length, ...keys.map(redisKey), ...args);
  }
}

/** All keys have the same hash tag, so a cluster keeps them on one node. */
function redisKey(key: string): string {
  return `bsp:{claims}:${hash('sha256', key)}`;
}
