/** A person, or a program, that may look at the proxy and act on it. The proxy knows only what its token hashes to. */
export interface Operator {
  readonly name: string;
  /** SHA-256 of the token, in hex. */
  readonly tokenDigest: string;
  /** True when its decisions about approvals need a passkey. */
  readonly passkeyRequired: boolean;
}

/** How an operator's act came in. */
type OperatorChannel = 'token' | 'session';

/** Who acts, and how: it stands in the record of every act. */
export interface ActingOperator {
  readonly operator: Operator;
  readonly channel: OperatorChannel;
}
