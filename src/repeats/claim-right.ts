import { datedMs, FARTHEST_AHEAD_MS } from '../core/access/freshness.ts';
import type { Call } from '../core/call/call.ts';
import { repeatDigest } from '../core/call/repeat-digest.ts';
import type { Endpoint } from '../core/catalogue/endpoint.ts';
import { ProxyError } from '../core/errors.ts';
import { HOUR_MS, SECOND_MS } from '../core/intervals.ts';
import { orderNames } from '../core/orders/order-names.ts';
import { type Claim, nameKey } from './claim.ts';
import type { ClaimBook } from './claim-book.ts';

/** A call that wants to be sent. */
export interface Claimant {
  readonly requestId: string;
  readonly client: string;
  readonly account: string;
  readonly endpoint: Endpoint;
  readonly call: Call;
  /** Until when the client's own signature is fresh, ms; undefined where none was verified. */
  readonly signedUntilMs: number | undefined;
}

/**
 * The right of a changing call to be sent; undefined for what changes nothing or only cancels.
 * @throws ProxyError PROXY_DUPLICATE_ORDER, PROXY_OUTCOME_UNKNOWN, PROXY_STALE_REQUEST
 */
export type ClaimRight = (claimant: Claimant) => undefined | Claim | Promise<Claim>;

export interface ClaimRightDeps {
  readonly book: ClaimBook;
  readonly wallNow: () => number;
  /** The earlier one of Binance's time and this machine's, ms. */
  readonly now: () => number;
  /** Resolves when the calls of earlier runs are known. */
  readonly restored: Promise<void>;
  /** From when on the calls of earlier runs are known, by this machine's time, ms. */
  readonly knownSinceMs: number;
}

/** How long calls that are dated but not signed are remembered. */
const REMEMBERED_MS = HOUR_MS;

export function createClaimRight(deps: ClaimRightDeps): ClaimRight {
  const { book, wallNow, now, knownSinceMs } = deps;
  let isRestored = false;
  void deps.restored.finally(() => {
    isRestored = true;
  });

  /** What is dated before anything is remembered cannot be told from a repeat. */
  function assertRemembered(timestampMs: number): void {
    const nowMs = now();
    const behindMs = wallNow() - nowMs;
    const isForgotten = timestampMs < Math.max(knownSinceMs - behindMs, nowMs - REMEMBERED_MS);
    if (!isForgotten && timestampMs <= wallNow() + FARTHEST_AHEAD_MS) return;
    throw new ProxyError('PROXY_STALE_REQUEST', 'Timestamp for this request is outside of the recvWindow.', {
      rule: 'dated before what is remembered',
    });
  }

  function digestOf(claimant: Claimant) {
    const { endpoint, call, account, client, signedUntilMs } = claimant;
    const timestampMs = isRepeatable(endpoint) ? undefined : datedMs(call.stamp);
    if (timestampMs === undefined) return { digest: undefined, digestUntilMs: 0 };
    assertRemembered(timestampMs);
    const signer = signedUntilMs === undefined ? undefined : client;
    return {
      digest: repeatDigest({ account, upstream: endpoint.upstream, signer }, call),
      digestUntilMs: (signedUntilMs ?? timestampMs + REMEMBERED_MS) + SECOND_MS,
    };
  }

  return function claimRight(claimant) {
    const { endpoint, call, account, requestId } = claimant;
    if (endpoint.effect !== 'place' && isRepeatable(endpoint)) return undefined;
    const named = orderNames(endpoint, call);
    const { digest, digestUntilMs } = digestOf(claimant);
    if (endpoint.effect !== 'place' && digest === undefined) return undefined;
    const request = {
      requestId,
      clientOrderIds: named.map(({ clientOrderId }) => clientOrderId),
      digest,
      digestUntilMs,
      names: named.map((name) => nameKey(account, endpoint.upstream, name)),
    };
    if (isRestored || (digest === undefined && named.length === 0)) return book.claim(request);
    return deps.restored.then(() => book.claim(request));
  };
}

/** True of what changes nothing that matters, and of what only cancels: a second execution does no harm. */
function isRepeatable({ touches, method, effect }: Endpoint): boolean {
  return touches === undefined || touches === 'nothing' || method === 'DELETE' || effect === 'cancel';
}

/** Notes what a call looked like when it was sent, the ids that the proxy gave its orders included. */
export function noteSent(
  claim: Claim,
  { account, endpoint, call }: Pick<Claimant, 'account' | 'endpoint' | 'call'>,
  orderId: string | undefined,
): void {
  const named = orderNames(endpoint, call);
  claim.learn(
    { clientOrderIds: named.map(({ clientOrderId }) => clientOrderId), orderId },
    named.map((name) => nameKey(account, endpoint.upstream, name)),
  );
}
