import type { IncomingHttpHeaders } from 'node:http';
import { ANONYMOUS, type Client } from '../core/access/client.ts';
import { decide } from '../core/access/policy.ts';
import type { BinanceHost } from '../core/binance-hosts.ts';
import type { Endpoint } from '../core/catalogue/endpoint.ts';
import { ProxyError } from '../core/errors.ts';
import { closedRoute, readSocketTarget, type SocketTarget } from '../core/frames/socket-target.ts';
import type { FullLane, LaneCounts, SharedLane } from '../core/lanes.ts';
import type { SocketFamily, SocketUpstreamName } from '../core/upstream.ts';
import type { CallContext } from '../pipeline/call-context.ts';
import type { ClientRates } from '../pipeline/clients/client-rates.ts';
import { unknownClient, unknownEndpoint } from '../pipeline/refusals.ts';
import { callOf, connectionEndpoint } from './connection-endpoint.ts';

/** An upgrade that may be accepted, once there is a socket to Binance for it. */
export interface AdmittedSocket {
  readonly target: SocketTarget;
  /** Where it goes, without path. */
  readonly origin: string;
  readonly client: Client;
  readonly endpoint: Endpoint;
  readonly context: CallContext;
  /** Its place among the open sockets, to be given back when it is closed. */
  readonly place: Disposable;
}

export interface AdmitSocketDeps {
  readonly rates: ClientRates;
  readonly monotonicNow: () => number;
  /** The sockets of all apps, counted by lane and client. */
  readonly sockets: LaneCounts;
}

/** What an upgrade says of itself. */
export interface OpeningRequest {
  readonly url: string;
  /** The host of Binance's that was called by its name. */
  readonly host: BinanceHost | undefined;
  readonly headers: IncomingHttpHeaders;
}

const ORIGINS: Readonly<Record<SocketFamily, Readonly<Record<SocketTarget['kind'], SocketUpstreamName>>>> = {
  spot: { api: 'spotWsApi', stream: 'spotStream' },
  usdm: { api: 'usdmWsApi', stream: 'usdmStream' },
  coinm: { api: 'coinmWsApi', stream: 'coinmStream' },
};

/**
 * What is decided before an app's upgrade is accepted: where it goes, who it is, how often it comes, what it may.
 * @throws ProxyError
 */
export function admitSocket(
  { rates, monotonicNow, sockets }: AdmitSocketDeps,
  context: CallContext,
  { url, host, headers }: OpeningRequest,
): AdmittedSocket {
  const { settings } = context.config;
  const target = readSocketTarget(url, host);
  const origin = target && settings.socketUpstreams[ORIGINS[target.family][target.kind]];
  if (target === undefined || origin === undefined) throw unknownSocket();
  const closed = closedRoute(target, origin);
  if (closed !== undefined) throw unknownEndpoint('endpoint', closed);
  const endpoint = connectionEndpoint(target);
  context.noteEndpoint(endpoint);
  const client = clientOf(context, target, headers);
  context.noteCaller(client, undefined);
  rates.count(client, monotonicNow());
  if (!(target.isPrivate && context.identified === undefined)) decide(client, endpoint, callOf(endpoint));
  const place = sockets.take(laneOfSocket(client, target), client.name);
  if (typeof place === 'string') throw tooManySockets(place);
  return { target, origin, client, endpoint, context, place };
}

/** A listen key proves by itself who may read the stream that it names; who shows an issued key is held to it. */
function clientOf(context: CallContext, { kind }: SocketTarget, headers: IncomingHttpHeaders): Client {
  const { settings } = context.config;
  const anonymous = settings.clients.get('anonymous');
  if (context.identified !== undefined) return context.identified;
  const showsKey = [headers['x-mbx-apikey'], headers.authorization].some(
    (header) => header !== undefined && header !== '',
  );
  // On a signed API the key may come with the frames; a wrong one is refused at once.
  const isLetIn = kind === 'api' ? !showsKey : settings.anonymousEnabled;
  if (anonymous === undefined || !isLetIn) throw unknownClient();
  return anonymous;
}

function unknownSocket(): ProxyError {
  return new ProxyError('PROXY_UNKNOWN_ENDPOINT', 'Unknown endpoint: no WebSocket is served at this path.', {
    rule: 'socket path',
  });
}

/** What an identified client needs for its orders goes before its market data. */
function laneOfSocket({ name }: Client, { kind, isPrivate }: SocketTarget): SharedLane {
  if (name === ANONYMOUS) return 'anonymous';
  return kind === 'api' || isPrivate ? 'orders' : 'identified';
}

function tooManySockets(full: FullLane): ProxyError {
  const whose = full === 'client' ? ' of this client' : '';
  return new ProxyError('PROXY_CLIENT_RATE_LIMITED', `Too many WebSocket connections${whose} are open.`, {
    rule: full === 'client' ? 'sockets of one client' : 'sockets',
    retryAfterSeconds: 1,
  });
}
