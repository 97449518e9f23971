import type { ControlFrame } from '../../core/frames/stream-event.ts';

/** What a stream socket is, as far as control frames can ask for it. */
export interface StreamSocketState {
  readonly names: ReadonlySet<string>;
  readonly isCombined: boolean;
}

/** JSON text of the `result` or of the `error` of an answer. */
export type ControlAnswer =
  | { readonly result: string; readonly error?: undefined }
  | { readonly error: string; readonly result?: undefined };

/** What a control frame asks for: a known answer, or a change of the socket that is answered once it was made. */
export type ControlRequest =
  | { readonly kind: 'answer'; readonly answer: ControlAnswer }
  | { readonly kind: 'combine'; readonly isCombined: boolean }
  | { readonly kind: 'subscribe' | 'unsubscribe'; readonly names: readonly string[] };

/** The result of a change that was made. */
export const DONE: ControlAnswer = { result: 'null' };

const UNKNOWN_PROPERTY = refused(0, 'Unknown property');

/** Reads what a control frame asks for. Methods and errors are those of Binance's streams. */
export function readControlRequest(
  { method, params }: ControlFrame,
  { names, isCombined }: StreamSocketState,
): ControlRequest {
  const [first, second] = params;
  switch (method) {
    case 'LIST_SUBSCRIPTIONS':
      return answered(JSON.stringify([...names]));
    case 'GET_PROPERTY':
      return textOf(first) === 'combined' ? answered(String(isCombined)) : UNKNOWN_PROPERTY;
    case 'SET_PROPERTY':
      if (textOf(first) !== 'combined') return UNKNOWN_PROPERTY;
      if (second !== 'true' && second !== 'false') return refused(1, 'Invalid value type: expected Boolean');
      return { kind: 'combine', isCombined: second === 'true' };
    case 'SUBSCRIBE':
    case 'UNSUBSCRIBE': {
      const wanted = params.map(textOf).filter(isStreamName);
      if (wanted.length === 0 || wanted.length < params.length) {
        return refused(2, 'Invalid request: params must be stream names');
      }
      return { kind: method === 'SUBSCRIBE' ? 'subscribe' : 'unsubscribe', names: wanted };
    }
    default:
      return refused(2, 'Invalid request: unknown method');
  }
}

/** The frame that answers a control frame; `id` is JSON text. */
export function controlAnswer(id: string, { result, error }: ControlAnswer): string {
  return error === undefined ? `{"result":${result},"id":${id}}` : `{"error":${error},"id":${id}}`;
}

/** JSON text of an error. */
export function errorText(code: number, msg: string): string {
  return JSON.stringify({ code, msg });
}

function answered(result: string): ControlRequest {
  return { kind: 'answer', answer: { result } };
}

function refused(code: number, msg: string): ControlRequest {
  return { kind: 'answer', answer: { error: errorText(code, msg) } };
}

function isStreamName(name: string | undefined): name is string {
  return name?.isWellFormed() === true && name !== '';
}

/** The string that a JSON text is; undefined for every other value. */
function textOf(source: string | undefined): string | undefined {
  return source?.[0] === '"' ? (JSON.parse(source) as string) : undefined;
}
