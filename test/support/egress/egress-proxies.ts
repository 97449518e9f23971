import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import {
  type AddressInfo,
  connect,
  createServer as createPlainServer,
  type Server,
  type Socket,
} from 'node:net';

/** One connection that was asked for. */
interface Tunnelled {
  /** Host and port as they were asked for. */
  readonly target: string;
  /** `user:password`; undefined when none were shown. */
  readonly credentials: string | undefined;
  /** What went up and down in the tunnel. */
  readonly up: Buffer[];
  readonly down: Buffer[];
}

/** What a proxy does instead of its work. */
type Misbehaviour =
  | { readonly kind: 'status'; readonly status: number }
  | { readonly kind: 'reply'; readonly reply: number }
  | { readonly kind: 'garbage' }
  | { readonly kind: 'hang-up' }
  /** It says yes and closes. */
  | { readonly kind: 'die-in-tunnel' }
  /** It says yes and answers the TLS handshake itself. */
  | { readonly kind: 'intercept'; readonly port: number };

export interface EgressProxy {
  /** `host:port` of its listener. */
  readonly address: string;
  readonly port: number;
  readonly tunnels: readonly Tunnelled[];
  misbehave(how: Misbehaviour | undefined): void;
  /** Closes every connection at once and accepts none any more. */
  kill(): Promise<void>;
}

export interface EgressProxyOptions {
  /** `user:password` that it wants. */
  readonly credentials?: string;
  readonly tls?: { readonly key: string; readonly cert: string };
}

/** An HTTP proxy that takes CONNECT alone, looks every name up as the loopback, and records. */
export async function startHttpProxy({ credentials, tls }: EgressProxyOptions = {}): Promise<EgressProxy> {
  const stage = new Stage();
  const server = tls === undefined ? createServer() : createSecureServer(tls);
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    stage.keep(socket);
    const basic = /^Basic (\S+)$/.exec(request.headers['proxy-authorization'] ?? '')?.[1];
    const shown = basic === undefined ? undefined : Buffer.from(basic, 'base64').toString();
    const tunnel = stage.note(request.url ?? '', shown);
    const { how } = stage;
    if (how?.kind === 'garbage') socket.end('\u0016\u0003 what is this?\r\n\r\n');
    else if (how?.kind === 'hang-up') socket.destroy();
    else if (credentials !== undefined && shown !== credentials)
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n');
    else if (how?.kind === 'status') socket.end(`HTTP/1.1 ${how.status} No\r\ncontent-length: 2\r\n\r\nno`);
    else stage.open(tunnel, socket, () => socket.write('HTTP/1.1 200 Connection established\r\n\r\n'));
  });
  return await stage.serve(server);
}

/** A SOCKS5 proxy (RFC 1928 and 1929), looks every name up as the loopback, and records. */
export async function startSocksProxy({ credentials }: EgressProxyOptions = {}): Promise<EgressProxy> {
  const stage = new Stage();
  const server = createPlainServer(
    (socket) => void serveSocks(stage, socket, credentials).catch(() => socket.destroy()),
  );
  return await stage.serve(server);
}

const WANTS_NOTHING = 0;
const WANTS_PASSWORD = 2;
const NONE_ACCEPTED = 0xff;
const DOMAIN = 3;
const IPV6 = 4;

async function serveSocks(stage: Stage, socket: Socket, credentials: string | undefined): Promise<void> {
  stage.keep(socket);
  const read = reader(socket);
  const [, methodCount = 0] = await read(2);
  const methods = [...(await read(methodCount))];
  if (stage.how?.kind === 'garbage') return void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
  if (stage.how?.kind === 'hang-up') return void socket.destroy();
  const method = credentials === undefined ? WANTS_NOTHING : WANTS_PASSWORD;
  if (!methods.includes(method)) return void socket.end(Buffer.from([5, NONE_ACCEPTED]));
  socket.write(Buffer.from([5, method]));
  let shown: string | undefined;
  if (method === WANTS_PASSWORD) {
    const [, userLength = 0] = await read(2);
    const user = await read(userLength);
    const [passwordLength = 0] = await read(1);
    shown = `${user}:${await read(passwordLength)}`;
    socket.write(Buffer.from([1, shown === credentials ? 0 : 1]));
    if (shown !== credentials) return void socket.end();
  }
  const [, , , type = 0] = await read(4);
  const length = type === DOMAIN ? ((await read(1))[0] ?? 0) : type === IPV6 ? 16 : 4;
  const host = await read(length);
  const port = (await read(2)).readUInt16BE();
  // An address is written as one, so that a test sees whether the name was kept.
  const tunnel = stage.note(`${type === DOMAIN ? host : [...host].join('.')}:${port}`, shown);
  const reply = (code: number) => Buffer.from([5, code, 0, 1, 0, 0, 0, 0, 0, 0]);
  if (stage.how?.kind === 'reply') return void socket.end(reply(stage.how.reply));
  read.stop();
  stage.open(tunnel, socket, () => socket.write(reply(0)));
}

/** Reads so many bytes, however they come. */
function reader(socket: Socket): ((count: number) => Promise<Buffer>) & { stop(): void } {
  let held = Buffer.alloc(0);
  let wake = () => {};
  const take = (chunk: Buffer) => {
    held = Buffer.concat([held, chunk]);
    wake();
  };
  socket.on('data', take);
  const read = async (count: number): Promise<Buffer> => {
    while (held.length < count)
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    const part = held.subarray(0, count);
    held = held.subarray(count);
    return part;
  };
  return Object.assign(read, { stop: () => void socket.off('data', take) });
}

/** What both kinds of proxy do once they know where a connection is to go. */
class Stage {
  how: Misbehaviour | undefined;
  readonly #tunnels: Tunnelled[] = [];
  readonly #sockets = new Set<Socket>();

  keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket));
  }

  note(target: string, credentials: string | undefined): Tunnelled {
    const tunnel = { target, credentials, up: [], down: [] };
    this.#tunnels.push(tunnel);
    return tunnel;
  }

  open(tunnel: Tunnelled, socket: Socket, accept: () => void): void {
    const { how } = this;
    if (how?.kind === 'die-in-tunnel') {
      accept();
      socket.end();
      return;
    }
    const port = how?.kind === 'intercept' ? how.port : Number(tunnel.target.split(':').at(-1));
    const beyond = connect({ host: '127.0.0.1', port });
    this.keep(beyond);
    beyond.once('connect', accept);
    socket.on('data', (chunk: Buffer) => tunnel.up.push(chunk)).pipe(beyond);
    beyond.on('data', (chunk: Buffer) => tunnel.down.push(chunk)).pipe(socket);
    socket.on('close', () => beyond.destroy());
    beyond.on('close', () => socket.destroy());
  }

  async serve(server: Server): Promise<EgressProxy> {
    server.on('connection', (socket: Socket) => this.keep(socket));
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const { port } = server.address() as AddressInfo;
    return {
      address: `127.0.0.1:${port}`,
      port,
      tunnels: this.#tunnels,
      misbehave: (how) => {
        this.how = how;
      },
      kill: () =>
        new Promise((resolve) => {
          for (const socket of this.#sockets) socket.destroy();
          server.close(() => resolve());
        }),
    };
  }
}

/** Everything that went through a proxy, one character per byte. */
export function seenBy({ tunnels }: EgressProxy): string {
  return tunnels.map(({ up, down }) => Buffer.concat([...up, ...down]).toString('latin1')).join('\n');
}
