import { setTimeout as pause } from 'node:timers/promises';
import type { Scope } from './trading-state.ts';

/** Whom a placing call is of. Symbols are asked for only where a symbol is stopped. */
export interface WayOfOrder {
  readonly client: string;
  readonly account: string | undefined;
  readonly symbols: () => readonly string[] | undefined;
}

/** Placing and amending calls between their judgement and their end. */
export class OrdersOnTheirWay {
  readonly #orders = new Map<WayOfOrder, PromiseWithResolvers<void>>();

  /** Counts one until what is returned is disposed of. */
  begin(order: WayOfOrder): Disposable {
    const ended = Promise.withResolvers<void>();
    this.#orders.set(order, ended);
    return {
      [Symbol.dispose]: () => {
        this.#orders.delete(order);
        ended.resolve();
      },
    };
  }

  /** True when none of the scope is on its way. */
  isSettled(scope: Scope): boolean {
    for (const order of this.#orders.keys()) if (isOf(scope, order)) return false;
    return true;
  }

  /** Resolves when those of the scope that are on their way now have ended; at the latest after `forMs`. */
  async settled(scope: Scope, forMs: number): Promise<void> {
    const concerned = [...this.#orders].filter(([order]) => isOf(scope, order));
    if (concerned.length === 0) return;
    const stop = new AbortController();
    const late = pause(forMs, undefined, { signal: stop.signal, ref: false }).catch(() => {});
    await Promise.race([Promise.all(concerned.map(([, { promise }]) => promise)), late]);
    stop.abort();
  }
}

function isOf({ kind, name }: Scope, { client, account, symbols }: WayOfOrder): boolean {
  switch (kind) {
    case 'proxy':
      return true;
    case 'account':
      return account === name;
    case 'client':
      return client === name;
    case 'symbol':
      return symbols()?.includes(name) ?? true;
  }
}
