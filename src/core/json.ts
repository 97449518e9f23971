import { ProxyError } from './errors.ts';

/** One member of a JSON object: the value of a string, the source text of anything else. */
export interface JsonMember {
  readonly name: string;
  readonly value: string;
  readonly kind: 'string' | 'number' | 'boolean' | 'array' | 'object';
}

const MAX_DEPTH = 32;

/**
 * The members of a JSON object in their own order. Numbers keep their digits.
 * @throws ProxyError PROXY_MALFORMED_REQUEST: no JSON, no object, null, a lone surrogate, nested too deep;
 *   PROXY_DUPLICATE_PARAMETER: a name twice at any depth (readers of such a text disagree about its meaning)
 */
export function jsonMembers(text: string): JsonMember[] {
  return jsonSources(text).map(({ name, source }) => toMember(name, source));
}

/**
 * The members of a JSON object as source texts, null included.
 * @throws ProxyError as {@link jsonMembers}, but for null
 */
export function jsonSources(text: string): { readonly name: string; readonly source: string }[] {
  assertValid(text);
  const start = skipSpace(text, 0);
  if (text[start] !== '{') throw unreadable('it is not an object');
  const sources: { name: string; source: string }[] = [];
  walkObject(text, start, 0, (name, from, to) => sources.push({ name, source: text.slice(from, to) }));
  return sources;
}

/**
 * The elements of a JSON array as source texts.
 * @throws ProxyError as {@link jsonMembers}
 */
export function jsonElements(text: string): string[] {
  assertValid(text);
  const start = skipSpace(text, 0);
  if (text[start] !== '[') throw unreadable('it is not an array');
  const elements: string[] = [];
  walkArray(text, start, 0, (from, to) => elements.push(text.slice(from, to)));
  return elements;
}

function unreadable(why: string): ProxyError {
  return new ProxyError('PROXY_MALFORMED_REQUEST', `Malformed request: the JSON does not parse: ${why}.`, {
    rule: 'unreadable JSON',
  });
}

/** JSON.parse checks the grammar, so the walk below can rely on it. */
function assertValid(text: string): void {
  try {
    JSON.parse(text);
  } catch {
    throw unreadable('it is not valid JSON');
  }
}

function toMember(name: string, source: string): JsonMember {
  switch (source[0]) {
    case '"':
      return { name, value: readString(source), kind: 'string' };
    case '{':
      return { name, value: source, kind: 'object' };
    case '[':
      return { name, value: source, kind: 'array' };
    case 't':
    case 'f':
      return { name, value: source, kind: 'boolean' };
    case 'n':
      throw unreadable('a value is null');
    default:
      return { name, value: source, kind: 'number' };
  }
}

function readString(source: string): string {
  const value = JSON.parse(source) as string;
  if (!value.isWellFormed()) throw unreadable('a string is not valid Unicode');
  return value;
}

function walkObject(
  text: string,
  open: number,
  depth: number,
  visit: (name: string, from: number, to: number) => void,
): number {
  if (depth >= MAX_DEPTH) throw unreadable('it is nested too deep');
  const names = new Set<string>();
  let at = skipSpace(text, open + 1);
  while (text[at] !== '}') {
    if (text[at] === ',') at = skipSpace(text, at + 1);
    const nameEnd = skipString(text, at);
    const name = readString(text.slice(at, nameEnd));
    if (names.has(name)) {
      throw new ProxyError('PROXY_DUPLICATE_PARAMETER', 'A name stands twice in a JSON object.', {
        rule: 'duplicate JSON name',
      });
    }
    names.add(name);
    const from = skipSpace(text, skipSpace(text, nameEnd) + 1);
    const to = skipValue(text, from, depth);
    visit(name, from, to);
    at = skipSpace(text, to);
  }
  return at + 1;
}

function walkArray(
  text: string,
  open: number,
  depth: number,
  visit: (from: number, to: number) => void,
): number {
  if (depth >= MAX_DEPTH) throw unreadable('it is nested too deep');
  let at = skipSpace(text, open + 1);
  while (text[at] !== ']') {
    if (text[at] === ',') at = skipSpace(text, at + 1);
    const to = skipValue(text, at, depth);
    visit(at, to);
    at = skipSpace(text, to);
  }
  return at + 1;
}

function skipValue(text: string, at: number, depth: number): number {
  const first = text[at];
  if (first === '"') {
    const end = skipString(text, at);
    readString(text.slice(at, end));
    return end;
  }
  if (first === '{') return walkObject(text, at, depth + 1, ignore);
  if (first === '[') return walkArray(text, at, depth + 1, ignore);
  let end = at + 1;
  while (end < text.length && !',]} \t\n\r'.includes(text[end] ?? '')) end++;
  return end;
}

function ignore(): void {}

function skipString(text: string, at: number): number {
  let end = at + 1;
  while (text[end] !== '"') end += text[end] === '\\' ? 2 : 1;
  return end + 1;
}

function skipSpace(text: string, at: number): number {
  let end = at;
  while (end < text.length && ' \t\n\r'.includes(text[end] ?? '')) end++;
  return end;
}

/** The JSON text of a member's value, for a frame. */
export function memberText({ kind, value }: JsonMember): string {
  return kind === 'string' ? JSON.stringify(value) : value;
}
