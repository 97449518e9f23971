import { createPublicKey, type KeyObject } from 'node:crypto';
import { labelsOf, unfoldPem, unknownKeyKind } from './pem.ts';

/** What is wrong with a text that should be a public key, as the rest of a sentence whose subject is where it stands. */
interface RefusedText {
  readonly wrong: string;
}

const DERIVE = '`openssl pkey -in private.pem -pubout`';

/**
 * Reads the PEM public key of an app's own pair: Ed25519, or RSA of at least 2048 bits. A private key is refused although
 * the public one could be had from it: it belongs to the app alone.
 */
export function parsePublicKey(text: string): { readonly key: KeyObject } | RefusedText {
  const pem = unfoldPem(text);
  const labels = labelsOf(pem);
  const [label] = labels;
  if (labels.some((each) => each.endsWith('PRIVATE KEY'))) {
    return {
      wrong: `holds a private key, which belongs to the app alone: take it away from the proxy, and set the public key that ${DERIVE} prints`,
    };
  }
  if (label === undefined) {
    return {
      wrong: `is not a PEM text: it has to begin with -----BEGIN PUBLIC KEY-----, as ${DERIVE} prints it`,
    };
  }
  if (labels.length > 1) return { wrong: 'holds more than one PEM block: set it to the public key alone' };
  if (label.endsWith('CERTIFICATE')) {
    return {
      wrong: 'holds a certificate: set the public key that `openssl x509 -in app.crt -pubkey -noout` prints',
    };
  }
  let key: KeyObject;
  try {
    key = createPublicKey({ key: pem, format: 'pem' });
  } catch {
    // OpenSSL's own words are unreadable, and nobody vouches for what they quote.
    return { wrong: `cannot be read as a public key: use an unbroken PEM text, as ${DERIVE} prints it` };
  }
  const wrong = unknownKeyKind(key);
  return wrong === undefined ? { key } : { wrong };
}

/** What two texts of one public key have in common. */
export function publicKeyText(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'der' }).toString('base64');
}
