import { connect as connectPlain, isIP, type NetConnectOpts, type Socket } from 'node:net';
import { connect as connectTls, type SecureContext } from 'node:tls';
import type { WayOut } from '../../config/schema/ways-out.ts';
import type { ProxyError } from '../../core/errors.ts';
import { nothingBeyond, noWayOut } from './egress-refusals.ts';
import { type Destination, openHttpTunnel } from './http-tunnel.ts';
import { LoopError, type OwnAddresses } from './own-addresses.ts';

/** How long a way may take to open, in ms: to the proxy, and through it. */
const OPEN_MS = 5_000;
const KEEP_ALIVE_MS = 60_000;

/**
 * Opens a connection that ends at the destination and in which nothing was written: TLS to Binance begins in it, so a
 * proxy sees nothing but where it goes. The destination's name is looked up where the way ends. There is no other way.
 * @throws ProxyError PROXY_UPSTREAM_UNREACHABLE, which names the setting and never an address
 */
export async function openWayOut(
  way: WayOut,
  trust: () => SecureContext,
  { own, ...destination }: Destination & { readonly own: OwnAddresses },
): Promise<Socket> {
  const { setting, localAddress } = way;
  const signal = AbortSignal.timeout(OPEN_MS);
  const from = localAddress === undefined ? {} : { localAddress, family: isIP(localAddress) };
  if (way.proxy === undefined) {
    const lookup = own.lookupFor(destination.port);
    const loop = own.refuse(destination.host, destination.port);
    if (loop !== undefined) throw loop;
    return opened(connectPlain({ ...destination, ...from, lookup }), 'connect', way, signal);
  }
  const { protocol, hostname, port, username, password } = new URL(way.proxy.reveal());
  const host = hostname.replace(/^\[|\]$/g, '');
  const scheme = schemeOf(protocol);
  const at: NetConnectOpts = { host, port: Number(port) || USUAL_PORTS[scheme], ...from };
  const socket =
    scheme === 'https'
      ? await opened(
          connectTls({
            ...at,
            ...(isIP(host) === 0 ? { servername: host } : {}),
            secureContext: trust(),
            rejectUnauthorized: true,
            ALPNProtocols: ['http/1.1'],
          }),
          'secureConnect',
          way,
          signal,
        )
      : await opened(connectPlain(at), 'connect', way, signal);
  const tunnel = {
    setting,
    socket,
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    signal,
  };
  try {
    if (scheme !== 'socks') return await openHttpTunnel(tunnel, destination);
    // Loaded when it is needed for the first time.
    const { openSocksTunnel } = await import('./socks-tunnel.ts');
    return await openSocksTunnel(tunnel, destination);
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

const USUAL_PORTS = { http: 80, https: 443, socks: 1080 } as const;

function schemeOf(protocol: string): keyof typeof USUAL_PORTS {
  if (protocol === 'https:') return 'https';
  return protocol === 'http:' ? 'http' : 'socks';
}

/** Waits for a connection to the next hop. */
function opened(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  way: WayOut,
  signal: AbortSignal,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const fail = (code: string) => {
      signal.removeEventListener('abort', giveUp);
      socket.destroy();
      reject(refusalOf(way, code));
    };
    const giveUp = () => fail('ETIMEDOUT');
    signal.addEventListener('abort', giveUp, { once: true });
    // Stays, so that an error between two owners of the socket ends nothing but the socket.
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error instanceof LoopError) reject(error);
      fail(error.code ?? 'no code');
    });
    socket.once(event, () => {
      signal.removeEventListener('abort', giveUp);
      socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS);
      resolve(socket);
    });
  });
}

/** By code only: the texts of these errors hold addresses. */
function refusalOf({ setting, proxy }: WayOut, code: string): ProxyError {
  if (code === 'EADDRNOTAVAIL')
    return noWayOut(setting, `its localAddress is no address of this machine (${code})`);
  if (proxy === undefined) return nothingBeyond(setting, `no connection from its localAddress (${code})`);
  return CERTIFICATE.test(code)
    ? noWayOut(setting, `the certificate of its proxy is not trusted (${code})`)
    : noWayOut(setting, `its proxy could not be reached (${code})`);
}

const CERTIFICATE = /CERT|SIGNATURE|CRL|ERR_TLS|ISSUER/;
