import { statSync } from 'node:fs';
import { dirname } from 'node:path';

/** Where a listener is to be opened, and the variables that say so. */
export interface Place {
  readonly host: string;
  readonly port: number;
  readonly socket: string | undefined;
  readonly variables: { readonly host: string; readonly port: string };
}

/** The listener for apps and the one for operators, by the variables that place them. */
export const APP_VARIABLES = { host: 'BINANCE_PROXY_HOST', port: 'BINANCE_PROXY_PORT' } as const;
export const OPERATOR_VARIABLES = {
  host: 'BINANCE_PROXY_OPERATOR_HOST',
  port: 'BINANCE_PROXY_OPERATOR_PORT',
} as const;
/** The ports of the listener by name stand in the file only. */
export const BY_NAME_VARIABLES = { host: 'BINANCE_PROXY_HOST', port: 'server.byName.ports' } as const;

const SOCKET = 'BINANCE_PROXY_SOCKET';
const FIRST_FREE_PORT = 1024;

/** A listener that cannot be opened; its message says what to do. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  readonly code: string;

  constructor(code: string, message: string, cause: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/** What keeps a listener from being opened, in one sentence that names the variable. */
export function listenTrouble(error: unknown, place: Place): ListenError {
  const { code = 'unknown', message } = error as NodeJS.ErrnoException;
  const { socket } = place;
  const sentence = socket === undefined ? portTrouble(code, place) : socketTrouble(code, socket);
  return new ListenError(code, sentence ?? `The listener cannot be opened: ${message}.`, error);
}

function portTrouble(code: string, { host, port, variables }: Place): string | undefined {
  switch (code) {
    case 'EADDRINUSE':
      return `Port ${port} on ${host} is taken by another program (${code}): stop that one, or set ${variables.port} to another port.`;
    case 'EACCES':
      return port < FIRST_FREE_PORT
        ? `Port ${port} is not for this user (${code}): set ${variables.port} to one from ${FIRST_FREE_PORT} on.`
        : `This user may not open port ${port} on ${host} (${code}): set ${variables.port} to another port.`;
    case 'EADDRNOTAVAIL':
      return `${host} is no address of this machine (${code}): set ${variables.host} to localhost, to an address that it has, or to 0.0.0.0 or :: for all.`;
    case 'EAFNOSUPPORT':
      return `This machine has no addresses of the kind of ${host} (${code}): set ${variables.host} to one of the other kind, 127.0.0.1 or ::1.`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${host} is no name of this machine (${code}): set ${variables.host} to localhost, or to an address that it has.`;
    case 'ERR_ACCESS_DENIED':
      return `Node’s permission model keeps this process from the network (${code}): start it with --allow-net.`;
    default:
      return undefined;
  }
}

function socketTrouble(code: string, socket: string): string | undefined {
  const folder = dirname(socket);
  switch (code) {
    case 'EADDRINUSE':
      return `Another process serves the socket ${socket} (${code}): stop that one, or set ${SOCKET} to another path.`;
    case 'EROFS':
      return `The socket ${socket} would lie on a read-only file system (${code}): set ${SOCKET} to a path on a volume that can be written, in the image below /run/binance-proxy.`;
    case 'ERR_ACCESS_DENIED':
      return `Node’s permission model keeps this process from the socket ${socket} (${code}): set ${SOCKET} to a path below one of its --allow-fs-write, in the image below /run/binance-proxy.`;
    case 'EACCES':
    case 'EPERM':
    case 'ENOENT':
    case 'ENOTDIR':
      // The system says EACCES of a folder that is not there, too.
      return isFolder(folder)
        ? `This user (uid ${process.getuid?.()}) may not write in ${folder} (${code}): run chown ${process.getuid?.()} ${folder}, or set ${SOCKET} to a path in another folder.`
        : `The folder ${folder} of the socket does not exist: make it, or set ${SOCKET} to a path in one that does.`;
    default:
      return undefined;
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
