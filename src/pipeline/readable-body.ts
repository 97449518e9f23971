import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib';

const MAX_BYTES = 1024 * 1024;

/**
 * A held answer as text, for records and verdicts only: what is relayed are its untouched bytes. Undefined when its
 * coding is broken or unknown.
 */
export function readableBody(body: Buffer, contentEncoding: string | undefined): string | undefined {
  try {
    return decode(body, contentEncoding?.trim().toLowerCase()).toString('utf8');
  } catch {
    return undefined;
  }
}

function decode(body: Buffer, coding: string | undefined): Buffer {
  const limit = { maxOutputLength: MAX_BYTES };
  switch (coding) {
    case undefined:
    case '':
    case 'identity':
      return body;
    case 'gzip':
    case 'x-gzip':
      return gunzipSync(body, limit);
    case 'deflate':
      return inflateSync(body, limit);
    case 'br':
      return brotliDecompressSync(body, limit);
    case 'zstd':
      return zstdDecompressSync(body, limit);
    default:
      throw new Error('an unknown content coding');
  }
}
