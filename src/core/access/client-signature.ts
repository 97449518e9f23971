import { createHmac, type KeyObject, timingSafeEqual, verify } from 'node:crypto';

const HMAC_HEX = /^[0-9a-fA-F]{64}$/;
/** 64 bytes of Ed25519 up to the 1024 of RSA with 8192 bits. */
const BASE64 = /^[0-9A-Za-z+/]{86,1366}={0,2}$/;

/**
 * A client's signature in the one spelling by which it is verified and remembered: hex in small letters, or base64 with
 * its padding and without percent escapes. Undefined when it is neither. Were there two spellings of one signature, it
 * would count twice.
 * @param value the parameter as the client sent it
 */
export function readSignature(value: string): string | undefined {
  if (HMAC_HEX.test(value)) return value.toLowerCase();
  const text = unescaped(value);
  if (text === undefined || !BASE64.test(text)) return undefined;
  return Buffer.from(text, 'base64').toString('base64') === text ? text : undefined;
}

/**
 * True when the signature was made over one of the payloads: HMAC-SHA256 with an issued secret; Ed25519, or RSA PKCS#1
 * v1.5 with SHA-256, where the key is the public one of the client's own pair.
 * @param signature as {@link readSignature} spells it
 * @see https://developers.binance.com/docs/binance-spot-api-docs/faqs/api_key_types
 */
export function isSignedWith(
  key: KeyObject,
  signature: string,
  payloads: Iterable<string | Uint8Array>,
): boolean {
  const isHmac = HMAC_HEX.test(signature);
  if (isHmac !== (key.type === 'secret')) return false;
  const given = Buffer.from(signature, isHmac ? 'hex' : 'base64');
  for (const payload of payloads) {
    const bytes = Buffer.from(payload);
    if (isHmac ? isHmacOf(key, given, bytes) : verify(digestOf(key), bytes, key, given)) return true;
  }
  return false;
}

function isHmacOf(secret: KeyObject, given: Buffer, payload: Buffer): boolean {
  return timingSafeEqual(createHmac('sha256', secret).update(payload).digest(), given);
}

/** Ed25519 hashes by itself. */
function digestOf(key: KeyObject): 'sha256' | null {
  return key.asymmetricKeyType === 'rsa' ? 'sha256' : null;
}

function unescaped(value: string): string | undefined {
  try {
    return decodeURIComponent(value);
  } catch {
    return undefined;
  }
}
