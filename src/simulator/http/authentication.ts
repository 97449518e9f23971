import type { Account, Accounts } from '../accounts/accounts.ts';
import {
  aheadOfServer,
  ExchangeError,
  illegalCharacters,
  invalidSignature,
  mandatoryParameter,
  outsideRecvWindow,
  unreadParameters,
} from '../base/exchange-error.ts';
import { refuseDuplicates, STAMP_NAMES, type WirePair } from './parameters.ts';
import type { Route } from './route.ts';
import type { WireRequest } from './wire-request.ts';

/** What a URI may contain. Any other byte has to be percent-encoded before it is signed (rule of 2026-01-15). */
const URI_TEXT = /^(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?]|%[0-9A-Fa-f]{2})*$/;
const START_OF_2017_MS = 1_483_228_800_000;
const FIRST_MICROSECOND_STAMP = 1_000_000_000_000_000;
const DEFAULT_RECV_WINDOW_MS = 5_000;
const MAX_RECV_WINDOW_MS = 60_000;

/**
 * Checks that a request has exactly what its endpoint's security type asks for: nothing for NONE, the key alone for
 * API_KEY, key, timestamp and signature for SIGNED. Binance accepts a key on a NONE endpoint. Here it is refused, because
 * it is a mistake of a signing proxy.
 * @throws ExchangeError -1021, -1022, -110x, -1131, -2014, -2015
 */
export function authenticate(
  request: WireRequest,
  route: Route,
  accounts: Accounts,
  nowMs: number,
): Account | undefined {
  const header = request.headers['x-mbx-apikey'];
  if (route.security === 'NONE' || route.security === 'OPTIONAL_KEY') {
    refuseStamp(request);
    if (header !== undefined && route.security === 'NONE')
      throw new ExchangeError(-1101, 'Too many parameters; an API key was sent to an endpoint without one.');
    refuseRepeated(request, route);
    return header === undefined ? undefined : accounts.identify(header);
  }
  if (route.security === 'API_KEY') {
    const account = accounts.identify(header);
    refuseStamp(request);
    refuseRepeated(request, route);
    return account;
  }
  if (header === undefined) accounts.identify(header);
  refuseRepeated(request, route);
  const timestamp = find(request, 'timestamp');
  const signature = find(request, 'signature');
  const account = accounts.identify(header);
  checkTimestamp(timestamp.value, recvWindowMs(request.pairs, route), route, nowMs);
  account.verifySignature(signedPayload(request, signature), signature.rawValue);
  return account;
}

/** The signature is last in the body, or in the query without a body. The payload is query plus body before it. */
function signedPayload(request: WireRequest, signature: WirePair): string {
  const { queryText, bodyText } = request;
  if (!URI_TEXT.test(queryText) || !URI_TEXT.test(bodyText)) throw invalidSignature();
  const inBody = request.body.length > 0;
  if ((inBody ? request.body : request.query).at(-1) !== signature) throw invalidSignature();
  const stripped = (text: string) => text.slice(0, Math.max(0, text.length - signature.text.length - 1));
  return inBody ? queryText + stripped(bodyText) : stripped(queryText);
}

/** @throws ExchangeError -1021, or -1100 for what is no time at all */
export function checkTimestamp(text: string, windowMs: number, route: Route, nowMs: number): void {
  if (!/^[0-9]{1,20}$/.test(text)) throw illegalCharacters('timestamp', '^[0-9]{1,20}$');
  const stamp = Number(text);
  // Only /api reads microseconds (2024-12-17); elsewhere such a number is a date in the far future.
  const stampMs = route.family === 'spot' && stamp >= FIRST_MICROSECOND_STAMP ? stamp / 1_000 : stamp;
  if (stampMs < START_OF_2017_MS) throw outsideRecvWindow();
  if (stampMs >= nowMs + 1_000) throw aheadOfServer();
  if (nowMs - stampMs > windowMs) throw outsideRecvWindow();
}

/**
 * The recvWindow of some parameters in ms, or the default one.
 * @throws ExchangeError -1100, -1131
 */
export function recvWindowMs(
  pairs: readonly { readonly name: string; readonly value: string }[],
  route: Route,
): number {
  const text = pairs.find((pair) => pair.name === 'recvWindow')?.value;
  if (text === undefined) return DEFAULT_RECV_WINDOW_MS;
  const legal = route.family === 'spot' ? /^[0-9]{1,8}(\.[0-9]{1,3})?$/ : /^[0-9]{1,8}$/;
  if (!legal.test(text)) throw illegalCharacters('recvWindow', legal.source);
  if (Number(text) > MAX_RECV_WINDOW_MS)
    throw new ExchangeError(-1131, `recvWindow must be less than ${MAX_RECV_WINDOW_MS}`);
  return Number(text);
}

function find(request: WireRequest, name: string): WirePair {
  const pair = request.pairs.find((candidate) => candidate.name === name);
  if (pair === undefined || pair.rawValue === '') throw mandatoryParameter(name);
  return pair;
}

function refuseStamp(request: WireRequest): void {
  const stamps = request.pairs.filter((pair) => STAMP_NAMES.has(pair.name)).length;
  if (stamps > 0) throw unreadParameters(request.pairs.length - stamps, request.pairs.length);
}

function refuseRepeated(request: WireRequest, route: Route): void {
  refuseDuplicates(request.pairs, (name) => route.repeatable.has(name));
}
