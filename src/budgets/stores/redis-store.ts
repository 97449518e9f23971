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
import type { ChargeEnding } from '../../core/budget/window.ts';
import { SECOND_MS } from '../../core/intervals.ts';
import type { SecretText } from '../../core/records/secret-text.ts';
import { isDivided, isOfNeighbours } from './alone/parts.ts';
import { readBudgetScript } from './budget-script.ts';
import { Membership } from './membership.ts';
import {
  readAll,
  readAttendance,
  readCharge,
  readLook,
  type SharedCharge,
  type SharedLook,
} from './redis-replies.ts';
import { NOT_YET, tooSlow, watchTrouble } from './redis-trouble.ts';
import type { Freeze, Receipt } from './store.ts';

export interface RedisBudgetStoreOptions {
  readonly url: SecretText;
  /** Names the egress IP: what is counted by IP is shared by the processes with the same name. */
  readonly egressId: string;
  /** Longest wait for one answer in ms; 100 unless told. */
  readonly timeoutMs?: number;
}

/** What is asked of the store in one look. */
export interface LookFor {
  readonly freezeKeys: readonly string[];
  readonly buckets: readonly Bucket[];
  /** Whether this process charges at the store from now on. */
  readonly wantsLease: boolean;
  /** Whether the buckets of the others are told too. */
  readonly wantsAll: boolean;
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

interface ScriptedRedis extends Redis {
  budget(keyCount: number, ...args: readonly (string | number)[]): Promise<unknown>;
}

/** One hash tag, so that a cluster keeps all keys on one node. */
const PREFIX = 'bsp:{budget}:';
const NOTHING = -1;
/** A connection on which nothing comes for so long is given up, and another one is opened. */
const SILENT_MS = 5 * SECOND_MS;
/** The numbers by which the script knows how a bucket is counted. */
const COUNTING: Readonly<Record<Counting, number>> = { plain: 0, falling: 1, pooled: 2, rolling: 3 };

/**
 * The counts that any number of processes share. Each operation is one run of one script, so it is atomic and takes one
 * round trip. An operation that exceeds the time limit rejects; the caller decides what happens then.
 */
export class RedisBudgetStore {
  readonly membership = new Membership();
  readonly #redis: ScriptedRedis;
  readonly #egressId: string;
  readonly #timeoutMs: number;
  /** Behind the keys of every operation, in the order of the script. */
  readonly #commonKeys: readonly string[];
  /** Why there is no connection: the client itself only says that there is none. */
  #trouble: Error | undefined = new Error(NOT_YET);
  #isGathering = false;

  constructor(options: RedisBudgetStoreOptions) {
    this.#egressId = options.egressId;
    this.#timeoutMs = options.timeoutMs ?? 100;
    const common = ['members', `${options.egressId}:members`, 'pulse', 'memory', 'in-use'];
    this.#commonKeys = common.map((name) => PREFIX + name);
    const redis = new Redis(options.url.reveal(), {
      connectTimeout: 500,
      socketTimeout: SILENT_MS,
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
  }

  /** Calls whenever a connection is open. */
  onConnected(listener: () => void): void {
    this.#redis.on('ready', listener);
  }

  /**
   * @throws Error when Redis does not answer in time. Should the answer come later, the charge is taken back; if none ever
   * comes, it expires with its slot.
   */
  async charge(charge: CallCharge, nowMs: number): Promise<SharedCharge> {
    const { freezeKeys, charges, lane } = charge;
    const args: (string | number)[] = ['charge', nowMs, freezeKeys.length, this.membership.id];
    for (const { bucket, weight, ceiling } of charges) {
      // A cancel is the last thing that is refused.
      args.push(...termsOf(bucket), weight, ceiling, lane === 'cancels' ? UNDIVIDED : scopeOf(bucket));
    }
    const keys = [...freezeKeys, ...charges.map(({ bucket }) => bucket.key)];
    const read = (reply: unknown) => readCharge(charge, reply);
    const reply = await this.#run(keys, args, (late) => {
      const { outcome } = read(late);
      if (outcome !== 'outside' && outcome.kind === 'charged')
        this.refund(outcome.receipt, nowMs).catch(() => {});
    });
    return read(reply);
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

  /** Shows that this process is there, and tells what the store holds. An answer that comes late is worth its counts alone. */
  async look({ freezeKeys, buckets, wantsLease, wantsAll }: LookFor, nowMs: number): Promise<SharedLook> {
    const { membership } = this;
    const { seen, memory, id } = membership;
    const keys = [...freezeKeys, ...buckets.map((bucket) => bucket.key)];
    const lease = wantsLease ? membership.askForLease() : 0;
    const args = ['look', nowMs, freezeKeys.length, id, lease, seen.neighbours, seen.all, memory];
    args.push(wantsAll ? 1 : 0, ...buckets.flatMap(termsOf));
    const reply = await this.#run(keys, args, (late) => membership.learnLate(readAttendance(late)));
    const attendance = readAttendance(reply);
    membership.learn(attendance);
    return {
      attendance,
      ...readLook(reply, freezeKeys, buckets),
      all: wantsAll ? readAll(reply) : undefined,
    };
  }

  /** This process ends, so nothing is kept free for it. */
  async leave(): Promise<void> {
    await this.#run([], ['leave', 0, this.membership.id]);
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

  async #run(
    keys: readonly string[],
    args: readonly (string | number)[],
    onLate: (reply: unknown) => void = () => {},
  ): Promise<unknown> {
    const all = [...keys.map((key) => this.keyOf(key)), ...this.#commonKeys];
    this.#gather();
    const reply = this.#redis.budget(all.length, ...all, ...args);
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      late.reject(tooSlow(this.#timeoutMs));
      reply.then(onLate, () => {});
    }, this.#timeoutMs);
    try {
      return await Promise.race([reply, late.promise]);
    } catch (error) {
      throw this.#trouble ?? error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** What is asked in one turn of the event loop leaves in one write. */
  #gather(): void {
    const { stream } = this.#redis;
    if (this.#isGathering || stream === undefined) return;
    this.#isGathering = true;
    stream.cork();
    setImmediate(() => {
      this.#isGathering = false;
      stream.uncork();
    });
  }

  /** What belongs to an account is shared across egress IPs, everything else within one. */
  keyOf(key: string): string {
    if (key.startsWith('account:')) return PREFIX + key;
    const { key: plain, egress } = readKey(key);
    return `${PREFIX}${egress ?? this.#egressId}:${plain}`;
  }
}

/** Window length and counting of a bucket, as the script takes them. */
function termsOf(bucket: Bucket): [windowMs: number, counting: number] {
  return [bucket.windowMs, COUNTING[countingOf(bucket)]];
}

const UNDIVIDED = 0;
const ON_THIS_EGRESS = 1;
const OF_ALL = 2;

/** Among whom a bucket is divided while Redis is away, as the script takes it. */
function scopeOf(bucket: Bucket): number {
  if (!isDivided(bucket)) return UNDIVIDED;
  return isOfNeighbours(bucket) ? ON_THIS_EGRESS : OF_ALL;
}
