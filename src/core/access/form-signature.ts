import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto';
import { decodeComponent } from '../call/call.ts';

const SIGNATURE_HEX = /^[0-9a-fA-F]{64}$/;

/**
 * Verifies what a client signed with its issued secret: HMAC-SHA256 hex over query and body as it sent them, less the
 * signature pair. Libraries differ in what they sign, so two more readings count: the decoded text, and the text with
 * every value encoded as encodeURIComponent does.
 * @param query the raw query as received; @param body the raw body as received, one character per byte
 */
export function verifyClientSignature(
  secret: KeyObject,
  signature: string,
  query: string,
  body: string,
): boolean {
  if (!SIGNATURE_HEX.test(signature)) return false;
  const given = Buffer.from(signature, 'hex');
  const raw = withoutSignature(query) + withoutSignature(body);
  return candidates(raw).some((payload) => timingSafeEqual(digest(secret, payload), given));
}

/** Removes the signature pair and the empty segments of a form text. */
function withoutSignature(form: string): string {
  if (form === '') return form;
  return form
    .split('&')
    .filter((segment) => segment !== '' && segment !== 'signature' && !segment.startsWith('signature='))
    .join('&');
}

function candidates(raw: string): Buffer[] {
  const bytes = Buffer.from(raw, 'latin1');
  const payloads = [bytes];
  const decoded = decodeComponent(bytes.toString('utf8'));
  if (decoded !== undefined) payloads.push(Buffer.from(decoded));
  const encoded = reencode(raw);
  if (encoded !== undefined && encoded !== raw) payloads.push(Buffer.from(encoded));
  return payloads;
}

function reencode(raw: string): string | undefined {
  const segments: string[] = [];
  for (const segment of raw.split('&')) {
    const equals = segment.indexOf('=');
    const value = decodeComponent(equals === -1 ? '' : segment.slice(equals + 1));
    if (value?.isWellFormed() !== true) return undefined;
    segments.push(equals === -1 ? segment : segment.slice(0, equals + 1) + encodeURIComponent(value));
  }
  return segments.join('&');
}

function digest(secret: KeyObject, payload: Buffer): Buffer {
  return createHmac('sha256', secret).update(payload).digest();
}
