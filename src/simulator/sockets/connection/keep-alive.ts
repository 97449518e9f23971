import type { WebSocket } from 'ws';
import { hangUp } from './stage.ts';

const DAY_MS = 86_400_000;

/**
 * Pings a connection, terminates it when no pong comes, and closes it at the end of its life. Binance says only that it
 * is disconnected then; 1001 (going away) is the standard code for that.
 */
export function keepAlive(
  socket: WebSocket,
  times: { readonly pingIntervalMs: number; readonly pongTimeoutMs: number; readonly lifeMs?: number },
): void {
  let heardMs = performance.now();
  const pings = setInterval(() => {
    if (performance.now() - heardMs > times.pongTimeoutMs) socket.terminate();
    else socket.ping(String(Date.now()));
  }, times.pingIntervalMs);
  const end = setTimeout(() => hangUp(socket, 1001, 'Connection life is over'), times.lifeMs ?? DAY_MS);
  pings.unref();
  end.unref();
  socket.on('pong', () => {
    heardMs = performance.now();
  });
  socket.on('close', () => {
    clearInterval(pings);
    clearTimeout(end);
  });
}
