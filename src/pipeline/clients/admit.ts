import type { Claim } from '../../repeats/claim.ts';
import type { ClaimRight } from '../../repeats/claim-right.ts';
import type { DeadMan } from '../../stops/silence/dead-man.ts';
import type { ProvenCall } from '../authenticate.ts';
import type { CallContext } from '../call-context.ts';
import type { ClientRates } from './client-rates.ts';

export interface AdmitDeps {
  readonly claimRight: ClaimRight;
  readonly rates: ClientRates;
  readonly presence: Pick<DeadMan, 'seen'>;
  readonly monotonicNow: () => number;
}

/** A call that may be made now. */
export interface ClaimedCall extends ProvenCall {
  /** The right to be sent; undefined for what may be sent again. */
  readonly claim: Claim | undefined;
}

/**
 * Whether a proven call may be made now: it repeats no other one, and its client does not call too often. Cancels have
 * no rate: nothing of a client's own may stand between it and its way out.
 */
export type Admit = (context: CallContext, proven: ProvenCall) => Promise<ClaimedCall>;

export function createAdmit({ claimRight, rates, presence, monotonicNow }: AdmitDeps): Admit {
  /** @throws ProxyError PROXY_DUPLICATE_ORDER, PROXY_OUTCOME_UNKNOWN, PROXY_STALE_REQUEST, PROXY_CLIENT_RATE_LIMITED */
  return async function admit(context, proven) {
    const { client, account, endpoint, call, signed } = proven;
    presence.seen(client);
    const claimant = {
      requestId: context.requestId,
      client: client.name,
      account: account ?? '',
      endpoint,
      call,
    };
    const right = claimRight({ ...claimant, signedUntilMs: signed?.untilMs });
    const claim = right instanceof Promise ? await right : right;
    try {
      if (endpoint.effect !== 'cancel') rates.count(client, monotonicNow());
    } catch (error) {
      claim?.[Symbol.dispose]();
      throw error;
    }
    context.noteDigest(claim?.keys.digest);
    return { ...proven, claim };
  };
}
