import type { WayOut } from '../config/schema/ways-out.ts';
import { decide } from '../core/access/policy.ts';
import type { Serves } from '../core/budget/charging.ts';
import { injectClientOrderIds } from '../core/orders/client-order-id.ts';
import type { SecretMask } from '../core/records/secret-mask.ts';
import { type SentOrder, sentOrders } from '../core/records/sent-orders.ts';
import { assertWhole } from '../core/records/whole-orders.ts';
import type { Credential } from '../core/signing/credential.ts';
import type { KeyGate } from '../upstream/key-gate.ts';
import type { CallContext } from './call-context.ts';
import type { ClaimedCall } from './clients/admit.ts';
import type { CallRecorder } from './recorder.ts';

export interface AuthoriseDeps {
  readonly gate: Pick<KeyGate, 'assertSignable'>;
  readonly recorder: Pick<CallRecorder, 'reported'>;
  /** What no record may show. */
  readonly secretMask: () => SecretMask;
}

/** A call that its client may make, as it will be sent but for stamp and signature. */
export interface AdmittedCall extends ClaimedCall {
  /** The orders that it places or amends, one by one, as its record names them; empty for any other call. */
  readonly sentOrders: readonly SentOrder[];
  /** The key that was judged for this call, and that signs it; undefined where none is wanted. */
  readonly credential: Credential | undefined;
  /** The way that the socket took on which the call leaves; without one it is the account's. */
  readonly way?: WayOut | undefined;
  /** What a question of the proxy's own serves: it is charged there. */
  readonly serves?: Serves | undefined;
}

/**
 * Whether this client may make this call, and whether this account's key may sign at all. Every order that came without
 * a client order id gets one, so that an unknown outcome can be queried. What its record could not name whole may not be
 * sent, whoever asks.
 */
export type Authorise = (context: CallContext, claimed: ClaimedCall) => AdmittedCall;

export function createAuthorise({ gate, recorder, secretMask }: AuthoriseDeps): Authorise {
  /** @throws ProxyError PROXY_PERMISSION_DENIED, PROXY_NOT_READY, PROXY_MALFORMED_REQUEST, PROXY_ORDER_REFUSED */
  return function authorise(context, claimed) {
    const { client, endpoint, call } = claimed;
    const { reported } = decide(client, endpoint, call);
    if (reported !== undefined) recorder.reported(context, reported);
    const credential = context.config.keys.get(claimed.account ?? '');
    // What uses no account's key asks nothing of one: who came by a listen token alone.
    if (claimed.account !== undefined) gate.assertSignable(client.account, credential, { endpoint, call });
    const named = injectClientOrderIds(endpoint, call, context.requestId);
    const orders = sentOrders(endpoint, named.call);
    assertWhole(orders, secretMask());
    context.noteOrders(named.call, named.ids, orders);
    return Object.freeze({ ...claimed, call: named.call, sentOrders: orders, credential });
  };
}
