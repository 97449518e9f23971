import type { FastifyRequest } from 'fastify';
import type { Client } from '../core/access/client.ts';
import { verifyClientSignature } from '../core/access/form-signature.ts';
import { assertFresh, freshUntilMs } from '../core/access/freshness.ts';
import { decide, denylistRefusal } from '../core/access/policy.ts';
import type { Call } from '../core/call/call.ts';
import { readTarget } from '../core/call/target.ts';
import type { Endpoint } from '../core/catalogue/endpoint.ts';
import { ProxyError } from '../core/errors.ts';
import { injectClientOrderIds } from '../core/orders/client-order-id.ts';
import type { Exchange } from './call-context.ts';
import type { Line } from './line.ts';

/**
 * The catalogue's entry for a call: first the denylist, then the catalogue, then what may stand twice on it.
 * @throws ProxyError PROXY_DENYLISTED, PROXY_UNKNOWN_ENDPOINT, PROXY_DUPLICATE_PARAMETER
 */
export function recognise(line: Line, exchange: Exchange, call: Call): Endpoint {
  exchange.call = call;
  const denied = exchange.snapshot.denylist.match(call.path);
  if (denied !== undefined) throw denylistRefusal(denied);
  const endpoint = call.upstream && line.catalogue.find(call.upstream, call.method, call.path);
  if (endpoint === undefined || exchange.snapshot.pools.get(endpoint.upstream) === undefined) {
    throw new ProxyError(
      'PROXY_UNKNOWN_ENDPOINT',
      'Unknown endpoint: it does not stand in the catalogue of this proxy.',
      {
        rule: 'catalogue',
      },
    );
  }
  exchange.endpoint = endpoint;
  for (const name of call.repeated) {
    if (endpoint.repeatable.includes(name)) continue;
    throw new ProxyError('PROXY_DUPLICATE_PARAMETER', 'Duplicate values for a parameter detected.', {
      rule: 'repeated name',
    });
  }
  return endpoint;
}

/**
 * Who calls: an endpoint without security needs no key, every other one needs a client, whose own signature and
 * timestamp are judged before they are dropped.
 * @throws ProxyError PROXY_UNKNOWN_CLIENT, PROXY_BAD_SIGNATURE, PROXY_STALE_REQUEST
 */
export function authenticate(
  line: Line,
  exchange: Exchange,
  request: FastifyRequest,
  call: Call,
  body: Buffer,
): Client {
  const { settings } = exchange.snapshot;
  const security = exchange.endpoint?.security;
  const anonymous =
    security === 'NONE' && settings.anonymousEnabled ? settings.clients.get('anonymous') : undefined;
  const client = exchange.identified ?? anonymous;
  if (client === undefined) {
    throw new ProxyError(
      'PROXY_UNKNOWN_CLIENT',
      'API-key format invalid: this is no key that the signing proxy issued.',
      {
        rule: 'client key',
      },
    );
  }
  exchange.client = client;
  if (security === 'NONE') return client;
  exchange.account = client.account;
  const untilMs = freshUntilMs(call.stamp);
  const nowMs = line.wallNow();
  assertFresh(untilMs, nowMs, line.clock.now() ?? nowMs);
  checkIssuedSignature(line, exchange, client, request, call, body, untilMs);
  return client;
}

/**
 * Whether this client may make this call, and whether this account's key may sign at all.
 * @throws ProxyError PROXY_PERMISSION_DENIED, PROXY_NOT_READY
 */
export function authorise(
  line: Line,
  exchange: Exchange,
  client: Client,
  endpoint: Endpoint,
  call: Call,
): void {
  const decision = decide(client, endpoint, call);
  if (decision.reported !== undefined) line.recorder.reported(exchange, decision.reported);
  if (endpoint.security !== 'NONE') line.gate.assertSignable(client.account);
}

/** Gives every order that came without a client order id one, so that an unknown outcome can be queried. */
export function nameOrders(exchange: Exchange, endpoint: Endpoint, call: Call): Call {
  const named = injectClientOrderIds(endpoint, call, exchange.requestId);
  exchange.call = named.call;
  exchange.clientOrderIds = named.ids;
  return named.call;
}

function checkIssuedSignature(
  line: Line,
  exchange: Exchange,
  client: Client,
  request: FastifyRequest,
  call: Call,
  body: Buffer,
  untilMs: number | undefined,
): void {
  const { signature } = call.stamp;
  if (signature === undefined) {
    // Key-only endpoints are called unsigned by every library, because Binance wants no signature there.
    if (client.requireSignature && exchange.endpoint?.security === 'SIGNED')
      throw badSignature(
        'This client has to sign its requests with its issued secret.',
        'signature required',
      );
    return;
  }
  if (client.secret === undefined) return;
  const { query } = readTarget(request.originalUrl);
  if (!verifyClientSignature(client.secret, signature, query, body.toString('latin1'))) {
    throw badSignature('Signature for this request is not valid.', 'signature');
  }
  if (call.method === 'GET' || call.method === 'DELETE') return;
  if (untilMs === undefined)
    throw badSignature('A signed POST or PUT needs a timestamp.', 'signature without timestamp');
  line.replays.accept(
    client.name,
    signature,
    untilMs,
    Math.min(line.wallNow(), line.clock.now() ?? Number.POSITIVE_INFINITY),
  );
}

function badSignature(message: string, rule: string): ProxyError {
  return new ProxyError('PROXY_BAD_SIGNATURE', message, { rule });
}
