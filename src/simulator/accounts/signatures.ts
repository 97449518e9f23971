import { createHmac, createPublicKey, createSecretKey, verify } from 'node:crypto';
import { illegalCharacters, invalidSignature } from '../base/exchange-error.ts';

/**
 * Checks the percent-encoded signature parameter against the payload bytes (one character each).
 * @throws ExchangeError -1022, or -1100 for what cannot be an HMAC
 */
export type Verifier = (payload: string, rawSignature: string) => void;

const HEX = /^[A-Fa-f0-9]{64}$/;
/** Base64 whose `+`, `/` and `=` are percent-encoded. */
const ENCODED_BASE64 = /^(?:[A-Za-z0-9]|%2[BbFf])+(?:%3[Dd]){0,2}$/;

/** HMAC-SHA256 over the payload, 64 hex digits of either case. */
export function hmacVerifier(secret: string): Verifier {
  const key = createSecretKey(Buffer.from(secret, 'utf8'));
  return (payload, rawSignature) => {
    if (!HEX.test(rawSignature)) throw illegalCharacters('signature', HEX.source);
    const expected = createHmac('sha256', key).update(payload, 'latin1').digest('hex');
    if (expected !== rawSignature.toLowerCase()) throw invalidSignature();
  };
}

/**
 * Ed25519, or RSASSA-PKCS1-v1_5 with SHA-256, over the payload; base64, percent-encoded.
 * @throws TypeError for any other kind of key
 */
export function publicKeyVerifier(pem: string): Verifier {
  const key = createPublicKey(pem);
  if (key.asymmetricKeyType !== 'ed25519' && key.asymmetricKeyType !== 'rsa')
    throw new TypeError('an account needs an Ed25519 or an RSA public key');
  const digest = key.asymmetricKeyType === 'rsa' ? 'sha256' : null;
  return (payload, rawSignature) => {
    if (!ENCODED_BASE64.test(rawSignature)) throw invalidSignature();
    const base64 = decodeURIComponent(rawSignature);
    const bytes = Buffer.from(base64, 'base64');
    if (bytes.toString('base64') !== base64) throw invalidSignature();
    if (!verify(digest, Buffer.from(payload, 'latin1'), key, bytes)) throw invalidSignature();
  };
}
