import type { Settings } from '../../config/schema/settings.ts';
import type { Client } from '../../core/access/client.ts';
import type { Call } from '../../core/call/call.ts';
import { findPair } from '../../core/call/call.ts';
import { decodedValue } from '../../core/call/form.ts';
import type { Endpoint } from '../../core/catalogue/endpoint.ts';
import { ProxyError } from '../../core/errors.ts';
import type { CancelPort } from '../cancelling/cancel-round.ts';
import type { SettledOrders } from '../known-orders.ts';
import { Ticker } from './ticker.ts';

export interface CountdownBeatsDeps {
  readonly ask: CancelPort;
  readonly settings: () => Settings;
  readonly monotonicNow: () => number;
  /** True while the silence of the client would be noticed. */
  readonly isArmed: (client: string) => boolean;
  /** True under a halt, when nothing is beaten. */
  readonly isHalted: (client: Client) => boolean;
  /** Of all proxies of one Redis one beats a symbol. */
  readonly mayBeat: (key: string, forMs: number) => Promise<boolean>;
  readonly onChanged: () => void;
}

/** One countdown at Binance: it cancels the account's orders on a symbol unless it is beaten. */
interface Countdown {
  readonly account: string;
  readonly upstream: 'usdm' | 'coinm';
  readonly symbol: string;
  readonly clients: Set<string>;
  nextMs: number;
}

const TICK_MS = 500;
const PATHS = { usdm: '/fapi/v1/countdownCancelAll', coinm: '/dapi/v1/countdownCancelAll' } as const;
/** So often within its time a countdown is set anew. */
const BEATS = 4;

/**
 * Beats Binance's own countdown on every futures symbol on which an armed client has placed orders, for as long as any of
 * them lives. When the last one logs out it is switched off; when the last one dies it runs out.
 */
export class CountdownBeats {
  readonly #deps: CountdownBeatsDeps;
  readonly #countdowns = new Map<string, Countdown>();
  readonly #ticker = new Ticker(() => this.#tick(), TICK_MS);

  /** @param kept what an earlier run beat, as {@link kept} gives it */
  constructor(deps: CountdownBeatsDeps, kept: readonly string[]) {
    this.#deps = deps;
    for (const line of kept) {
      const [client = '', account = '', upstream = '', symbol = ''] = line.split(' ');
      if (upstream === 'usdm' || upstream === 'coinm') this.#add(client, account, upstream, symbol);
    }
  }

  get kept(): readonly string[] {
    return [...this.#countdowns.values()].flatMap(({ account, upstream, symbol, clients }) =>
      [...clients].map((client) => `${client} ${account} ${upstream} ${symbol}`),
    );
  }

  /** Takes up the symbols of orders that were placed. */
  note({ client, account, endpoint, orders }: SettledOrders): void {
    const { upstream } = endpoint;
    if (upstream !== 'usdm' && upstream !== 'coinm') return;
    if (this.#deps.settings().clients.get(client)?.deadMan?.exchange !== true) return;
    for (const { symbol = '' } of orders)
      if (symbol !== '' && this.#add(client, account, upstream, symbol.toUpperCase())) this.#deps.onChanged();
  }

  /**
   * An app's own countdown would set the shared one.
   * @throws ProxyError PROXY_ORDER_REFUSED
   */
  assertNoOther(endpoint: Endpoint, account: string | undefined, call: Call): void {
    if (endpoint.effect !== 'cancel' || !endpoint.path.endsWith('/countdownCancelAll')) return;
    const pair = findPair(call, 'symbol');
    const symbol = pair && decodedValue(pair)?.toUpperCase();
    const isShared = this.#deps
      .settings()
      .clients.values()
      .some(
        (client) =>
          client.account === account &&
          client.deadMan?.exchange === true &&
          (symbol === undefined || client.symbols === undefined || client.symbols.has(symbol)),
      );
    if (!isShared) return;
    throw new ProxyError(
      'PROXY_ORDER_REFUSED',
      'Order refused: the proxy itself beats the countdown of this symbol (rule deadMan).',
      { rule: 'deadMan' },
    );
  }

  /** The client said that it ends: where it was the last one the countdown is switched off. */
  loggedOut(client: string): void {
    for (const [key, countdown] of this.#countdowns) {
      if (!countdown.clients.delete(client) || countdown.clients.size > 0) continue;
      this.#countdowns.delete(key);
      void this.#set(countdown, 0);
    }
    this.#deps.onChanged();
  }

  close(): void {
    this.#ticker.close();
  }

  #add(client: string, account: string, upstream: 'usdm' | 'coinm', symbol: string): boolean {
    const key = `${account} ${upstream} ${symbol}`;
    const countdown = this.#countdowns.get(key) ?? {
      ...{ account, upstream, symbol },
      clients: new Set(),
      nextMs: Number.NEGATIVE_INFINITY,
    };
    this.#countdowns.set(key, countdown);
    this.#ticker.start();
    if (countdown.clients.has(client)) return false;
    countdown.clients.add(client);
    return true;
  }

  #tick(): boolean {
    const nowMs = this.#deps.monotonicNow();
    for (const [key, countdown] of this.#countdowns) {
      if (nowMs < countdown.nextMs) continue;
      const living = this.#livingOf(countdown);
      if (living.length === 0) {
        this.#countdowns.delete(key);
        this.#deps.onChanged();
        continue;
      }
      const countdownMs = Math.min(
        ...living.map(({ deadMan }) => deadMan?.countdownMs ?? Number.POSITIVE_INFINITY),
      );
      countdown.nextMs = nowMs + countdownMs / BEATS;
      if (!living.every((client) => this.#deps.isHalted(client)))
        void this.#beat(key, countdown, countdownMs);
    }
    return this.#countdowns.size > 0;
  }

  #livingOf({ clients }: Countdown): readonly Client[] {
    const { settings, isArmed } = this.#deps;
    return [...clients].filter(isArmed).flatMap((name) => {
      const client = settings().clients.get(name);
      return client?.deadMan?.exchange === true ? [client] : [];
    });
  }

  async #beat(key: string, countdown: Countdown, countdownMs: number): Promise<void> {
    try {
      if (await this.#deps.mayBeat(key, countdownMs / 2)) await this.#set(countdown, countdownMs);
    } catch {
      // The next beat comes long before the countdown ends.
    }
  }

  async #set({ account, upstream, symbol }: Countdown, countdownMs: number): Promise<void> {
    const params = [
      ['symbol', symbol],
      ['countdownTime', String(countdownMs)],
    ] as const;
    await this.#deps
      .ask({ method: 'POST', upstream, path: PATHS[upstream], params, account, client: undefined })
      .catch(() => {});
  }
}
