import { duplicateValues, ExchangeError, mandatoryParameter } from '../../base/exchange-error.ts';

/** One parameter of a frame. */
export interface FrameParameter {
  readonly name: string;
  /** The text of a string; the JSON text of anything else, with all its digits. */
  readonly value: string;
  readonly kind: 'string' | 'number' | 'boolean' | 'null' | 'nested';
}

/** A request frame. `refusal` says what could not be read. */
export interface RequestFrame {
  /** JSON text of the id, echoed unchanged. */
  readonly id: string;
  readonly method: string | undefined;
  readonly parameters: readonly FrameParameter[];
  readonly refusal: ExchangeError | undefined;
}

interface Member {
  readonly name: string;
  /** JSON text of the value. */
  readonly source: string;
}

const ID = /^(?:-?[0-9]+|".*"|null)$/s;

/** Reads `{id, method, params}`. Never throws: a refusal has to be answered under the frame's own id. */
export function readRequestFrame(text: string): RequestFrame {
  const parts = { id: 'null', method: undefined as string | undefined, parameters: [] as FrameParameter[] };
  try {
    const members = readMembers(text);
    const sources = new Map(members.map(({ name, source }) => [name, source]));
    const id = sources.get('id');
    if (id !== undefined && ID.test(id)) parts.id = id;
    const method = sources.get('method');
    if (method?.startsWith('"')) parts.method = JSON.parse(method) as string;
    if (id === undefined || !ID.test(id)) throw mandatoryParameter('id');
    if (parts.method === undefined) throw mandatoryParameter('method');
    if (sources.size < members.length || members.some(({ name }) => !/^(?:id|method|params)$/.test(name)))
      throw invalidJson();
    const params = sources.get('params');
    if (params !== undefined && !params.startsWith('{')) throw mandatoryParameter('params');
    parts.parameters.push(...readMembers(params ?? '{}').map(toParameter));
    if (new Set(parts.parameters.map(({ name }) => name)).size < parts.parameters.length)
      throw duplicateValues();
    return { ...parts, refusal: undefined };
  } catch (error) {
    if (error instanceof ExchangeError) return { ...parts, refusal: error };
    throw error;
  }
}

/**
 * What a signature covers: every parameter but `signature`, sorted by name, values as raw text.
 * @see https://developers.binance.com/docs/binance-spot-api-docs/web-socket-api#signed-request-security
 */
export function signedText(parameters: readonly FrameParameter[]): string {
  return parameters
    .filter(({ name }) => name !== 'signature')
    .map(({ name, value }) => ({ name: Buffer.from(name), text: `${name}=${value}` }))
    .sort((a, b) => Buffer.compare(a.name, b.name))
    .map(({ text }) => text)
    .join('&');
}

function toParameter({ name, source }: Member): FrameParameter {
  if (source.startsWith('"')) return { name, value: JSON.parse(source) as string, kind: 'string' };
  if (/^[-0-9]/.test(source)) return { name, value: source, kind: 'number' };
  if (source === 'null') return { name, value: source, kind: 'null' };
  return { name, value: source, kind: /^[[{]/.test(source) ? 'nested' : 'boolean' };
}

/**
 * The members of a JSON object with the JSON text of each value. JSON.parse alone would lose digits of numbers, which
 * the signature covers.
 * @throws ExchangeError -1135
 */
function readMembers(text: string): Member[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw invalidJson();
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw invalidJson();
  const members: Member[] = [];
  let at = text.indexOf('{') + 1;
  for (;;) {
    while (/[\s,]/.test(text.charAt(at))) at++;
    if (text[at] === '}') return members;
    const nameEnd = endOfString(text, at);
    const name = JSON.parse(text.slice(at, nameEnd)) as string;
    const start = text.indexOf(':', nameEnd) + 1;
    at = endOfValue(text, start);
    members.push({ name, source: text.slice(start, at).trim() });
  }
}

/** The index behind the string that begins at `start`. The text is valid JSON. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

function endOfValue(text: string, start: number): number {
  let depth = 0;
  let at = start;
  for (;;) {
    const letter = text[at];
    if (letter === '"') {
      at = endOfString(text, at);
      continue;
    }
    if (depth === 0 && (letter === ',' || letter === '}')) return at;
    if (letter === '{' || letter === '[') depth++;
    if (letter === '}' || letter === ']') depth--;
    at++;
  }
}

function invalidJson(): ExchangeError {
  return new ExchangeError(-1135, 'Invalid JSON Request');
}
