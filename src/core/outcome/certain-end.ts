import type { HeaderValues } from '../call/headers.ts';

const LENGTH = /^\d+$/;

/**
 * Whether one can know that an answer came whole: its body ends at a length or with a last chunk, or it has none. A body
 * that ends with its connection may have been cut anywhere, and one in another transfer coding than `chunked` is not
 * what it looks like; neither is ever taken for whole.
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-6.3
 */
export function hasCertainEnd(method: string, status: number, headers: HeaderValues): boolean {
  if (method === 'HEAD' || status === 204 || status === 304) return true;
  const coding = headers['transfer-encoding'];
  if (coding !== undefined) return typeof coding === 'string' && coding.trim().toLowerCase() === 'chunked';
  const length = headers['content-length'];
  return typeof length === 'string' && LENGTH.test(length.trim());
}

/** What stands for such an answer where it came from. */
export function uncertainEnd(): Error {
  return new Error('an answer whose end is not certain');
}
