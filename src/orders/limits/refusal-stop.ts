import type { Client } from '../../core/access/client.ts';
import type { Endpoint } from '../../core/catalogue/endpoint.ts';
import type { LimitUse } from '../../core/limits/order-rates.ts';
import { RefusalStreaks } from '../../core/limits/refusal-streaks.ts';
import type { Verdict } from '../../core/outcome/classify.ts';

/** Told once when as many orders of a client in a row were refused by Binance as are allowed. */
export type OnRefusalStreak = (client: Client, count: number) => void;

/** How Binance ended a call. */
export interface OrderEnding extends Pick<Verdict, 'outcome' | 'execution'> {
  readonly status: number | undefined;
}

/** With these Binance asks for silence: that is about the address or the account, not about what the client ordered. */
const ASKS_FOR_SILENCE: ReadonlySet<number | undefined> = new Set([403, 418, 429]);

/**
 * Counts the orders of each client that Binance refused in a row, in this process: a reload keeps the count, a restart
 * begins anew, and what it ends in is kept by whoever is told.
 */
export class RefusalStop {
  readonly #streaks = new RefusalStreaks();
  readonly #onStreak: OnRefusalStreak;

  constructor(onStreak: OnRefusalStreak) {
    this.#onStreak = onStreak;
  }

  /** Learns from how a call ended. Tests, cancels and reads say nothing, nor does an order whose fate is open. */
  note(
    client: Client,
    { effect }: Pick<Endpoint, 'effect'>,
    { outcome, execution, status }: OrderEnding,
  ): void {
    const most = client.stopAfterRefusals;
    if (most === undefined || (effect !== 'place' && effect !== 'amend')) return;
    if (execution === 'executed' || execution === 'partly') this.#streaks.accepted(client.name);
    if (execution !== 'refused' || outcome !== 'answered' || ASKS_FOR_SILENCE.has(status)) return;
    if (this.#streaks.refused(client.name, most)) this.#onStreak(client, most);
  }

  /** Which part of the row is there. */
  use({ name, stopAfterRefusals }: Client): readonly LimitUse[] {
    if (stopAfterRefusals === undefined) return [];
    return [['stopAfterRefusals', this.#streaks.of(name) / stopAfterRefusals]];
  }
}
