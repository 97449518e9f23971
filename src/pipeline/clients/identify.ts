import { hash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { ClientsByKeyDigest, Settings } from '../../config/schema/settings.ts';
import { ANONYMOUS, type Client } from '../../core/access/client.ts';
import type { Endpoint } from '../../core/catalogue/endpoint.ts';
import type { CallContext } from '../call-context.ts';
import { expiredClient, unknownClient } from '../refusals.ts';

export interface ClientDirectory {
  readonly clientsByKeyDigest: ClientsByKeyDigest;
  readonly clients: ReadonlyMap<string, Client>;
}

/** Who makes a call, and with which account's key. */
export interface Caller {
  readonly client: Client;
  /** Undefined where the endpoint wants no key. */
  readonly account: string | undefined;
}

const BEARER = /^Bearer +(\S+)$/i;

/**
 * Who calls: an endpoint without security needs no key, every other one needs a client. A key that has ended is none, but
 * for cancels.
 * @param identified the client that the call proves to be
 * @throws ProxyError PROXY_UNKNOWN_CLIENT
 */
export function identify(context: CallContext, endpoint: Endpoint, identified: Client | undefined): Caller {
  const isOpen = endpoint.security === 'NONE';
  const { settings, expired } = context.config;
  const isUnknown =
    identified === undefined || (endpoint.effect !== 'cancel' && expired.has(identified.name));
  const client = isUnknown ? (isOpen ? anonymousIn(settings) : undefined) : identified;
  if (client === undefined && identified !== undefined) throw expiredClient(identified);
  if (client === undefined) throw unknownClient();
  // Who came by a listen token that nobody knows is of no account that is known here.
  const account = isOpen || client.name === ANONYMOUS ? undefined : client.account;
  context.noteCaller(client, account);
  return { client, account };
}

/** Who stands for callers without a key; undefined where they are shut out. */
export function anonymousIn({ clients, anonymousEnabled }: Settings): Client | undefined {
  return anonymousEnabled ? clients.get(ANONYMOUS) : undefined;
}

/**
 * The client that a request proves to be, by its issued key in `X-MBX-APIKEY` or `Authorization: Bearer`; undefined
 * when it proves nothing. Where no client has a key, every
 * caller is `default` (such a proxy listens on the loopback or a Unix socket only).
 */
export function identifyClient(headers: IncomingHttpHeaders, directory: ClientDirectory): Client | undefined {
  if (directory.clientsByKeyDigest.size === 0) return directory.clients.get('default');
  const key = issuedKey(headers);
  return key === undefined ? undefined : clientOfKey(key, directory.clientsByKeyDigest);
}

/**
 * The client to which a key was issued. The key itself is never compared: its digest is looked up, so that neither the
 * time taken nor the number of clients says anything about how much of a guess was right.
 */
function clientOfKey(key: string, clientsByKeyDigest: ClientsByKeyDigest): Client | undefined {
  return clientsByKeyDigest.get(hash('sha256', key));
}

function issuedKey(headers: IncomingHttpHeaders): string | undefined {
  const header = headers['x-mbx-apikey'];
  const key = Array.isArray(header) ? header[0] : header;
  if (key !== undefined && key !== '') return key;
  return headers.authorization === undefined ? undefined : BEARER.exec(headers.authorization)?.[1];
}
