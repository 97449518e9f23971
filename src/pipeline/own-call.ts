import type { Dispatcher } from 'undici';
import type { Budgets, Ticket } from '../budgets/budgets.ts';
import type { Client } from '../core/access/client.ts';
import { type Call, encodeComponent, readCall } from '../core/call/call.ts';
import type { Catalogue } from '../core/catalogue/catalogue.ts';
import type { Endpoint } from '../core/catalogue/endpoint.ts';
import { ProxyError } from '../core/errors.ts';
import type { Credential } from '../core/signing/credential.ts';
import { plainCall, signCall, type WireRequest } from '../core/signing/sign-call.ts';
import type { UpstreamName } from '../core/upstream.ts';
import { fetchText, type TextAnswer } from '../upstream/fetch-text.ts';
import type { Pools } from '../upstream/pools.ts';

/** The name under which the proxy's own calls stand in budgets and records. */
export const PROXY_CLIENT: Client = Object.freeze({
  name: 'proxy',
  account: '',
  secret: undefined,
  requireSignature: false,
  permissions: new Set(['market-data', 'read'] as const),
  symbols: undefined,
  order: undefined,
  weightPerMinute: undefined,
  requestsPerSecond: undefined,
  policyMode: 'enforce',
});

export interface OwnCall {
  readonly upstream: UpstreamName;
  /** Path and query, canonical. */
  readonly target: string;
  /** The account whose key signs; an endpoint that wants only a key takes the first when none is named. */
  readonly account?: string;
  /** One connection of the upstream; without it the upstream's pool chooses. */
  readonly connection?: Dispatcher;
}

export interface OwnAnswer extends TextAnswer {
  /** The bytes that were signed, without the signature; undefined when none were. */
  readonly signedText?: string;
}

export interface OwnCalls {
  /**
   * A GET of the proxy's own: it stands in the catalogue, is charged and, when signed, recorded like any other.
   * @throws ProxyError when there is no room for it, no clock yet, or no record can be written
   */
  get(call: OwnCall): Promise<OwnAnswer>;
}

export interface OwnCallsOptions {
  readonly pools: () => Pools;
  readonly accounts: () => ReadonlyMap<string, Credential>;
  readonly recvWindowMs: () => number;
  readonly catalogue: Catalogue;
  readonly budgets: Budgets;
  /** Server time in ms; undefined before the first reading. */
  readonly serverNow: () => number | undefined;
  readonly recorder: OwnCallRecorder;
}

/** Signed calls of the proxy's own stand in the trail like any other. */
export interface OwnCallRecorder {
  /** Before it leaves; returns the request id. @throws ProxyError PROXY_AUDIT_UNAVAILABLE */
  signed(account: string, endpoint: Endpoint, call: Call, weight: number): string;
  /** `answer` is undefined when none came. */
  completed(
    requestId: string,
    account: string,
    endpoint: Endpoint,
    answer: TextAnswer | undefined,
    tookMs: number,
  ): void;
}

/** Nothing was sent when the connection could not even be made. */
const NOT_CONNECTED = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
  'ENETUNREACH',
  'EHOSTUNREACH',
]);

export function createOwnCalls(options: OwnCallsOptions): OwnCalls {
  function accountFor(own: OwnCall, endpoint: Endpoint): string | undefined {
    if (endpoint.security === 'NONE') return undefined;
    return own.account ?? options.accounts().keys().next().value;
  }

  function prepare(endpoint: Endpoint, call: Call, account: string | undefined): WireRequest {
    const credential = account === undefined ? undefined : options.accounts().get(account);
    if (endpoint.security !== 'SIGNED' || credential === undefined || account === undefined)
      return plainCall(call);
    const timestampMs = options.serverNow();
    if (timestampMs === undefined)
      throw new ProxyError('PROXY_NOT_READY', 'The server time is not known yet.');
    return signCall(call, credential, { timestampMs, recvWindow: String(options.recvWindowMs()) });
  }

  function settle(ticket: Ticket, answer: TextAnswer): void {
    options.budgets.reconcile(ticket, {
      status: answer.status,
      header: (name) => single(answer.headers[name]),
      bodyText: answer.status >= 400 ? answer.text : undefined,
      successful: answer.status < 400,
    });
  }

  return {
    async get(own) {
      const call = readCall('GET', own.target, new Uint8Array());
      const endpoint = options.catalogue.find(own.upstream, 'GET', call.path);
      const pool = own.connection ?? options.pools().get(own.upstream);
      if (endpoint === undefined || pool === undefined) {
        throw new ProxyError('PROXY_UNKNOWN_ENDPOINT', `There is no ${own.upstream} ${call.path} to ask.`);
      }
      const account = accountFor(own, endpoint);
      const charge = { endpoint, call, client: PROXY_CLIENT, account, recvWindowMs: options.recvWindowMs() };
      const ticket = await options.budgets.charge(charge);
      const isSigned = endpoint.security === 'SIGNED' && account !== undefined;
      let requestId: string | undefined;
      let sentMs: number | undefined;
      const conclude = (answer: TextAnswer | undefined) => {
        if (requestId === undefined || sentMs === undefined || account === undefined) return;
        options.recorder.completed(requestId, account, endpoint, answer, performance.now() - sentMs);
      };
      try {
        const wire = prepare(endpoint, call, account);
        if (isSigned) requestId = options.recorder.signed(account, endpoint, call, ticket.weight);
        const apiKey = account === undefined ? undefined : options.accounts().get(account)?.apiKey;
        sentMs = performance.now();
        const answer = await fetchText(
          pool,
          wire.target,
          apiKey === undefined ? [] : ['x-mbx-apikey', apiKey],
        );
        settle(ticket, answer);
        conclude(answer);
        return isSigned ? { ...answer, signedText: signedTextOf(wire) } : answer;
      } catch (error) {
        if (sentMs !== undefined && !isNotConnected(error)) options.budgets.keep(ticket);
        else options.budgets.refund(ticket);
        conclude(undefined);
        throw error;
      }
    },
  };
}

/** A canonical target out of a path and decoded parameters. */
export function targetOf(path: string, params: Iterable<readonly [name: string, value: string]>): string {
  const query = Array.from(params, ([name, value]) => `${name}=${encodeComponent(value)}`).join('&');
  return query === '' ? path : `${path}?${query}`;
}

function signedTextOf({ target }: WireRequest): string {
  return target.replace(/^[^?]*\?/, '').replace(/&signature=.*$/, '');
}

function isNotConnected(error: unknown): boolean {
  return NOT_CONNECTED.has(String((error as NodeJS.ErrnoException).code));
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
