import { createSecretKey, type KeyObject } from 'node:crypto';
import { join, resolve } from 'node:path';
import { decodeComponent } from '../core/call/form.ts';
import type { DenylistEntry } from '../core/catalogue/denylist.ts';
import { deepFreeze } from '../core/freeze.ts';
import { SecretMask } from '../core/records/secret-mask.ts';
import { SecretText } from '../core/records/secret-text.ts';
import { ConfigError, type ConfigProblem } from './problems/config-error.ts';
import { type LayeredConfig, layerConfig } from './schema/layered-config.ts';
import { reachesLive } from './schema/live.ts';
import { type ConfigFile, DEFAULTS } from './schema/schema.ts';
import type { ConfigFileRole, ConfigFileState, ConfigFiles, Settings } from './schema/settings.ts';
import { CONFIG_VARIABLE, LOOSENING_VARIABLE, unknownVariables, WATCH_VARIABLE } from './schema/variables.ts';
import { readAccounts } from './sections/accounts.ts';
import { readClients } from './sections/clients.ts';
import { readDenylist } from './sections/denylist-file.ts';
import { readListeners } from './sections/listeners.ts';
import { readOperators } from './sections/operators.ts';
import { readOrigins } from './sections/origins.ts';
import { findRepeatedSecrets } from './sections/repeated-secrets.ts';
import { readCertificates } from './sections/tls/certificates.ts';
import { readAccountWatches } from './sections/watching/account-watches.ts';
import { readNotices } from './sections/watching/notices-reader.ts';
import { readWaysOut } from './sections/ways-out-reader.ts';
import type { Environment } from './sources/read-environment.ts';
import { type ConfigSources, readSecret, readToken } from './sources/read-secret.ts';
import { readYamlFile } from './sources/read-yaml.ts';
import { readableByOthers } from './sources/secret-modes.ts';
import type { YamlFile } from './sources/yaml-file.ts';

/** The files that are read when they exist and nothing else is configured. */
const USUAL_CONFIG_PATH = 'config/proxy.yaml';
const USUAL_DENYLIST_PATH = 'config/denylist.yaml';

const MEGABYTE = 1024 * 1024;

/**
 * Reads environment and YAML file into one frozen snapshot; secrets stand in it as KeyObjects and Credentials only.
 * @param options.files what else was read for `env`
 * @throws ConfigError with every problem at once
 */
export function loadSettings(options: {
  readonly env: Environment;
  readonly cwd: string;
  readonly files?: ConfigFiles;
}): Settings {
  const { env, cwd } = options;
  const files = new Map(options.files);
  const problems: ConfigProblem[] = [];
  const secretFiles = new Set<string>();
  const sources: ConfigSources = { env, cwd, problems, secrets: [], warnings: [], secretFiles };
  const dotenv = readableByOthers(join(cwd, '.env'));
  if (dotenv !== undefined) sources.warnings.push(`The file .env ${dotenv}`);
  const file = readConfigFile(sources);
  noteFile(files, 'configuration', file);
  // Without the file one cannot know which accounts and clients there are: what is said about them would mislead.
  const isUnreadable = problems.length > 0;
  const layered = layerConfig(sources, file);
  if (isUnreadable) throw new ConfigError(problems);
  const { config } = layered;
  const environment = config.environment ?? DEFAULTS.environment;
  const repeatedSecrets = findRepeatedSecrets(problems);
  const accounts = readAccounts(sources, layered, repeatedSecrets);
  const { clients, byKeyDigest, anonymousEnabled, keyExpected } = readClients(
    sources,
    layered,
    repeatedSecrets,
  );
  const origins = readOrigins(layered, environment);
  const isLive = reachesLive({ environment, ...origins });
  const settings: Omit<Settings, 'secretFiles'> = {
    environment,
    isLive,
    ...readListeners(sources, layered, keyExpected),
    operators: readOperators(sources, layered),
    notices: readNotices(sources, layered),
    recvWindowMs: config.recvWindowMs ?? DEFAULTS.recvWindowMs,
    ...origins,
    upstreamCa: readCertificates(layered, cwd),
    keyPreflight: config.keyPreflight ?? (isLive ? 'enforce' : 'off'),
    accounts,
    accountWatches: readAccountWatches(layered),
    clients,
    clientsByKeyDigest: byKeyDigest,
    anonymousEnabled,
    throttle: {
      reserveForOrders: config.throttle?.reserveForOrders ?? DEFAULTS.reserveForOrders,
      maxWaitMs: config.throttle?.maxWaitMs ?? DEFAULTS.maxWaitMs,
      replicas: config.throttle?.replicas ?? DEFAULTS.replicas,
    },
    cache: { ...DEFAULTS.cache, ...config.cache },
    denylist: readOwnDenylist(sources, layered, files),
    audit: {
      dir: absolute(cwd, config.audit?.dir),
      key: readAuditKey(sources),
      durability: config.audit?.durability ?? DEFAULTS.durability,
      reserveBytes: (config.audit?.reserveMb ?? DEFAULTS.auditReserveMb) * MEGABYTE,
    },
    stateDir: absolute(cwd, config.stateDir),
    redisUrl: readRedisUrl(sources),
    egress: readWaysOut(sources, layered),
    logLevel: config.logLevel ?? DEFAULTS.logLevel,
    files,
    allowLoosening: readSwitch(sources, LOOSENING_VARIABLE),
    watchSecrets: readSwitch(sources, WATCH_VARIABLE),
    secretMask: new SecretMask(sources.secrets),
    warnings: [...new Set(sources.warnings)],
  };
  problems.push(...unknownVariables(env, prefixesOf(config)));
  if (problems.length > 0) throw new ConfigError(problems);
  return deepFreeze({ ...settings, secretFiles: [...secretFiles] });
}

