import { isIP } from 'node:net';
import { SecretText } from '../../core/records/secret-text.ts';
import type { LayeredConfig } from '../schema/layered-config.ts';
import { DEFAULTS } from '../schema/schema.ts';
import { EGRESS_SUFFIX } from '../schema/variables.ts';
import { isSameRoute, type WayOut, type WaysOut } from '../schema/ways-out.ts';
import { type ConfigSources, readSecret, type Secret } from '../sources/read-secret.ts';
import type { YamlPath } from '../sources/yaml-file.ts';

interface Written {
  readonly envPrefix?: string;
  readonly localAddress?: string;
  readonly id?: string;
}

/** Whose EGRESS_PROXY is read for everything when the file names no other prefix. */
const MAIN_PREFIX = 'BINANCE_PROXY';
const MAIN_VARIABLE = `${MAIN_PREFIX}_${EGRESS_SUFFIX}`;
/** What SOCKS5 can carry of a user name and of a password. */
const MOST_BYTES = 255;
const SCHEMES = /^(?:https?|socks5h?):\/\/[^/]/i;
/** Variables by which other programs find a proxy. This one does not follow them. */
const USUAL_VARIABLES = ['HTTPS_PROXY', 'HTTP_PROXY', 'ALL_PROXY'];

/** Reads how calls leave this machine: the top-level way, and those of accounts that have one of their own. */
export function readWaysOut(sources: ConfigSources, layered: LayeredConfig): WaysOut {
  const { config } = layered;
  const main = readMain(sources, layered);
  const accounts = new Map<string, WayOut>();
  for (const [name, account] of Object.entries<{ readonly envPrefix: string; readonly egress?: Written }>(
    config.accounts ?? { main: { envPrefix: 'BINANCE' } },
  )) {
    if (account.egress === undefined)
      refuseUnused(sources, name, account.envPrefix, config.egress?.envPrefix);
    else accounts.set(name, readOwn(sources, layered, name, account.egress, [main, ...accounts.values()]));
  }
  noteUnusedVariables(sources, main);
  return { main, accounts };
}

function readMain(sources: ConfigSources, layered: LayeredConfig): WayOut {
  const { egress = {}, egressId } = layered.config;
  const { envPrefix, localAddress } = egress;
  if (egress.id !== undefined && egressId !== undefined && egress.id !== egressId)
    layered.report(['egress', 'id'], 'is another one than egressId, which means the same: set one of them');
  if (envPrefix !== undefined && envPrefix !== MAIN_PREFIX && isSet(sources, MAIN_VARIABLE)) {
    const message = `${MAIN_VARIABLE} is set, but egress.envPrefix names ${envPrefix}_${EGRESS_SUFFIX}: set one of them.`;
    sources.problems.push({ message, source: MAIN_VARIABLE });
  }
  const proxy = readProxy(sources, envPrefix ?? MAIN_PREFIX, envPrefix !== undefined);
  return {
    account: undefined,
    setting: settingOf('egress', proxy === undefined ? undefined : (envPrefix ?? MAIN_PREFIX)),
    id: egress.id ?? egressId ?? DEFAULTS.egressId,
    proxy,
    localAddress: checkAddress(layered, ['egress', 'localAddress'], localAddress),
  };
}

function readOwn(
  sources: ConfigSources,
  layered: LayeredConfig,
  account: string,
  { envPrefix, localAddress, id }: Written,
  others: readonly WayOut[],
): WayOut {
  const path = ['accounts', account, 'egress'];
  if (!layered.keysWritten(path).some((key) => key === 'envPrefix' || key === 'localAddress'))
    layered.report(path, 'names no way out: give it envPrefix for a proxy, or localAddress', 'key');
  const way: WayOut = {
    account,
    setting: settingOf(`accounts.${account}.egress`, envPrefix),
    id: '',
    proxy: envPrefix === undefined ? undefined : readProxy(sources, envPrefix, true),
    localAddress: checkAddress(layered, [...path, 'localAddress'], localAddress),
  };
  // The same addresses are the same IP at Binance; any other way counts by itself, under a name that says nothing of it.
  return {
    ...way,
    id: id ?? others.find((other) => isSameRoute(other, way))?.id ?? `account-${account}`.slice(0, 64),
  };
}

