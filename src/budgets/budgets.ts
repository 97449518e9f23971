import { readCount, type UpstreamAnswer } from '../core/budget/back-off.ts';
import type { RateLimit } from '../core/budget/binance-limits.ts';
import { type CallCharge, hostFreezeKey, isClientFreeze } from '../core/budget/buckets.ts';
import { budgetTime } from '../core/budget/budget-time.ts';
import { type ChargedCall, createCharging } from '../core/budget/charging.ts';
import { chargedAt, keyAt } from '../core/budget/egress-keys.ts';
import { isKeyQuestion } from '../core/budget/key-question.ts';
import type { ChargeEnding } from '../core/budget/window.ts';
import type { Endpoint } from '../core/catalogue/endpoint.ts';
import type { UpstreamName } from '../core/upstream.ts';
import { frozenRefusal, fullRefusal } from './budget-refusals.ts';
import { type BudgetState, describeFreeze, stateOf } from './budget-state.ts';
import { Freezes, isToldByHost } from './freezes.ts';
import { ReadQueue, type Schedule } from './read-queue.ts';
import type { BudgetStore, ChargeOutcome } from './stores/store.ts';
import { type Charged, OpenTicket, type Ticket } from './ticket.ts';

export type { UpstreamAnswer } from '../core/budget/back-off.ts';
export type { BudgetState } from './budget-state.ts';
export type { Ticket } from './ticket.ts';

export interface ChargeRequest extends ChargedCall {
  /** The egress that the call leaves by, where that is not the one of the whole process. */
  readonly egress?: string | undefined;
  /** How long the caller lets a signed call be under way, in ms. */
  readonly recvWindowMs: number;
  /** Aborts when the caller hangs up. */
  readonly signal?: AbortSignal;
}

/** Where a firewall's page came from. */
export interface FirewallPage {
  readonly upstream: UpstreamName;
  /** The egress on which it came, where that is not the one of the whole process. */
  readonly egress: string | undefined;
}

type BudgetEvent = 'frozen' | 'thawed' | 'degraded' | 'restored';
type BudgetEventDetail = Readonly<Record<string, string | number | boolean | undefined>>;

export interface BudgetsOptions {
  readonly store: BudgetStore;
  /** Server time in ms. */
  readonly serverNow: () => number;
  readonly throttle: { readonly reserveForOrders: number; readonly maxWaitMs: number };
  readonly onEvent: (event: BudgetEvent, detail: BudgetEventDetail) => void;
  /** A firewall's page stopped a client: whether it means everybody has to be found out. */
  readonly onPage?: (page: FirewallPage) => void;
  readonly schedule?: Schedule;
}

/** Every limit of Binance that a call can hit. A call is charged before it is sent; its answer corrects the charge. */
export class Budgets {
  readonly #store: BudgetStore;
  readonly #serverNow: () => number;
  readonly #maxWaitMs: number;
  readonly #charging: ReturnType<typeof createCharging>;
  readonly #freezes: Freezes;
  readonly #queue: ReadQueue;
  readonly #onPage: (page: FirewallPage) => void;

  constructor({
    store,
    serverNow,
    throttle,
    onEvent,
    onPage = () => {},
    schedule = realSchedule,
  }: BudgetsOptions) {
    this.#store = store;
    this.#serverNow = serverNow;
    this.#maxWaitMs = throttle.maxWaitMs;
    this.#onPage = onPage;
    this.#charging = createCharging(throttle.reserveForOrders);
    this.#freezes = new Freezes((event, freeze) => onEvent(event, describeFreeze(freeze)));
    this.#queue = new ReadQueue({
      attempt: (charge) => store.charge(charge, this.#now()),
      refund: (receipt) => store.refund(receipt, this.#now()),
      now: () => this.#now(),
      maxWaitMs: throttle.maxWaitMs,
      schedule,
    });
    store.onDegraded((degraded, reason) =>
      onEvent(degraded ? 'degraded' : 'restored', degraded ? { reason } : {}),
    );
    store.onThawed((key) => {
      this.#freezes.takenAway(key);
      this.#queue.wake();
    });
  }

