import type { WebSocket } from 'ws';
import { hangUp } from './stage.ts';

const DAY_MS = 86_400_000;

/**
 * Pings a connection, cuts it off when the pongs stay away, and closes it at the end of its life. Binance only says
 * that it will be disconnected then; 1001 (going away) is the code that a server has for that.
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
