import { chmodSync, chownSync, readFileSync, rmSync } from 'node:fs';
import { Server as TlsServer } from 'node:https';
import { createConnection, createServer, Server } from 'node:net';
import type { FastifyInstance } from 'fastify';

export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  readonly socket: string | undefined;
  readonly socketGroup: string | undefined;
}

/** The listener on ::1 that goes with a server on 127.0.0.1. */
const seconds = new WeakMap<object, Server>();

/**
 * Listens as configured and returns the base URL (or the socket's path). `localhost` is both 127.0.0.1 and ::1, because
 * clients differ in which they try first; where the machine has no IPv6 the first suffices.
 */
export async function listen(app: FastifyInstance, options: ListenOptions): Promise<string> {
  if (options.socket !== undefined) return listenOnSocket(app, options.socket, options.socketGroup);
  if (options.host !== 'localhost') {
    await app.listen({ host: options.host, port: options.port });
  } else {
    await app.listen({ host: '127.0.0.1', port: options.port });
    const second = await listenToo(app, '::1', portOf(app));
    if (second !== undefined) {
      seconds.set(app.server, second);
      app.server.on('close', () => second.close());
    }
  }
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return `${app.server instanceof TlsServer ? 'https' : 'http'}://${host}:${portOf(app)}`;
}

/**
 * Takes no further connection; those that stand go on, and the promise resolves when the last of them has ended. The
 * HTTP server's own `close` would cut the ones that look idle, with a call that is just arriving on one of them.
 */
export async function stopListening(app: FastifyInstance): Promise<void> {
  const servers = [app.server, seconds.get(app.server)].filter((server) => server !== undefined);
  await Promise.all(
    servers.map((server) => new Promise((resolve) => Server.prototype.close.call(server, resolve))),
  );
}

/** A second address of the same server: its connections are handed to the first listener's HTTP server. */
function listenToo(app: FastifyInstance, host: string, port: number): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer({ noDelay: true }, (socket) => app.server.emit('connection', socket));
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRNOTAVAIL' || error.code === 'EAFNOSUPPORT') resolve(undefined);
      else reject(error);
    });
    server.listen({ host, port, ipv6Only: true }, () => resolve(server));
  });
}

async function listenOnSocket(
  app: FastifyInstance,
  path: string,
  group: string | undefined,
): Promise<string> {
  if (await isServed(path)) throw new Error(`another process serves the socket ${path}`);
  rmSync(path, { force: true });
  const before = process.umask(0o177);
  try {
    await app.listen({ path });
  } finally {
    process.umask(before);
  }
  if (group !== undefined) {
    chownSync(path, process.getuid?.() ?? 0, groupId(group));
    chmodSync(path, 0o660);
  }
  return path;
}

function isServed(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createConnection({ path });
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
}

function groupId(group: string): number {
  if (/^\d+$/.test(group)) return Number(group);
  const line = readFileSync('/etc/group', 'utf8')
    .split('\n')
    .find((each) => each.startsWith(`${group}:`));
  const id = line?.split(':')[2];
  if (id === undefined) throw new Error(`there is no group "${group}" on this machine`);
  return Number(id);
}

function portOf(app: FastifyInstance): number {
  const address = app.server.address();
  if (address === null || typeof address === 'string') throw new Error('the listener has no port');
  return address.port;
}
