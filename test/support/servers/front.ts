import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A door before a server: it can be shut, so that who connects there is refused, and opened again. */
export interface Front {
  readonly url: string;
  /** How many connections it holds back. */
  readonly held: number;
  shut(): Promise<void>;
  open(): Promise<void>;
  /** From now on it accepts connections and hands nothing on. */
  hold(): void;
  /** Hands on what it held back. */
  release(): void;
}

export async function startFront(targetPort: number): Promise<Front> {
  const sockets = new Set<Socket>();
  const held: Socket[] = [];
  let isHolding = false;
  let server: Server | undefined;
  let port = 0;

  function handOn(near: Socket): void {
    const far = connect({ host: '127.0.0.1', port: targetPort });
    sockets.add(far);
    for (const socket of [near, far]) {
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.pipe(far).pipe(near);
  }

  async function open(): Promise<void> {
    server = createServer((near) => {
      sockets.add(near);
      if (isHolding) held.push(near);
      else handOn(near);
    });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  }

  await open();
  return {
    url: `http://127.0.0.1:${port}`,
    get held() {
      return held.length;
    },
    open,
    async shut() {
      if (server === undefined) return;
      const closed = once(server, 'close');
      server.close();
      server = undefined;
      for (const socket of sockets) socket.destroy();
      await closed;
    },
    hold() {
      isHolding = true;
    },
    release() {
      isHolding = false;
      for (const near of held.splice(0)) handOn(near);
    },
  };
}
