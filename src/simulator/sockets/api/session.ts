import type { Account } from '../../accounts/accounts.ts';
import { ExchangeError, keyRejected } from '../../base/exchange-error.ts';
import type { JsonObject, JsonValue } from '../../base/json-value.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { openRoute, type Route, signedRoute } from '../../http/route.ts';
import { refuseLogonKey } from './authentication.ts';

const LARGEST_SUBSCRIPTION_ID = 65_534;

interface Subscription {
  readonly owner: string;
  /** How it was opened. A logout ends only subscriptions of the logon. */
  readonly by: 'logon' | 'signature' | 'token';
}

/** The account of a connection to a signed API, and the user data that it is subscribed to. */
export class Session {
  readonly subscriptions = new Map<number, Subscription>();
  readonly returnRateLimits: boolean;
  readonly #connectedSinceMs: number;
  readonly #emit: (event: JsonObject) => void;
  readonly #ed25519Keys: ReadonlySet<string>;
  apiKey: string | undefined;
  #authorizedSinceMs: number | undefined;
  #nextSubscriptionId = 0;

  constructor(
    connectedSinceMs: number,
    returnRateLimits: boolean,
    ed25519Keys: ReadonlySet<string>,
    emit: (event: JsonObject) => void,
  ) {
    this.#connectedSinceMs = connectedSinceMs;
    this.returnRateLimits = returnRateLimits;
    this.#ed25519Keys = ed25519Keys;
    this.#emit = emit;
  }

  /** Sends the user data events of an account, once for each subscription to it. */
  deliver(owner: string, events: readonly JsonObject[]): void {
    for (const [subscriptionId, subscription] of this.subscriptions) {
      if (subscription.owner !== owner) continue;
      for (const event of events) this.#emit({ subscriptionId, event });
    }
  }

  /** The session methods, which every signed API has. */
  logonRoutes(prefix: string): Route[] {
    const status = { weight: 2, rules: {} };
    return [
      signedRoute(`POST ${prefix}/session.logon`, status, ({ nowMs }, account) => {
        refuseLogonKey(account, this.#ed25519Keys);
        if (this.apiKey !== account.apiKey) this.#endLogonSubscriptions(nowMs);
        this.apiKey = account.apiKey;
        this.#authorizedSinceMs = nowMs;
        return this.#view(nowMs);
      }),
      openRoute(`GET ${prefix}/session.status`, status, ({ nowMs }) => this.#view(nowMs)),
      openRoute(`POST ${prefix}/session.logout`, status, ({ nowMs }) => {
        this.#endLogonSubscriptions(nowMs);
        this.apiKey = undefined;
        this.#authorizedSinceMs = undefined;
        return this.#view(nowMs);
      }),
    ];
  }

  /** The user data methods of spot. */
  subscriptionRoutes(): Route[] {
    const status = { weight: 2, rules: {} };
    const prefix = '/api/v3';
    return [
      openRoute(`GET ${prefix}/session.subscriptions`, status, () =>
        [...this.subscriptions.keys()].map((subscriptionId) => ({ subscriptionId })),
      ),
      openRoute(`POST ${prefix}/userDataStream.subscribe`, status, ({ exchange }) => {
        const account = exchange.accounts.find(this.apiKey);
        if (account === undefined) throw keyRejected();
        return this.#subscribe(account, 'logon');
      }),
      signedRoute(`POST ${prefix}/userDataStream.subscribe.signature`, status, (_visit, account) =>
        this.#subscribe(account, 'signature'),
      ),
      openRoute(
        `POST ${prefix}/userDataStream.subscribe.listenToken`,
        { weight: 2, rules: { listenToken: { mandatory: true } } },
        ({ exchange, parameters, nowMs }) => ({
          ...this.#subscribe(ownerOfToken(exchange, parameters.need('listenToken')), 'token'),
          expirationTime: nowMs + 86_400_000,
        }),
      ),
      openRoute(
        `POST ${prefix}/userDataStream.unsubscribe`,
        { weight: 2, rules: { subscriptionId: { legal: /^[0-9]{1,5}$/ } } },
        ({ parameters, nowMs }) => this.#unsubscribe(parameters.integer('subscriptionId'), nowMs),
      ),
    ];
  }

  #subscribe({ owner }: Account, by: Subscription['by']): JsonObject {
    // The token of a margin account stands for another account than the spot account of the same owner.
    const isTaken = [...this.subscriptions.values()].some(
      (other) => other.owner === owner && (other.by === 'token') === (by === 'token'),
    );
    if (isTaken) throw new ExchangeError(-2035, 'User Data Stream subscription already active.');
    if (this.#nextSubscriptionId > LARGEST_SUBSCRIPTION_ID)
      throw new ExchangeError(-2042, 'Maximum subscription ID reached for this connection.');
    const subscriptionId = this.#nextSubscriptionId++;
    this.subscriptions.set(subscriptionId, { owner, by });
    return { subscriptionId };
  }

  #unsubscribe(wanted: number | undefined, nowMs: number): JsonValue {
    if (wanted !== undefined && !this.subscriptions.has(wanted))
      throw new ExchangeError(-2036, 'User Data Stream subscription not active.');
    this.#end((id) => wanted === undefined || id === wanted, nowMs);
    return {};
  }

  #endLogonSubscriptions(nowMs: number): void {
    this.#end((_id, subscription) => subscription.by === 'logon', nowMs);
  }

  #end(isMeant: (id: number, subscription: Subscription) => boolean, nowMs: number): void {
    for (const [subscriptionId, subscription] of this.subscriptions) {
      if (!isMeant(subscriptionId, subscription)) continue;
      this.subscriptions.delete(subscriptionId);
      this.#emit({ subscriptionId, event: { e: 'eventStreamTerminated', E: nowMs } });
    }
  }

  #view(nowMs: number): JsonObject {
    return {
      apiKey: this.apiKey ?? null,
      authorizedSince: this.#authorizedSinceMs ?? null,
      connectedSince: this.#connectedSinceMs,
      returnRateLimits: this.returnRateLimits,
      serverTime: nowMs,
      userDataStream: this.subscriptions.size > 0,
    };
  }
}

function ownerOfToken(exchange: Exchange, token: string): Account {
  const account = exchange.accounts
    .all()
    .find(({ owner }) => exchange.listenKeys.get(`/sapi/v1/userListenToken ${owner}`) === token);
  if (account === undefined) throw new ExchangeError(-1209, 'Invalid listenToken.');
  return account;
}
