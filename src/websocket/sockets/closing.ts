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

/** How a socket ended that this side ended by a rule. */
export interface OwnEnding {
  readonly code: number;
  readonly rule: string;
}

/** What the library ends a socket for by itself; undefined of an error that only says that the connection is gone. */
export function faultOf(error: Error): OwnEnding | undefined {
  const code = 'code' in error ? String(error.code) : '';
  if (code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') return { code: 1009, rule: 'frame too large' };
  if (code === 'WS_ERR_INVALID_UTF8') return { code: 1007, rule: 'frame without UTF-8' };
  return code.startsWith('WS_ERR_') ? { code: 1002, rule: 'broken frame' } : undefined;
}
