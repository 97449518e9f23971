import type { ProxyError } from '../../core/errors.ts';
import { type ControlError, type ControlFrame, invalid, stringIn } from '../../core/frames/control-frame.ts';

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

const METHODS = ['SUBSCRIBE', 'UNSUBSCRIBE', 'LIST_SUBSCRIPTIONS', 'SET_PROPERTY', 'GET_PROPERTY'];
const UNKNOWN_METHOD = invalid(
  `unknown variant, expected one of ${METHODS.map((name) => `\`${name}\``).join(', ')}`,
);

/** Reads what a control frame asks for. Methods and errors are those of Binance's streams. */
export function readControlRequest(frame: ControlFrame, state: StreamSocketState): ControlRequest {
  const { method, params } = frame;
  switch (method) {
    case 'LIST_SUBSCRIPTIONS':
      return answered(JSON.stringify([...state.names]));
    case 'GET_PROPERTY':
    case 'SET_PROPERTY':
      return readProperty(frame, state);
    case 'SUBSCRIBE':
    case 'UNSUBSCRIBE': {
      const wanted = params.map(stringIn).filter(isStreamName);
      if (wanted.length === 0 || wanted.length < params.length)
        return refused(invalid('params must be stream names'));
      return { kind: method === 'SUBSCRIBE' ? 'subscribe' : 'unsubscribe', names: wanted };
    }
    default:
      return refused(UNKNOWN_METHOD);
  }
}

/** The frame that answers a control frame; `id` is JSON text. */
export function controlAnswer(id: string, { result, error }: ControlAnswer): string {
  return error === undefined ? `{"result":${result},"id":${id}}` : `{"error":${error},"id":${id}}`;
}

/** JSON text of an error. */
export function errorText({ code, msg }: ControlError): string {
  return JSON.stringify({ code, msg });
}

/** JSON text of what refused a control frame. What a client may not hear is refused as Binance refuses what it does not know. */
export function refusalText({ name, code, message }: ProxyError): string {
  return errorText(name === 'PROXY_PERMISSION_DENIED' ? invalid(message) : { code, msg: message });
}

function readProperty({ method, params }: ControlFrame, { isCombined }: StreamSocketState): ControlRequest {
  const [name, value] = params;
  const isSetting = method === 'SET_PROPERTY';
  const property = stringIn(name);
  if (property === undefined) return refused(invalid('property name must be a string'));
  if (property !== 'combined') return refused({ code: 0, msg: 'Unknown property' });
  if (params.length > (isSetting ? 2 : 1)) return refused(invalid('too many parameters'));
  if (!isSetting) return answered(String(isCombined));
  if (value === 'true' || value === 'false') return { kind: 'combine', isCombined: value === 'true' };
  return refused({ code: 1, msg: 'Invalid value type: expected Boolean' });
}

function answered(result: string): ControlRequest {
  return { kind: 'answer', answer: { result } };
}

function refused(error: ControlError): ControlRequest {
  return { kind: 'answer', answer: { error: errorText(error) } };
}

function isStreamName(name: string | undefined): name is string {
  return name?.isWellFormed() === true && name !== '';
}
