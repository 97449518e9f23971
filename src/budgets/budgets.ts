import { readBackOff, readCount, type UpstreamAnswer } from '../core/budget/back-off.ts';
import type { RateLimit } from '../core/budget/binance-limits.ts';
import { type CallCharge, type ChargedCall, createCharging } from '../core/budget/buckets.ts';
import { isKeyQuestion } from '../core/budget/key-question.ts';
import { budgetTime, type ChargeEnding } from '../core/budget/window.ts';
import type { Endpoint } from '../core/catalogue/endpoint.ts';
import type { UpstreamName } from '../core/upstream.ts';
import { frozenRefusal, fullRefusal } from './budget-refusals.ts';
import { type BudgetState, describeFreeze, stateOf } from './budget-state.ts';
import { Freezes } from './freezes.ts';
import { ReadQueue, type Schedule } from './read-queue.ts';
import type { BudgetStore, ChargeOutcome, Receipt } from './stores/store.ts';

export type { UpstreamAnswer } from '../core/budget/back-off.ts';
export type { BudgetState } from './budget-state.ts';

export interface ChargeRequest extends ChargedCall {
  /** How long the caller lets a signed call be under way, in ms. */
  readonly recvWindowMs: number;
  /** Aborts when the caller hangs up. */
  readonly signal?: AbortSignal;
}

/** The charge of one call; it is ended once, by `reconcile`, `refund` or `keep`, and ending it again does nothing. */
export interface Ticket {
  /** Sum of the IP and UID weight that was charged. */
  readonly weight: number;
  /** How long the call waited for its turn, in ms. */
  readonly waitMs: number;
}

type BudgetEvent = 'frozen' | 'thawed' | 'degraded' | 'restored';
type BudgetEventDetail = Readonly<Record<string, string | number | boolean | undefined>>;

export interface BudgetsOptions {
  readonly store: BudgetStore;
  /** Server time in ms. */
  readonly serverNow: () => number;
  readonly throttle: { readonly reserveForOrders: number; readonly maxWaitMs: number };
  readonly onEvent: (event: BudgetEvent, detail: BudgetEventDetail) => void;
  readonly schedule?: Schedule;
}

/** Every limit of Binance that a call can hit, asked before it is sent and corrected by its answer. */
export interface Budgets {
  /**
   * Charges every bucket that the call touches, or none. Synchronous unless the store is shared or the call waits.
   * @throws ProxyError PROXY_WEIGHT_EXHAUSTED, PROXY_ORDERS_EXHAUSTED, PROXY_UPSTREAM_FROZEN, PROXY_STALE_REQUEST
   */
  charge(request: ChargeRequest): Ticket | Promise<Ticket>;
  /** Learns from an answer; returns the used weight that Binance reported. */
  reconcile(ticket: Ticket, answer: UpstreamAnswer): number | undefined;
  /** Nothing was sent: gives everything back. */
  refund(ticket: Ticket): void;
  /** It was sent and no answer came: it stays charged. */
  keep(ticket: Ticket): void;
  readonly state: BudgetState;
  setLimits(upstream: UpstreamName, limits: readonly RateLimit[]): void;
  close(): Promise<void>;
}

interface Charged {
  readonly receipt: Receipt;
  readonly endpoint: Endpoint;
  readonly account: string | undefined;
  readonly chargedMs: number;
}

/** Holds its charge itself: what a WeakMap holds, V8 takes for long-lived, and each call would leave it 1 kB to sweep up. */
class OpenTicket implements Ticket {
  readonly weight: number;
  readonly waitMs: number;
  #charged: Charged | undefined;

  constructor(weight: number, waitMs: number, charged: Charged) {
    this.weight = weight;
    this.waitMs = waitMs;
    this.#charged = charged;
  }

  /** What was charged; undefined from the second time on. */
  end(): Charged | undefined {
    const charged = this.#charged;
    this.#charged = undefined;
    return charged;
  }
}

