import type { Client } from '../../core/access/client.ts';
import { denylistRefusal } from '../../core/access/policy.ts';
import type { Call } from '../../core/call/call.ts';
import { ProxyError } from '../../core/errors.ts';
import type { WsFrame } from '../../core/frames/frame.ts';
import { toFrameCall, withOrderIds } from '../../core/frames/frame-call.ts';
import type { WsMethod } from '../../core/frames/frame-methods.ts';
import type { JsonMember } from '../../core/json.ts';
import { recvWindowFor } from '../../core/signing/sign-call.ts';
import { frameText, signFrame } from '../../core/signing/sign-frame.ts';
import { authorise, nameOrders } from '../../pipeline/authenticate.ts';
import { beginExchange, type Exchange } from '../../pipeline/call-context.ts';
import type { ClientRates } from '../../pipeline/clients/client-rates.ts';
import type { Line } from '../../pipeline/line.ts';
import { judgeStamp, type SocketIdentity, unknownClient } from './socket-identity.ts';

/** What the frames of one socket share. */
export interface FrameContext {
  readonly line: Line;
  readonly socketId: string;
  readonly identity: SocketIdentity;
  readonly rates: ClientRates;
  /** Aborts when the app is gone: nothing waits for room any more then. */
  readonly signal: AbortSignal;
}

/** A frame that may go, with what it is charged for. */
export interface AdmittedFrame {
  readonly client: Client;
  readonly call: Call;
  readonly params: readonly JsonMember[];
}

/** What is known about a frame when it comes: nothing but its name and id. */
export function beginFrame(
  { line, socketId }: FrameContext,
  method: string | undefined,
  id: string,
): Exchange {
  return beginExchange(line, method ?? 'WS', () => undefined, { socket: socketId, id });
}

/**
 * Denylist, client, its rate, its own signature: the same judges in the same order as for a REST call.
 * @throws ProxyError
 */
export function authenticateFrame(
  context: FrameContext,
  exchange: Exchange,
  method: WsMethod,
  frame: WsFrame,
): AdmittedFrame & { readonly isSigned: boolean } {
  const { line, identity, rates } = context;
  const { snapshot } = exchange;
  const { endpoint } = method;
  const { call, params, apiKey } = toFrameCall(endpoint, frame.params);
  exchange.call = call;
  exchange.endpoint = endpoint;
  const denied = snapshot.denylist.match(endpoint.path);
  if (denied !== undefined) throw denylistRefusal(denied);
  const { settings } = snapshot;
  const isOpen = endpoint.security === 'NONE';
  const anonymous = isOpen && settings.anonymousEnabled ? settings.clients.get('anonymous') : undefined;
  const client = identity.clientFor(snapshot, apiKey) ?? anonymous;
  if (client === undefined) throw unknownClient();
  exchange.client = client;
  rates.count(client, line.monotonicNow());
  if (isOpen) return { client, call, params, isSigned: false };
  exchange.account = client.account;
  const isProven =
    identity.session?.isSigned === true && (apiKey === undefined || apiKey === identity.session.apiKey);
  const isSigned = judgeStamp(line, client, endpoint, call, frame.params, isProven);
  return { client, call, params, isSigned };
}

/**
 * Permission, order ids, order rules, budgets. Waits only for a value of an order or for room, so frames that need
 * neither keep their order.
 * @throws ProxyError
 */
export async function admitFrame(
  context: FrameContext,
  exchange: Exchange,
  { endpoint }: WsMethod,
  { client, call, params }: AdmittedFrame,
): Promise<AdmittedFrame> {
  const { line } = context;
  authorise(line, exchange, client, endpoint, call);
  exchange.leave = line.underWay.begin(endpoint.upstream);
  const named = nameOrders(exchange, endpoint, call);
  const admitted = line.guard.admit(client, endpoint, named, line.wallNow());
  exchange.admission = admitted instanceof Promise ? await admitted : admitted;
  const charged = chargeFrame(context, exchange, { client, call: named, params });
  if (charged instanceof Promise) await charged;
  return { client, call: named, params: named === call ? params : withOrderIds(params, named) };
}

/** Charges every bucket that the frame touches, all or none. */
export function chargeFrame(
  { line, signal }: FrameContext,
  exchange: Exchange,
  { client, call }: AdmittedFrame,
): void | Promise<void> {
  const { endpoint, snapshot } = exchange;
  if (endpoint === undefined) throw new Error('a frame without its endpoint');
  const charged = line.budgets.charge({
    endpoint,
    call,
    client,
    account: exchange.account,
    recvWindowMs: Number(recvWindowFor(call.stamp.recvWindow, snapshot.settings.recvWindowMs)),
    signal,
  });
  const keep = (ticket: Awaited<typeof charged>) => {
    exchange.ticket = ticket;
    exchange.weight = (exchange.weight ?? 0) + ticket.weight;
    exchange.waitMs = ticket.waitMs;
  };
  return charged instanceof Promise ? charged.then(keep) : keep(charged);
}

/**
 * The text that goes to Binance, stamped and signed now.
 * @throws ProxyError PROXY_NOT_READY
 */
export function frameToSend(
  line: Line,
  exchange: Exchange,
  method: WsMethod,
  id: string,
  { call, params }: AdmittedFrame,
): string {
  if (method.adds === 'nothing') return frameText(id, method.name, params);
  const credential = exchange.snapshot.settings.accounts.get(exchange.account ?? '');
  if (credential === undefined) throw new Error('a client without its account');
  if (method.adds === 'key') {
    return frameText(id, method.name, [
      ...params,
      { name: 'apiKey', value: credential.apiKey, kind: 'string' },
    ]);
  }
  const timestampMs = line.clock.now();
  if (timestampMs === undefined) {
    throw new ProxyError('PROXY_NOT_READY', 'The server time is not known yet.', { rule: 'clock' });
  }
  const recvWindow = recvWindowFor(call.stamp.recvWindow, exchange.snapshot.settings.recvWindowMs);
  return signFrame(id, method.name, params, credential, { timestampMs, recvWindow });
}
