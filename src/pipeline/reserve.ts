import type { Budgets, Ticket } from '../budgets/budgets.ts';
import type { CallsUnderWay } from '../budgets/calls-under-way.ts';
import { ownEgressId, wayOf } from '../config/schema/ways-out.ts';
import { andThen, type NowOrLater } from '../core/now-or-later.ts';
import { recvWindowFor } from '../core/signing/sign-call.ts';
import type { OrderOutcome, OrderRoom } from '../orders/limits/order-room.ts';
import type { OrderLimits } from '../orders/order-limits.ts';
import type { OrderResolver } from '../orders/resolver.ts';
import type { OpenLimit } from '../orders/resting/open-limit.ts';
import type { Held } from '../orders/resting/orders-under-way.ts';
import type { ClaimEnding } from '../repeats/claim.ts';
import { noteSent } from '../repeats/claim-right.ts';
import type { Stops } from '../stops/stops.ts';
import type { CallContext } from './call-context.ts';
import { othersPlace } from './clients/others-place.ts';
import type { JudgedCall } from './judge.ts';
import { type Answer, headerOf } from './read-answer.ts';
import type { CallRecorder } from './recorder.ts';

export interface ReserveDeps {
  readonly limits: Pick<OrderLimits, 'reserve' | 'settle'>;
  readonly openLimit: Pick<OpenLimit, 'take' | 'settle'>;
  readonly budgets: Pick<Budgets, 'charge' | 'reconcile' | 'refund' | 'keep'>;
  readonly underWay: Pick<CallsUnderWay, 'begin'>;
  readonly stops: Pick<Stops, 'begin' | 'note'>;
  readonly resolver: Pick<OrderResolver, 'add'>;
  readonly recorder: Pick<CallRecorder, 'unresolved' | 'assertRoom'>;
  readonly wallNow: () => number;
}

/**
 * Takes what a call needs before it is sent: room in the client's day, weight and order counts, a place under way.
 * All of it is given back on every way out but a sent call.
 */
export type Reserve = (
  context: CallContext,
  judged: JudgedCall,
  hangUp?: AbortSignal,
) => Promise<ReservedCall>;

export function createReserve(deps: ReserveDeps): Reserve {
  /**
   * @throws ProxyError PROXY_ORDER_REFUSED, PROXY_WEIGHT_EXHAUSTED, PROXY_ORDERS_EXHAUSTED, PROXY_UPSTREAM_FROZEN,
   * PROXY_STALE_REQUEST, PROXY_UPSTREAM_UNREACHABLE
   */
  return async function reserve(context, judged, hangUp) {
    deps.recorder.assertRoom(judged.endpoint);
    const reserved = new ReservedCall(deps, context, judged, hangUp);
    try {
      const room = reserved.takeOrderRoom();
      if (room !== undefined) await room;
      const charged = reserved.charge();
      if (charged !== undefined) await charged;
      reserved.takePlace();
      return reserved;
    } catch (error) {
      reserved[Symbol.dispose]();
      throw error;
    }
  };
}

/** A call with everything that it needs to be sent. Disposing of it gives back what it still holds. */
export class ReservedCall implements Disposable {
  readonly context: CallContext;
  readonly judged: JudgedCall;
  readonly #deps: ReserveDeps;
  readonly #hangUp: AbortSignal | undefined;
  #room: OrderRoom | undefined;
  #held: Held | undefined;
  #ticket: Ticket | undefined;
  #place: Disposable | undefined;
  readonly #onItsWay: Disposable | undefined;
  #isSettled = false;

  constructor(deps: ReserveDeps, context: CallContext, judged: JudgedCall, hangUp: AbortSignal | undefined) {
    this.#deps = deps;
    this.context = context;
    this.judged = judged;
    this.#hangUp = hangUp;
    this.#onItsWay = deps.stops.begin(judged);
  }

  /** The recvWindow that the call is stamped with, in ms. */
  get recvWindow(): string {
    const { settings } = this.context.config;
    return recvWindowFor(this.judged.call.stamp.recvWindow, settings.recvWindowMs);
  }

  /**
   * Takes the room of the call's orders among those that rest, in the client's rates and in its day.
   * @throws ProxyError PROXY_ORDER_REFUSED
   */
  takeOrderRoom(): NowOrLater<void> {
    const { client, account, endpoint, call, orders } = this.judged;
    if (orders === undefined) return undefined;
    this.#held = this.#deps.openLimit.take({ client, account, endpoint, call, orders: orders.orders });
    const room = this.#deps.limits.reserve(client, endpoint, orders, this.#deps.wallNow());
    return andThen(room, (taken) => {
      this.#room = taken;
    });
  }

