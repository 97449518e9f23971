import { parse } from 'dotenv';
import { ConfigError, type ConfigProblem } from '../../config/problems/config-error.ts';
import { readCredential } from '../../config/sections/credentials.ts';
import type { Environment } from '../../config/sources/read-environment.ts';
import { UsageError } from '../base/cli.ts';
import { pairVariables, prefixFor } from '../client/client-names.ts';
import { issueKey } from '../client/issue-key.ts';
import { entryFor } from '../client/presets.ts';
import { clientsYaml } from '../client/yaml-entry.ts';
import { UnsafeFileError } from '../files/safe-file.ts';
import { LIBRARIES } from './library-lines.ts';
import type { Answers, GivenSecret, Store } from './options.ts';

/** What will be written: the text of each file by its path from the working folder. */
export interface Plan {
  readonly files: ReadonlyMap<string, string>;
  /** The issued pairs by client, for the lines of the library. */
  readonly pairs: ReadonlyMap<string, { readonly key: string; readonly secret: string }>;
  /** What stops nothing but should be known: files that others may read. */
  readonly warnings: readonly string[];
}

export const DOTENV_PATH = '.env';
export const CONFIG_PATH = 'config/proxy.yaml';
const SECRETS_FOLDER = 'secrets';

/**
 * Makes the files of the answers.
 * @throws ConfigError when the key of Binance cannot be used; UsageError when two clients would share their variables
 */
export function planFiles(answers: Answers, cwd: string, environment: Environment): Plan {
  const { keyType, store, clients } = answers;
  const files = new Map<string, string>();
  const lines = [
    '# Written by binance-signing-proxy init. Nobody else may read this file. All variables: docs/configuration.md',
    `BINANCE_PROXY_ENVIRONMENT=${answers.environment}`,
    '',
    '# the key of Binance',
  ];
  const put = (name: string, given: GivenSecret) => lines.push(...place(name, given, store, files));
  put('BINANCE_API_KEY', answers.apiKey);
  put(keyType === 'hmac' ? 'BINANCE_API_SECRET' : 'BINANCE_PRIVATE_KEY', answers.secret);
  if (answers.passphrase !== undefined) put('BINANCE_PRIVATE_KEY_PASSPHRASE', answers.passphrase);
  const pairs = new Map<string, { key: string; secret: string }>();
  const owners = new Map<string, string>();
  for (const { name } of clients) {
    const prefix = prefixFor(name);
    const owner = owners.get(prefix);
    if (owner !== undefined)
      throw new UsageError(
        `The clients ${owner} and ${name} would share the variables ${prefix}_…: rename one.`,
      );
    owners.set(prefix, name);
    const variables = pairVariables(prefix);
    const pair = { key: issueKey(), secret: issueKey() };
    pairs.set(name, pair);
    lines.push('', `# client ${name}: what the app uses as its Binance API key and secret`);
    put(variables.key, { kind: 'text', text: pair.key });
    put(variables.secret, { kind: 'text', text: pair.secret });
  }
  const dotenv = `${lines.join('\n')}\n`;
  files.set(DOTENV_PATH, dotenv);
  files.set(CONFIG_PATH, configText(answers));
  return { files, pairs, warnings: warningsOf(dotenv, files, cwd, environment) };
}

/** The line of `.env` for a secret; with `files` its text goes into a file of its own. */
function place(
  name: string,
  given: GivenSecret,
  store: Store,
  files: Map<string, string>,
): readonly string[] {
  if (given.kind === 'environment') return [`# ${name} comes from the environment`];
  if (given.kind === 'file') return [dotenvLine(`${name}_FILE`, given.path)];
  if (store === 'env') return [dotenvLine(name, given.text)];
  const path = `${SECRETS_FOLDER}/${name.toLowerCase()}`;
  files.set(path, `${given.text}\n`);
  return [dotenvLine(`${name}_FILE`, path)];
}

/** In such quotes, if any, that the same text is read from it. */
function dotenvLine(name: string, value: string): string {
  const line = ['', "'", '"', '`']
    .map((quote) => `${name}=${quote}${value}${quote}`)
    .find((each) => !/[\r\n]/.test(value) && parse(each)[name] === value);
  if (line === undefined)
    throw new UnsafeFileError(`The value of ${name} cannot stand in .env: put it into a file.`);
  return line;
}

function configText({ clients, library }: Answers): string {
  const isUnsigned = library !== undefined && LIBRARIES.get(library)?.signs === false;
  const entries = clients.map(({ name, kind, symbols }) => {
    const entry = entryFor(kind, { envPrefix: prefixFor(name), symbols });
    if (entry === undefined) throw new UsageError(`There is no kind of app ${JSON.stringify(kind)}.`);
    return [name, isUnsigned ? { ...entry, requireSignature: false } : entry] as const;
  });
  return `# Written by binance-signing-proxy init. Every key: docs/configuration.md. Secrets never stand here.
accounts:
  main: { envPrefix: BINANCE }
audit: { dir: audit } # what was signed and why; "audit tail audit" shows it
stateDir: state # the sums of the day survive a restart
${clientsYaml(new Map(entries))}
`;
}

/** Reads the key as the proxy will: what is wrong with it is said before anything is written. */
function warningsOf(
  dotenv: string,
  files: ReadonlyMap<string, string>,
  cwd: string,
  environment: Environment,
): readonly string[] {
  const env: Record<string, string | undefined> = { ...parse(dotenv) };
  for (const [name, path] of Object.entries(env)) {
    const text = path === undefined ? undefined : files.get(path);
    if (!name.endsWith('_FILE') || text === undefined) continue;
    delete env[name];
    env[name.slice(0, -'_FILE'.length)] = text.trimEnd();
  }
  const problems: ConfigProblem[] = [];
  const warnings: string[] = [];
  readCredential({ env: { ...environment, ...env }, cwd, problems, secrets: [], warnings }, 'BINANCE');
  if (problems.length > 0) throw new ConfigError(problems);
  return warnings;
}
