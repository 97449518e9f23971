import { malformedRequest } from '../errors.ts';
import { jsonMembers } from '../json.ts';
import { FOREIGN_NAME, isParameterName } from './parameter-name.ts';

/** One parameter as it will be sent: `text` is its whole canonical segment (`name=value`, ASCII, percent-encoded). */
export interface Pair {
  readonly name: string;
  readonly text: string;
}

const BROKEN_ESCAPE = /%(?![0-9A-Fa-f]{2})/;
/**
 * RFC 3986 `query` less `%`: everything else must not stand raw in a URI. `;` must not either: old form readers divide
 * pairs there, so what was one value here would be two parameters elsewhere.
 */
const NOT_IN_URI = /[^A-Za-z0-9\-._~!$&'()*+,=:@/?%]/;
const NOT_IN_URI_ALL = /[^A-Za-z0-9\-._~!$&'()*+,=:@/?%]/g;

/** The canonical text of a list of pairs, as it stands in a query or a form body. */
export function joinPairs(pairs: readonly Pair[]): string {
  let text = '';
  for (const pair of pairs) text += text === '' ? pair.text : `&${pair.text}`;
  return text;
}

/** The encoded value of a pair: what stands behind the first `=`, the empty string where none stands. */
export function rawValue(pair: Pair): string {
  return pair.text.slice(pair.name.length + 1);
}

/** The value of a pair as a reader sees it (`+` and `%20` are a space); undefined when it is no valid UTF-8. */
export function decodedValue(pair: Pair): string | undefined {
  return decodeComponent(rawValue(pair));
}

/** Percent-encodes a text as one RFC 3986 component: unreserved characters stay, everything else is escaped. */
export function encodeComponent(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

const ENCODED = /[%+]/;

/** Reads a form-encoded component; undefined when its escapes are no valid UTF-8. */
export function decodeComponent(text: string): string | undefined {
  if (!ENCODED.test(text)) return text;
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

/** `form` holds one character per byte. */
export function splitForm(form: string): Pair[] {
  if (form === '') return [];
  const canonical = NOT_IN_URI.test(form) ? form.replace(NOT_IN_URI_ALL, escapeByte) : form;
  if (BROKEN_ESCAPE.test(canonical)) throw malformedRequest('a percent escape is broken');
  const pairs: Pair[] = [];
  let from = 0;
  while (from <= canonical.length) {
    const ampersand = canonical.indexOf('&', from);
    const to = ampersand === -1 ? canonical.length : ampersand;
    if (to > from) pairs.push(readSegment(canonical.slice(from, to)));
    from = to + 1;
  }
  return pairs;
}

function readSegment(text: string): Pair {
  const equals = text.indexOf('=');
  const name = equals === -1 ? text : text.slice(0, equals);
  if (!isParameterName(name)) throw malformedRequest(FOREIGN_NAME);
  return { name, text };
}

function escapeByte(char: string): string {
  return `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}

export function splitJson(body: Uint8Array): Pair[] {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    throw malformedRequest('the JSON body is not UTF-8');
  }
  const pairs: Pair[] = [];
  for (const { name, value } of jsonMembers(text)) {
    if (!isParameterName(name)) throw malformedRequest(FOREIGN_NAME);
    pairs.push({ name, text: `${name}=${encodeComponent(value)}` });
  }
  return pairs;
}
