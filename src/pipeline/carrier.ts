import type { Call } from '../core/call/call.ts';
import type { HeaderValues } from '../core/call/headers.ts';
import type { Credential } from '../core/signing/credential.ts';
import type { Stamp } from '../core/signing/sign-call.ts';

/** How far a sent call came. `complete` is a whole answer, `aborted` the client's own hanging up. */
export type TransferPhase = 'not-connected' | 'after-bytes' | 'headers' | 'body' | 'complete' | 'aborted';

/** One sending, ended in whatever way. */
export interface Transfer {
  readonly phase: TransferPhase;
  readonly status: number | undefined;
  readonly headers: HeaderValues;
  /** The whole body when it was held back; undefined when it went to the client as it came. */
  readonly held: Buffer | undefined;
  /** True once the head has gone to the client. */
  readonly streaming: boolean;
  readonly error: Error | undefined;
  /** False when the connection cannot have gone stale before the call. */
  readonly reusedConnection?: boolean;
  /** What the answer says, where the carrier has read it already; else it is read from `held`. */
  readonly reading?: { readonly text: string | undefined; readonly wellFormed: boolean };
}

/** What a call is sealed with: the account's key where the endpoint wants one, the stamp where it wants a signature. */
export interface Seal {
  readonly credential: Credential | undefined;
  readonly stamp: Stamp | undefined;
}

/**
 * Sends what was signed. It never rejects: whatever happens is how the transfer ended.
 * @param mayLeave throws when the call must not leave after all: asked in the turn in which its bytes would, where that is
 *   not the turn of the sending
 */
export type Send = (mayLeave: () => void) => Promise<Transfer>;

/** How a call leaves the proxy: the one thing in which HTTP requests, frames and the proxy's own calls differ. */
export interface Carrier {
  /**
   * True where a record is written by itself, so that what is carried keeps its order; false where it waits for the
   * others of this turn of the event loop.
   */
  readonly recordsAtOnce: boolean;
  /** @throws ProxyError when the call cannot be carried any more */
  assertOpen(): void;
  /** False when nobody would take the answer of a second sending. */
  isWanted(): boolean;
  /** The call as it will leave: signed when there is a stamp. */
  sign(call: Call, seal: Seal): Send;
}
