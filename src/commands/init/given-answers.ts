import { resolve } from 'node:path';
import { ENVIRONMENTS } from '../../config/schema/environments.ts';
import type { EnvironmentName } from '../../config/schema/settings.ts';
import type { Environment } from '../../config/sources/read-environment.ts';
import { UsageError, type Values } from '../base/cli.ts';
import { readSymbols, wrongName } from '../client/client-name-check.ts';
import { PRESET_NAMES } from '../client/presets.ts';
import { readFileIfThere } from '../files/read-file.ts';
import { LIBRARIES } from './library-lines.ts';
import {
  type GivenSecret,
  type INIT_OPTIONS,
  KEY_TYPES,
  type KeyType,
  type NewClient,
  type PartialAnswers,
  STORES,
} from './options.ts';

const SECRET_NAMES: Readonly<Record<'hmac' | 'pem', string>> = {
  hmac: 'BINANCE_API_SECRET',
  pem: 'BINANCE_PRIVATE_KEY',
};

/**
 * The answers that options and environment give.
 * @throws UsageError for a value that cannot be one
 */
export function givenAnswers(
  values: Values<typeof INIT_OPTIONS>,
  cwd: string,
  environment: Environment,
): PartialAnswers {
  const secret = givenSecret(values['secret-file'], environment, ...Object.values(SECRET_NAMES));
  return {
    environment: oneOf('environment', values.environment, Object.keys(ENVIRONMENTS) as EnvironmentName[]),
    keyType: oneOf('key-type', values['key-type'], KEY_TYPES) ?? typeOf(secret, cwd, environment),
    apiKey: givenSecret(values['api-key-file'], environment, 'BINANCE_API_KEY'),
    secret,
    passphrase: givenSecret(values['passphrase-file'], environment, 'BINANCE_PRIVATE_KEY_PASSPHRASE'),
    clients: givenClients(values),
    store: oneOf('store', values.store, STORES),
    library: oneOf('library', values.library, [...LIBRARIES.keys()]),
  };
}

function oneOf<T extends string>(
  name: string,
  value: string | undefined,
  choices: readonly T[],
): T | undefined {
  if (value === undefined) return undefined;
  const found = choices.find((choice) => choice === value);
  if (found === undefined) throw new UsageError(`--${name} takes one of: ${choices.join(', ')}.`);
  return found;
}

function givenSecret(
  path: string | undefined,
  environment: Environment,
  ...names: readonly string[]
): GivenSecret | undefined {
  if (path !== undefined) return { kind: 'file', path };
  return names.some((name) => environment[name] || environment[`${name}_FILE`])
    ? { kind: 'environment' }
    : undefined;
}

/** A PEM text is a private key; of which kind it is, is looked at when it is checked. */
function typeOf(secret: GivenSecret | undefined, cwd: string, environment: Environment): KeyType | undefined {
  if (secret === undefined) return undefined;
  if (secret.kind === 'environment')
    return environment[SECRET_NAMES.pem] || environment[`${SECRET_NAMES.pem}_FILE`] ? 'ed25519' : 'hmac';
  const text = secret.kind === 'text' ? secret.text : readFileIfThere(resolve(cwd, secret.path));
  return text?.includes('-----BEGIN') ? 'ed25519' : 'hmac';
}

/** Each `--for` belongs to the `--client` in the same place, and a single one to all of them. */
function givenClients(values: Values<typeof INIT_OPTIONS>): readonly NewClient[] | undefined {
  const names = values.client ?? [];
  const kinds = values.for ?? [];
  const symbols = readSymbols(values.symbols);
  for (const kind of kinds) oneOf('for', kind, PRESET_NAMES);
  if (names.length === 0 && kinds.length === 0) return undefined;
  if (names.length === 0) throw new UsageError('--for belongs to a --client: name one.');
  if (kinds.length !== 1 && kinds.length !== names.length)
    throw new UsageError('Each --client needs its --for, or all of them one.');
  return names.map((name, index) => {
    const wrong = wrongName(name);
    if (wrong !== undefined) throw new UsageError(wrong);
    if (names.indexOf(name) !== index) throw new UsageError(`--client ${name} is there twice.`);
    return { name, kind: kinds[index] ?? kinds[0] ?? '', symbols };
  });
}
