import type { Dispatcher } from 'undici';
import type { Budgets } from '../../budgets/budgets.ts';
import type { WayOut } from '../../config/schema/ways-out.ts';
import { PROXY_CLIENT } from '../../core/access/client.ts';
import type { Serves } from '../../core/budget/charging.ts';
import { readHead } from '../../core/call/call.ts';
import { encodeComponent } from '../../core/call/form.ts';
import { readTarget } from '../../core/call/target.ts';
import type { Catalogue } from '../../core/catalogue/catalogue.ts';
import type { Endpoint, Method } from '../../core/catalogue/endpoint.ts';
import { ProxyError } from '../../core/errors.ts';
import type { Credential } from '../../core/signing/credential.ts';
import type { UpstreamName } from '../../core/upstream.ts';
import type { ServerClock } from '../../upstream/server-clock.ts';
import type { Arrival } from '../arrival.ts';
import { createAttempt } from '../attempt.ts';
import { createFinish } from '../finish.ts';
import type { CallRecorder } from '../recorder.ts';
import { createReserve } from '../reserve.ts';
import { type OwnAnswer, TextCarrier } from './text-carrier.ts';

export interface OwnCall {
  readonly upstream: UpstreamName;
  /** Path and query, canonical. */
  readonly target: string;
  /** The account whose key signs; an endpoint that wants only a key takes the first when none is named. */
  readonly account?: string;
  /** A key of the account that signs instead of the one in force: the question about a key is signed with it. */
  readonly credential?: Credential;
  /** Where the call is charged; without it as a read of the proxy's own. */
  readonly serves?: Serves;
  /** The way that it leaves by; without it the one of its account. */
  readonly way?: WayOut;
  /** One connection of the upstream; without it the upstream's pool chooses. */
  readonly connection?: Dispatcher;
}

export interface OwnCalls {
  /**
   * A GET of the proxy's own: it stands in the catalogue, is charged and, when signed, recorded like any other.
   * @throws ProxyError when there is no room for it, no clock yet, or no record can be written; the connection's own
   * error when no whole answer came
   */
  get(call: OwnCall): Promise<OwnAnswer>;
  /** The same for a call that takes orders away. It is never sent again after a byte was written. */
  cancel(method: 'DELETE' | 'POST', call: OwnCall): Promise<OwnAnswer>;
  /** The same for a listen key, which is made and kept alive with nothing but the API key. */
  keepListening(method: 'POST' | 'PUT', call: OwnCall): Promise<OwnAnswer>;
}

export interface OwnCallsDeps {
  readonly arrival: Pick<Arrival, 'arrive'>;
  readonly catalogue: Catalogue;
  readonly clock: Pick<ServerClock, 'now'>;
  readonly budgets: Budgets;
  readonly recorder: CallRecorder;
  readonly monotonicNow: () => number;
  readonly wallNow: () => number;
}

/** What hands out listen keys is never asked for here, and no order is placed. */
const NO_NOTES = { note: () => {} };
const NO_LEARNING = {
  shared: { forgetRules: () => {} },
  listenKeys: NO_NOTES,
  keyHolders: NO_NOTES,
  refusalStop: NO_NOTES,
};

/** The proxy's own calls take the same steps as those of apps, but for the judges of who may call. */
export function createOwnCalls(deps: OwnCallsDeps): OwnCalls {
  const { arrival, catalogue } = deps;
  // No client waits for these calls: nothing is asked for twice, and a shutdown does not wait for them.
  const resolver = { add: () => {} };
  const recorder = recordsOfSigned(deps.recorder);
  const stops = NO_STOPS;
  const reserve = createReserve({
    ...deps,
    recorder,
    resolver,
    stops,
    limits: NO_LIMITS,
    openLimit: NO_OPEN_LIMIT,
    underWay: NO_PLACES,
  });
  const attempt = createAttempt({ ...deps, recorder, stops, resync: async () => {} });
  const finish = createFinish({ recorder, resolver, ...NO_LEARNING });

  async function send(method: Method, own: OwnCall): Promise<OwnAnswer> {
    const context = arrival.arrive(method, () => PROXY_CLIENT);
    const call = readHead(method, readTarget(own.target));
    const endpoint = catalogue.find(own.upstream, method, call.path);
    const account = endpoint && accountFor(own, endpoint, context.config.keys.keys().next().value);
    const { pools } = context.config;
    const connection = own.connection ?? pools.get(own.upstream, own.way?.account ?? account);
    const isOurs = endpoint !== undefined && mayBeAsked(method, endpoint);
    if (!isOurs || connection === undefined)
      throw new ProxyError('PROXY_UNKNOWN_ENDPOINT', `There is no ${own.upstream} ${call.path} to ask.`);
    const credential = own.credential ?? context.config.keys.get(account ?? '');
    context.noteCall(call);
    context.noteEndpoint(endpoint);
    context.noteCaller(PROXY_CLIENT, account);
    const proven = { client: PROXY_CLIENT, account, endpoint, call, signed: undefined };
    const { serves, way } = own;
    const judged = {
      ...proven,
      claim: undefined,
      sentOrders: [],
      credential,
      orders: undefined,
      approval: undefined,
      serves,
      way,
    };
    using reserved = await reserve(context, judged);
    const carrier = new TextCarrier(connection, method);
    const { lost } = finish(reserved, await attempt(reserved, carrier), carrier);
    if (lost !== undefined) throw carrier.error ?? lost;
    return carrier.answer();
  }

  return { get: (own) => send('GET', own), cancel: send, keepListening: send };
}

const LISTEN_KEY_PATH = /^\/[fd]api\/v1\/listenKey$/;

/** The proxy asks, takes orders away and keeps listening; it places nothing. */
function mayBeAsked(method: Method, { effect, path }: Endpoint): boolean {
  return method === 'GET' || effect === 'cancel' || LISTEN_KEY_PATH.test(path);
}

const NO_LIMITS = { reserve: () => undefined, settle: () => {} };
const NO_OPEN_LIMIT = { take: () => undefined, settle: () => {} };
/** What the proxy itself asks and takes away goes on in every state. */
const NO_STOPS = { assertAllowed: () => {}, begin: () => undefined, note: () => {} };
const NO_PLACES = { begin: () => ({ [Symbol.dispose]: () => {} }) };

function accountFor(own: OwnCall, { security }: Endpoint, first: string | undefined): string | undefined {
  return security === 'NONE' ? undefined : (own.account ?? first);
}

/** Only what was signed has records: the questions about price and time are many and prove nothing. */
function recordsOfSigned(recorder: CallRecorder): CallRecorder {
  return {
    ...recorder,
    // What the proxy asks, orders wait for.
    assertRoom() {},
    completedAtOnce(context, answer, lost) {
      if (context.endpoint?.security === 'SIGNED') recorder.completedAtOnce(context, answer, lost);
    },
  };
}

/** A canonical target out of a path and decoded parameters. */
export function targetOf(path: string, params: Iterable<readonly [name: string, value: string]>): string {
  const query = Array.from(params, ([name, value]) => `${name}=${encodeComponent(value)}`).join('&');
  return query === '' ? path : `${path}?${query}`;
}
