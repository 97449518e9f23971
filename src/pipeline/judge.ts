import type { Approvals } from '../approvals/approvals.ts';
import type { RedeemedApproval } from '../approvals/redeemed-approval.ts';
import { SECOND_MS } from '../core/intervals.ts';
import { andThen, type NowOrLater } from '../core/now-or-later.ts';
import { recvWindowFor } from '../core/signing/sign-call.ts';
import type { JudgedOrders } from '../orders/limits/order-room.ts';
import type { OrderLimits } from '../orders/order-limits.ts';
import type { Stops } from '../stops/stops.ts';
import type { AdmittedCall } from './authorise.ts';
import type { CallContext } from './call-context.ts';

export interface JudgeDeps {
  readonly limits: Pick<OrderLimits, 'judge'>;
  readonly stops: Pick<Stops, 'assertAllowed'>;
  readonly approvals: Pick<Approvals, 'redeem'>;
  readonly wallNow: () => number;
  readonly monotonicNow: () => number;
}

/** A call whose orders may be placed; what it needs for that is not taken yet. */
export interface JudgedCall extends AdmittedCall {
  /** Its orders with their values; undefined where no rule of the client concerns them. */
  readonly orders: JudgedOrders | undefined;
  /** The yes that it took; undefined where it needs none. It goes back unless the call is recorded as sent. */
  readonly approval: RedeemedApproval | undefined;
}

/**
 * Whether what a call would do at Binance may be done: by the client's order rules, by the states that hold for it, and
 * by the yes of a person where one is asked for. A call that no rule concerns is judged at once.
 */
export type Judge = (
  context: CallContext,
  admitted: AdmittedCall,
  gone?: AbortSignal,
) => NowOrLater<JudgedCall>;

/** What is left of the caller's time when it is answered. */
const LEFT_TO_ANSWER_MS = SECOND_MS / 2;

export function createJudge({ limits, stops, approvals, wallNow, monotonicNow }: JudgeDeps): Judge {
  async function judgeOrders(admitted: AdmittedCall) {
    const { client, endpoint, call, sentOrders } = admitted;
    const orders = await limits.judge(client, endpoint, call, sentOrders);
    stops.assertAllowed(admitted);
    return orders;
  }

  /** When the caller stops waiting, by its recvWindow and by the timestamp that it signed; monotonic ms. */
  function patienceOf({ arrivedMs, config }: CallContext, { call, signed }: AdmittedCall): number {
    const windowMs = Number(recvWindowFor(call.stamp.recvWindow, config.settings.recvWindowMs));
    const signedMs = (signed?.untilMs ?? Number.POSITIVE_INFINITY) - wallNow() + monotonicNow();
    return Math.min(arrivedMs + windowMs, signedMs) - LEFT_TO_ANSWER_MS;
  }

  async function judgeAll(
    context: CallContext,
    admitted: AdmittedCall,
    gone: AbortSignal | undefined,
  ): Promise<JudgedCall> {
    const orders = await judgeOrders(admitted);
    const { client, account = '', endpoint, call, sentOrders } = admitted;
    const { requestId, config } = context;
    const approval = await approvals.redeem({
      ...{ requestId, client, account, endpoint, call, sentOrders, gone },
      environment: config.settings.environment,
      isOutsideBand: orders?.isOutsideBand ?? false,
      untilMs: patienceOf(context, admitted),
    });
    context.noteApproval(approval);
    if (approval?.wasHeld !== true) return { ...admitted, orders, approval };
    try {
      // Prices, rules and states of now decide about what waited.
      return { ...admitted, orders: await judgeOrders(admitted), approval };
    } catch (error) {
      approval[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * @throws ProxyError PROXY_ORDER_REFUSED, PROXY_STOPPED, PROXY_APPROVAL_PENDING, PROXY_APPROVAL_DENIED,
   * PROXY_AUDIT_UNAVAILABLE; a refusal of the price look-up's own budget as it is
   */
  return function judge(context, admitted, gone) {
    const { client, endpoint, call, sentOrders } = admitted;
    if (client.approval !== undefined) return judgeAll(context, admitted, gone);
    return andThen(limits.judge(client, endpoint, call, sentOrders), (orders) => {
      stops.assertAllowed(admitted);
      return { ...admitted, orders, approval: undefined };
    });
  };
}
