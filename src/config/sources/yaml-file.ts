import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
} from 'yaml';
import type { ConfigProblem } from '../problems/config-error.ts';

/** Where in a document something stands: keys and indices from the top. */
export type YamlPath = readonly string[];

/** A YAML text that knows where each of its values stands. */
export interface YamlFile {
  /** The file as problems name it. */
  readonly name: string;
  /** The content as plain objects; undefined when the text is empty or does not parse. */
  readonly content: unknown;
  /** A problem with the value at `path`, or with its key; of what is not there, with the nearest thing above it. */
  problemAt(path: YamlPath, part: 'key' | 'value', message: string): ConfigProblem;
}

/** Sentences of our own for what the parser finds: its messages quote the text, which may hold a secret by mistake. */
const SYNTAX: Readonly<Record<string, string>> = {
  ALIAS_PROPS: 'An alias must not have an anchor or a tag of its own.',
  BAD_ALIAS: 'An alias or anchor has no valid name.',
  BAD_DIRECTIVE: 'A directive (a line that begins with %) cannot be read.',
  BAD_INDENT: 'The indentation is wrong: keys of one level must begin in the same column.',
  BAD_SCALAR_START: 'A value begins with a character that YAML reserves: put it in quotes.',
  BLOCK_AS_IMPLICIT_KEY:
    'A key is followed by two colons or by a nested mapping on one line: put the value in quotes.',
  DUPLICATE_KEY: 'This key stands twice: keep one of them.',
  MISSING_CHAR: 'A colon, comma, quote or bracket is missing here.',
  MULTIPLE_DOCS: 'The file holds more than one document: remove everything from the second --- on.',
  MULTILINE_IMPLICIT_KEY: 'A key goes over more than one line, or its colon is missing.',
  TAB_AS_INDENT: 'A tab is used to indent: use spaces.',
  TAG_RESOLVE_FAILED: 'A tag (a word that begins with !) is not known here: remove it.',
};

/** Parses one YAML 1.2 document; what is wrong with its syntax is gathered in `problems`, with line and column. */
export function parseYamlFile(name: string, text: string, problems: ConfigProblem[]): YamlFile {
  const lines = new LineCounter();
  const found = problems.length;
  let document: Document.Parsed | undefined;
  let content: unknown;
  try {
    // Its warnings would be printed by Node, and they quote the text too.
    document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
    const open = unclosed(document, text);
    if (open !== undefined)
      problems.push({ message: open.message, source: name, ...position(lines, open.offset) });
    // Whatever stands behind a bracket that is not closed is read wrongly.
    for (const { code, pos } of open === undefined ? [...document.errors, ...document.warnings] : []) {
      const message = SYNTAX[code] ?? 'The text is not valid YAML here.';
      problems.push({ message, source: name, ...position(lines, pos[0]) });
    }
    const anchored = document;
    visit(anchored, {
      Alias(_, alias) {
        if (alias.resolve(anchored) !== undefined) return;
        const message =
          'An alias (a word that begins with *) has no anchor before it: put the value in quotes.';
        problems.push({ message, source: name, ...position(lines, alias.range?.[0] ?? 0) });
      },
    });
    if (problems.length === found) content = document.toJS();
  } catch {
    // Aliases that multiply without end, and nesting deeper than the stack.
    problems.push({ message: `${name} cannot be read: it is nested or repeated too often.`, source: name });
  }
  return {
    name,
    content: content ?? undefined,
    problemAt(path, part, message) {
      const offset = document === undefined ? 0 : offsetOf(document, path, part);
      return { message, source: name, ...position(lines, offset) };
    },
  };
}

/** The innermost bracket that is not closed, which the parser takes for wrong indentation. */
function unclosed(document: Document.Parsed, text: string): { message: string; offset: number } | undefined {
  if (document.errors.length === 0) return undefined;
  let offset: number | undefined;
  visit(document, {
    Collection(_, node) {
      const [start, end] = node.range ?? [];
      if (node.flow !== true || start === undefined || end === undefined) return;
      const closing = text[start] === '{' ? '}' : ']';
      if (end - start < 2 || text[end - 1] !== closing) offset = start;
    },
  });
  if (offset === undefined) return undefined;
  const bracket = text[offset];
  const closing = bracket === '{' ? '}' : ']';
  return { message: `This ${bracket} is not closed: add the ${closing} that belongs to it.`, offset };
}

function position(lines: LineCounter, offset: number): { line: number; column: number } {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

function offsetOf(document: Document, path: YamlPath, part: 'key' | 'value'): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const [index, segment] of path.entries()) {
    const collection = isAlias(node) ? node.resolve(document) : node;
    let key: unknown;
    if (isMap(collection)) {
      const pair = collection.items.find(
        (entry) => isScalar(entry.key) && String(entry.key.value) === segment,
      );
      if (pair === undefined) return offset;
      key = pair.key;
      node = pair.value;
    } else if (isSeq(collection)) {
      node = collection.items[Number(segment)];
    } else return offset;
    const last = index === path.length - 1;
    const shown = !last || part === 'key' ? (startOf(key) ?? startOf(node)) : (startOf(node) ?? startOf(key));
    offset = shown ?? offset;
  }
  return offset;
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}
