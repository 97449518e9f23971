import type { Call } from '../call/call.ts';
import { encodeComponent, joinPairs } from '../call/form.ts';
import type { Credential } from './credential.ts';

/** Exactly what goes on the wire: request target and form body, ASCII only. */
export interface WireRequest {
  readonly target: string;
  /** The form body; undefined sends none. */
  readonly body: string | undefined;
}

export interface Stamp {
  /** Server time in ms since the epoch. */
  readonly timestampMs: number;
  /** Milliseconds, at the most three decimals. */
  readonly recvWindow: string;
}

const RECV_WINDOW = /^\d{1,5}(?:\.\d{1,3})?$/;

/**
 * Stamps and signs a call: `recvWindow`, `timestamp` and, last, `signature` are appended to the body when there is
 * one, else to the query. The payload is query and body without a separator; its bytes are the bytes sent.
 * @see https://developers.binance.com/docs/binance-spot-api-docs/rest-api#signed-endpoint-examples-for-post-apiv3order
 */
export function signCall(call: Call, credential: Credential, stamp: Stamp): WireRequest {
  const query = joinPairs(call.query);
  const body = joinPairs(call.body);
  const dated = `recvWindow=${stamp.recvWindow}&timestamp=${stamp.timestampMs}`;
  if (body !== '') {
    const text = `${body}&${dated}`;
    const signature = wireSignature(credential, query + text);
    return { target: targetOf(call.path, query), body: `${text}&signature=${signature}` };
  }
  const text = query === '' ? dated : `${query}&${dated}`;
  return { target: `${call.path}?${text}&signature=${wireSignature(credential, text)}`, body: undefined };
}

/** The wire form of a call that is not signed: its own parameters and nothing else. */
export function plainCall(call: Call): WireRequest {
  const body = joinPairs(call.body);
  return { target: targetOf(call.path, joinPairs(call.query)), body: body === '' ? undefined : body };
}

/** The recvWindow to inject: the client's own wish up to the maximum, else the maximum. */
export function recvWindowFor(wish: string | undefined, maximumMs: number): string {
  if (wish === undefined || !RECV_WINDOW.test(wish)) return String(maximumMs);
  return Number(wish) <= maximumMs ? wish : String(maximumMs);
}

function targetOf(path: string, query: string): string {
  return query === '' ? path : `${path}?${query}`;
}

/** Hex needs no escaping; base64 has `+`, `/` and `=`, which a query must not carry raw. */
function wireSignature(credential: Credential, payload: string): string {
  const signature = credential.sign(payload);
  return credential.algorithm === 'HMAC' ? signature : encodeComponent(signature);
}
