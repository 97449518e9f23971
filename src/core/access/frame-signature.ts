import type { KeyObject } from 'node:crypto';
import type { JsonMember } from '../json.ts';
import { isSignedWith } from './client-signature.ts';

/**
 * What the signature of a frame covers: all parameters but `signature`, sorted by name, as `name=value` joined with
 * `&`. Values are raw text: no percent encoding, numbers by their lexeme.
 * @see https://developers.binance.com/docs/binance-spot-api-docs/web-socket-api#signed-request-security
 */
export function framePayload(params: readonly JsonMember[]): string {
  return payloadOf(params, (value) => value);
}

/**
 * Verifies what a client signed with its issued secret or its own key: its sorted parameters. Some libraries sign
 * percent-encoded values, against Binance's own rule, so that reading counts too.
 * @param key the issued secret, or the public key of the client's pair
 * @param params all parameters as received; `signature` among them is left out
 */
export function verifyFrameSignature(
  key: KeyObject,
  signature: string,
  params: readonly JsonMember[],
): boolean {
  const covered = params.filter(({ name }) => name !== 'signature');
  // A value that reads like further parameters could have been signed as such.
  if (covered.some(({ value }) => value.includes('&') || value.includes('='))) return false;
  const readings = [(value: string) => value, encodeURIComponent, formEncoded];
  return isSignedWith(
    key,
    signature,
    readings.map((encode) => payloadOf(covered, encode)),
  );
}

function payloadOf(params: readonly JsonMember[], encode: (value: string) => string): string {
  let payload = '';
  for (const { name, value } of params.toSorted(byName)) {
    payload += `${payload === '' ? '' : '&'}${name}=${encode(value)}`;
  }
  return payload;
}

/** Names are ASCII, so code units are bytes. */
export function byName(a: JsonMember, b: JsonMember): number {
  if (a.name === b.name) return 0;
  return a.name < b.name ? -1 : 1;
}

function formEncoded(value: string): string {
  return new URLSearchParams({ v: value }).toString().slice(2);
}
