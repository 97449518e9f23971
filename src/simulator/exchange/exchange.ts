import { Accounts } from '../accounts/accounts.ts';
import { Ledger } from '../accounts/ledger.ts';
import { Money } from '../base/money.ts';
import type { SimulatorOptions } from '../base/options.ts';
import { ConditionalEngine } from '../futures/conditional-engine.ts';
import { FuturesEngine } from '../futures/engine.ts';
import { SpotEngine } from '../spot/engine.ts';
import { OrderCounts } from './order-counts.ts';
import { RateLimits } from './rate-limits.ts';

/** A withdrawal that was accepted. In a test of a proxy there must never be one. */
export interface Withdrawal {
  readonly id: string;
  readonly apiKey: string;
  readonly coin: string;
  readonly amount: string;
  readonly address: string;
  /** ms since the epoch, server time */
  readonly applyTime: number;
}

/** The whole state of the exchange. */
export class Exchange {
  readonly accounts: Accounts;
  readonly ledger = new Ledger();
  readonly spot: SpotEngine;
  readonly futures: FuturesEngine;
  readonly conditional: ConditionalEngine;
  readonly rateLimits: RateLimits;
  readonly orderCounts: OrderCounts;
  readonly withdrawals: Withdrawal[] = [];
  readonly listenKeys = new Map<string, string>();
  readonly #marketStepMs: number;
  readonly #openedMs = performance.now();
  #clockOffsetMs: number;
  #nextTransferId = 13_526_853_623;

  constructor(options: SimulatorOptions) {
    this.accounts = new Accounts(options.accounts);
    this.rateLimits = new RateLimits(options.limits ?? {});
    this.orderCounts = new OrderCounts(options.limits ?? {});
    this.spot = new SpotEngine(this.ledger, options.seed ?? 1, Date.now(), (owner, isMaker) => {
      // faqs/order_count_decrement: a first fill gives back one order to a taker and five to a maker.
      this.orderCounts.release('spot', owner, isMaker ? 5 : 1, this.nowMs());
    });
    this.futures = new FuturesEngine(this.spot);
    this.conditional = new ConditionalEngine(this.spot, this.futures);
    this.#marketStepMs = options.marketStepMs ?? 1_000;
    this.#clockOffsetMs = options.clockOffsetMs ?? 0;
    for (const account of options.accounts) {
      const owner = this.accounts.identify(account.apiKey).owner;
      for (const [asset, quantity] of Object.entries(account.balances ?? {}))
        this.ledger.deposit(owner, asset, new Money(quantity));
      this.futures.open(owner, new Money(account.futuresBalance ?? '10000'));
    }
  }

  /** Server time, ms. */
  nowMs(): number {
    return Date.now() + this.#clockOffsetMs;
  }

  setClockOffset(offsetMs: number): void {
    this.#clockOffsetMs = offsetMs;
  }

  /** The step of the market at a server time in ms; step 0 is the opening. */
  stepAt(timeMs: number): number {
    if (this.#marketStepMs === 0) return 0;
    const openedMs = this.nowMs() - (performance.now() - this.#openedMs);
    return Math.floor((timeMs - openedMs) / this.#marketStepMs);
  }

  /** Moves the markets on to the present. */
  advanceMarkets(): void {
    const nowMs = this.nowMs();
    this.spot.advance(this.stepAt(nowMs), nowMs);
    this.conditional.advance(nowMs);
    this.futures.advance(nowMs);
  }

  nextTransferId(): number {
    return this.#nextTransferId++;
  }
}
