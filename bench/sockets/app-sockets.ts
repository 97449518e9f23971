import { type RawData, WebSocket } from 'ws';
import { CLIENT_KEY } from '../support/workshop.ts';

/** Apps that open their sockets at the same time. */
const AT_ONCE = 20;
const LONGEST_WAIT_MS = 5_000;

/** A socket of an app that shows its issued key. */
export function openSocket(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url, { perMessageDeflate: false, headers: { 'x-mbx-apikey': CLIENT_KEY } });
  return new Promise((resolve, reject) => {
    socket.once('open', () => {
      socket.on('error', () => {});
      resolve(socket);
    });
    socket.once('error', reject);
  });
}

export async function openSockets(url: string, count: number): Promise<readonly WebSocket[]> {
  const sockets: WebSocket[] = [];
  while (sockets.length < count) {
    const some = Array.from({ length: Math.min(AT_ONCE, count - sockets.length) }, () => openSocket(url));
    sockets.push(...(await Promise.all(some)));
  }
  return sockets;
}

/** The next frame, and when it came by performance.now(); never waits for one that cannot come. */
export function nextFrame(socket: WebSocket): Promise<{ text: string; atMs: number }> {
  return new Promise((resolve, reject) => {
    let atMs = 0;
    const onMessage = (data: RawData) => end(() => resolve({ text: (data as Buffer).toString(), atMs }));
    const onClose = (code: number, reason: Buffer) =>
      end(() => reject(new Error(`the socket was closed: ${code} ${reason.toString()}`)));
    const timer = setTimeout(
      () => end(() => reject(new Error(`no frame in ${LONGEST_WAIT_MS} ms`))),
      LONGEST_WAIT_MS,
    );
    const end = (settle: () => void) => {
      atMs = performance.now();
      clearTimeout(timer);
      socket.off('message', onMessage).off('close', onClose);
      settle();
    };
    socket.on('message', onMessage).on('close', onClose);
  });
}
