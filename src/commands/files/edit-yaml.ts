import { isDeepStrictEqual } from 'node:util';
import { parse, parseDocument } from 'yaml';
import { UnsafeFileError } from './safe-file.ts';

/**
 * Takes a client out of the text of a configuration; comments, order and everything else stay.
 * @throws UnsafeFileError when the file is written in a way that only a person can change
 */
export function removeClient(text: string, name: string): string {
  const document = parseDocument(text, { logLevel: 'error' });
  const expected = parse(text) as { clients?: Record<string, unknown> };
  document.deleteIn(['clients', name]);
  if (expected.clients !== undefined) delete expected.clients[name];
  let edited: string | undefined;
  try {
    edited = document.toString({ lineWidth: 0 });
  } catch {
    // What the entry anchored is used elsewhere.
  }
  if (edited !== undefined && isDeepStrictEqual(parse(edited), expected)) return edited;
  throw new UnsafeFileError(`Other parts of the file depend on clients.${name}: take it out by hand.`);
}