export function createBudgets(options: BudgetsOptions): Budgets {
  const { store, throttle, onEvent } = options;
  const charging = createCharging(throttle.reserveForOrders);
  const freezes = new Freezes((event, freeze) => onEvent(event, describeFreeze(freeze)));
  const now = () => budgetTime(options.serverNow());
  const queue = new ReadQueue({
    attempt: (charge) => store.charge(charge, now()),
    refund: (receipt) => store.refund(receipt, now()),
    now,
    maxWaitMs: throttle.maxWaitMs,
    schedule: options.schedule ?? realSchedule,
  });
  store.onDegraded((degraded, reason) =>
    onEvent(degraded ? 'degraded' : 'restored', degraded ? { reason } : {}),
  );

  function charge(request: ChargeRequest): Ticket | Promise<Ticket> {
    const nowMs = now();
    freezes.sweep(nowMs);
    const call = charging.chargeOf(request);
    const ahead = mayWait(request) ? queue.ahead(call) : undefined;
    if (ahead !== undefined) return wait(request, call, ahead, nowMs);
    const outcome = store.charge(call, nowMs);
    if (outcome instanceof Promise) return outcome.then((later) => conclude(request, call, later, nowMs));
    return conclude(request, call, outcome, nowMs);
  }

  function conclude(
    request: ChargeRequest,
    call: CallCharge,
    outcome: ChargeOutcome,
    sinceMs: number,
  ): Ticket | Promise<Ticket> {
    if (outcome.kind === 'charged') return open(request, call, outcome.receipt, 0, sinceMs);
    if (outcome.kind === 'frozen') {
      freezes.noticed(outcome.freeze);
      throw frozenRefusal(outcome.freeze, now());
    }
    if (mayWait(request)) return wait(request, call, outcome, sinceMs);
    throw fullRefusal(outcome.bucket, outcome.untilMs, now());
  }

  async function wait(
    request: ChargeRequest,
    call: CallCharge,
    refusal: Extract<ChargeOutcome, { kind: 'full' }>,
    sinceMs: number,
  ): Promise<Ticket> {
    const staleMs = request.endpoint.security === 'SIGNED' ? sinceMs + request.recvWindowMs : undefined;
    const receipt = await queue.wait({ charge: call, sinceMs, staleMs, signal: request.signal }, refusal);
    const chargedMs = now();
    return open(request, call, receipt, Math.max(0, chargedMs - sinceMs), chargedMs);
  }

  function mayWait(request: ChargeRequest): boolean {
    const { endpoint } = request;
    if (isKeyQuestion(request)) return false;
    return throttle.maxWaitMs > 0 && endpoint.effect === 'none' && endpoint.method === 'GET';
  }

  function open(
    { endpoint, account }: ChargeRequest,
    { weight }: CallCharge,
    receipt: Receipt,
    waitMs: number,
    chargedMs: number,
  ): Ticket {
    return new OpenTicket(weight, waitMs, { receipt, endpoint, account, chargedMs });
  }

  function end(ticket: Ticket): Charged | undefined {
    return ticket instanceof OpenTicket ? ticket.end() : undefined;
  }

  function reconcile(ticket: Ticket, answer: UpstreamAnswer): number | undefined {
    const inside = end(ticket);
    if (inside === undefined) return undefined;
    const nowMs = now();
    const { receipt, endpoint } = inside;
    const free = answer.successful && isFreeOnSuccess(endpoint);
    let weightUsed: number | undefined;
    const endings: ChargeEnding[] = [];
    for (const { bucket, weight, headers } of receipt.charges) {
      const reported = readCount(answer, headers);
      if (bucket.kind === 'weight') weightUsed ??= reported;
      const refunded = free && (bucket.kind === 'weight' || bucket.kind === 'share');
      endings.push({ counted: refunded ? 0 : weight, reported });
    }
    store.reconcile(receipt, endings, nowMs);
    const stop = readBackOff(answer, nowMs);
    if (stop === undefined) freezes.answered(endpoint.upstream, inside.chargedMs);
    else {
      const freeze = freezes.freezeFor(stop, endpoint, inside.account, nowMs);
      if (freeze !== undefined) {
        store.freeze(freeze, nowMs);
        freezes.noticed(freeze);
      }
    }
    queue.wake();
    return weightUsed;
  }

  function state(): BudgetState {
    const nowMs = now();
    const view = store.view(nowMs);
    for (const freeze of view.freezes) freezes.noticed(freeze);
    freezes.sweep(nowMs);
    return stateOf(view, queue.length);
  }

  return {
    charge,
    reconcile,
    refund(ticket) {
      const inside = end(ticket);
      if (inside === undefined) return;
      store.refund(inside.receipt, now());
      queue.wake();
    },
    keep(ticket) {
      const inside = end(ticket);
      if (inside === undefined) return;
      const endings = inside.receipt.charges.map(({ weight }) => ({ counted: weight, reported: undefined }));
      store.reconcile(inside.receipt, endings, now());
    },
    get state() {
      return state();
    },
    setLimits: (upstream, limits) => charging.setLimits(upstream, limits),
    async close() {
      queue.close();
      await store.close();
    },
  };
}

/** Since 2026-04-02 placing and cancelling on spot costs nothing when it succeeds; an amendment only sometimes. */
function isFreeOnSuccess({ path, effect }: Endpoint): boolean {
  return (effect === 'place' || effect === 'cancel') && path.startsWith('/api/');
}

function realSchedule(run: () => void, delayMs: number): () => void {
  const timer = setTimeout(run, delayMs);
  return () => clearTimeout(timer);
}
