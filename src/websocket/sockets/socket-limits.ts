/** What bounds one WebSocket, whoever is at its ends. */
export interface SocketLimits {
  /** Largest frame of an app, in bytes. */
  readonly maxFrameBytes: number;
  /** Frames of one app on one socket in one second; more close it. */
  readonly framesPerSecond: number;
  /** Frames that nobody understands, or with keys nobody issued, in a row; more close it. */
  readonly badFramesInARow: number;
  /** Frames that wait for their answer. */
  readonly unanswered: number;
  /** How long Binance may take to answer a frame; its own limit is 10 s. */
  readonly answerTimeoutMs: number;
  readonly handshakeTimeoutMs: number;
  /** Bytes waiting for a reader from which on its writer is paused, and up to which it may grow at all. */
  readonly pauseAtBytes: number;
  readonly maxBufferedBytes: number;
  /** How long a reader may stand still before it is cut off. */
  readonly slowReaderMs: number;
  /** Between two pings; an end that has shown no life since the last one is gone. */
  readonly pingEveryMs: number;
  /** How often the rules of time above are looked at. */
  readonly tickMs: number;
  /** How long the other end may take to say goodbye. */
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
  unanswered: 1_000,
  answerTimeoutMs: 15_000,
  handshakeTimeoutMs: 10_000,
  pauseAtBytes: 256 * 1024,
  maxBufferedBytes: 16 * 1024 * 1024,
  slowReaderMs: 5_000,
  pingEveryMs: 30_000,
  tickMs: 1_000,
  closeTimeoutMs: 2_000,
  drainMs: 5_000,
  sockets: 1_000,
});
