import { hash } from 'node:crypto';
import { allPairs, type Call } from './call.ts';
import { decodedValue, rawValue } from './form.ts';

/** What a call is told apart by, beside what it says itself. */
export interface RepeatScope {
  readonly account: string;
  readonly upstream: string;
  /** The client whose signature was verified; undefined where none was: then the text of the signature counts. */
  readonly signer: string | undefined;
}

/**
 * What two calls have in common when the second repeats the first, by whatever door: account, upstream, method, path and
 * every pair, the client's own timestamp, recvWindow and signature included. The order of the pairs, and whether they
 * stand in query or body, does not matter. A verified signature stands for its signer, because one signature can be
 * spelt in several ways. SHA-256 in hex: nothing of it can be read back.
 */
export function repeatDigest({ account, upstream, signer }: RepeatScope, call: Call): string {
  const { timestamp = '', recvWindow = '', signature = '' } = call.stamp;
  const pairs = allPairs(call).map((pair) => [pair.name, decodedValue(pair) ?? rawValue(pair)]);
  pairs.sort(([left = ''], [right = '']) => (left < right ? -1 : left > right ? 1 : 0));
  const proof = signer === undefined ? ['', signature] : [signer];
  const parts = [account, upstream, call.method, call.path, timestamp, recvWindow, ...proof, pairs];
  return hash('sha256', JSON.stringify(parts));
}
