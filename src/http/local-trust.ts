import { TLSSocket } from 'node:tls';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isLoopbackInHeader } from '../config/sections/hosts.ts';
import { ProxyError } from '../core/errors.ts';
import { SecretMask } from '../core/records/secret-mask.ts';
import type { Door } from './by-name.ts';
import { isOwnOrigin } from './own-origin.ts';
import { twoHosts, unknownHost } from './unknown-host.ts';

const OWN_NAME: Door = { isByName: false };
const IN_BRACKETS = /^\[([\da-f:.]+)\]$/;

export interface TrustOptions {
  /** How a request came: on a listener by name, Binance's hosts are the only names. */
  readonly doorOf?: (request: FastifyRequest) => Door;
  /** True for what came over a Unix socket: no page and no other machine gets there, so a Host says nothing. */
  readonly isUnixSocket?: () => boolean;
  /** What no answer may show. */
  readonly secretMask?: () => SecretMask;
}

/**
 * The first hook of every listener: a `Host` that is neither a loopback name nor allowed is refused (DNS rebinding),
 * and so is whatever a browser sends. `Sec-Fetch-Mode` alone proves nothing: Node's own fetch sends it. An Origin passes
 * at a WebSocket upgrade only, and only the one of the trusted Host itself.
 * @param allowedHosts further names, compared without the port and without letter case
 */
export function localTrust(allowedHosts: () => ReadonlySet<string>, options: TrustOptions = {}) {
  const { doorOf = () => OWN_NAME, isUnixSocket = () => false, secretMask = () => SecretMask.none } = options;
  return function checkLocalTrust(
    request: FastifyRequest,
    _reply: FastifyReply,
    done: (error?: Error) => void,
  ): void {
    const { host } = request.raw.headers;
    const door = doorOf(request);
    const isTrusted = door.isByName ? door.host !== undefined : isTrustedHost(host, allowedHosts());
    const isLocal = isUnixSocket() && !isEncrypted(request);
    if (namesTwoHosts(request.raw.rawHeaders)) done(twoHosts());
    else if (!isTrusted && !isLocal) done(unknownHost(host, door, secretMask()));
    else if (isBrowser(request, isTrusted ? host : undefined)) {
      done(new ProxyError('PROXY_BROWSER_REFUSED', 'Browsers are not served.', { rule: 'browser' }));
    } else {
      done();
    }
  };
}

/** @param trustedHost undefined where the Host was not looked at */
function isBrowser({ raw, ws }: FastifyRequest, trustedHost: string | undefined): boolean {
  const { origin, 'sec-fetch-site': fetchSite } = raw.headers;
  if (origin === undefined) return fetchSite !== undefined;
  return !(ws && trustedHost !== undefined && isOwnOrigin(raw, trustedHost));
}

/** Nothing on a Unix socket is. */
function isEncrypted({ raw }: FastifyRequest): boolean {
  return raw.socket instanceof TLSSocket;
}

/** Node shows the first of several and is silent about the others. @see https://www.rfc-editor.org/rfc/rfc9112#section-3.2 */
function namesTwoHosts(rawHeaders: readonly string[]): boolean {
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i];
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts++;
  }
  return hosts > 1;
}

/** True for a loopback name or an allowed one, with or without a port. */
export function isTrustedHost(host: string | undefined, allowed: ReadonlySet<string>): boolean {
  if (host === undefined) return false;
  const name = host.replace(/:\d{1,5}$/, '').toLowerCase();
  // An IPv6 address is configured bare and travels in brackets.
  return isLoopbackInHeader(name) || allowed.has(IN_BRACKETS.exec(name)?.[1] ?? name);
}
