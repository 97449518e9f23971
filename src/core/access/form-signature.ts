import type { KeyObject } from 'node:crypto';
import { decodeComponent } from '../call/form.ts';
import { isSignedWith } from './client-signature.ts';

const OPENING_BRACE = '{';

/**
 * Verifies what a client signed with its issued secret or its own key: query and body as it sent them, less the
 * signature pair. Libraries differ in what they sign, so two more readings count: the decoded text, and the text with
 * every value encoded as encodeURIComponent does. A reading counts only where its text says the same parameters as the
 * call: a text that could be cut into other pairs proves nothing.
 * @param key the issued secret, or the public key of the client's pair
 * @param query the raw query as received; @param body the raw body as received, one character per byte
 */
export function verifyClientSignature(
  key: KeyObject,
  signature: string,
  query: string,
  body: string,
): boolean {
  return isSignedWith(key, signature, payloads(query, body));
}

function payloads(query: string, body: string): Buffer[] {
  const inQuery = segmentsOf(query);
  if (!inQuery.every(isOnePair)) return [];
  if (body.startsWith(OPENING_BRACE)) return [Buffer.from(inQuery.join('&') + body, 'latin1')];
  const inBody = segmentsOf(body);
  if (!inBody.every(isOnePair)) return [];
  const raw = inQuery.join('&') + inBody.join('&');
  const texts = [Buffer.from(raw, 'latin1')];
  const values = [...inQuery, ...inBody].map(decodedValueOf);
  if (values.every((value) => value !== undefined)) {
    const decoded = decodeComponent(Buffer.from(raw, 'latin1').toString('utf8'));
    if (decoded !== undefined && !values.some(holdsPairs)) texts.push(Buffer.from(decoded));
    if (values.every((value) => value.isWellFormed()))
      texts.push(Buffer.from(reencode(inQuery) + reencode(inBody)));
  }
  return texts;
}

/** The segments of a form text, without the signature and the empty ones. */
function segmentsOf(form: string): string[] {
  if (form === '') return [];
  return form.split('&').filter((segment) => segment !== '' && !segment.startsWith('signature='));
}

/** With one `=` in each segment, query and body cannot be cut or joined anew without it being seen. */
function isOnePair(segment: string): boolean {
  const equals = segment.indexOf('=');
  return equals > 0 && segment.indexOf('=', equals + 1) === -1;
}

/** A decoded value that reads like further parameters. */
function holdsPairs(value: string): boolean {
  return value.includes('&') || value.includes('=');
}

function decodedValueOf(segment: string): string | undefined {
  return decodeComponent(Buffer.from(segment.slice(segment.indexOf('=') + 1), 'latin1').toString('utf8'));
}

function reencode(segments: readonly string[]): string {
  return segments
    .map((segment) => {
      const equals = segment.indexOf('=');
      return segment.slice(0, equals + 1) + encodeURIComponent(decodedValueOf(segment) ?? '');
    })
    .join('&');
}
