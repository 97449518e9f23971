import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { ConfigError, type ConfigProblem } from '../config/problems/config-error.ts';
import type { OriginName } from '../config/schema/environments.ts';
import type { Settings } from '../config/schema/settings.ts';
import { originVariable } from '../config/schema/variables.ts';
import { OwnAddresses, portOf } from '../upstream/connections/own-addresses.ts';
import { addressesOf } from './listen.ts';

/** A name that takes longer to look up is judged when it is connected to. */
const LOOKUP_MS = 3_000;

/** Where the proxy will listen, as far as its configuration says so: without names and free ports. */
export function configuredAddresses({ server, operator }: Settings): OwnAddresses {
  const own = new OwnAddresses();
  const ports = [...(server.socket === undefined ? [server.port] : []), ...(server.byName?.ports ?? [])];
  const all = [
    ...addressesOf(server.host).flatMap((address) => ports.map((port) => ({ address, port }))),
    ...addressesOf(operator.host).map((address) => ({ address, port: operator.port })),
  ];
  own.set(all.filter(({ address, port }) => port !== 0 && isIP(address) !== 0));
  return own;
}

/**
 * Looks every upstream up as a call will.
 * @throws ConfigError when one leads to where this proxy itself listens: a call would come back to it without end
 */
export async function assertNoLoop(settings: Settings): Promise<void> {
  const problems = await findLoops(settings);
  if (problems.length > 0) throw new ConfigError(problems);
}

/** One sentence for each upstream that leads back to this proxy. */
export async function findLoops(settings: Settings): Promise<readonly ConfigProblem[]> {
  const own = configuredAddresses(settings);
  const origins = Object.entries({ ...settings.upstreams, ...settings.socketUpstreams }) as [
    OriginName,
    string | undefined,
  ][];
  const all = [...origins, ...settings.spotOrigins.map((origin) => ['spot', origin] as const)];
  const late = pause(LOOKUP_MS, undefined, { ref: false });
  const problems: ConfigProblem[] = [];
  // One after the other: where no name can be looked up, the others of this process still can be tried.
  for (const [name, origin] of all) {
    if (origin === undefined) continue;
    const url = new URL(origin);
    const problem = problemOf(name, url, own, await addressesOfHost(hostOf(url), late));
    if (problem !== undefined) problems.push(problem);
  }
  return problems;
}

function problemOf(
  name: OriginName,
  url: URL,
  own: OwnAddresses,
  addresses: readonly string[],
): ConfigProblem | undefined {
  const port = portOf(url);
  const address = addresses.find((each) => own.has(each, port));
  if (address === undefined) return undefined;
  const source = originVariable(name);
  const host = hostOf(url);
  const where = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
  const remedy =
    isIP(host) === 0
      ? `take ${host} out of the hosts file that the proxy reads, or set ${source} to another address`
      : `set ${source} to another address`;
  const message = `upstreams.${name} (${url.protocol}//${url.host}) leads to ${where}, where this proxy itself listens: ${remedy}.`;
  return { message, source };
}

function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}

/** The addresses of a host; none where they cannot be looked up in time: whoever connects learns that. */
async function addressesOfHost(host: string, late: Promise<undefined>): Promise<readonly string[]> {
  const found = lookup(host, { all: true }).catch(() => []);
  return ((await Promise.race([found, late])) ?? []).map(({ address }) => address);
}
