import type { Account, Accounts } from '../../accounts/accounts.ts';
import {
  ExchangeError,
  keyRejected,
  mandatoryParameter,
  notRequired,
  unreadParameters,
} from '../../base/exchange-error.ts';
import { checkTimestamp, recvWindowMs } from '../../http/authentication.ts';
import { STAMP_NAMES } from '../../http/parameters.ts';
import type { Route } from '../../http/route.ts';
import { type FrameParameter, signedText } from './frame.ts';

const AUTHENTICATING: ReadonlySet<string> = new Set([...STAMP_NAMES, 'apiKey']);
/** Base64 without percent-encoding, or hex. */
const RAW_SIGNATURE = /^[A-Za-z0-9+/]+={0,2}$/;

/** The parameters of the method, without those that authenticate it and without `returnRateLimits`. */
export function plainParameters(parameters: readonly FrameParameter[]): FrameParameter[] {
  return parameters.filter(({ name }) => !AUTHENTICATING.has(name) && name !== 'returnRateLimits');
}

/**
 * Checks that a frame has exactly the parameters that its method asks for. A session replaces `apiKey` and `signature`;
 * a frame that has an `apiKey` is signed with that key.
 * @param sessionKey the API key that the connection is logged on with
 * @throws ExchangeError -1021, -1022, -110x, -1131, -2014, -2015
 */
export function authenticateFrame(
  parameters: readonly FrameParameter[],
  route: Route,
  accounts: Accounts,
  sessionKey: string | undefined,
  nowMs: number,
): Account | undefined {
  const find = (name: string) => parameters.find((parameter) => parameter.name === name);
  if (route.security === 'NONE' || route.security === 'OPTIONAL_KEY') {
    refuseAll(parameters, AUTHENTICATING);
    return undefined;
  }
  const account = identify(find('apiKey'), accounts, sessionKey);
  if (route.security === 'API_KEY') {
    refuseAll(parameters, STAMP_NAMES);
    return account;
  }
  // INT parameters are JSON integers on the WebSocket API, never strings.
  const timestamp = find('timestamp');
  if (timestamp?.kind !== 'number') throw mandatoryParameter('timestamp');
  const recvWindow = find('recvWindow');
  if (recvWindow !== undefined && recvWindow.kind !== 'number') throw mandatoryParameter('recvWindow');
  const windowMs = recvWindowMs(recvWindow === undefined ? [] : [recvWindow], route);
  checkTimestamp(timestamp.value, windowMs, route, nowMs);
  const signature = find('signature');
  if (find('apiKey') === undefined) {
    if (signature !== undefined) throw notRequired('signature');
    return account;
  }
  if (signature?.kind !== 'string' || signature.value === '') throw mandatoryParameter('signature');
  verify(account, signedText(parameters), signature.value);
  return account;
}

/** @throws ExchangeError -4056 unless it is an Ed25519 key: no other can log a session on. */
export function refuseLogonKey(account: Account, ed25519Keys: ReadonlySet<string>): void {
  if (!ed25519Keys.has(account.apiKey))
    throw new ExchangeError(-4056, 'HMAC_SHA256 API key is not supported.', { status: 401 });
}

function identify(
  parameter: FrameParameter | undefined,
  accounts: Accounts,
  sessionKey: string | undefined,
): Account {
  if (parameter !== undefined)
    return accounts.identify(parameter.kind === 'string' ? parameter.value : undefined);
  if (sessionKey === undefined) throw mandatoryParameter('apiKey');
  const account = accounts.find(sessionKey);
  if (account === undefined) throw keyRejected();
  return account;
}

/** The verifiers take bytes as characters, and a percent-encoded signature. */
function verify(account: Account, payload: string, signature: string): void {
  const carried = RAW_SIGNATURE.test(signature) ? encodeURIComponent(signature) : '?';
  account.verifySignature(Buffer.from(payload, 'utf8').toString('latin1'), carried);
}

function refuseAll(parameters: readonly FrameParameter[], names: ReadonlySet<string>): void {
  const refused = parameters.filter(({ name }) => names.has(name)).length;
  if (refused > 0) throw unreadParameters(parameters.length - refused, parameters.length);
}
