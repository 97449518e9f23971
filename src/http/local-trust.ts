import type { FastifyReply, FastifyRequest } from 'fastify';
import { isLoopbackInHeader } from '../config/sections/hosts.ts';
import { ProxyError } from '../core/errors.ts';
import type { Door } from './by-name.ts';

const IN_BRACKETS = /^\[([\da-f:.]+)\]$/;

/**
 * The first hook of every listener: a `Host` that is neither a loopback name nor allowed is refused (DNS rebinding),
 * and so is whatever a browser sends. `Sec-Fetch-Mode` alone proves nothing: Node's own fetch sends it.
 * @param allowedHosts further names, compared without the port and without letter case
 * @param doorOf how a request came: on a listener by name, Binance's hosts are the only names
 */
export function localTrust(
  allowedHosts: () => ReadonlySet<string>,
  doorOf: (request: FastifyRequest) => Door = () => ({ isByName: false }),
) {
  return function checkLocalTrust(
    request: FastifyRequest,
    _reply: FastifyReply,
    done: (error?: Error) => void,
  ): void {
    const { host, origin, 'sec-fetch-site': fetchSite } = request.raw.headers;
    const door = doorOf(request);
    const isServed = door.isByName ? door.host !== undefined : isTrustedHost(host, allowedHosts());
    if (!isServed || namesTwoHosts(request.raw.rawHeaders)) {
      done(new ProxyError('PROXY_UNKNOWN_HOST', 'This Host name is not served here.', { rule: 'host' }));
    } else if (origin !== undefined || fetchSite !== undefined) {
      done(new ProxyError('PROXY_BROWSER_REFUSED', 'Browsers are not served.', { rule: 'browser' }));
    } else {
      done();
    }
  };
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