  /**
   * Charges every bucket that the call touches, all or none; each sending is charged by itself. Waits only where
   * waiting is configured, and never longer than the client does.
   * @throws ProxyError PROXY_WEIGHT_EXHAUSTED, PROXY_ORDERS_EXHAUSTED, PROXY_UPSTREAM_FROZEN, PROXY_STALE_REQUEST
   */
  charge(): NowOrLater<void> {
    const { client, account, endpoint, call, way, serves } = this.judged;
    const { settings } = this.context.config;
    const { egress } = settings;
    const charged = this.#deps.budgets.charge({
      endpoint,
      call,
      client: serves?.client ?? client,
      account,
      othersPlace: othersPlace(settings, client, endpoint),
      lane: serves?.lane,
      isBeyond: serves?.isBeyond,
      egress: ownEgressId(egress, way ?? wayOf(egress, account)),
      recvWindowMs: Number(this.recvWindow),
      ...(this.#hangUp === undefined ? {} : { signal: this.#hangUp }),
    });
    return andThen(charged, (ticket) => this.#hold(ticket));
  }

  /** @throws ProxyError PROXY_UPSTREAM_UNREACHABLE when too many calls are under way */
  takePlace(): void {
    this.#place = this.#deps.underWay.begin(this.judged.endpoint, this.judged.client);
  }

  /** Closes the open charge by how a sending ended: learned from, kept, or given back. */
  learn({ transfer, verdict, bodyText }: Answer): void {
    const ticket = this.#takeTicket();
    if (ticket === undefined) return;
    if (transfer.status !== undefined) {
      const weightUsed = this.#deps.budgets.reconcile(ticket, {
        status: transfer.status,
        header: (name) => headerOf(transfer.headers, name),
        bodyText: transfer.status >= 400 ? bodyText : undefined,
        successful: verdict.execution === 'executed',
      });
      this.context.noteWeightUsed(weightUsed);
    } else if (verdict.outcome === 'not-sent') this.#giveBack(ticket);
    else this.#deps.budgets.keep(ticket);
  }

  /** Gives the open charge back: nothing was sent for it. */
  refund(): void {
    const ticket = this.#takeTicket();
    if (ticket !== undefined) this.#giveBack(ticket);
  }

  /** Ends everything but the place under way by how the call ended. */
  settle(answer: Answer): void {
    this.learn(answer);
    const ending = orderEnding(answer);
    if (ending === 'accepted' || ending === 'unknown') this.#noteOrders(answer.bodyText);
    this.#settleOrders(ending);
    if (ending === 'accepted') this.#keepClaim('executed', answer.said.orderId);
    else if (ending === 'unknown') this.#keepClaim('unknown', undefined);
    this.#isSettled = true;
  }

  /**
   * Frees what the call still holds. A call that may have been sent and came to no conclusion (a bug of the proxy's own
   * ended it) keeps its charge and its room, and what became of its orders is asked for.
   */
  [Symbol.dispose](): void {
    this.#place?.[Symbol.dispose]();
    if (this.context.wasSent && !this.#isSettled) this.#noteOrders(undefined);
    this.#onItsWay?.[Symbol.dispose]();
    const context = this.context;
    if (!context.wasSent) {
      this.refund();
      this.#settleOrders('not-sent');
      return;
    }
    if (!this.#isSettled) this.#keepClaim('unknown', undefined);
    const ticket = this.#takeTicket();
    if (ticket !== undefined) this.#deps.budgets.keep(ticket);
    this.#settleOrders('unknown');
    if (!context.isConcluded && context.clientOrderIds.length > 0)
      this.#deps.resolver.add(this.#deps.recorder.unresolved(context, this.judged.endpoint));
  }

  /** What was placed, or may have been, is known as this client's. */
  #noteOrders(bodyText: string | undefined): void {
    const { client, account = '', endpoint, sentOrders: orders } = this.judged;
    if (orders.length === 0) return;
    const { clientOrderIds } = this.context;
    this.#deps.stops.note({ client: client.name, account, endpoint, orders, clientOrderIds, bodyText });
  }

  /** A call that had an effect, or may have had one, is never sent again. */
  #keepClaim(ending: ClaimEnding, orderId: string | undefined): void {
    const { claim, account, endpoint, call } = this.judged;
    if (claim === undefined) return;
    noteSent(claim, { account: account ?? '', endpoint, call }, orderId);
    claim.keep(ending);
  }

  #hold(ticket: Ticket): void {
    this.#ticket = ticket;
    this.context.noteCharge(ticket.weight, ticket.waitMs);
  }

  #takeTicket(): Ticket | undefined {
    const ticket = this.#ticket;
    this.#ticket = undefined;
    return ticket;
  }

  #giveBack(ticket: Ticket): void {
    this.#deps.budgets.refund(ticket);
    this.context.noteRefund(ticket.weight);
  }

  #settleOrders(ending: OrderOutcome): void {
    const room = this.#room;
    this.#room = undefined;
    if (room !== undefined) this.#deps.limits.settle(room, ending);
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) this.#deps.openLimit.settle(held, ending);
  }
}

function orderEnding({ verdict }: Answer): OrderOutcome {
  if (verdict.outcome === 'not-sent') return 'not-sent';
  if (verdict.execution === 'executed' || verdict.execution === 'partly') return 'accepted';
  return verdict.execution;
}
