/** One app's WebSocket with its own socket to Binance. */
export interface OpenSocket {
  /** Looks at what depends on time. */
  tick(nowMs: number): void;
  /** Asks both ends for a sign of life; an end that gave none since the last time is gone. */
  ping(): void;
  /** Finishes what is under way and says goodbye; resolves when both ends are closed. */
  drain(): Promise<void>;
}

/** The WebSockets of apps that are open. */
export class OpenSockets {
  readonly #sockets = new Set<OpenSocket>();

  get size(): number {
    return this.#sockets.size;
  }

  add(socket: OpenSocket): void {
    this.#sockets.add(socket);
  }

  delete(socket: OpenSocket): void {
    this.#sockets.delete(socket);
  }

  tick(nowMs: number): void {
    for (const socket of this.#sockets) socket.tick(nowMs);
  }

  ping(): void {
    for (const socket of this.#sockets) socket.ping();
  }

  async drain(): Promise<void> {
    await Promise.all([...this.#sockets].map((socket) => socket.drain()));
  }
}
