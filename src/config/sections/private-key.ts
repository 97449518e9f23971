import { createPrivateKey, type KeyObject } from 'node:crypto';
import { labelsOf, unfoldPem, unknownKeyKind, unknownKind } from './pem.ts';

export interface PrivateKey {
  readonly algorithm: 'ED25519' | 'RSA';
  readonly key: KeyObject;
}

/** What is wrong with a key, as the rest of a sentence whose subject is the variable. */
export interface RefusedKey {
  readonly wrong: string;
  /** True when the passphrase, not the key, is what has to be set. */
  readonly passphrase?: true;
}

const CONVERT = 'convert it with `openssl pkcs8 -topk8 -in old.pem -out new.pem`';

/**
 * Reads a PEM private key of a kind that Binance knows: Ed25519, or RSA of at least 2048 bits. The text may carry `\n`
 * for its line breaks, as one-line environment variables do.
 */
export function parsePrivateKey(text: string, passphrase: string | undefined): PrivateKey | RefusedKey {
  const pem = unfoldPem(text);
  const [label] = labelsOf(pem);
  if (label === undefined) {
    return { wrong: 'is not a PEM text: it has to begin with -----BEGIN PRIVATE KEY----- (PKCS#8)' };
  }
  if (label.endsWith('PUBLIC KEY') || label.endsWith('CERTIFICATE')) {
    return { wrong: 'holds a public key or certificate: set it to the private key that belongs to it' };
  }
  if (!/-----END [A-Z0-9 ]{1,40}-----/.test(pem)) {
    return {
      wrong: `ends before its line -----END ${label}-----: put the whole text in double quotes, or its path into the variable that ends in _FILE`,
    };
  }
  if (!/\r?\n/.test(pem)) {
    return {
      wrong:
        'has lost its line breaks: write \\n in the place of each, or put the path of the file into the variable that ends in _FILE',
    };
  }
  if (label === 'OPENSSH PRIVATE KEY') return { wrong: 'holds an OpenSSH key: create a PKCS#8 PEM key' };
  if (label === 'EC PRIVATE KEY') return { wrong: unknownKind('an EC') };
  const encrypted = label === 'ENCRYPTED PRIVATE KEY' || pem.includes('Proc-Type: 4,ENCRYPTED');
  if (encrypted && passphrase === undefined) {
    return { wrong: 'holds an encrypted private key, but its passphrase is not set', passphrase: true };
  }
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: pem, format: 'pem', ...(encrypted && { passphrase }) });
  } catch {
    // OpenSSL's own words are kept out of the message: they are unreadable, and nobody vouches for what they quote.
    return encrypted
      ? { wrong: 'cannot be opened with the passphrase that is set', passphrase: true }
      : { wrong: `cannot be read as a private key: use an unbroken PKCS#8 PEM text, or ${CONVERT}` };
  }
  const wrong = unknownKeyKind(key);
  return wrong === undefined
    ? { algorithm: key.asymmetricKeyType === 'rsa' ? 'RSA' : 'ED25519', key }
    : { wrong };
}
