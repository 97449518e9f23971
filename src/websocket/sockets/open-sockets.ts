/** One app's WebSocket, with what it needs at Binance. */
export interface OpenSocket {
  /** Checks the limits that depend on time. */
  tick(nowMs: number): void;
  /** Pings the socket. One that was silent for too long is terminated. */
  ping(): void;
  /** Finishes what is under way and closes. Resolves when the sockets are closed. */
  drain(): Promise<void>;
}

/** The open WebSockets of apps. */
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
