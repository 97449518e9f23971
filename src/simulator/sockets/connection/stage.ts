import type { WebSocket } from 'ws';
import type { Router } from '../../endpoints/router.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import type { SocketFaults } from './faults.ts';
import type { FrameDraft } from './records.ts';

/** What every connection needs. */
export interface SocketStage {
  /** The present exchange. A reset replaces it. */
  readonly exchange: Exchange;
  readonly router: Router;
  readonly faults: SocketFaults;
  /** Keys that can log a session on. */
  readonly ed25519Keys: ReadonlySet<string>;
  record(draft: FrameDraft): void;
  /** Sends every listener the events since the last time. */
  settle(): void;
}

/** Ends a connection: with a close frame when there is a code, else without one. */
export function hangUp(socket: WebSocket, code: number | undefined, reason?: string): void {
  if (code === undefined) socket.terminate();
  else socket.close(code, reason);
}

export function sendText(socket: WebSocket, text: string): void {
  if (socket.readyState === socket.OPEN) socket.send(text);
}
