import { chmodSync, chownSync, lstatSync, readFileSync, rmSync } from 'node:fs';
import { Server as TlsServer } from 'node:https';
import { type AddressInfo, createConnection, createServer, Server } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { ConfigError } from '../config/problems/config-error.ts';
import { listenTrouble, type Place } from './listen-trouble.ts';

export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  readonly socket: string | undefined;
  readonly socketGroup: string | undefined;
  /** The variables that say where it is. */
  readonly variables: Place['variables'];
}

const GROUP = 'BINANCE_PROXY_SOCKET_GROUP';
const LOCALHOST = ['127.0.0.1', '::1'] as const;

/** How long a turn of the event loop may take in which nobody connected, and how long such a turn is waited for. */
const QUIET_TURN_MS = 1;
const QUIET_WITHIN_MS = 500;

/** The further listeners whose connections the HTTP server of an app serves: on ::1 beside 127.0.0.1, and by name. */
const further = new WeakMap<object, Server[]>();

/**
 * Listens as configured and returns the base URL (or the socket's path). `localhost` is both 127.0.0.1 and ::1, because
 * clients differ in which they try first; where the machine has no IPv6 the first suffices.
 * @throws ListenError, ConfigError
 */
export async function listen(app: FastifyInstance, options: ListenOptions): Promise<string> {
  try {
    return await open(app, options);
  } catch (error) {
    throw error instanceof ConfigError ? error : listenTrouble(error, options);
  }
}

async function open(app: FastifyInstance, options: ListenOptions): Promise<string> {
  if (options.socket !== undefined) return listenOnSocket(app, options.socket, options.socketGroup);
  if (options.host !== 'localhost') {
    await app.listen({ host: options.host, port: options.port });
  } else {
    const [first, second] = LOCALHOST;
    await app.listen({ host: first, port: options.port });
    const server = createServer({ noDelay: true }, (socket) => app.server.emit('connection', socket));
    await listenToo(app, server, { address: second, port: portOf(app.server), isOptional: true });
  }
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return `${app.server instanceof TlsServer ? 'https' : 'http'}://${host}:${portOf(app.server)}`;
}

/** The addresses that stand for a host: `localhost` is two. */
export function addressesOf(host: string): readonly [string, ...string[]] {
  return host === 'localhost' ? LOCALHOST : [host];
}

/** Every address and port where an app is served; none on a Unix socket. */
export function openAddresses(app: FastifyInstance): readonly AddressInfo[] {
  return [app.server, ...(further.get(app.server) ?? [])]
    .map((server) => server.address())
    .filter((address) => typeof address === 'object' && address !== null);
}

/**
 * Takes no further connection; those that stand go on, and the promise resolves when the last of them has ended. The
 * HTTP server's own `close` would cut the ones that look idle, with a call that is just arriving on one of them.
 */
export async function stopListening(app: FastifyInstance): Promise<void> {
  const servers = [app.server, ...(further.get(app.server) ?? [])];
  await quietMoment(servers);
  await Promise.all(
    servers.map((server) => new Promise((resolve) => Server.prototype.close.call(server, resolve))),
  );
}

/**
 * The system has connections ready that this process has not yet seen, and resets them when the listener goes: so it goes
 * just after a look that found none.
 */
async function quietMoment(servers: readonly Server[]): Promise<void> {
  const untilMs = performance.now() + QUIET_WITHIN_MS;
  let came = true;
  const note = () => {
    came = true;
  };
  for (const server of servers) server.on('connection', note);
  for (let startMs = 0; came || performance.now() - startMs > QUIET_TURN_MS; ) {
    came = false;
    startMs = performance.now();
    await nextTurn();
    if (performance.now() > untilMs) break;
  }
  for (const server of servers) server.off('connection', note);
}

/**
 * Opens a further listener, which hands its connections to the app's HTTP server and ends with it. The port that it got;
 * undefined where the machine lacks an address that is optional.
 */
export function listenToo(
  app: FastifyInstance,
  server: Server,
  { address, port, isOptional }: { address: string; port: number; isOptional: boolean },
): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const isMissing = error.code === 'EADDRNOTAVAIL' || error.code === 'EAFNOSUPPORT';
      if (isOptional && isMissing) resolve(undefined);
      else reject(error);
    });
    server.listen({ host: address, port, ipv6Only: isOptional }, () => {
      furtherOf(app).push(server);
      resolve(portOf(server));
    });
  });
}

/** The list of further listeners, which end with the first one. */
function furtherOf({ server }: FastifyInstance): Server[] {
  const known = further.get(server);
  if (known !== undefined) return known;
  const servers: Server[] = [];
  further.set(server, servers);
  server.on('close', () => {
    for (const each of servers) each.close();
  });
  return servers;
}

async function listenOnSocket(
  app: FastifyInstance,
  path: string,
  group: string | undefined,
): Promise<string> {
  if (await isServed(path)) {
    throw Object.assign(new Error('the socket is served'), { code: 'EADDRINUSE' });
  }
  const stood = lstatSync(path, { throwIfNoEntry: false });
  // An empty file may be what an image or a mount put in its place; anything else is somebody's.
  if (stood !== undefined && !stood.isSocket() && stood.size > 0) {
    const message = 'BINANCE_PROXY_SOCKET names a file that is no socket: set it to a path of its own.';
    throw new ConfigError([{ message, source: 'BINANCE_PROXY_SOCKET' }]);
  }
  rmSync(path, { force: true });
  const before = process.umask(0o177);
  try {
    await app.listen({ path });
  } finally {
    process.umask(before);
  }
  if (group !== undefined) giveToGroup(path, group);
  return path;
}

function giveToGroup(path: string, group: string): void {
  const id = groupId(group);
  try {
    chownSync(path, process.getuid?.() ?? 0, id);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw wrongGroup(
      `names a group that this user may not give the socket to (${code}): make the user a member of it`,
    );
  }
  chmodSync(path, 0o660);
}

function wrongGroup(wrong: string): ConfigError {
  return new ConfigError([{ message: `${GROUP} ${wrong}.`, source: GROUP }]);
}

/** True while a process accepts connections on the socket. */
export function isServed(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createConnection({ path });
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
}

/** The image lets the program read no /etc/group. */
function readGroups(): string {
  try {
    return readFileSync('/etc/group', 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw wrongGroup(
      `is a name, but the names in /etc/group cannot be read here (${code}): set it to the number of the group`,
    );
  }
}

function groupId(group: string): number {
  if (/^\d+$/.test(group)) return Number(group);
  const line = readGroups()
    .split('\n')
    .find((each) => each.startsWith(`${group}:`));
  const id = line?.split(':')[2];
  if (id === undefined)
    throw wrongGroup('names no group of this machine: set it to one of /etc/group, or to a number');
  return Number(id);
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the listener has no port');
  return address.port;
}