function readConfigFile(sources: ConfigSources): YamlFile | undefined {
  const { env, problems } = sources;
  const path = env[CONFIG_VARIABLE] || undefined;
  return readYamlFile(sources, path, USUAL_CONFIG_PATH, (wrong) => {
    const source = path === undefined ? USUAL_CONFIG_PATH : CONFIG_VARIABLE;
    problems.push({ message: `${source} ${wrong}.`, source });
  });
}

function readOwnDenylist(
  sources: ConfigSources,
  layered: LayeredConfig,
  files: Map<ConfigFileRole, ConfigFileState>,
): readonly DenylistEntry[] {
  const { problems } = sources;
  const path = layered.config.denylist;
  const file = readYamlFile(sources, path, USUAL_DENYLIST_PATH, (wrong) => {
    if (path !== undefined) layered.report(['denylist'], wrong);
    else problems.push({ message: `${USUAL_DENYLIST_PATH} ${wrong}.`, source: USUAL_DENYLIST_PATH });
  });
  noteFile(files, 'denylist', file);
  return file === undefined ? [] : readDenylist(file, problems);
}

function noteFile(
  files: Map<ConfigFileRole, ConfigFileState>,
  role: ConfigFileRole,
  file: YamlFile | undefined,
): void {
  if (file !== undefined) files.set(role, { name: file.name, isEmpty: file.content === undefined });
}

/** A variable that has no key in the file: it belongs to the start. */
function readSwitch({ env, problems }: ConfigSources, name: string): boolean {
  const text = env[name] || '0';
  if (text !== '0' && text !== '1')
    problems.push({ message: `${name} must be 1, or not set.`, source: name });
  return text === '1';
}

function readAuditKey(sources: ConfigSources): KeyObject | undefined {
  const key = readToken(sources, 'BINANCE_PROXY_AUDIT_KEY');
  return typeof key === 'object' ? createSecretKey(key.text, 'utf8') : undefined;
}

function readRedisUrl(sources: ConfigSources): SecretText | undefined {
  const url = readSecret(sources, 'BINANCE_PROXY_REDIS_URL');
  if (typeof url !== 'object') return undefined;
  if (URL.canParse(url.text) && /^rediss?:\/\/[^/]/.test(url.text)) {
    // The password alone is a secret too: an error of the Redis client may quote it without the address.
    const { password } = new URL(url.text);
    sources.secrets.push(password, decodeComponent(password) ?? '');
    return new SecretText(url.text);
  }
  const message = `${url.variable} must be an address such as redis://host:6379 or rediss://user:password@host:6379/0.`;
  sources.problems.push({ message, source: url.variable });
  return undefined;
}

function absolute(cwd: string, path: string | undefined): string | undefined {
  return path === undefined ? undefined : resolve(cwd, path);
}

function prefixesOf(config: ConfigFile): readonly string[] {
  const { accounts = {}, clients = {}, operators = {}, notices = [], egress } = config;
  const entries: { readonly envPrefix?: string }[] = [accounts, clients, operators, notices].flatMap<{
    readonly envPrefix?: string;
  }>(Object.values);
  for (const way of [egress, ...Object.values(accounts).map((account) => account.egress)])
    if (way !== undefined) entries.push(way);
  return entries.flatMap(({ envPrefix }) => envPrefix ?? []);
}
