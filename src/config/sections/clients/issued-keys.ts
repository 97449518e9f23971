import { createSecretKey, type KeyObject } from 'node:crypto';
import { type ConfigSources, readOpenText, readToken, type Secret } from '../../sources/read-secret.ts';
import { parsePublicKey, publicKeyText } from '../public-key.ts';
import { type RepeatedSecrets, sha256 } from '../repeated-secrets.ts';

/** What a client was issued, and the public key that it brought, as far as they can be kept. */
export interface IssuedKeys {
  /** SHA-256 of the issued key in hex; undefined when there is none that can be used. */
  readonly keyDigest: string | undefined;
  readonly secret: KeyObject | undefined;
  /** The public half of the client's own key pair. */
  readonly publicKey: KeyObject | undefined;
  readonly keySet: boolean;
  readonly secretSet: boolean;
  readonly publicKeySet: boolean;
}

const LEAST_LENGTH = 32;
const OWN_KEYS =
  'each client needs a key pair of its own, which nobody else signs with, and whose private half it alone holds';
const OWN_PAIR = 'each client needs a key and a secret of its own, which `client new` creates';

/** Reads `<prefix>_CLIENT_KEY`, `<prefix>_CLIENT_SECRET` and `<prefix>_CLIENT_PUBLIC_KEY`. */
export function readIssuedKeys(
  sources: ConfigSources,
  { client, prefix }: { readonly client: string; readonly prefix: string },
  repeatedSecrets: RepeatedSecrets,
): IssuedKeys {
  const key = readToken(sources, `${prefix}_CLIENT_KEY`);
  const secret = readToken(sources, `${prefix}_CLIENT_SECRET`);
  const pem = readOpenText(sources, `${prefix}_CLIENT_PUBLIC_KEY`);
  const publicKey = typeof pem === 'object' ? toPublicKey(sources, pem, repeatedSecrets) : undefined;
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
    publicKey,
    keySet: key !== 'not-set',
    secretSet: secret !== 'not-set',
    publicKeySet: pem !== 'not-set',
  };
}

function toPublicKey(
  { problems }: ConfigSources,
  { text, variable }: Secret,
  repeatedSecrets: RepeatedSecrets,
): KeyObject | undefined {
  const parsed = parsePublicKey(text);
  if ('key' in parsed) {
    repeatedSecrets.note({ text: publicKeyText(parsed.key), variable }, OWN_KEYS);
    return parsed.key;
  }
  problems.push({ message: `${variable} ${parsed.wrong}.`, source: variable });
  return undefined;
}
