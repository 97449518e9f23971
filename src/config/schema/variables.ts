import type { ConfigProblem } from '../problems/config-error.ts';
import { nearestName } from '../problems/nearest-name.ts';
import type { Environment } from '../sources/read-environment.ts';
import type { YamlPath } from '../sources/yaml-file.ts';
import { ORIGIN_NAMES, type OriginName } from './environments.ts';

const PREFIX = 'BINANCE_PROXY_';

/** The variable that names the YAML file. */
export const CONFIG_VARIABLE = `${PREFIX}CONFIG`;

/** The variable with which a start allows its reloads to take guards away; it has no key in the file on purpose. */
export const LOOSENING_VARIABLE = `${PREFIX}ALLOW_LOOSENING`;

/** The variable with which a start has changed secret files do what SIGHUP does. */
export const WATCH_VARIABLE = `${PREFIX}WATCH_SECRETS`;

/** Every variable that is no secret, with the place in the YAML file that it stands for (and wins over). */
export const VARIABLES: ReadonlyMap<string, YamlPath> = new Map([
  ['BINANCE_PROXY_ENVIRONMENT', ['environment']],
  ['BINANCE_PROXY_HOST', ['server', 'host']],
  ['BINANCE_PROXY_PORT', ['server', 'port']],
  ['BINANCE_PROXY_SOCKET', ['server', 'socket']],
  ['BINANCE_PROXY_SOCKET_GROUP', ['server', 'socketGroup']],
  ['BINANCE_PROXY_ALLOWED_HOSTS', ['server', 'allowedHosts']],
  ['BINANCE_PROXY_TLS_CERT_FILE', ['server', 'tls', 'certFile']],
  ['BINANCE_PROXY_TLS_KEY_FILE', ['server', 'tls', 'keyFile']],
  ['BINANCE_PROXY_BY_NAME_PORTS', ['server', 'byName', 'ports']],
  ['BINANCE_PROXY_BY_NAME_CERT_FILE', ['server', 'byName', 'certFile']],
  ['BINANCE_PROXY_BY_NAME_KEY_FILE', ['server', 'byName', 'keyFile']],
  ['BINANCE_PROXY_OPERATOR_HOST', ['operator', 'host']],
  ['BINANCE_PROXY_OPERATOR_PORT', ['operator', 'port']],
  ['BINANCE_PROXY_OPERATOR_ORIGIN', ['operator', 'origin']],
  ['BINANCE_PROXY_RECV_WINDOW_MS', ['recvWindowMs']],
  ...ORIGIN_NAMES.map((name): [string, YamlPath] => [originVariable(name), ['upstreams', name]]),
  ['BINANCE_PROXY_UPSTREAM_CA_FILE', ['upstreamCaFile']],
  ['BINANCE_PROXY_KEY_PREFLIGHT', ['keyPreflight']],
  ['BINANCE_PROXY_AUDIT_DIR', ['audit', 'dir']],
  ['BINANCE_PROXY_AUDIT_DURABILITY', ['audit', 'durability']],
  ['BINANCE_PROXY_STATE_DIR', ['stateDir']],
  ['BINANCE_PROXY_REPLICAS', ['throttle', 'replicas']],
  ['BINANCE_PROXY_DENYLIST', ['denylist']],
  ['BINANCE_PROXY_EGRESS_ID', ['egressId']],
  ['BINANCE_PROXY_EGRESS_LOCAL_ADDRESS', ['egress', 'localAddress']],
  ['BINANCE_PROXY_LOG_LEVEL', ['logLevel']],
]);

/** Secrets of the proxy itself, and what stands beside them; each also with `_FILE`. */
export const SECRET_VARIABLES: readonly string[] = [
  'BINANCE_PROXY_CLIENT_KEY',
  'BINANCE_PROXY_CLIENT_SECRET',
  'BINANCE_PROXY_CLIENT_PUBLIC_KEY',
  'BINANCE_PROXY_AUDIT_KEY',
  'BINANCE_PROXY_REDIS_URL',
  'BINANCE_PROXY_EGRESS_PROXY',
  'BINANCE_PROXY_OPERATOR_TOKEN_SHA256',
];

/** What the operator's own commands read from the environment, and the proxy does not. */
export const OPERATOR_NAME_VARIABLE = 'BINANCE_PROXY_OPERATOR_NAME';
export const OPERATOR_TOKEN_FILE_VARIABLE = 'BINANCE_PROXY_OPERATOR_TOKEN_FILE';

/** What follows the prefix of an account, and of a client; each also with `_FILE`. */
export const ACCOUNT_SUFFIXES: readonly string[] = [
  'API_KEY',
  'API_SECRET',
  'PRIVATE_KEY',
  'PRIVATE_KEY_PASSPHRASE',
];
export const CLIENT_SUFFIXES: readonly string[] = ['CLIENT_KEY', 'CLIENT_SECRET', 'CLIENT_PUBLIC_KEY'];
/** The same for a way out. */
export const EGRESS_SUFFIX = 'EGRESS_PROXY';
/** The same for an operator. */
export const OPERATOR_SUFFIX = 'OPERATOR_TOKEN_SHA256';
/** The same for a notice. */
const NOTICE_SUFFIXES: readonly string[] = ['URL', 'SECRET', 'TOKEN', 'CHAT_ID'];

const PREFIXED = [
  ...ACCOUNT_SUFFIXES,
  ...CLIENT_SUFFIXES,
  EGRESS_SUFFIX,
  OPERATOR_SUFFIX,
  ...NOTICE_SUFFIXES,
];

/** The variable that says where an upstream is. */
export function originVariable(name: OriginName): string {
  return `BINANCE_PROXY_UPSTREAM_${name.replaceAll(/[A-Z]/g, '_$&').toUpperCase()}`;
}

/** A problem for each variable that begins like ours and is none: a misspelt rule must not go unnoticed. */
export function unknownVariables(env: Environment, prefixes: Iterable<string>): ConfigProblem[] {
  const secrets = [...SECRET_VARIABLES];
  for (const prefix of prefixes) {
    for (const suffix of PREFIXED) secrets.push(`${prefix}_${suffix}`);
  }
  const known = new Set([
    CONFIG_VARIABLE,
    LOOSENING_VARIABLE,
    WATCH_VARIABLE,
    OPERATOR_NAME_VARIABLE,
    OPERATOR_TOKEN_FILE_VARIABLE,
    ...VARIABLES.keys(),
    ...secrets,
    ...secrets.map((name) => `${name}_FILE`),
  ]);
  const problems: ConfigProblem[] = [];
  for (const name of Object.keys(env)) {
    if (!name.startsWith(PREFIX) || env[name] === undefined || known.has(name)) continue;
    problems.push({ message: `${name} is not a known variable: ${remedy(name, known)}`, source: name });
  }
  return problems;
}

function remedy(name: string, known: Iterable<string>): string {
  if (/_SERVICE_(?:HOST|PORT\w*)$|_PORT_\d+_(?:TCP|UDP)\w*$/.test(name)) {
    return 'Kubernetes adds it for a Service named binance-proxy; set enableServiceLinks: false on the pod.';
  }
  const nearest = nearestName(name, known);
  return nearest === undefined
    ? 'remove it, or see docs/configuration.md for the names.'
    : `did you mean ${nearest}?`;
}
