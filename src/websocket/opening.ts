import type { IncomingHttpHeaders } from 'node:http';
import { type WayOut, wayOf } from '../config/schema/ways-out.ts';
import { ANONYMOUS, type Client } from '../core/access/client.ts';
import { decide } from '../core/access/policy.ts';
import type { BinanceHost } from '../core/binance-hosts.ts';
import type { Endpoint } from '../core/catalogue/endpoint.ts';
import { ProxyError } from '../core/errors.ts';
import { closedRoute, readSocketTarget, type SocketTarget } from '../core/frames/socket-target.ts';
import { listenKeysOf } from '../core/frames/stream-query.ts';
import type { LaneCounts } from '../core/lanes.ts';
import type { SocketFamily, SocketUpstreamName } from '../core/upstream.ts';
import type { CallContext } from '../pipeline/call-context.ts';
import type { ClientRates } from '../pipeline/clients/client-rates.ts';
import type { KeyHolders } from '../pipeline/clients/key-holders.ts';
import { mayRead } from '../pipeline/clients/shown-client.ts';
import type { LiveConfig } from '../pipeline/live-config.ts';
import { expiredClient, unknownClient, unknownEndpoint } from '../pipeline/refusals.ts';
import type { Stops } from '../stops/stops.ts';
import { callOf, connectionEndpoint } from './connection-endpoint.ts';
import { SocketPlace } from './socket-place.ts';
import { Readers } from './sockets/readers.ts';

/** An upgrade that may be accepted, once there is a socket to Binance for it. */
export interface AdmittedSocket {
  readonly target: SocketTarget;
  /** Where it goes, without path. */
  readonly origin: string;
  /** How it leaves this machine: public streams by the top-level way, the rest by that of the client's account. */
  readonly way: WayOut;
  readonly client: Client;
  /** Who may hear what of it is an account's own. */
  readonly readers: Readers;
  readonly endpoint: Endpoint;
  readonly context: CallContext;
  /** Its place among the open sockets, to be given back when it is closed. */
  readonly place: SocketPlace;
}

export interface AdmitSocketDeps {
  readonly rates: ClientRates;
  readonly keyHolders: Pick<KeyHolders, 'holderOf' | 'accountOf'>;
  readonly stops: Pick<Stops, 'assertMayOpen'>;
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
  { rates, keyHolders, stops, monotonicNow, sockets }: AdmitSocketDeps,
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
  const readers = new Readers({ keyHolders, stops }, context, headers);
  const client = clientOf(context, target, headers, readers);
  context.noteCaller(client, undefined);
  rates.count(client, monotonicNow());
  if (!(target.isPrivate && client.name === ANONYMOUS)) decide(client, endpoint, callOf(endpoint));
  if (target.isPrivate) {
    stops.assertMayOpen(client.name, client.account);
    readers.assertMayOpen(listenKeysOf(target), context.config);
  }
  const isOwn = target.isPrivate || target.kind === 'api';
  const owner = keyHolders.accountOf(listenKeysOf(target), settings);
  const way = wayOf(settings.egress, isOwn ? (owner ?? context.identified?.account) : undefined);
  const place = new SocketPlace(sockets, endpoint, client);
  return { target, origin, way, client, readers, endpoint, context, place };
}

/** A listen key proves by itself who may read the stream that it names; who shows an issued key is held to it. */
function clientOf(
  context: CallContext,
  target: SocketTarget,
  headers: IncomingHttpHeaders,
  readers: Readers,
): Client {
  const { kind, isPrivate } = target;
  const { settings, expired } = context.config;
  const { identified } = context;
  // On a signed API each frame is judged by itself: a key that has ended may still cancel.
  if (identified !== undefined && (kind === 'api' || !expired.has(identified.name))) return identified;
  if (identified !== undefined && isPrivate) throw expiredClient(identified);
  const holder = isPrivate ? holderOf(target, readers, context.config) : undefined;
  if (holder !== undefined && expired.has(holder.name)) throw expiredClient(holder);
  if (holder !== undefined) return holder;
  if (isPrivate && readers.mustProve) throw unknownClient();
  const anonymous = settings.clients.get(ANONYMOUS);
  const showsKey = [headers['x-mbx-apikey'], headers.authorization].some(
    (header) => header !== undefined && header !== '',
  );
  // On a signed API the key may come with the frames; a wrong one is refused at once.
  const isLetIn = kind === 'api' ? !showsKey : settings.anonymousEnabled;
  if (anonymous === undefined || !isLetIn) throw unknownClient();
  return anonymous;
}

/**
 * Whose the listen keys of a URL are. Each is judged: a client that may not read is the one that is asked, and all have
 * to be known for the socket to be anybody's.
 * @throws ProxyError PROXY_UNKNOWN_CLIENT
 */
function holderOf(target: SocketTarget, readers: Readers, config: LiveConfig): Client | undefined {
  const holders = listenKeysOf(target).map((key) => readers.readerOf(key, config));
  if (holders.includes(undefined)) throw unknownClient();
  const known = holders.filter((holder) => holder !== undefined && holder !== 'unknown');
  return known.find((holder) => !mayRead(holder)) ?? (holders.includes('unknown') ? undefined : known[0]);
}

function unknownSocket(): ProxyError {
  return new ProxyError('PROXY_UNKNOWN_ENDPOINT', 'Unknown endpoint: no WebSocket is served at this path.', {
    rule: 'socket path',
  });
}
