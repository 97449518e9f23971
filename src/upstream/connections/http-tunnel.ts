import { request } from 'node:http';
import { isIPv6, type Socket } from 'node:net';
import { nothingBeyond, noWayOut } from './egress-refusals.ts';

export interface Destination {
  readonly host: string;
  readonly port: number;
}

/** A proxy on the way, in parts. */
export interface Tunnel {
  readonly setting: string;
  /** Open, to the proxy. */
  readonly socket: Socket;
  readonly user: string;
  readonly password: string;
  readonly signal: AbortSignal;
}

const WRONG_CREDENTIALS = 407;

/**
 * Asks an HTTP proxy for a connection (CONNECT).
 * @see https://www.rfc-editor.org/rfc/rfc9110#CONNECT
 */
export function openHttpTunnel(tunnel: Tunnel, { host, port }: Destination): Promise<Socket> {
  const { setting, socket, user, password, signal } = tunnel;
  const authority = `${isIPv6(host) ? `[${host}]` : host}:${port}`;
  const credentials = Buffer.from(`${user}:${password}`).toString('base64');
  return new Promise((resolve, reject) => {
    const asking = request({
      method: 'CONNECT',
      path: authority,
      headers: {
        host: authority,
        ...(user === '' && password === '' ? {} : { 'proxy-authorization': `Basic ${credentials}` }),
      },
      createConnection: () => socket,
    });
    const giveUp = () => asking.destroy();
    signal.addEventListener('abort', giveUp, { once: true });
    asking.once('close', () => signal.removeEventListener('abort', giveUp));
    asking.once('connect', ({ statusCode = 0 }, opened: Socket, head) => {
      signal.removeEventListener('abort', giveUp);
      if (statusCode === WRONG_CREDENTIALS)
        reject(noWayOut(setting, 'its proxy wants another user name and password (407)'));
      else if (statusCode < 200 || statusCode > 299)
        reject(nothingBeyond(setting, `its proxy answered CONNECT with status ${statusCode}`));
      // Nobody speaks before the one who connects.
      else if (head.length > 0) reject(noWayOut(setting, 'its proxy gave no valid answer'));
      else resolve(opened);
    });
    asking.on('error', (error: NodeJS.ErrnoException) => {
      if (signal.aborted) reject(nothingBeyond(setting, 'its proxy did not answer in time'));
      else if (error.code?.startsWith('HPE_')) reject(noWayOut(setting, 'its proxy gave no valid answer'));
      else reject(noWayOut(setting, 'its proxy closed the connection'));
    });
    asking.end();
  });
}
