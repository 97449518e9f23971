import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { Receiver } from 'ws';

declare module 'ws' {
  /** Exported by ws, and missing in its types. */
  class Receiver extends Writable {
    constructor(options: { readonly isServer: boolean });
  }
}

export interface Tap {
  readonly port: number;
  /** Everything that came from the apps, one character per byte. */
  sent(): string;
  /** The text of every frame that came from the apps. */
  frames(): readonly string[];
  close(): Promise<void>;
}

/** Listens in: hands every byte on in both directions and keeps what came from the apps. */
export async function openTap(targetPort: number): Promise<Tap> {
  const streams: Buffer[][] = [];
  const frames: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect({ host: '127.0.0.1', port: targetPort });
    for (const socket of [near, far]) {
      socket.setNoDelay();
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => sockets.delete(socket));
    }
    const chunks: Buffer[] = [];
    streams.push(chunks);
    near.on('data', (chunk: Buffer) => chunks.push(chunk));
    readFrames(near, (text) => frames.push(text));
    near.pipe(far).pipe(near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    sent: () => streams.map((chunks) => Buffer.concat(chunks).toString('latin1')).join('\n'),
    frames: () => frames,
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Takes the mask off what follows an upgrade on a connection. Nothing is compressed: the proxy does not agree to that. */
function readFrames(near: Socket, tell: (text: string) => void): void {
  let head = '';
  let receiver: Receiver | undefined;
  near.on('data', (chunk: Buffer) => {
    // A copy: the receiver takes the mask off in place, and these bytes are on their way to the proxy.
    if (receiver !== undefined) return void receiver.write(Buffer.from(chunk));
    head += chunk.toString('latin1');
    const end = head.indexOf('\r\n\r\n');
    if (end === -1 || !/^GET .*\r\n(?:.*\r\n)*upgrade: websocket\r\n/i.test(head)) return;
    receiver = new Receiver({ isServer: true });
    receiver.on('message', (data: Buffer) => tell(data.toString()));
    receiver.on('error', () => {});
    receiver.write(Buffer.from(head.slice(end + 4), 'latin1'));
  });
}
