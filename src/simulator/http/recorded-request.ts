import type { Security } from './route.ts';

/** A request as the exchange saw it. */
export interface RecordedRequest {
  readonly method: string;
  /** The request target of the request line. */
  readonly target: string;
  readonly path: string;
  /** Names and values in turn, as received. */
  readonly rawHeaders: readonly string[];
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** What the endpoint asks for; undefined when there is no such endpoint. */
  readonly security: Security | undefined;
  /** Everything that authenticates was exactly right (for NONE: nothing of it was sent). */
  readonly verified: boolean;
  /** The API key, if it is known. */
  readonly account: string | undefined;
  /** Status answered; undefined when the caller got no answer. */
  readonly status: number | undefined;
  /** `code` of the answer, when it is an error. */
  readonly code: number | undefined;
}

export type RequestDraft = { -readonly [Name in keyof RecordedRequest]: RecordedRequest[Name] };
