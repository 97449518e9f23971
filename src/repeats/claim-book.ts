import { ProxyError } from '../core/errors.ts';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../core/intervals.ts';
import type { ResolvedCall } from '../orders/order-lookup.ts';
import { Claim, type ClaimEnding, type ClaimKeeper, type ClaimKeys, type Holder, nameKey } from './claim.ts';
import type { SharedClaims } from './shared-claims.ts';

/** What asks for a claim. */
export interface ClaimRequest extends ClaimKeys {
  readonly requestId: string;
  readonly clientOrderIds: readonly string[];
  /** Until when the digest can come again, ms. */
  readonly digestUntilMs: number;
}

export interface ClaimBookOptions {
  /** ms since the epoch. */
  readonly now: () => number;
  /** The claims of all proxies of one Redis; undefined for a proxy alone. */
  readonly shared: SharedClaims | undefined;
}

interface Entry {
  readonly claim: Claim;
  readonly untilMs: number;
}

/** How long the names of an order are held whose app did not get the answer. */
const UNHEARD_MS = MINUTE_MS;
/** How long the names of an order are held about which Binance cannot be asked. */
const NEVER_KNOWN_MS = HOUR_MS;
const SWEEP_EVERY_MS = 10 * SECOND_MS;

/**
 * Which calls may not be sent again, and which client order ids belong to an order whose fate its app does not know.
 * Every call takes its claim before anything else of it is judged, and gives it back when it had no effect.
 */
export class ClaimBook implements ClaimKeeper {
  readonly #options: ClaimBookOptions;
  readonly #entries = new Map<string, Entry>();
  /** Claims whose call has an open end, by the request id of the call. */
  readonly #unknown = new Map<string, Claim>();
  #sweepAtMs = 0;

  constructor(options: ClaimBookOptions) {
    this.#options = options;
  }

  /** @throws ProxyError PROXY_DUPLICATE_ORDER, PROXY_OUTCOME_UNKNOWN */
  claim({ requestId, clientOrderIds, digest, names, digestUntilMs }: ClaimRequest): Claim | Promise<Claim> {
    const nowMs = this.#options.now();
    this.#sweep(nowMs);
    for (const key of keysOf({ digest, names })) {
      const entry = this.#entries.get(key);
      if (entry !== undefined && entry.untilMs > nowMs) throw repeated(entry.claim.holder);
    }
    const claim = new Claim(
      this,
      { requestId, clientOrderIds, state: 'open' },
      { digest, names },
      digestUntilMs,
    );
    this.#enter(claim, Number.POSITIVE_INFINITY);
    const { shared } = this.#options;
    return shared === undefined ? claim : this.#claimShared(shared, claim);
  }

  /** Takes up a call of an earlier run. What this run has claimed meanwhile stands. */
  restore(
    { requestId, clientOrderIds, digest, names, digestUntilMs }: ClaimRequest,
    ending: ClaimEnding,
    orderId: string | undefined,
  ): void {
    const free = (key: string) => !this.#entries.has(key);
    const keys = {
      digest: digest !== undefined && free(digest) ? digest : undefined,
      names: names.filter(free),
    };
    new Claim(this, { requestId, clientOrderIds, state: 'open', orderId }, keys, digestUntilMs).keep(ending);
  }

  /** The fate of a call whose answer was lost is known. */
  resolved({ requestId, account, upstream, orders, resolution }: ResolvedCall): void {
    const claim = this.#unknown.get(requestId);
    if (claim === undefined) return;
    const refused = new Set(
      orders
        .filter(({ resolution: fate }) => fate === 'rejected' || fate === 'not-found')
        .map(({ symbol = '', clientOrderId }) => nameKey(account, upstream, { symbol, clientOrderId })),
    );
    if (orders.length > 0 && refused.size === orders.length) {
      this.release(claim);
      return;
    }
    const names = claim.keys.names.filter((key) => !refused.has(key));
    const orderId = orders.find((order) => order.orderId !== undefined)?.orderId;
    this.#forget(claim);
    // Where Binance cannot be asked, nobody will ever know more.
    if (resolution === 'not-queryable') claim.learn({}, names);
    else claim.learn({ state: 'executed', orderId }, names);
    this.#hold(claim, resolution === 'not-queryable' ? NEVER_KNOWN_MS : UNHEARD_MS);
  }

  keep(claim: Claim, ending: ClaimEnding): void {
    this.#forget(claim);
    if (ending === 'executed') {
      claim.learn({ state: 'executed' }, claim.keys.names);
      this.#hold(claim, UNHEARD_MS);
      return;
    }
    // Only orders are asked for; anything else stays open until it cannot come again.
    if (claim.keys.names.length > 0) this.#unknown.set(claim.holder.requestId, claim);
    this.#hold(claim, Number.POSITIVE_INFINITY);
  }

  heard(claim: Claim): void {
    if (claim.holder.state !== 'executed') return;
    const { names } = claim.keys;
    for (const key of names) this.#drop(key, claim);
    if (names.length > 0) this.#options.shared?.drop(names, claim.holder.requestId);
  }

  release(claim: Claim): void {
    this.#forget(claim);
    this.#options.shared?.drop(keysOf(claim.keys), claim.holder.requestId);
  }

  async #claimShared(shared: SharedClaims, claim: Claim): Promise<Claim> {
    const other = await shared.claim(keysOf(claim.keys), claim.holder);
    if (other === undefined) return claim;
    this.#forget(claim);
    throw repeated(other);
  }

  /** What is held by a call with an effect, here and at the other proxies. */
  #hold(claim: Claim, namesForMs: number): void {
    const nowMs = this.#options.now();
    this.#enter(claim, nowMs + namesForMs);
    const { digest, names } = claim.keys;
    const { shared } = this.#options;
    if (digest !== undefined) shared?.put([digest], claim.holder, claim.digestUntilMs - nowMs);
    if (names.length > 0) shared?.put(names, claim.holder, namesForMs);
  }

  #enter(claim: Claim, namesUntilMs: number): void {
    const { digest, names } = claim.keys;
    if (digest !== undefined) this.#entries.set(digest, { claim, untilMs: claim.digestUntilMs });
    for (const key of names) this.#entries.set(key, { claim, untilMs: namesUntilMs });
  }

  #forget(claim: Claim): void {
    this.#unknown.delete(claim.holder.requestId);
    for (const key of keysOf(claim.keys)) this.#drop(key, claim);
  }

  #drop(key: string, claim: Claim): void {
    if (this.#entries.get(key)?.claim === claim) this.#entries.delete(key);
  }

  #sweep(nowMs: number): void {
    if (nowMs < this.#sweepAtMs) return;
    this.#sweepAtMs = nowMs + SWEEP_EVERY_MS;
    for (const [key, { untilMs }] of this.#entries) if (untilMs < nowMs) this.#entries.delete(key);
  }
}

function keysOf({ digest, names }: ClaimKeys): readonly string[] {
  return digest === undefined ? names : [digest, ...names];
}

/** The answer to a call that repeats the one of `holder`. */
function repeated({ requestId, clientOrderIds, state, orderId }: Holder): ProxyError {
  const detail = { rule: 'repeat', repeats: { requestId, orderId } };
  if (state === 'executed') return new ProxyError('PROXY_DUPLICATE_ORDER', 'Duplicate order sent.', detail);
  const query =
    clientOrderIds.length === 0 ? '' : ` Query it by client order id ${clientOrderIds.join(', ')}.`;
  return new ProxyError(
    'PROXY_OUTCOME_UNKNOWN',
    `The same call was sent before and its outcome is not known yet; it was not sent again.${query}`,
    detail,
  );
}
