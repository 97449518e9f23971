import type { WebSocket } from 'ws';

/** Closes with a close frame, and terminates the socket when the other side does not answer it in time. */
export function closeWithin(
  socket: WebSocket,
  timeoutMs: number,
  code: number,
  reason: string,
): Promise<void> {
  if (socket.readyState === socket.CLOSED) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => socket.terminate(), timeoutMs);
    timer.unref();
    socket.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    // A paused socket would never read the other side's close frame.
    socket.resume();
    if (socket.readyState === socket.OPEN) socket.close(code, reason);
  });
}

/** Bad gateway: the close code for an app when Binance's socket was lost without a close frame. */
export const LOST = 1014;

/** Closes with the code that the other end closed with, if a close frame may carry it. */
export function closeLike(socket: WebSocket, code: number, reason: string): void {
  if (socket.readyState >= socket.CLOSING) return;
  if (code === 1005) socket.close();
  else if (isSendable(code)) socket.close(code, reason);
  else socket.close(LOST, 'connection lost');
}

function isSendable(code: number): boolean {
  if (code >= 3000 && code <= 4999) return true;
  return code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006;
}
