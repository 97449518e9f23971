import type { IncomingHttpHeaders } from 'node:http';
import { ExchangeError, tooManyParameters } from '../base/exchange-error.ts';
import { splitPairs, type WirePair } from './parameters.ts';

/** A request as it was received. The texts are its bytes, one character each. */
export interface WireRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly queryText: string;
  readonly bodyText: string;
  readonly query: readonly WirePair[];
  readonly body: readonly WirePair[];
  readonly pairs: readonly WirePair[];
}

/** The path of a request target, everything before the first question mark. */
export function pathOf(target: string): string {
  const mark = target.indexOf('?');
  return mark === -1 ? target : target.slice(0, mark);
}

/**
 * Reads target, headers and body. A body must say that it is a form, and a GET must not have one.
 * @throws ExchangeError -1100 or -1101
 */
export function readWireRequest(
  method: string,
  target: string,
  headers: IncomingHttpHeaders,
  bodyBytes: Buffer,
): WireRequest {
  const path = pathOf(target);
  const queryText = target.slice(path.length + 1);
  const bodyText = bodyBytes.toString('latin1');
  if (bodyText !== '') {
    if (method === 'GET') throw tooManyParameters(0, bodyText.split('&').length);
    if (!/^application\/x-www-form-urlencoded(?:\s*;|$)/i.test(headers['content-type'] ?? ''))
      throw new ExchangeError(-1100, 'A request body must be application/x-www-form-urlencoded.', {
        status: 415,
      });
  }
  const query = splitPairs(queryText);
  const body = splitPairs(bodyText);
  return { method, path, headers, queryText, bodyText, query, body, pairs: [...query, ...body] };
}
