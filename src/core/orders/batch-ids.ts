import { encodeComponent, type Pair, rawValue } from '../call/form.ts';
import { jsonElements, jsonMembers } from '../json.ts';

/** A JSON array of orders inside one parameter, with a client order id in each element. */
export interface IdentifiedBatch {
  readonly pair: Pair;
  readonly ids: readonly string[];
}

/**
 * Gives every element of a batch parameter that has no client order id its own. Only the new members are written into
 * the encoded text; every other byte, and with it every number's own lexeme, stays.
 * @throws ProxyError PROXY_MALFORMED_REQUEST, PROXY_DUPLICATE_PARAMETER: no array of flat objects
 */
export function identifyBatch(pair: Pair, member: string, newId: (index: number) => string): IdentifiedBatch {
  const { text, offsets } = decodeBytes(rawValue(pair));
  const empty = new RegExp(`"${member}"[ \\t\\r\\n]*:[ \\t\\r\\n]*""`);
  const ids: string[] = [];
  const edits: Edit[] = [];
  let cursor = 0;
  for (const [index, element] of jsonElements(text).entries()) {
    // Between two elements stand only commas and spaces, so the next brace opens this element.
    const start = text.indexOf('{', cursor);
    cursor = start + element.length;
    const members = jsonMembers(element);
    const given = members.find(({ name }) => name === member);
    if (given !== undefined && given.value !== '') {
      ids.push(Buffer.from(given.value, 'latin1').toString('utf8'));
      continue;
    }
    const id = newId(index);
    if (given === undefined) {
      const comma = members.length === 0 ? '' : ',';
      const at = offsets[cursor - 1] ?? 0;
      edits.push({ from: at, to: at, text: `${comma}"${member}":"${id}"` });
    } else {
      const match = empty.exec(element);
      if (match === null) continue;
      const quotes = start + match.index + match[0].length - 2;
      edits.push({ from: offsets[quotes] ?? 0, to: offsets[quotes + 2] ?? 0, text: `"${id}"` });
    }
    ids.push(id);
  }
  return { pair: { name: pair.name, text: `${pair.name}=${applyEdits(rawValue(pair), edits)}` }, ids };
}

/** A replacement in the encoded text. */
interface Edit {
  readonly from: number;
  readonly to: number;
  /** Not yet encoded. */
  readonly text: string;
}

function applyEdits(encoded: string, edits: readonly Edit[]): string {
  let result = '';
  let from = 0;
  for (const edit of edits) {
    result += encoded.slice(from, edit.from) + encodeComponent(edit.text);
    from = edit.to;
  }
  return result + encoded.slice(from);
}

/**
 * Decodes a form component into one character per byte, with the place of each in the encoded text. Bytes of UTF-8
 * sequences stay single characters: none of them looks like JSON's own signs.
 */
function decodeBytes(encoded: string): { text: string; offsets: readonly number[] } {
  const offsets: number[] = [];
  let text = '';
  let at = 0;
  while (at < encoded.length) {
    offsets.push(at);
    const char = encoded[at] ?? '';
    if (char === '%') {
      text += String.fromCharCode(Number.parseInt(encoded.slice(at + 1, at + 3), 16));
      at += 3;
    } else {
      text += char === '+' ? ' ' : char;
      at += 1;
    }
  }
  offsets.push(at);
  return { text, offsets };
}
