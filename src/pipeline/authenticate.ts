import type { KeyObject } from 'node:crypto';
import { type Client, verifyingKeys } from '../core/access/client.ts';
import { readSignature } from '../core/access/client-signature.ts';
import { assertFresh, freshUntilMs } from '../core/access/freshness.ts';
import type { Call } from '../core/call/call.ts';
import { joinPairs } from '../core/call/form.ts';
import { assertRecvWindow } from '../core/call/recv-window.ts';
import type { Endpoint } from '../core/catalogue/endpoint.ts';
import { changesNothing } from '../core/outcome/outcome-tables.ts';
import type { ServerClock } from '../upstream/server-clock.ts';
import type { Caller } from './clients/identify.ts';
import type { Purpose, SignatureUse, SignatureUses } from './clients/signature-uses.ts';
import { badSignature } from './refusals.ts';

export interface AuthenticateDeps {
  readonly clock: Pick<ServerClock, 'now' | 'nowOrLocal'>;
  readonly wallNow: () => number;
  readonly signatures: SignatureUses;
}

/** How a door lets a client's own signature be verified. */
export interface Proof {
  readonly door: Purpose['door'];
  /** True for a frame that logs a session on: it proves its sender for the frames that follow. */
  readonly isLogon: boolean;
  /** True when the signature was made with this key over the parameters that are acted on. */
  readonly verify: (key: KeyObject, signature: string) => boolean;
  /** True when a logon that this client signed stands for this call. */
  readonly isLoggedOn: (client: Client) => boolean;
}

/** A whole call and who makes it, as the key says. */
interface IdentifiedCall extends Caller {
  readonly endpoint: Endpoint;
  readonly call: Call;
}

/** A call whose caller is who it says. */
export interface ProvenCall extends IdentifiedCall {
  /** The client's own signature; undefined when the call carries none that counts. */
  readonly signed: SignedProof | undefined;
}

/** A signature of the client's own that was verified. */
interface SignedProof {
  /** The use of the signature. */
  readonly use: SignatureUse;
  /** Until when its timestamp is fresh, ms. */
  readonly untilMs: number;
  /** The issued secret or public key by which it was verified. */
  readonly signedBy: KeyObject;
}

/** Judges what a client signed and dated itself, before that is dropped. */
export type Authenticate = (identified: IdentifiedCall, proof: Proof) => ProvenCall;

export function createAuthenticate(deps: AuthenticateDeps): Authenticate {
  const { clock, signatures } = deps;

  function judgeSignature({ client, endpoint, call }: IdentifiedCall, proof: Proof): SignedProof | undefined {
    const { stamp } = call;
    if (stamp.signature === undefined) {
      // Key-only endpoints are called unsigned by every library, because Binance wants no signature there.
      if (client.requireSignature && endpoint.security === 'SIGNED' && !proof.isLoggedOn(client))
        throw badSignature(
          'This client has to sign its calls: with its issued secret, or with its own key.',
          'signature required',
        );
      if (endpoint.security === 'SIGNED') assertRecvWindow(stamp);
      return undefined;
    }
    const keys = verifyingKeys(client);
    const counts = keys.length > 0;
    if (counts && stamp.isRepeated === true)
      throw badSignature('A signed call has one timestamp, recvWindow and signature.', 'stamp twice');
    const signature = readSignature(stamp.signature) ?? '';
    const signedBy = signature === '' ? undefined : keys.find((key) => proof.verify(key, signature));
    if (counts && signedBy === undefined)
      throw badSignature('Signature for this request is not valid.', 'signature');
    if (endpoint.security === 'SIGNED') assertRecvWindow(stamp);
    const untilMs = freshUntilMs(stamp);
    assertFresh(untilMs, deps.wallNow(), clock.nowOrLocal());
    if (signedBy === undefined) return undefined;
    if (untilMs === undefined)
      throw badSignature('A signed call needs a timestamp.', 'signature without timestamp');
    const nowMs = Math.min(deps.wallNow(), clock.now() ?? Number.POSITIVE_INFINITY);
    const purpose = purposeOf(endpoint, call, proof);
    return { use: signatures.use(client.name, signature, purpose, untilMs, nowMs), untilMs, signedBy };
  }

  /** @throws ProxyError PROXY_STALE_REQUEST, PROXY_BAD_SIGNATURE */
  return function authenticate(identified, proof) {
    const { client, account, endpoint, call } = identified;
    const signed = endpoint.security === 'NONE' ? undefined : judgeSignature(identified, proof);
    return Object.freeze({ client, account, endpoint, call, signed });
  };
}

function purposeOf({ method, path, effect }: Endpoint, call: Call, { door, isLogon }: Proof): Purpose {
  const { timestamp = '', recvWindow = '' } = call.stamp;
  const pairs = `${joinPairs(call.query)}\n${joinPairs(call.body)}\n${timestamp}\n${recvWindow}`;
  if (isLogon) return { door, kind: 'logon', pairs };
  if (effect === 'cancel') return { door, kind: 'cancelling', pairs };
  if (effect === 'none' && changesNothing(method, path)) return { door, kind: 'reading', pairs };
  return { door, kind: `${method} ${path}`, pairs };
}
