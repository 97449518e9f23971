import { createSecretKey, type KeyObject } from 'node:crypto';
import { resolve } from 'node:path';
import { decodeComponent } from '../core/call.ts';
import type { DenylistEntry } from '../core/denylist.ts';
import { SecretFence } from '../core/secret-fence.ts';
import { SecretText } from '../core/secret-text.ts';
import { readAccounts } from './accounts.ts';
import { readCertificates } from './certificates.ts';
import { readClients } from './clients.ts';
import { ConfigError, type ConfigProblem } from './config-error.ts';
import { deepFreeze } from './deep-freeze.ts';
import { readDenylist } from './denylist-file.ts';
import { type Draft, draftConfig } from './draft.ts';
import { readListeners } from './listeners.ts';
import { readOrigins } from './origins.ts';
import type { Environment } from './read-environment.ts';
import { findRepetitions } from './repetitions.ts';
import { type ConfigFile, DEFAULTS } from './schema.ts';
import { readSecret, readToken, type Surroundings } from './secrets.ts';
import type { Settings } from './settings.ts';
import { CONFIG_VARIABLE, unknownVariables } from './variables.ts';
import type { YamlFile } from './yaml-file.ts';
import { readYamlFile } from './yaml-source.ts';

/** The files that are read when they exist and nothing else is configured. */
const USUAL_CONFIG_PATH = 'config/proxy.yaml';
const USUAL_DENYLIST_PATH = 'config/denylist.yaml';

/**
 * Reads environment and YAML file into one frozen snapshot; secrets stand in it as KeyObjects and Credentials only.
 * @throws ConfigError with every problem at once
 */
export function loadSettings(options: { readonly env: Environment; readonly cwd: string }): Settings {
  const { env, cwd } = options;
  const problems: ConfigProblem[] = [];
  const surroundings: Surroundings = { env, cwd, problems, secrets: [] };
  const file = readConfigFile(surroundings);
  // Without the file one cannot know which accounts and clients there are: what is said about them would mislead.
  const isUnreadable = problems.length > 0;
  const draft = draftConfig(surroundings, file);
  if (isUnreadable) throw new ConfigError(problems);
  const { config } = draft;
  const environment = config.environment ?? DEFAULTS.environment;
  const repetitions = findRepetitions(problems);
  const accounts = readAccounts(surroundings, draft, repetitions);
  const { clients, byKeyDigest, anonymousEnabled, keyExpected } = readClients(
    surroundings,
    draft,
    repetitions,
  );
  const settings: Settings = {
    environment,
    ...readListeners(surroundings, draft, keyExpected),
    recvWindowMs: config.recvWindowMs ?? DEFAULTS.recvWindowMs,
    ...readOrigins(draft, environment),
    upstreamCa: readCertificates(draft, cwd),
    keyPreflight: config.keyPreflight ?? (environment === 'live' ? 'enforce' : 'off'),
    accounts,
    clients,
    clientsByKeyDigest: byKeyDigest,
    anonymousEnabled,
    throttle: {
      reserveForOrders: config.throttle?.reserveForOrders ?? DEFAULTS.reserveForOrders,
      maxWaitMs: config.throttle?.maxWaitMs ?? DEFAULTS.maxWaitMs,
      replicas: config.throttle?.replicas ?? DEFAULTS.replicas,
    },
    denylist: readOwnDenylist(surroundings, draft),
    audit: {
      dir: absolute(cwd, config.audit?.dir),
      key: readAuditKey(surroundings),
      durability: config.audit?.durability ?? DEFAULTS.durability,
    },
    stateDir: absolute(cwd, config.stateDir),
    redisUrl: readRedisUrl(surroundings),
    egressId: config.egressId ?? DEFAULTS.egressId,
    logLevel: config.logLevel ?? DEFAULTS.logLevel,
    fence: new SecretFence(surroundings.secrets),
  };
  problems.push(...unknownVariables(env, prefixesOf(config)));
  if (problems.length > 0) throw new ConfigError(problems);
  return deepFreeze(settings);
}

function readConfigFile(surroundings: Surroundings): YamlFile | undefined {
  const { env, problems } = surroundings;
  const path = env[CONFIG_VARIABLE] || undefined;
  return readYamlFile(surroundings, path, USUAL_CONFIG_PATH, (wrong) => {
    const source = path === undefined ? USUAL_CONFIG_PATH : CONFIG_VARIABLE;
    problems.push({ message: `${source} ${wrong}.`, source });
  });
}

function readOwnDenylist(surroundings: Surroundings, draft: Draft): readonly DenylistEntry[] {
  const { problems } = surroundings;
  const path = draft.config.denylist;
  const file = readYamlFile(surroundings, path, USUAL_DENYLIST_PATH, (wrong) => {
    if (path !== undefined) draft.report(['denylist'], wrong);
    else problems.push({ message: `${USUAL_DENYLIST_PATH} ${wrong}.`, source: USUAL_DENYLIST_PATH });
  });
  return file === undefined ? [] : readDenylist(file, problems);
}

function readAuditKey(surroundings: Surroundings): KeyObject | undefined {
  const key = readToken(surroundings, 'BINANCE_PROXY_AUDIT_KEY');
  return typeof key === 'object' ? createSecretKey(key.text, 'utf8') : undefined;
}

function readRedisUrl(surroundings: Surroundings): SecretText | undefined {
  const url = readSecret(surroundings, 'BINANCE_PROXY_REDIS_URL');
  if (typeof url !== 'object') return undefined;
  if (URL.canParse(url.text) && /^rediss?:\/\/[^/]/.test(url.text)) {
    // The password alone is a secret too: an error of the Redis client may quote it without the address.
    const { password } = new URL(url.text);
    surroundings.secrets.push(password, decodeComponent(password) ?? '');
    return new SecretText(url.text);
  }
  const message = `${url.variable} must be an address such as redis://host:6379 or rediss://user:password@host:6379/0.`;
  surroundings.problems.push({ message, source: url.variable });
  return undefined;
}

function absolute(cwd: string, path: string | undefined): string | undefined {
  return path === undefined ? undefined : resolve(cwd, path);
}

function prefixesOf({ accounts = {}, clients = {} }: ConfigFile): readonly string[] {
  const entries: { readonly envPrefix?: string }[] = [...Object.values(accounts), ...Object.values(clients)];
  return entries.flatMap(({ envPrefix }) => envPrefix ?? []);
}
