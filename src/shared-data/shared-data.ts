import { crossesClose, isSettling } from './candle-close.ts';
import { type KeptAnswer, KeptAnswers } from './kept-answers.ts';
import { ageMs, type Moment } from './moment.ts';
import type { Shareable } from './shareable.ts';
import { SharedCall, type SharedCallOwner } from './shared-call.ts';
import { isWorthKeeping } from './worth-keeping.ts';

/** What holds for one caller. */
export interface Allowed {
  /** A call under way may be joined. */
  readonly merge: boolean;
  /** An answer of the family may be kept, and given to who asks later. */
  readonly keep: boolean;
}

export type Found<R> =
  | { readonly kind: 'kept'; readonly answer: KeptAnswer; readonly ageMs: number }
  | { readonly kind: 'joined'; readonly call: SharedCall<R> }
  /** Nobody asks the same: this caller's call may be joined from now on. */
  | { readonly kind: 'leading'; readonly call: SharedCall<R> };

export interface SharedDataOptions {
  readonly now: () => Moment;
  /** A call that takes longer is not joined: who asks now might be answered sooner alone. In ms. */
  readonly joinableMs: number;
  /** How much kept answers may take, in bytes; 32 MiB unless told. */
  readonly mostBytes?: number;
}

/** A call that is not sent by then waits for room that others may have. */
export const PENDING_MS = 100;

/** Answers of Binance's that more than one caller gets: those under way, and those that are kept for a moment. */
export class SharedData<R> {
  readonly #now: () => Moment;
  readonly #joinableMs: number;
  readonly #underWay = new Map<string, SharedCall<R>>();
  readonly #kept: KeptAnswers;
  /** Calls that may be kept when they end. What is dropped meanwhile stands here no more. */
  readonly #keeping = new Set<SharedCall<R>>();
  readonly #owner: SharedCallOwner<R>;

  constructor({ now, joinableMs, mostBytes }: SharedDataOptions) {
    this.#now = now;
    this.#joinableMs = joinableMs;
    this.#kept = new KeptAnswers(mostBytes);
    this.#owner = {
      sent: now,
      closed: (call) => this.#close(call),
      ended: (call, isWhole) => {
        if (isWhole && this.#keeping.has(call)) this.#keep(call);
        this.#close(call);
      },
    };
  }

  /** How much kept answers take, in bytes. */
  get keptBytes(): number {
    return this.#kept.bytes;
  }

  /** What there is for a call: an answer, one under way, or nothing yet. */
  ask(asked: Shareable, requestId: string, { merge, keep }: Allowed): Found<R> {
    const now = this.#now();
    if (keep) {
      const answer = this.#kept.get(asked.key);
      if (answer !== undefined && isFresh(answer.sent, now, asked, asked.mostAgeMs))
        return { kind: 'kept', answer, ageMs: ageMs(answer.sent, now) };
    }
    if (merge) {
      const call = this.#underWay.get(asked.key);
      if (call !== undefined && this.#isJoinable(call, now)) return { kind: 'joined', call };
    }
    const call = new SharedCall<R>(asked, requestId, now, this.#owner);
    if (merge) this.#underWay.set(asked.key, call);
    if (keep) this.#keeping.add(call);
    return { kind: 'leading', call };
  }

  /** An order was refused for what the trading rules say: those that are known here may be old. */
  forgetRules(): void {
    this.#kept.drop('exchangeInfo');
    for (const call of [...this.#underWay.values(), ...this.#keeping])
      if (call.shareable.family === 'exchangeInfo') this.#close(call);
  }

  /** What comes from now on comes from elsewhere, or under other rules. */
  clear(): void {
    this.#kept.drop();
    this.#underWay.clear();
    this.#keeping.clear();
  }

  /** How many apps wait for calls that may still be joined. */
  get waiting(): number {
    let waiting = 0;
    for (const call of this.#underWay.values()) waiting += call.waiting;
    return waiting;
  }

  #isJoinable({ sent, head, asked, shareable }: SharedCall<R>, now: Moment): boolean {
    if (sent === undefined) return ageMs(asked, now) <= PENDING_MS;
    const mostMs = (head === undefined ? undefined : shareable.mostAgeMs) ?? this.#joinableMs;
    return isFresh(sent, now, shareable, mostMs);
  }

  #close(call: SharedCall<R>): void {
    this.#keeping.delete(call);
    if (this.#underWay.get(call.shareable.key) === call) this.#underWay.delete(call.shareable.key);
  }

  #keep(call: SharedCall<R>): void {
    const { shareable, requestId, sent, head } = call;
    const { candleMs, family, key } = shareable;
    if (sent === undefined || head === undefined) return;
    if (candleMs !== undefined && (sent.server === undefined || isSettling(sent.server, candleMs))) return;
    const body = call.body();
    if (body === undefined || !isWorthKeeping(head.status, head.headers, body)) return;
    // A call that was overtaken brings what is older.
    const kept = this.#kept.get(key);
    if (kept !== undefined && kept.sent.monotonicMs > sent.monotonicMs) return;
    this.#kept.set(key, { family, ...head, body, sent, requestId });
  }
}

function isFresh(sent: Moment, now: Moment, { candleMs }: Shareable, mostAgeMs = 0): boolean {
  if (!(ageMs(sent, now) <= mostAgeMs)) return false;
  if (candleMs === undefined) return true;
  if (sent.server === undefined || now.server === undefined) return false;
  return !crossesClose(sent.server, now.server, candleMs);
}
