import { Redis } from 'ioredis';
import {
  type Bucket,
  type BucketCharge,
  type CallCharge,
  type Counting,
  countingOf,
} from '../../core/budget/buckets.ts';
import { TAIL_MS } from '../../core/budget/budget-time.ts';
import { readKey } from '../../core/budget/egress-keys.ts';
import type { ChargeEnding, ChargeMark } from '../../core/budget/window.ts';
import { SECOND_MS } from '../../core/intervals.ts';
import type { SecretText } from '../../core/records/secret-text.ts';
import { readBudgetScript } from './budget-script.ts';
import { NOT_YET, watchTrouble } from './redis-trouble.ts';
import type { BucketUse, ChargeOutcome, Freeze, Receipt } from './store.ts';

export interface RedisBudgetStoreOptions {
  readonly url: SecretText;
  /** Names the egress IP: what is counted by IP is shared by the processes with the same name. */
  readonly egressId: string;
  /** Longest wait for one answer in ms; 100 unless told. */
  readonly timeoutMs?: number;
}

/** The outcome, and the use of the buckets after it; empty when a key was frozen. */
export interface SharedCharge {
  readonly outcome: ChargeOutcome;
  readonly uses: readonly BucketUse[];
}

/** What a process knows of a bucket that it used without the shared store. */
export interface OwnUse {
  readonly bucket: Bucket;
  /** End of the window that is meant, in ms. */
  readonly untilMs: number;
  /** Charges that no report contains. */
  readonly own: number;
  readonly reported: number;
}

type Numbers = readonly number[];
type ChargeReply = readonly [
  kind: ChargeOutcome['kind'],
  /** Counted from 1, as Lua does. */
  index: number,
  untilMs: number,
  ...rest: readonly unknown[],
];

interface ScriptedRedis extends Redis {
  budget(keyCount: number, ...args: readonly (string | number)[]): Promise<unknown>;
}

const NOTHING = -1;
/** The numbers by which the script knows how a bucket is counted. */
const COUNTING: Readonly<Record<Counting, number>> = { plain: 0, falling: 1, pooled: 2, rolling: 3 };

/**
 * The counts that any number of processes share. Each operation is one run of one script, so it is atomic and takes one
 * round trip. All keys have the same hash tag, so a cluster keeps them on one node. An operation that exceeds the time
 * limit rejects; the caller decides what happens then.
 */
export class RedisBudgetStore {
  readonly #redis: ScriptedRedis;
  readonly #egressId: string;
  readonly #timeoutMs: number;
  #connecting: Promise<void> | undefined;
  /** Why there is no connection: the client itself only says that there is none. */
  #trouble: Error | undefined = new Error(NOT_YET);

  constructor(options: RedisBudgetStoreOptions) {
    this.#egressId = options.egressId;
    this.#timeoutMs = options.timeoutMs ?? 100;
    const redis = new Redis(options.url.reveal(), {
      connectTimeout: 500,
      commandTimeout: this.#timeoutMs,
      maxRetriesPerRequest: 1,
      enableOfflineQueue: false,
      // A charge whose connection broke must not be repeated on the next connection.
      autoResendUnfulfilledCommands: false,
      retryStrategy: (attempt) => Math.min(attempt * 100, SECOND_MS),
    });
    redis.defineCommand('budget', { lua: readBudgetScript() });
    // Every failure rejects its own command.
    watchTrouble(redis, (trouble) => {
      this.#trouble = trouble;
    });
    this.#redis = redis as ScriptedRedis;
    this.#connecting = this.#firstConnection();
  }

