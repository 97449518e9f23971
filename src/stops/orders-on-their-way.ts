import { setTimeout as pause } from 'node:timers/promises';
import type { Scope } from './trading-state.ts';

/** Whom a placing call is of. Symbols are asked for only where a symbol is stopped. */
export interface WayOfOrder {
  readonly client: string;
  readonly account: string | undefined;
  readonly symbols: () => readonly string[] | undefined;
}

/** One of them. Hardly any is ever waited for. */
class OrderOnItsWay implements Disposable {
  readonly way: WayOfOrder;
  readonly #all: Set<OrderOnItsWay>;
  #ended: PromiseWithResolvers<void> | undefined;

  constructor(way: WayOfOrder, all: Set<OrderOnItsWay>) {
    this.way = way;
    this.#all = all;
    all.add(this);
  }

  ended(): Promise<void> {
    this.#ended ??= Promise.withResolvers();
    return this.#ended.promise;
  }

  [Symbol.dispose](): void {
    this.#all.delete(this);
    this.#ended?.resolve();
  }
}

/** Placing and amending calls between their judgement and their end. */
export class OrdersOnTheirWay {
  readonly #orders = new Set<OrderOnItsWay>();

  /** Counts one until what is returned is disposed of. */
  begin(way: WayOfOrder): Disposable {
    return new OrderOnItsWay(way, this.#orders);
  }

  /** True when none of the scope is on its way. */
  isSettled(scope: Scope): boolean {
    for (const { way } of this.#orders) if (isOf(scope, way)) return false;
    return true;
  }

  /** Resolves when those of the scope that are on their way now have ended; at the latest after `forMs`. */
  async settled(scope: Scope, forMs: number): Promise<void> {
    const concerned = [...this.#orders].filter(({ way }) => isOf(scope, way));
    if (concerned.length === 0) return;
    const stop = new AbortController();
    const late = pause(forMs, undefined, { signal: stop.signal, ref: false }).catch(() => {});
    await Promise.race([Promise.all(concerned.map((order) => order.ended())), late]);
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
