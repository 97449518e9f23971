import { join, resolve } from 'node:path';
import type { ConfigProblem } from '../problems/config-error.ts';
import type { Environment } from './read-environment.ts';
import { readText } from './read-text.ts';
import { readableByOthers } from './secret-modes.ts';

/** Where a configuration is read from, and where its problems are gathered. */
export interface ConfigSources {
  readonly env: Environment;
  readonly cwd: string;
  readonly problems: ConfigProblem[];
  /** Every secret that was read, for the mask around logs; forgotten once the settings stand. */
  readonly secrets: string[];
  /** What stops nothing but should be known, as sentences without a configured value. */
  readonly warnings: string[];
  /** The paths of the files that secrets were read from. */
  readonly secretFiles?: Set<string>;
}

/** A secret on its short way from the environment into a KeyObject. */
export interface Secret {
  readonly text: string;
  /** The variable that it came from, for messages. */
  readonly variable: string;
}

/** `refused`: it is set, but wrong; the problem has been gathered. */
export type SecretReading = Secret | 'not-set' | 'refused';

/**
 * Reads secret `name` from the variable itself, from the file that `name_FILE` points to, or from a file of that name
 * in `$CREDENTIALS_DIRECTORY` (systemd LoadCredential). An empty variable counts as not set.
 */
export function readSecret(sources: ConfigSources, name: string): SecretReading {
  const secret = findSecret(sources, name);
  if (typeof secret === 'object') sources.secrets.push(secret.text);
  return secret;
}

/** Reads what stands where secrets do and is none, such as a public key: others may read its file. */
export function readOpenText(sources: ConfigSources, name: string): SecretReading {
  const reading = findSecret(sources, name, 'open');
  // It may be the wrong half of the pair.
  if (typeof reading === 'object') sources.secrets.push(reading.text);
  return reading;
}

type Guard = 'guarded' | 'open';

function findSecret(sources: ConfigSources, name: string, guard: Guard = 'guarded'): SecretReading {
  const { env, cwd, problems } = sources;
  const text = env[name];
  const fileVariable = `${name}_FILE`;
  const path = env[fileVariable];
  if (text !== undefined && text !== '') {
    if (path === undefined || path === '') return { text, variable: name };
    problems.push({ message: `${name} and ${fileVariable} are both set: set one of them.`, source: name });
    return 'refused';
  }
  if (path !== undefined && path !== '')
    return readContent(sources, resolve(cwd, path), fileVariable, { guard });
  const directory = env.CREDENTIALS_DIRECTORY;
  if (directory === undefined || directory === '') return 'not-set';
  return readContent(sources, join(directory, name), name, { guard, isOptional: true });
}

/** Reads a secret that goes into a header or an HMAC: printable ASCII in one piece. */
export function readToken(sources: ConfigSources, name: string): SecretReading {
  const secret = readSecret(sources, name);
  if (secret === 'not-set' || secret === 'refused') return secret;
  const wrong = wrongToken(secret.text);
  if (wrong === undefined) return secret;
  sources.problems.push({ message: `${secret.variable} ${wrong}.`, source: secret.variable });
  return 'refused';
}

function wrongToken(text: string): string | undefined {
  if (text.includes('-----BEGIN')) {
    return 'holds a PEM text, but a plain key or secret belongs there: a private key of Binance goes into the variable that ends in _PRIVATE_KEY, an app’s public key into the one that ends in _CLIENT_PUBLIC_KEY';
  }
  if (/^(['"]).*\1$/s.test(text)) {
    return 'stands in quotation marks, which became part of it: take them away (docker --env-file keeps them)';
  }
  if (/\s/.test(text)) return 'contains a space or a line break: set it to the value alone, in one piece';
  if (!/^[\x21-\x7e]+$/.test(text)) {
    return 'contains characters that are not printable ASCII: copy it again from where it was issued';
  }
  return undefined;
}

function readContent(
  { problems, warnings, secretFiles }: ConfigSources,
  path: string,
  variable: string,
  { guard, isOptional = false }: { readonly guard: Guard; readonly isOptional?: boolean },
): SecretReading {
  const reading = readText(path, 'set it to the path of a readable file');
  if (!('text' in reading)) {
    if (isOptional && reading.code === 'ENOENT') return 'not-set';
    // A path of X_FILE is not repeated, for it may be the secret itself; that of the credentials folder is none.
    const file = isOptional ? `The credential ${path}` : `${variable} names a file that`;
    problems.push({ message: `${file} ${reading.wrong}.`, source: variable });
    return 'refused';
  }
  secretFiles?.add(path);
  const text = reading.text.replace(/[\r\n]+$/, '');
  const wrong = guard === 'guarded' ? readableByOthers(path) : undefined;
  if (wrong !== undefined) warnings.push(`The file of ${variable} ${wrong}`);
  if (text !== '') return { text, variable };
  problems.push({ message: `${variable} names an empty file: write the secret into it.`, source: variable });
  return 'refused';
}
