/** How long the proxy waits for others, and how much it has under way at once. */
export interface Patience {
  /** Until an answer of Binance has to begin, and between two pieces of it, in ms. */
  readonly headersTimeoutMs: number;
  /** How long an app may take nothing of its answer, in ms. */
  readonly slowReaderMs: number;
  /** How many calls may be under way to one upstream; one more is refused. */
  readonly callsPerUpstream: number;
  /** Pauses of the resolver in ms; undefined takes its own. */
  readonly resolutionPausesMs: readonly number[] | undefined;
}

/** Binance decides within 10 s; a shorter wait would turn known results into unknown ones. */
export const PATIENCE: Patience = Object.freeze({
  headersTimeoutMs: 15_000,
  slowReaderMs: 30_000,
  callsPerUpstream: 512,
  resolutionPausesMs: undefined,
});
