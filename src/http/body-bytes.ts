import type { ServerResponse } from 'node:http';

/** A larger body is worth a write of its own more than a copy. */
const LONGEST_JOINED_BYTES = 16 * 1024;

/**
 * Writes bytes of a body. Node sends the head and a string in one piece, the head and a buffer in two: as Latin-1 each
 * byte is one character and comes out as it went in.
 * @returns false when the reader is slow
 */
export function writeBytes(response: ServerResponse, bytes: Buffer): boolean {
  if (bytes.length > LONGEST_JOINED_BYTES) return response.write(bytes);
  return response.write(bytes.toString('latin1'), 'latin1');
}

/** Writes the last bytes of a body, or only its end. */
export function endWith(response: ServerResponse, bytes: Buffer | undefined): void {
  if (bytes === undefined || bytes.length > LONGEST_JOINED_BYTES) response.end(bytes);
  else response.end(bytes.toString('latin1'), 'latin1');
}
