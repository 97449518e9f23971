/** A parameter as an approval binds it. */
type SaidPair = readonly [name: string, value: string];

/** What a passkey signed, and by what it is verified again: base64url. */
export interface PasskeySaid {
  readonly credentialId: string;
  readonly publicKey: string;
  readonly algorithm: number;
  readonly origin: string;
  readonly nonce: string;
  /** ms since the epoch; part of the challenge. */
  readonly endMs: number;
  readonly clientDataJSON: string;
  readonly authenticatorData: string;
  readonly signature: string;
}

/** What a record says of an approval: its id always, the rest as it applies. Times are ISO 8601. */
export interface ApprovalSaid {
  readonly id: string;
  readonly digest?: string;
  readonly environment?: string;
  /** All that the digest is made of, beside whose call it is and where it goes. */
  readonly pairs?: readonly SaidPair[];
  readonly elements?: readonly (readonly SaidPair[])[];
  readonly leniency?: 'orders' | 'transfer' | 'none';
  readonly quorum?: number;
  readonly notBy?: readonly string[];
  readonly decideUntil?: string;
  readonly decision?: 'approve' | 'deny';
  readonly operator?: string;
  readonly channel?: string;
  readonly reason?: string;
  /** The operators that have said yes so far. */
  readonly approvers?: readonly string[];
  /** Present once the approval can be used. */
  readonly useUntil?: string;
  readonly passkey?: PasskeySaid;
  /** When the call took the approval. */
  readonly claimed?: string;
}
