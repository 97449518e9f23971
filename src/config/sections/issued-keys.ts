import { createSecretKey, type KeyObject } from 'node:crypto';
import { type ConfigSources, readToken } from '../sources/read-secret.ts';
import { type RepeatedSecrets, sha256 } from './repeated-secrets.ts';

/** What a client was issued, as far as it can be kept. */
export interface IssuedKeys {
  /** SHA-256 of the issued key in hex; undefined when there is none that can be used. */
  readonly keyDigest: string | undefined;
  readonly secret: KeyObject | undefined;
  readonly keySet: boolean;
  readonly secretSet: boolean;
}

const LEAST_LENGTH = 32;
const OWN_PAIR = 'each client needs a key and a secret of its own, which `client new` creates';

/** Reads `<prefix>_CLIENT_KEY` and `<prefix>_CLIENT_SECRET`. */
export function readIssuedKeys(
  sources: ConfigSources,
  { client, prefix }: { readonly client: string; readonly prefix: string },
  repeatedSecrets: RepeatedSecrets,
): IssuedKeys {
  const key = readToken(sources, `${prefix}_CLIENT_KEY`);
  const secret = readToken(sources, `${prefix}_CLIENT_SECRET`);
  if (typeof key === 'object') repeatedSecrets.note(key, OWN_PAIR);
  if (typeof secret === 'object') repeatedSecrets.note(secret, OWN_PAIR);
  for (const issued of [key, secret]) {
    if (typeof issued !== 'object' || issued.text.length >= LEAST_LENGTH) continue;
    const what = `${issued.variable} of client ${client} is shorter than ${LEAST_LENGTH} characters`;
    sources.warnings.push(`${what}, so it may be guessed: issue one with \`client new\`.`);
  }
  return {
    keyDigest: typeof key === 'object' ? sha256(key.text) : undefined,
    secret: typeof secret === 'object' ? createSecretKey(secret.text, 'utf8') : undefined,
    keySet: key !== 'not-set',
    secretSet: secret !== 'not-set',
  };
}
