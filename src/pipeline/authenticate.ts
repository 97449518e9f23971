import type { KeyObject } from 'node:crypto';
import type { Client } from '../core/access/client.ts';
import { assertFresh, freshUntilMs } from '../core/access/freshness.ts';
import type { Call } from '../core/call/call.ts';
import type { Endpoint } from '../core/catalogue/endpoint.ts';
import type { ServerClock } from '../upstream/server-clock.ts';
import type { ClientRates } from './clients/client-rates.ts';
import type { Caller } from './clients/identify.ts';
import type { ReplayGuard } from './clients/replay-guard.ts';
import { badSignature } from './refusals.ts';

export interface AuthenticateDeps {
  readonly clock: Pick<ServerClock, 'now' | 'nowOrLocal'>;
  readonly wallNow: () => number;
  readonly monotonicNow: () => number;
  readonly replays: ReplayGuard;
  readonly rates: ClientRates;
}

/** How a door lets a client's own signature be verified. */
export interface Proof {
  /** True when `call.stamp.signature` was made with this secret over what the door received. */
  readonly verify: (secret: KeyObject) => boolean;
  /** True when a logon that was signed stands for this call. */
  readonly isLoggedOn: boolean;
}

/** A call whose caller is who it says. */
export interface ProvenCall extends Caller {
  readonly endpoint: Endpoint;
  readonly call: Call;
  /** True when the call is signed with the issued secret. */
  readonly isSigned: boolean;
}

/** Judges what a client signed and dated itself, before that is dropped, and how often it calls. */
export type Authenticate = (caller: Caller, endpoint: Endpoint, call: Call, proof: Proof) => ProvenCall;

export function createAuthenticate(deps: AuthenticateDeps): Authenticate {
  const { clock, replays, rates } = deps;

  function judgeSignature(
    client: Client,
    endpoint: Endpoint,
    { stamp, method }: Call,
    proof: Proof,
    untilMs: number | undefined,
  ): boolean {
    const { signature } = stamp;
    if (signature === undefined) {
      // Key-only endpoints are called unsigned by every library, because Binance wants no signature there.
      if (client.requireSignature && endpoint.security === 'SIGNED' && !proof.isLoggedOn)
        throw badSignature('This client has to sign its calls with its issued secret.', 'signature required');
      return false;
    }
    if (client.secret === undefined) return false;
    if (!proof.verify(client.secret))
      throw badSignature('Signature for this request is not valid.', 'signature');
    if (method === 'GET' || method === 'DELETE') return true;
    if (untilMs === undefined)
      throw badSignature('A signed POST or PUT needs a timestamp.', 'signature without timestamp');
    const nowMs = Math.min(deps.wallNow(), clock.now() ?? Number.POSITIVE_INFINITY);
    replays.accept(client.name, signature, untilMs, nowMs);
    return true;
  }

  /** @throws ProxyError PROXY_STALE_REQUEST, PROXY_BAD_SIGNATURE, PROXY_CLIENT_RATE_LIMITED */
  return function authenticate({ client, account }, endpoint, call, proof) {
    let isSigned = false;
    if (endpoint.security !== 'NONE') {
      const untilMs = freshUntilMs(call.stamp);
      assertFresh(untilMs, deps.wallNow(), clock.nowOrLocal());
      isSigned = judgeSignature(client, endpoint, call, proof, untilMs);
    }
    rates.count(client, deps.monotonicNow());
    return Object.freeze({ client, account, endpoint, call, isSigned });
  };
}
