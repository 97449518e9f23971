import type { SocketFamily } from '../../core/upstream.ts';

/** The limits of one WebSocket of an app. */
export interface SocketLimits {
  /** Largest frame of an app, in bytes. */
  readonly maxFrameBytes: number;
  /** Frames of an app on one socket in one second. More close it. */
  readonly framesPerSecond: number;
  /** Frames in a row that cannot be read or have an unknown key. More close the socket. */
  readonly badFramesInARow: number;
  /** How long a signed API may be kept waiting for the first accepted frame of an app that nobody knows, in ms. */
  readonly firstFrameMs: number;
  /** How many frames may wait for their answers. */
  readonly unanswered: number;
  /** How many of them may have come without a key. */
  readonly keylessUnanswered: number;
  /** How long Binance may take to answer a frame; its own limit is 10 s. */
  readonly answerTimeoutMs: number;
  readonly handshakeTimeoutMs: number;
  /** Buffered bytes at which the writer is paused, and above which the reader is cut off. */
  readonly pauseAtBytes: number;
  readonly maxBufferedBytes: number;
  /** How long a reader may take nothing before it is cut off. */
  readonly slowReaderMs: number;
  /** Time between two pings. */
  readonly pingEveryMs: number;
  /** How long an app may answer no ping and send nothing, at least: as long as on Binance's own sockets. */
  readonly appSilentMs: Readonly<Record<SocketFamily, number>>;
  /** The same of a socket to Binance, whose loss is better known early. */
  readonly upstreamSilentMs: number;
  /** How often the limits of time above are checked. */
  readonly tickMs: number;
  /** How long the other end may take to answer a close frame. */
  readonly closeTimeoutMs: number;
  /** How long a shutdown waits for answers. */
  readonly drainMs: number;
  /** Sockets of all apps together. */
  readonly sockets: number;
}

export const SOCKET_LIMITS: SocketLimits = Object.freeze({
  maxFrameBytes: 64 * 1024,
  framesPerSecond: 500,
  badFramesInARow: 30,
  firstFrameMs: 10_000,
  unanswered: 1_000,
  keylessUnanswered: 10,
  answerTimeoutMs: 15_000,
  handshakeTimeoutMs: 10_000,
  pauseAtBytes: 256 * 1024,
  maxBufferedBytes: 16 * 1024 * 1024,
  slowReaderMs: 5_000,
  pingEveryMs: 20_000,
  appSilentMs: Object.freeze({ spot: 60_000, usdm: 600_000, coinm: 600_000 }),
  upstreamSilentMs: 60_000,
  tickMs: 1_000,
  closeTimeoutMs: 2_000,
  drainMs: 5_000,
  sockets: 1_000,
});
