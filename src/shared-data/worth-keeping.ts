import type { HeaderValues } from '../core/call/headers.ts';

/** What is shorter may be an empty list or an error in another coding, and costs little to ask for again. */
const LEAST_CODED_BYTES = 256;
const LONGEST_SAID_BYTES = 1_024;
/** An empty list, an empty object, an error in an answer that calls itself good, a maintenance note. */
const SAYS_NOTHING = /^\s*(?:\[\s*\]|\{\s*\}|\{\s*"(?:code|msg|239999)"\s*:|$)/;

/**
 * Whether an answer may be given to who asks later: a good one, in JSON, that says something. Everything else goes to
 * those alone who waited for it, so that an error or an empty list blinds nobody for longer than it lasts.
 */
export function isWorthKeeping(status: number, headers: HeaderValues, body: Buffer): boolean {
  const type = headers['content-type'];
  if (status !== 200 || typeof type !== 'string' || !/json/i.test(type)) return false;
  const coding = headers['content-encoding'];
  if (coding !== undefined && coding !== 'identity') return body.length >= LEAST_CODED_BYTES;
  return body.length > LONGEST_SAID_BYTES || !SAYS_NOTHING.test(body.toString('latin1'));
}