function settingOf(path: string, envPrefix: string | undefined): string {
  return envPrefix === undefined ? path : `${path} (${envPrefix}_${EGRESS_SUFFIX})`;
}

function checkAddress(
  layered: LayeredConfig,
  path: YamlPath,
  address: string | undefined,
): string | undefined {
  if (address !== undefined && isIP(address) === 0)
    layered.report(path, 'must be an IP address of this machine');
  return address;
}

function readProxy(sources: ConfigSources, prefix: string, isNeeded: boolean): SecretText | undefined {
  const name = `${prefix}_${EGRESS_SUFFIX}`;
  const read = readSecret(sources, name);
  if (read === 'not-set' && isNeeded) {
    const message = `${name} is not set: set it to the URL of the egress proxy, or ${name}_FILE to a file that holds it.`;
    sources.problems.push({ message, source: name });
  }
  if (typeof read !== 'object') return undefined;
  const wrong = wrongUrl(read, sources);
  if (wrong === undefined) return new SecretText(read.text);
  sources.problems.push({ message: `${read.variable} ${wrong}.`, source: read.variable });
  return undefined;
}

/** What is wrong with the URL, without a part of it. Whatever of it is secret by itself goes to the mask. */
function wrongUrl({ text }: Secret, { secrets }: ConfigSources): string | undefined {
  const url = SCHEMES.test(text) && URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined)
    return 'must be a URL such as http://user:password@host:3128, https://host:443 or socks5://host:1080';
  const { username, password } = url;
  const [user, word] = [username, password].map(decoded);
  secrets.push(url.href, password, word ?? '');
  if (
    /[\s\\]/.test(text) ||
    (url.pathname !== '/' && url.pathname !== '') ||
    url.search !== '' ||
    url.hash !== ''
  )
    return 'must be a URL without path, query and spaces';
  if (url.hostname === '' || url.port === '0') return 'must name a host and a port';
  if (user === undefined || word === undefined)
    return 'holds a user name or password with a broken percent escape';
  if (user !== '' || word !== '')
    secrets.push(`${user}:${word}`, Buffer.from(`${user}:${word}`).toString('base64'));
  if (Math.max(Buffer.byteLength(user), Buffer.byteLength(word)) > MOST_BYTES)
    return `holds a user name or password of more than ${MOST_BYTES} bytes`;
  if (url.protocol.startsWith('socks') && (user === '') !== (word === ''))
    return 'must hold both a user name and a password, or neither';
  return undefined;
}

/** A proxy for an account that no setting asks for would be passed by in silence. */
function refuseUnused(
  { env, problems }: ConfigSources,
  account: string,
  prefix: string,
  used: string | undefined,
): void {
  if (prefix === used || prefix === MAIN_PREFIX) return;
  for (const variable of [`${prefix}_${EGRESS_SUFFIX}`, `${prefix}_${EGRESS_SUFFIX}_FILE`]) {
    if (!env[variable]) continue;
    const message = `${variable} is set, but no setting reads it: add egress with envPrefix ${prefix} to accounts.${account}, or set ${MAIN_VARIABLE} for all calls.`;
    problems.push({ message, source: variable });
  }
}

function noteUnusedVariables({ env, warnings }: ConfigSources, main: WayOut): void {
  if (main.proxy !== undefined) return;
  const found = USUAL_VARIABLES.flatMap((name) => [name, name.toLowerCase()]).filter((name) => env[name]);
  if (found.length === 0) return;
  warnings.push(
    `${found.join(', ')} ${found.length === 1 ? 'is' : 'are'} set and not used: calls leave directly. Set ${MAIN_VARIABLE} to send them through a proxy.`,
  );
}

/** Undefined when an escape is broken. */
function decoded(component: string): string | undefined {
  try {
    return decodeURIComponent(component);
  } catch {
    return undefined;
  }
}

function isSet({ env }: ConfigSources, name: string): boolean {
  return Boolean(env[name]) || Boolean(env[`${name}_FILE`]);
}
