import { createSecretKey, type KeyObject } from 'node:crypto';
import { resolve } from 'node:path';
import { decodeComponent } from '../core/call/call.ts';
import type { DenylistEntry } from '../core/catalogue/denylist.ts';
import { deepFreeze } from '../core/freeze.ts';
import { SecretFence } from '../core/records/secret-mask.ts';
import { SecretText } from '../core/records/secret-text.ts';
import { ConfigError, type ConfigProblem } from './problems/config-error.ts';
import { type Draft, draftConfig } from './schema/layered-config.ts';
import { type ConfigFile, DEFAULTS } from './schema/schema.ts';
import type { Settings } from './schema/settings.ts';
import { CONFIG_VARIABLE, unknownVariables } from './schema/variables.ts';
import { readAccounts } from './sections/accounts.ts';
import { readCertificates } from './sections/certificates.ts';
import { readClients } from './sections/clients.ts';
import { readDenylist } from './sections/denylist-file.ts';
import { readListeners } from './sections/listeners.ts';
import { readOrigins } from './sections/origins.ts';
import { findRepetitions } from './sections/repeated-secrets.ts';
import type { Environment } from './sources/read-environment.ts';
import { readSecret, readToken, type Surroundings } from './sources/read-secret.ts';
import { readYamlFile } from './sources/read-yaml.ts';
import type { YamlFile } from './sources/yaml-file.ts';

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
