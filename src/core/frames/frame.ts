import { FOREIGN_NAME, isParameterName } from '../call/parameter-name.ts';
import { ProxyError } from '../errors.ts';
import { type JsonMember, jsonMembers, jsonSources } from '../json.ts';

/** One request frame of the WebSocket API. Values keep the client's own text. */
export interface WsFrame {
  /** JSON text of the id: an integer, a string or null. */
  readonly id: string;
  readonly method: string;
  readonly params: readonly JsonMember[];
}

/** A frame, or the reason why it is none. `id` is the text `null` when none could be read. */
export type FrameReading =
  | { readonly frame: WsFrame }
  | { readonly id: string; readonly method: string | undefined; readonly error: ProxyError };

const INTEGER = /^(?:0|-?[1-9]\d{0,18})$/;
const LONGEST_ID = 128;
const METHOD = /^[A-Za-z0-9./]{1,64}$/;

/**
 * Reads `{id, method, params}` and nothing else; numbers keep their digits. Never throws: a refusal is answered under
 * the frame's own id.
 * @see https://developers.binance.com/docs/binance-spot-api-docs/web-socket-api#request-format
 */
export function readFrame(text: string): FrameReading {
  let id = 'null';
  let method: string | undefined;
  try {
    const sources = new Map(jsonSources(text).map(({ name, source }) => [name, source]));
    id = readId(sources.get('id'));
    method = readMethod(sources.get('method'));
    const params = readParams(sources.get('params'));
    for (const name of sources.keys()) {
      if (name !== 'id' && name !== 'method' && name !== 'params') throw malformed('an unknown member');
    }
    return { frame: { id, method, params } };
  } catch (error) {
    if (error instanceof ProxyError) return { id, method, error };
    throw error;
  }
}

/** The one spelling of an id, by which answers are matched; undefined when the text is no id. */
export function canonicalId(source: string): string | undefined {
  if (source === 'null' || INTEGER.test(source)) return source;
  if (source[0] !== '"') return undefined;
  const text = JSON.parse(source) as string;
  return text.length > LONGEST_ID || !text.isWellFormed() ? undefined : JSON.stringify(text);
}

function readId(source: string | undefined): string {
  const id = source === undefined ? undefined : canonicalId(source);
  if (id === undefined) throw malformed('the id is missing or neither an integer, a string nor null');
  return id;
}

function readMethod(source: string | undefined): string {
  const method = source?.[0] === '"' ? (JSON.parse(source) as string) : undefined;
  if (method === undefined || !METHOD.test(method)) throw malformed('the method is missing or no name');
  return method;
}

function readParams(source: string | undefined): readonly JsonMember[] {
  if (source === undefined) return [];
  if (source[0] !== '{') throw malformed('params is not an object');
  const params = jsonMembers(source);
  for (const { name } of params) {
    if (!isParameterName(name)) throw malformed(FOREIGN_NAME);
  }
  return params;
}

function malformed(why: string): ProxyError {
  return new ProxyError('PROXY_MALFORMED_REQUEST', `Malformed frame: ${why}.`, { rule: `frame: ${why}` });
}