  /**
   * Charges every bucket that the call touches, or none. Synchronous unless the store is shared or the call waits.
   * @throws ProxyError PROXY_WEIGHT_EXHAUSTED, PROXY_ORDERS_EXHAUSTED, PROXY_UPSTREAM_FROZEN, PROXY_STALE_REQUEST,
   * PROXY_NOT_READY
   */
  charge(request: ChargeRequest): Ticket | Promise<Ticket> {
    const nowMs = this.#now();
    this.#freezes.sweep(nowMs);
    const call = chargedAt(this.#charging.chargeOf(request), request.egress);
    const ahead = this.#mayWait(request) ? this.#queue.ahead(call) : undefined;
    if (ahead !== undefined) return this.#wait(request, call, ahead, nowMs);
    const outcome = this.#store.charge(call, nowMs);
    if (outcome instanceof Promise)
      return outcome.then((later) => this.#conclude(request, call, later, nowMs));
    return this.#conclude(request, call, outcome, nowMs);
  }

  /**
   * For a call that costs nothing, because another one brings its answer: whoever Binance wants silence from gets none of
   * its data either.
   * @throws ProxyError PROXY_UPSTREAM_FROZEN
   */
  assertOpen({ upstream }: Endpoint, egress: string | undefined): void {
    const nowMs = this.#now();
    const freeze = this.#store.frozenBy([keyAt(hostFreezeKey(upstream), egress)], nowMs);
    if (freeze === undefined) return;
    this.#freezes.noticed(freeze);
    throw frozenRefusal(freeze, nowMs);
  }

  /** Learns from an answer. Returns the used weight that Binance reported. */
  reconcile(ticket: Ticket, answer: UpstreamAnswer): number | undefined {
    const charged = end(ticket);
    if (charged === undefined) return undefined;
    const nowMs = this.#now();
    const { receipt, endpoint } = charged;
    const free = answer.successful && isFreeOnSuccess(endpoint);
    let weightUsed: number | undefined;
    const endings: ChargeEnding[] = [];
    for (const { bucket, weight, headers } of receipt.charges) {
      const reported = readCount(answer, headers);
      if (bucket.kind === 'weight') weightUsed ??= reported;
      const refunded = free && (bucket.kind === 'weight' || bucket.kind === 'share');
      endings.push({ counted: refunded ? 0 : weight, reported });
    }
    this.#store.reconcile(receipt, endings, nowMs);
    for (const freeze of this.#freezes.learn(charged, answer, nowMs)) {
      this.#store.freeze(freeze, nowMs);
      const isNew = this.#freezes.noticed(freeze);
      if (isNew && isClientFreeze(freeze.key) && endpoint.isStream !== true)
        this.#onPage({ upstream: endpoint.upstream, egress: charged.egress });
    }
    this.#queue.wake();
    return weightUsed;
  }

  /** Gives the whole charge back: nothing was sent. */
  refund(ticket: Ticket): void {
    const charged = end(ticket);
    if (charged === undefined) return;
    this.#store.refund(charged.receipt, this.#now());
    this.#queue.wake();
  }

  /** Leaves the call charged: it was sent and no answer came. */
  keep(ticket: Ticket): void {
    const charged = end(ticket);
    if (charged === undefined) return;
    const endings = charged.receipt.charges.map(({ weight }) => ({ counted: weight, reported: undefined }));
    this.#store.reconcile(charged.receipt, endings, this.#now());
  }

  get state(): BudgetState {
    const nowMs = this.#now();
    const view = this.#store.view(nowMs);
    const freezes = view.freezes.filter((freeze) => !isToldByHost(freeze));
    for (const freeze of freezes) this.#freezes.noticed(freeze);
    this.#freezes.sweep(nowMs);
    return stateOf({ ...view, freezes }, this.#queue.length);
  }

  /** A field, because it is handed on as a callback. */
  readonly setLimits = (upstream: UpstreamName, limits: readonly RateLimit[]): void => {
    this.#charging.setLimits(upstream, limits);
  };

  async close(): Promise<void> {
    this.#queue.close();
    await this.#store.close();
  }

  #conclude(
    request: ChargeRequest,
    call: CallCharge,
    outcome: ChargeOutcome,
    sinceMs: number,
  ): Ticket | Promise<Ticket> {
    if (outcome.kind === 'charged') {
      const { endpoint, client, account, egress } = request;
      return new OpenTicket(call.weight, 0, {
        receipt: outcome.receipt,
        endpoint,
        client,
        account,
        egress,
        chargedMs: sinceMs,
      });
    }
    if (outcome.kind === 'frozen') {
      this.#freezes.noticed(outcome.freeze);
      throw frozenRefusal(outcome.freeze, this.#now());
    }
    if (this.#mayWait(request)) return this.#wait(request, call, outcome, sinceMs);
    throw fullRefusal(outcome.bucket, outcome.untilMs, this.#now());
  }

  async #wait(
    request: ChargeRequest,
    call: CallCharge,
    refusal: Extract<ChargeOutcome, { kind: 'full' }>,
    sinceMs: number,
  ): Promise<Ticket> {
    const { endpoint, client, account, egress, recvWindowMs, signal } = request;
    const staleMs = endpoint.security === 'SIGNED' ? sinceMs + recvWindowMs : undefined;
    const receipt = await this.#queue.wait({ charge: call, sinceMs, staleMs, signal }, refusal);
    const chargedMs = this.#now();
    const waitMs = Math.max(0, chargedMs - sinceMs);
    return new OpenTicket(call.weight, waitMs, { receipt, endpoint, client, account, egress, chargedMs });
  }

  #mayWait(request: ChargeRequest): boolean {
    const { endpoint, lane = 'general' } = request;
    // What an order or a cancel waits for must not wait.
    if (isKeyQuestion(request) || lane !== 'general') return false;
    return this.#maxWaitMs > 0 && endpoint.effect === 'none' && endpoint.method === 'GET';
  }

  #now(): number {
    return budgetTime(this.#serverNow());
  }
}

function end(ticket: Ticket): Charged | undefined {
  return ticket instanceof OpenTicket ? ticket.end() : undefined;
}

/** Since 2026-04-02 placing and cancelling on spot costs no weight when it succeeds; an amendment only sometimes. */
function isFreeOnSuccess({ path, effect }: Endpoint): boolean {
  return (effect === 'place' || effect === 'cancel') && path.startsWith('/api/');
}

function realSchedule(run: () => void, delayMs: number): () => void {
  const timer = setTimeout(run, delayMs);
  return () => clearTimeout(timer);
}
