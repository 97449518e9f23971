import { createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import { Credential, type KeyAlgorithm } from '../../core/signing/credential.ts';
import { misspeltAs } from '../problems/misspelt.ts';
import { type ConfigSources, readSecret, readToken, type Secret } from '../sources/read-secret.ts';
import { parsePrivateKey } from './private-key.ts';
import { publicKeyText } from './public-key.ts';

/** An account's key as it was read; all but the credential is kept only until repeatedSecrets have been looked for. */
export interface ReadCredential {
  readonly credential: Credential;
  readonly apiKey: Secret;
  readonly secret: Secret | undefined;
  /** The public half of a private key. */
  readonly publicHalf: Secret | undefined;
}

interface Signer {
  readonly algorithm: KeyAlgorithm;
  readonly key: KeyObject;
  readonly secret: Secret | undefined;
  readonly publicHalf?: Secret;
}

/**
 * Reads one account's Binance key: `<prefix>_API_KEY` with either `<prefix>_API_SECRET` (HMAC) or
 * `<prefix>_PRIVATE_KEY` (Ed25519, RSA). Problems are gathered; undefined when there are any.
 */
export function readCredential(sources: ConfigSources, prefix: string): ReadCredential | undefined {
  const name = `${prefix}_API_KEY`;
  const apiKey = readToken(sources, name);
  if (apiKey === 'not-set') {
    const message = `${name} is not set: set it to the API key that Binance issued, or ${name}_FILE to a file that holds it.${meant(sources, prefix, [name])}`;
    sources.problems.push({ message, source: name });
  }
  const signer = readSigner(sources, prefix);
  if (apiKey === 'not-set' || apiKey === 'refused' || signer === undefined) return undefined;
  const credential = new Credential(apiKey.text, signer.algorithm, signer.key);
  return { credential, apiKey, secret: signer.secret, publicHalf: signer.publicHalf };
}

function readSigner(sources: ConfigSources, prefix: string): Signer | undefined {
  const secretName = `${prefix}_API_SECRET`;
  const keyName = `${prefix}_PRIVATE_KEY`;
  const passphraseName = `${keyName}_PASSPHRASE`;
  const secret = readToken(sources, secretName);
  const pem = readSecret(sources, keyName);
  const passphrase = readSecret(sources, passphraseName);
  const report = (source: string, message: string): undefined => {
    sources.problems.push({ message, source });
    return undefined;
  };
  if (pem === 'not-set' && passphrase !== 'not-set') {
    report(passphraseName, `${passphraseName} is set, but ${keyName} is not: set both or neither.`);
  }
  if (secret === 'not-set' && pem === 'not-set') {
    return report(
      secretName,
      `Neither ${secretName} nor ${keyName} is set: set the first for an HMAC key, the second for an Ed25519 or RSA key (or the same name with _FILE).${meant(sources, prefix, [secretName, keyName])}`,
    );
  }
  if (secret !== 'not-set' && pem !== 'not-set') {
    return report(
      secretName,
      `${secretName} and ${keyName} are both set: set the one that belongs to the API key.`,
    );
  }
  if (secret === 'refused' || pem === 'refused' || passphrase === 'refused') return undefined;
  if (secret !== 'not-set') {
    return { algorithm: 'HMAC', key: createSecretKey(secret.text, 'utf8'), secret };
  }
  if (pem === 'not-set') return undefined;
  const parsed = parsePrivateKey(pem.text, passphrase === 'not-set' ? undefined : passphrase.text);
  if ('key' in parsed) {
    const text = publicKeyText(createPublicKey(parsed.key));
    return { ...parsed, secret: undefined, publicHalf: { text, variable: pem.variable } };
  }
  const remedy = parsed.passphrase ? `: set ${passphraseName} to the right one` : '';
  return report(pem.variable, `${pem.variable} ${parsed.wrong}${remedy}.`);
}

/** The end of a sentence about what is not set, when something is set that looks like it. */
function meant({ env }: ConfigSources, prefix: string, names: readonly string[]): string {
  const found = misspeltAs(env, prefix, names);
  return found === undefined ? '' : ` ${found.set} is set: did you mean ${found.meant}?`;
}
