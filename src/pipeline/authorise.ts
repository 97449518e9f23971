import { decide } from '../core/access/policy.ts';
import { injectClientOrderIds } from '../core/orders/client-order-id.ts';
import type { Credential } from '../core/signing/credential.ts';
import type { KeyGate } from '../upstream/key-gate.ts';
import type { ProvenCall } from './authenticate.ts';
import type { CallContext } from './call-context.ts';
import type { CallRecorder } from './recorder.ts';

export interface AuthoriseDeps {
  readonly gate: Pick<KeyGate, 'assertSignable'>;
  readonly recorder: Pick<CallRecorder, 'reported'>;
}

/** A call that its client may make, as it will be sent but for stamp and signature. */
export interface AdmittedCall extends ProvenCall {
  /** The key that was judged for this call, and that signs it; undefined where none is wanted. */
  readonly credential: Credential | undefined;
}

/**
 * Whether this client may make this call, and whether this account's key may sign at all. Every order that came without
 * a client order id gets one, so that an unknown outcome can be queried.
 */
export type Authorise = (context: CallContext, proven: ProvenCall) => AdmittedCall;

export function createAuthorise({ gate, recorder }: AuthoriseDeps): Authorise {
  /** @throws ProxyError PROXY_PERMISSION_DENIED, PROXY_NOT_READY */
  return function authorise(context, { client, account, endpoint, call, use }) {
    const { reported } = decide(client, endpoint, call);
    if (reported !== undefined) recorder.reported(context, reported);
    const credential = context.config.keys.get(account ?? '');
    if (endpoint.security !== 'NONE') gate.assertSignable(client.account, credential, { endpoint, call });
    const named = injectClientOrderIds(endpoint, call, context.requestId);
    context.noteOrders(named.call, named.ids);
    return Object.freeze({ client, account, endpoint, call: named.call, use, credential });
  };
}
