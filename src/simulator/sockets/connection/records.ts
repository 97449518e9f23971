/** A text frame that a client sent, as the exchange saw it. */
export interface RecordedFrame {
  /** Number of the connection, in order of arrival, from 1. */
  readonly connection: number;
  /** The path of the connection, without the query. */
  readonly path: string;
  readonly text: string;
  /** JSON text of the id; `null` when it has none. */
  readonly id: string;
  /** As it was sent, with a version prefix; undefined when the frame has none. */
  readonly method: string | undefined;
  /** Everything that authenticates was exactly right (for methods without security: nothing of it was sent). */
  readonly verified: boolean;
  /** The API key of the frame, or of the session when the frame has none. */
  readonly account: string | undefined;
  /** Status answered; undefined when no answer was sent. */
  readonly status: number | undefined;
  /** `code` of the answer, when it is an error. */
  readonly code: number | undefined;
}

/** A WebSocket handshake, accepted or not. */
export interface RecordedUpgrade {
  readonly target: string;
  readonly path: string;
  /** Names and values in turn, as received. */
  readonly rawHeaders: readonly string[];
  /** HTTP status answered, 101 when it was accepted; undefined when the socket was dropped without one. */
  readonly status: number | undefined;
}

export type FrameDraft = { -readonly [Name in keyof RecordedFrame]: RecordedFrame[Name] };
