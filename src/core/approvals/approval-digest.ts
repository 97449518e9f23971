import { hash } from 'node:crypto';
import type { BoundCall } from './bound-call.ts';

/** Told apart from digests of another making, should what is bound ever change. */
const VERSION = 'binance-signing-proxy approval 1';

/** SHA-256 in hex over everything that an approval binds. Two calls with the same digest do the same. */
export function approvalDigest(bound: BoundCall): string {
  const { environment, account, client, method, path, pairs, elements } = bound;
  return hash(
    'sha256',
    JSON.stringify([VERSION, environment, account, client, method, path, pairs, elements]),
  );
}

/** A digest as people compare it: 8 pairs of hex digits. */
export function digestPairs(digest: string): string {
  return (digest.slice(0, 16).match(/../g) ?? []).join(' ');
}

/** The fewest hex digits of a digest that name it. */
const FEWEST_DIGITS = 8;

/** Whether a text is the start of a digest, in pairs or not, and long enough to mean this one. */
export function namesDigest(start: string, digest: string): boolean {
  const digits = start.replace(/[\s:-]/g, '').toLowerCase();
  return digits.length >= FEWEST_DIGITS && digits.length <= digest.length && digest.startsWith(digits);
}
