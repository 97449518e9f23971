import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import type { Settings } from '../../config/schema/settings.ts';
import { isLoopbackInHeader } from '../../config/sections/hosts.ts';
import { twoHosts, unknownHost } from '../../http/unknown-host.ts';
import { OperatorError } from './operator-error.ts';

/**
 * What a request to the listener for operators may look like, on every address: its `Host` is an IP literal, a loopback
 * name or an allowed one (a name that anybody may point here is none), and a browser comes from the listener's own page.
 * @throws ProxyError PROXY_UNKNOWN_HOST
 * @throws OperatorError of a foreign page
 */
export function assertOperatorTrust({ raw }: FastifyRequest, settings: Settings): void {
  const { host, origin, 'sec-fetch-site': fetchSite } = raw.headers;
  if (countHosts(raw.rawHeaders) > 1) throw twoHosts();
  if (host === undefined || !isAllowed(host, settings))
    throw unknownHost(host, { isByName: false }, settings.secretMask);
  if (fetchSite === 'cross-site') throw foreignPage();
  if (origin === undefined) return;
  const isOwn = [`http://${host}`, settings.operator.origin].some(
    (one) => one !== undefined && isSame(origin, one),
  );
  if (!isOwn) throw foreignPage();
}

function foreignPage(): OperatorError {
  return new OperatorError(403, 'Another page is not served: open this address itself.');
}

function isAllowed(host: string, { server, operator }: Settings): boolean {
  const name = host.replace(/:\d{1,5}$/, '').toLowerCase();
  if (isIP(name) !== 0 || isIP(/^\[(.*)\]$/.exec(name)?.[1] ?? '') === 6 || isLoopbackInHeader(name))
    return true;
  return (
    server.allowedHosts.includes(name) ||
    operator.host.toLowerCase() === name ||
    nameOf(operator.origin) === name
  );
}

function nameOf(origin: string | undefined): string | undefined {
  return origin !== undefined && URL.canParse(origin) ? new URL(origin).hostname : undefined;
}

/** Origins are compared as browsers write them: in lower case, and without the port that is usual for the scheme. */
function isSame(one: string, other: string): boolean {
  return URL.canParse(one) && URL.canParse(other) && new URL(one).origin === new URL(other).origin;
}

/** Node shows the first of several. */
function countHosts(rawHeaders: readonly string[]): number {
  return rawHeaders.filter((text, index) => index % 2 === 0 && text.toLowerCase() === 'host').length;
}
