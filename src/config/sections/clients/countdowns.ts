import type { Client } from '../../../core/access/client.ts';
import type { LayeredConfig } from '../../schema/layered-config.ts';

/**
 * Binance's countdown cancels all orders of an account on a symbol: whoever may trade that symbol there has to be one of
 * those for whom it is beaten.
 */
export function checkCountdowns(layered: LayeredConfig, clients: ReadonlyMap<string, Client>): void {
  for (const client of clients.values()) {
    if (client.deadMan?.exchange !== true) continue;
    const others = clients
      .values()
      .filter((other) => other.deadMan?.exchange !== true && sharesSymbols(client, other))
      .map(({ name }) => name)
      .toArray();
    if (others.length === 0) continue;
    layered.report(
      ['clients', client.name, 'deadMan', 'exchange'],
      `would let Binance cancel the orders of ${others.join(', ')} too: give each of them deadMan.exchange: true, other symbols or another account`,
    );
  }
}

function sharesSymbols(one: Client, other: Client): boolean {
  if (one.account !== other.account || !mayTradeFutures(other)) return false;
  if (one.symbols === undefined || other.symbols === undefined) return true;
  return !one.symbols.isDisjointFrom(other.symbols);
}

function mayTradeFutures({ permissions, policyMode }: Client): boolean {
  return permissions.has('futures-trade') || policyMode === 'report';
}
