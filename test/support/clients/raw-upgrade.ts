import { createConnection } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** A listener of the proxy: a port, a port that speaks TLS, or a Unix socket. */
export interface Listener {
  readonly port?: number;
  readonly host?: string;
  /** PEM of the authority of a listener that speaks TLS. */
  readonly ca?: string;
  readonly socketPath?: string;
}

export interface RawAnswer {
  readonly status: number;
  readonly text: string;
  /** The error of the proxy in its JSON body; undefined when there is none. */
  readonly code: number | undefined;
}

const HEAD_END = '\r\n\r\n';

/** An upgrade with exactly these header lines besides those of the handshake. */
export function rawUpgrade(listener: Listener, target: string, lines: readonly string[]): Promise<RawAnswer> {
  return rawRequest(listener, target, [
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ...lines,
  ]);
}

/** A GET with exactly these header lines. */
export function rawRequest(listener: Listener, target: string, lines: readonly string[]): Promise<RawAnswer> {
  const { port = 0, host = '127.0.0.1', ca, socketPath } = listener;
  return new Promise((resolve, reject) => {
    const socket =
      socketPath !== undefined
        ? createConnection({ path: socketPath })
        : ca === undefined
          ? createConnection({ host, port })
          : connectTls({ host, port, ca, servername: 'localhost' });
    let text = '';
    const end = () => {
      socket.destroy();
      const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1]);
      const code = /"code":(-?\d+)/.exec(text)?.[1];
      resolve({ status, text, code: code === undefined ? undefined : Number(code) });
    };
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (isWhole(text)) end();
    });
    socket.on('end', end);
    socket.on('error', reject);
    socket.write(`GET ${target} HTTP/1.1\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`);
  });
}

function isWhole(text: string): boolean {
  const end = text.indexOf(HEAD_END);
  if (end === -1) return false;
  const length = /content-length: (\d+)/i.exec(text.slice(0, end))?.[1];
  return length === undefined
    ? text.startsWith('HTTP/1.1 101')
    : text.length >= end + HEAD_END.length + Number(length);
}
