/** How long the proxy waits for others, and how much it has under way at once. */
export interface Timeouts {
  /** Until an answer of Binance has to begin, and between two pieces of it, in ms. */
  readonly headersTimeoutMs: number;
  /** How long an app may take nothing of its answer, in ms. */
  readonly slowReaderMs: number;
  /** How long a public call without an answer may be joined by who asks the same, in ms. */
  readonly joinableMs: number;
  /** How many calls may be under way to one upstream; one more is refused. */
  readonly callsPerUpstream: number;
  /** How long a connection to Binance stays open without a call, in ms. */
  readonly idleConnectionMs: number;
  /** How long it is left idle before the proxy uses it itself, in ms. */
  readonly refreshConnectionMs: number;
  /** Pauses of the resolver in ms; undefined takes its own. */
  readonly resolutionPausesMs: readonly number[] | undefined;
  /** How long the answer to a change of a state waits for the cancelling, in ms. */
  readonly stateAnswerMs: number;
  /** How long one try to send a notice may take, in ms. */
  readonly noticeMs: number;
  /** Before the second try of a notice and those after it, in ms. */
  readonly noticePausesMs: readonly number[];
}

/**
 * Binance decides within 10 s; a shorter wait would turn known results into unknown ones. Idle connections end below the
 * idle limit of Binance's edge, so that the proxy closes first and an order never meets a dying socket.
 */
export const DEFAULT_TIMEOUTS: Timeouts = Object.freeze({
  headersTimeoutMs: 15_000,
  slowReaderMs: 30_000,
  joinableMs: 1_000,
  callsPerUpstream: 512,
  idleConnectionMs: 25_000,
  refreshConnectionMs: 21_000,
  resolutionPausesMs: undefined,
  stateAnswerMs: 20_000,
  noticeMs: 10_000,
  noticePausesMs: Object.freeze([1_000, 5_000, 25_000]),
});
