import { setTimeout as pause } from 'node:timers/promises';
import { MINUTE_MS } from '../core/intervals.ts';
import { type Notice, sameness } from './notice.ts';

/** How one try ended: undefined when it was taken, else why not, without a part of the address. */
export type TryEnd = string | undefined;

export interface DeliveryQueueOptions {
  /** Sends once; never rejects. */
  readonly send: (notice: Notice, count: number, dropped: number) => Promise<TryEnd>;
  readonly onGivenUp: (notice: Notice, tries: number, why: string) => void;
  /** Before the second try and those after it, in ms. */
  readonly pausesMs: readonly number[];
  readonly monotonicNow: () => number;
}

/** What became of the notices of one target. */
export interface DeliveryState {
  readonly waiting: number;
  readonly sent: number;
  readonly failed: number;
  readonly dropped: number;
  /** Why the last one that failed did; undefined once one was taken again. */
  readonly trouble?: string;
}

interface Waiting {
  notice: Notice;
  count: number;
  /** Monotonic ms. */
  readonly dueMs: number;
}

const MOST_WAITING = 100;
const MOST_A_MINUTE = 20;
/** One that equals another of the last minute waits until that minute is over, and says how often it happened. */
const JOIN_MS = MINUTE_MS;
const RANK = { info: 0, warning: 1, critical: 2 } as const;

/** The notices of one target, one after the other. Taking one costs no more than a look into a table. */
export class DeliveryQueue {
  readonly #options: DeliveryQueueOptions;
  /** By what makes them equal, the oldest first. */
  readonly #waiting = new Map<string, Waiting>();
  readonly #lastSent = new Map<string, number>();
  #beganMs: number[] = [];
  #sent = 0;
  #failed = 0;
  #dropped = 0;
  #droppedUntold = 0;
  #trouble: string | undefined;
  #isBusy = false;
  #isEnding = false;
  #timer: NodeJS.Timeout | undefined;
  readonly #ending = new AbortController();
  readonly #idle = Promise.withResolvers<void>();

  constructor(options: DeliveryQueueOptions) {
    this.#options = options;
  }

  get state(): DeliveryState {
    const state = {
      waiting: this.#waiting.size + Number(this.#isBusy),
      sent: this.#sent,
      failed: this.#failed,
      dropped: this.#dropped,
    };
    return this.#trouble === undefined ? state : { ...state, trouble: this.#trouble };
  }

  offer(notice: Notice): void {
    const key = sameness(notice);
    const equal = this.#waiting.get(key);
    if (equal !== undefined) {
      equal.count++;
      equal.notice = notice;
      return;
    }
    if (this.#waiting.size >= MOST_WAITING && !this.#makeRoom(notice)) {
      this.#drop();
      return;
    }
    const nowMs = this.#options.monotonicNow();
    const dueMs = Math.max(nowMs, (this.#lastSent.get(key) ?? Number.NEGATIVE_INFINITY) + JOIN_MS);
    this.#waiting.set(key, { notice, count: 1, dueMs });
    this.#kick();
  }

  /** Sends one now, beside the others, if the minute has room for it. */
  async trial(notice: Notice): Promise<TryEnd> {
    const nowMs = this.#options.monotonicNow();
    if (!this.#hasRoom(nowMs)) return `${MOST_A_MINUTE} notices were sent in the last minute`;
    this.#beganMs.push(nowMs);
    const why = await this.#options.send(notice, 1, 0);
    if (why === undefined) this.#sent++;
    else this.#failed++;
    this.#trouble = why;
    return why;
  }

  /** What waits is tried once more each, and nothing is waited for beyond that. Resolves when nothing is left. */
  end(): Promise<void> {
    this.#isEnding = true;
    this.#ending.abort();
    this.#kick();
    return this.#idle.promise;
  }

  /** Lets go of what waits. */
  clear(): void {
    this.#waiting.clear();
    void this.end();
  }

  #kick(): void {
    if (this.#isBusy) return;
    clearTimeout(this.#timer);
    const nowMs = this.#options.monotonicNow();
    const next = this.#next();
    if (next === undefined) {
      if (this.#isEnding) this.#idle.resolve();
      return;
    }
    const [key, waiting] = next;
    const roomMs = this.#hasRoom(nowMs) ? nowMs : (this.#beganMs[0] ?? nowMs) + MINUTE_MS;
    const waitMs = this.#isEnding ? 0 : Math.max(waiting.dueMs, roomMs) - nowMs;
    if (waitMs > 0) {
      this.#timer = setTimeout(() => this.#kick(), Math.ceil(waitMs));
      this.#timer.unref();
      return;
    }
    this.#waiting.delete(key);
    this.#isBusy = true;
    void this.#deliver(key, waiting).finally(() => {
      this.#isBusy = false;
      this.#kick();
    });
  }

  /** The one that may be sent first. */
  #next(): readonly [string, Waiting] | undefined {
    let first: readonly [string, Waiting] | undefined;
    for (const entry of this.#waiting)
      if (first === undefined || entry[1].dueMs < first[1].dueMs) first = entry;
    return first;
  }

  #hasRoom(nowMs: number): boolean {
    this.#beganMs = this.#beganMs.filter((beganMs) => nowMs - beganMs < MINUTE_MS);
    return this.#beganMs.length < MOST_A_MINUTE;
  }

  async #deliver(key: string, { notice, count }: Waiting): Promise<void> {
    const { send, pausesMs, monotonicNow, onGivenUp } = this.#options;
    const beganMs = monotonicNow();
    this.#beganMs.push(beganMs);
    for (const [each, sentMs] of this.#lastSent) if (beganMs - sentMs >= JOIN_MS) this.#lastSent.delete(each);
    this.#lastSent.set(key, beganMs);
    const dropped = this.#droppedUntold;
    let tries = 0;
    let why: TryEnd;
    for (const pauseMs of [0, ...pausesMs]) {
      if (pauseMs > 0) await this.#pause(pauseMs);
      if (tries > 0 && this.#isEnding) break;
      tries++;
      why = await send(notice, count, dropped);
      if (why === undefined) {
        this.#sent++;
        this.#droppedUntold -= dropped;
        this.#trouble = undefined;
        return;
      }
      this.#trouble = why;
    }
    this.#failed++;
    onGivenUp(notice, tries, why ?? 'it was stopped');
  }

  async #pause(ms: number): Promise<void> {
    await pause(ms, undefined, { ref: false, signal: this.#ending.signal }).catch(() => {});
  }

  /** Takes out the oldest one that matters less; false when there is none. */
  #makeRoom({ severity }: Notice): boolean {
    for (const [key, { notice }] of this.#waiting) {
      if (RANK[notice.severity] >= RANK[severity]) continue;
      this.#waiting.delete(key);
      this.#drop();
      return true;
    }
    return false;
  }

  #drop(): void {
    this.#dropped++;
    this.#droppedUntold++;
  }
}
