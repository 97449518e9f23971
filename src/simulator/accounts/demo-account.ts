import { randomBytes } from 'node:crypto';
import type { SimulatorAccount } from '../base/options.ts';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** An account with balances and a random HMAC key pair of the real length. */
export function demoAccount(): SimulatorAccount & { readonly hmacSecret: string } {
  return {
    apiKey: randomText(64),
    hmacSecret: randomText(64),
    balances: { USDT: '100000', BTC: '1', ETH: '10', BNB: '20', 币安人生: '5000' },
  };
}

function randomText(length: number): string {
  let text = '';
  while (text.length < length) {
    for (const byte of randomBytes(length)) {
      // 248 is the largest multiple of 62 in a byte: what lies above would favour the first letters.
      if (byte < 248 && text.length < length) text += ALPHABET[byte % ALPHABET.length];
    }
  }
  return text;
}
