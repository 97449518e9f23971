import type { Socket } from 'node:net';
import { SocksClient } from 'socks';
import { nothingBeyond, noWayOut } from './egress-refusals.ts';
import type { Destination, Tunnel } from './http-tunnel.ts';

/** The library's own limit; the way's is shorter and ends the socket. */
const LIBRARY_MS = 10_000;

/** Asks a SOCKS5 proxy for a connection; it looks up the name of the destination itself. */
export async function openSocksTunnel(tunnel: Tunnel, destination: Destination): Promise<Socket> {
  const { setting, socket, user, password, signal } = tunnel;
  const giveUp = () => socket.destroy();
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    const { socket: through } = await SocksClient.createConnection({
      command: 'connect',
      destination: { ...destination },
      existing_socket: socket,
      timeout: LIBRARY_MS,
      // The library wants to know where its socket leads, and does not look.
      proxy: { host: 'localhost', port: 1, type: 5, ...(user === '' ? {} : { userId: user, password }) },
    });
    return through;
  } catch (error) {
    if (signal.aborted) throw nothingBeyond(setting, 'its proxy did not answer in time');
    // The library's error holds the password, so nothing but what is known of its text goes on.
    throw refusalOf(setting, error instanceof Error ? error.message : '');
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

function refusalOf(setting: string, said: string) {
  if (/auth/i.test(said)) return noWayOut(setting, 'its proxy wants another user name and password');
  const reply = /rejected connection - \(?(\w+)\)?/i.exec(said)?.[1];
  if (reply !== undefined) return nothingBeyond(setting, `its proxy refused the connection (${reply})`);
  if (/closed/i.test(said)) return noWayOut(setting, 'its proxy closed the connection');
  return noWayOut(setting, 'its proxy gave no valid answer');
}
