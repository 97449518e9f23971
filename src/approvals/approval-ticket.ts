import type { Client } from '../core/access/client.ts';
import type { BoundCall } from '../core/approvals/bound-call.ts';
import type { ApprovalCard } from '../core/approvals/card.ts';
import type { Leniency } from '../core/approvals/same-or-less.ts';
import type { ValuedOrder } from '../core/approvals/valued-order.ts';
import type { AskingRule } from '../core/approvals/why-asked.ts';
import type { Decimal } from '../core/decimal.ts';
import type { IntendedOrder } from '../core/orders/intended-order.ts';
import type { SentOrder } from '../core/records/sent-orders.ts';

export type TicketState = 'pending' | 'approved' | 'denied' | 'used' | 'expired' | 'voided';

/** A call that waits for a yes, as it was when it was asked for first. */
export interface Ask {
  readonly requestId: string;
  /** As it was configured then. */
  readonly client: Client;
  readonly account: string;
  readonly bound: BoundCall;
  readonly digest: string;
  readonly leniency: Leniency;
  readonly rule: AskingRule;
  readonly permission: string;
  /** The symbols of its orders, for stops of one symbol. */
  readonly symbols: ReadonlySet<string>;
  readonly upstream: string;
  /** Its orders as records name them. */
  readonly sentOrders: readonly SentOrder[];
  readonly intended: readonly IntendedOrder[];
  /** Its orders with their values then; undefined for one that only reduces. */
  readonly orders: readonly (ValuedOrder | undefined)[];
  /** True when nobody could tell what it is worth: then only the very same may use it. */
  readonly isUnvalued: boolean;
  /** The middle of each book then, by symbol. */
  readonly middles: ReadonlyMap<string, Decimal>;
  readonly card: ApprovalCard;
  readonly decideMs: number;
  readonly useMs: number;
}

/** Two clocks: one that nobody can set decides, one that people read is shown. */
export interface Clocks {
  readonly monotonicNow: () => number;
  readonly wallNow: () => number;
}

/** A moment on both clocks, ms. */
interface Moment {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

/** One ask from its first call to its end. */
export class Ticket {
  readonly id: string;
  readonly decideUntil: Moment;
  readonly #clocks: Clocks;
  readonly #waiting = new Set<() => void>();
  readonly #approvers = new Set<string>();
  #ask: Ask;
  #state: TicketState = 'pending';
  #useUntil: Moment | undefined;
  #endedMs = 0;
  #isClaimed = false;
  #reason: string | undefined;
  #asked = 1;
  #joinedMs = Number.NEGATIVE_INFINITY;

  constructor(id: string, ask: Ask, clocks: Clocks) {
    this.id = id;
    this.#ask = ask;
    this.#clocks = clocks;
    this.decideUntil = later(clocks, ask.decideMs);
  }

  get ask(): Ask {
    return this.#ask;
  }

  get state(): TicketState {
    return this.#state;
  }

  get useUntil(): Moment | undefined {
    return this.#useUntil;
  }

  /** How many calls have asked for it. */
  get asked(): number {
    return this.#asked;
  }

  /** When it was last held against the books, monotonic ms. */
  get joinedMs(): number {
    return this.#joinedMs;
  }

  /** Why it was denied or voided. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** When it ended, monotonic ms. */
  get endedMs(): number {
    return this.#endedMs;
  }

  get approvers(): ReadonlySet<string> {
    return this.#approvers;
  }

  get isOpen(): boolean {
    return this.#state === 'pending' || this.#state === 'approved';
  }

  /** True while one call holds the right to be sent. */
  get isClaimed(): boolean {
    return this.#isClaimed;
  }

  /** True when one of its clocks has run out, and nobody holds it. */
  isOver(nowMs: number): boolean {
    if (this.#state === 'pending') return nowMs >= this.decideUntil.monotonicMs;
    return this.#state === 'approved' && !this.#isClaimed && nowMs >= (this.#useUntil?.monotonicMs ?? 0);
  }

  /** One more call asks for it, and was held against the books of now. */
  join(): void {
    this.#asked++;
    this.#joinedMs = this.#clocks.monotonicNow();
  }

  /** One more call asks for it, of which all is known from the last one. */
  joinAgain(): void {
    this.#asked++;
  }

  /** Whether one more yes of this operator would be enough. */
  wouldBeEnough(operator: string): boolean {
    const quorum = this.ask.client.approval?.quorum ?? 1;
    return this.#approvers.union(new Set([operator])).size >= quorum;
  }

  /** Until when it could be used if it were approved now. */
  nextUseUntil(): Moment {
    return later(this.#clocks, this.ask.useMs);
  }

  /** Counts a yes; with enough of them it can be used. */
  approve(operator: string, useUntil: Moment): void {
    const isEnough = this.wouldBeEnough(operator);
    this.#approvers.add(operator);
    if (!isEnough) return;
    this.#useUntil = useUntil;
    this.#become('approved');
  }

  deny(reason: string): void {
    this.#reason = reason;
    this.#become('denied');
  }

  expire(): void {
    this.#become('expired');
  }

  void(reason: string): void {
    this.#reason = reason;
    this.#become('voided');
  }

  claim(): void {
    this.#isClaimed = true;
  }

  unclaim(): void {
    this.#isClaimed = false;
  }

  spend(): void {
    this.#become('used');
  }

  /** Lets go of all that is needed only as long as something can fit it. */
  forget(): void {
    this.#ask = { ...this.#ask, intended: [], orders: [], sentOrders: [], isUnvalued: true };
  }

  /** Resolves when its state changes, or after so long, or when the caller is gone. */
  async changed(withinMs: number, gone: AbortSignal | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, withinMs);
    this.#waiting.add(resolve);
    gone?.addEventListener('abort', () => resolve(), { once: true });
    await promise;
    clearTimeout(timer);
    this.#waiting.delete(resolve);
  }

  #become(state: TicketState): void {
    this.#state = state;
    if (!this.isOpen) this.#endedMs = this.#clocks.monotonicNow();
    for (const resolve of this.#waiting) resolve();
  }
}

function later({ monotonicNow, wallNow }: Clocks, ms: number): Moment {
  return { monotonicMs: monotonicNow() + ms, wallMs: wallNow() + ms };
}
