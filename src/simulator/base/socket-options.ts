/** Times and limits of the WebSockets. Every default is Binance's own. */
export interface WebSocketOptions {
  /** ms between two ping frames; 20000. */
  readonly pingIntervalMs?: number;
  /** ms without a pong after which a connection is dropped; 60000. */
  readonly pongTimeoutMs?: number;
  /** ms after which every connection is closed; 86400000. */
  readonly lifeMs?: number;
  /** Upgrades within five minutes, the signed APIs and the streams each; 300. */
  readonly connectionsPer5Minutes?: number;
  /** Control frames that a stream connection may send in a second; 5, and 10 on the routed USD-M paths. */
  readonly streamMessagesPerSecond?: number;
  /** Streams on one connection; 1024. */
  readonly streamsPerConnection?: number;
}
