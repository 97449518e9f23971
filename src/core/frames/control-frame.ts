import { jsonElements, jsonSources } from '../json.ts';
import { canonicalId } from './frame.ts';

/** A control frame of a stream socket. */
export interface ControlFrame {
  /** JSON text. */
  readonly id: string;
  readonly method: string;
  /** JSON texts of the parameters. */
  readonly params: readonly string[];
}

/** An error as Binance's streams write it. */
export interface ControlError {
  readonly code: number;
  readonly msg: string;
}

/** A frame, or why it is none. `id` is the text `null` when none could be read. */
export type ControlReading =
  | { readonly frame: ControlFrame }
  | { readonly id: string; readonly error: ControlError };

/**
 * Reads a control frame; the id and the params stay JSON texts. Errors have the codes of Binance's own.
 * @see https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams#error-messages
 */
export function readControl(text: string): ControlReading {
  const sources = sourcesOf(text);
  if (sources === undefined) {
    const error = isJson(text)
      ? invalid('no control frame')
      : { code: 3, msg: 'Invalid JSON: expected value' };
    return { id: 'null', error };
  }
  const id = canonicalId(sources.get('id') ?? 'null');
  if (id === undefined) return { id: 'null', error: invalid('request ID must be an unsigned integer') };
  const method = sources.get('method');
  if (method === undefined) return { id, error: invalid('missing field `method`') };
  if (method[0] !== '"') return { id, error: invalid('invalid type: expected a string as `method`') };
  const params = sources.get('params') ?? 'null';
  if (params !== 'null' && params[0] !== '[')
    return { id, error: invalid('invalid type: expected a list as `params`') };
  const elements = params === 'null' ? [] : jsonElements(params);
  return { frame: { id, method: JSON.parse(method) as string, params: elements } };
}

/** The error that Binance has for whatever it cannot make out. */
export function invalid(why: string): ControlError {
  return { code: 2, msg: `Invalid request: ${why}` };
}

/** The string that a JSON text is; undefined for every other value. */
export function stringIn(source: string | undefined): string | undefined {
  return source?.[0] === '"' ? (JSON.parse(source) as string) : undefined;
}

/** Undefined for what is no object, or one whose readers disagree about its meaning. */
function sourcesOf(text: string): ReadonlyMap<string, string> | undefined {
  try {
    return new Map(jsonSources(text).map(({ name, source }) => [name, source]));
  } catch {
    return undefined;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
