import type { KeyObject } from 'node:crypto';

const LEAST_RSA_BITS = 2048;
const LABEL = /-----BEGIN ([A-Z0-9 ]{1,40})-----/g;

/**
 * A PEM text with its line breaks, as one-line environment variables lose them: `\n` may stand for each, and quotation
 * marks around the whole stay where a reader of environment files keeps them.
 */
export function unfoldPem(text: string): string {
  const unquoted = text.trim().replace(/^(['"])(.*)\1$/s, '$2');
  return unquoted.replaceAll('\\r', '').replaceAll('\\n', '\n').trim();
}

/** What the blocks of a PEM text say that they are, such as `PRIVATE KEY`. */
export function labelsOf(pem: string): readonly string[] {
  return [...pem.matchAll(LABEL)].map(([, label]) => label ?? '');
}

/** Why Binance does not know such a key, as the rest of a sentence; undefined for Ed25519, and for RSA that is long enough. */
export function unknownKeyKind(key: KeyObject): string | undefined {
  switch (key.asymmetricKeyType) {
    case 'ed25519':
      return undefined;
    case 'rsa': {
      const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
      if (bits >= LEAST_RSA_BITS) return undefined;
      return `holds an RSA key of ${bits} bits: Binance asks for at least ${LEAST_RSA_BITS}`;
    }
    case 'rsa-pss':
      return unknownKind('an RSA-PSS');
    case 'ec':
      return unknownKind('an EC');
    default:
      return unknownKind(`a ${key.asymmetricKeyType ?? 'foreign'}`);
  }
}

/** @param kind with its article */
export function unknownKind(kind: string): string {
  return `holds ${kind} key, which Binance does not know: create an Ed25519 or a plain RSA key`;
}
