import { randomBytes } from 'node:crypto';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
/** As long as the keys that Binance issues, because some libraries look at the length. */
const KEY_LENGTH = 64;
/** The largest multiple of the alphabet's length in a byte: what lies above would favour the first letters. */
const FAIR_BYTES = 248;

/** A random key or secret for a client: 64 letters and digits. */
export function issueKey(): string {
  let text = '';
  while (text.length < KEY_LENGTH) {
    for (const byte of randomBytes(KEY_LENGTH)) {
      if (byte < FAIR_BYTES && text.length < KEY_LENGTH) text += ALPHABET[byte % ALPHABET.length];
    }
  }
  return text;
}