  /** @throws Error when Redis does not answer in time. The charge may have been made; it expires with its slot. */
  async charge({ freezeKeys, charges }: CallCharge, nowMs: number): Promise<SharedCharge> {
    const args: (string | number)[] = ['charge', nowMs, freezeKeys.length];
    for (const { bucket, weight, ceiling } of charges) args.push(...termsOf(bucket), weight, ceiling);
    const keys = [...freezeKeys, ...charges.map((charge) => charge.bucket.key)];
    const [kind, index, untilMs, ...rest] = (await this.#run(keys, args)) as ChargeReply;
    if (kind === 'frozen') {
      const freeze = { key: freezeKeys[index - 1] ?? '', untilMs, status: Number(rest[0]) };
      return { outcome: { kind, freeze }, uses: [] };
    }
    const marks: ChargeMark[] = [];
    const uses: BucketUse[] = [];
    charges.forEach(({ bucket }, i) => {
      const [window = 0, round = 0, slot = 0, startedMs = 0, used = 0, reported = 0, endMs = 0] = rest[
        i
      ] as Numbers;
      marks.push({ startedMs, window, round, slot });
      uses.push({ bucket, startedMs, used, reported, untilMs: endMs });
    });
    if (kind === 'charged') return { outcome: { kind, receipt: { charges, marks } }, uses };
    const full = charges[index - 1];
    if (full === undefined) throw new Error('the script named a bucket that was not asked for');
    return { outcome: { kind, bucket: full.bucket, untilMs }, uses };
  }

  async reconcile(receipt: Receipt, endings: readonly ChargeEnding[], nowMs: number): Promise<void> {
    await this.#finish(receipt, nowMs, (i) => endings[i]);
  }

  async refund(receipt: Receipt, nowMs: number): Promise<void> {
    await this.#finish(receipt, nowMs, () => ({ counted: NOTHING, reported: undefined }));
  }

  async freeze({ key, untilMs, status }: Freeze, nowMs: number): Promise<void> {
    await this.#run([key], ['freeze', nowMs, Math.ceil(untilMs), status]);
  }

  async look(
    freezeKeys: readonly string[],
    buckets: readonly Bucket[],
    nowMs: number,
  ): Promise<{ readonly freezes: readonly Freeze[]; readonly uses: readonly BucketUse[] }> {
    const keys = [...freezeKeys, ...buckets.map((bucket) => bucket.key)];
    const args = ['look', nowMs, freezeKeys.length, ...buckets.flatMap(termsOf)];
    const rows = (await this.#run(keys, args)) as readonly Numbers[];
    const freezes: Freeze[] = [];
    freezeKeys.forEach((key, i) => {
      const [untilMs = 0, status = 0] = rows[i] ?? [];
      if (untilMs > 0) freezes.push({ key, untilMs, status });
    });
    const uses = buckets.map((bucket, i) => {
      const [untilMs = 0, startedMs = 0, used = 0, reported = 0] = rows[freezeKeys.length + i] ?? [];
      return { bucket, startedMs, used, reported, untilMs };
    });
    return { freezes, uses };
  }

  async merge(own: readonly OwnUse[], nowMs: number): Promise<void> {
    if (own.length === 0) return;
    const args: (string | number)[] = ['merge', nowMs];
    for (const use of own) args.push(...termsOf(use.bucket), use.untilMs, use.own, use.reported);
    await this.#run(
      own.map((use) => use.bucket.key),
      args,
    );
  }

  async close(): Promise<void> {
    this.#redis.disconnect();
  }

  #finish(
    { charges, marks }: Receipt,
    nowMs: number,
    endingAt: (index: number) => ChargeEnding | undefined,
  ): Promise<unknown> {
    const args: (string | number)[] = ['finish', nowMs, TAIL_MS];
    const keys: string[] = [];
    charges.forEach(({ bucket, weight }: BucketCharge, i) => {
      const mark = marks[i];
      const ending = endingAt(i);
      if (mark === undefined || ending === undefined) return;
      keys.push(bucket.key);
      args.push(...termsOf(bucket), weight, mark.window, mark.round, mark.slot, mark.startedMs);
      args.push(ending.counted, ending.reported ?? NOTHING);
    });
    return this.#run(keys, args);
  }

  async #run(keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    if (this.#connecting !== undefined) await this.#connecting;
    try {
      return await this.#redis.budget(keys.length, ...keys.map((key) => this.#keyOf(key)), ...args);
    } catch (error) {
      throw this.#trouble ?? error;
    }
  }

  /** What belongs to an account is shared across egress IPs, everything else within one. */
  #keyOf(key: string): string {
    if (key.startsWith('account:')) return `bsp:{budget}:${key}`;
    const { key: plain, egress } = readKey(key);
    return `bsp:{budget}:${egress ?? this.#egressId}:${plain}`;
  }

  /** The first calls may come before the connection is open. They wait for it, no longer than for an answer. */
  async #firstConnection(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.#timeoutMs);
      this.#redis.once('ready', () => {
        clearTimeout(timer);
        resolve();
      });
    });
    this.#connecting = undefined;
  }
}

/** Window length and counting of a bucket, as the script takes them. */
function termsOf(bucket: Bucket): [windowMs: number, counting: number] {
  return [bucket.windowMs, COUNTING[countingOf(bucket)]];
}
