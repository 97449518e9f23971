import { ConfigError, type ConfigProblem } from '../../config/problems/config-error.ts';
import { layerConfig } from '../../config/schema/layered-config.ts';
import { CONFIG_VARIABLE } from '../../config/schema/variables.ts';
import { readClients } from '../../config/sections/clients.ts';
import { findRepeatedSecrets } from '../../config/sections/repeated-secrets.ts';
import { type Environment, readEnvironment } from '../../config/sources/read-environment.ts';
import type { ConfigSources } from '../../config/sources/read-secret.ts';
import { readYamlFile } from '../../config/sources/read-yaml.ts';
import { ANONYMOUS, type Client } from '../../core/access/client.ts';
import { UsageError } from '../base/cli.ts';
import { type PairVariables, pairVariables, SINGLE_PREFIX } from './client-names.ts';
import { type KeySource, sourceOf } from './key-source.ts';

const USUAL_CONFIG_PATH = 'config/proxy.yaml';

/** A client as it is configured now, with where its pair comes from. */
export interface ConfiguredClient {
  readonly client: Client;
  readonly variables: PairVariables;
  readonly key: KeySource;
  readonly secret: KeySource;
  readonly publicKey: KeySource;
  /** False for the single client `default`, which no file names. */
  readonly isInFile: boolean;
}

export interface ConfiguredClients {
  readonly clients: readonly ConfiguredClient[];
  /** The path of the YAML file as it was configured; undefined when there is none. */
  readonly file: string | undefined;
}

/**
 * Reads who may call, without the keys of Binance: a list of clients has to work also where those are missing.
 * @throws ConfigError when the YAML file cannot be understood
 */
export function readConfiguredClients(cwd: string, environment: Environment): ConfiguredClients {
  const problems: ConfigProblem[] = [];
  const env = readEnvironment(cwd, environment);
  const sources: ConfigSources = { env, cwd, problems, secrets: [], warnings: [] };
  const path = env[CONFIG_VARIABLE] || undefined;
  const yaml = readYamlFile(sources, path, USUAL_CONFIG_PATH, (wrong) => {
    problems.push({ message: `${path === undefined ? USUAL_CONFIG_PATH : CONFIG_VARIABLE} ${wrong}.` });
  });
  const layered = layerConfig(sources, yaml);
  if (problems.length > 0) throw new ConfigError(problems);
  const { clients } = readClients(sources, layered, findRepeatedSecrets([]));
  const entries = layered.config.clients ?? {};
  return {
    file: yaml?.name,
    clients: [...clients.values()]
      .filter(({ name }) => name !== ANONYMOUS)
      .map((client) => {
        const prefix = Object.hasOwn(entries, client.name) ? entries[client.name]?.envPrefix : undefined;
        const variables = pairVariables(prefix ?? SINGLE_PREFIX);
        const source = (part: keyof PairVariables) => sourceOf(variables[part], cwd, environment);
        const [key, secret, publicKey] = [source('key'), source('secret'), source('publicKey')];
        return { client, variables, key, secret, publicKey, isInFile: prefix !== undefined };
      }),
  };
}

/** @throws UsageError when there is no client of that name */
export function clientNamed({ clients }: ConfiguredClients, name: string): ConfiguredClient {
  const found = clients.find(({ client }) => client.name === name);
  if (found !== undefined) return found;
  const names = clients.map(({ client }) => client.name).join(', ');
  throw new UsageError(`There is no client ${JSON.stringify(name)}: configured are ${names}.`);
}
