import { Gauge, type Registry } from 'prom-client';
import type { Stops } from '../stops/stops.ts';
import { SCOPE_KINDS, TRADING_STATES } from '../stops/trading-state.ts';

/** Registers the gauges of what is stopped; the function that it returns sets them to the present state. */
export function createStateGauges(
  registry: Registry,
  stops: Pick<Stops, 'count' | 'cancelling'>,
): () => void {
  const scopes = new Gauge({
    name: 'binance_proxy_state',
    help: 'How many scopes of a kind are in a state other than run.',
    labelNames: ['scope', 'state'] as const,
    registers: [registry],
  });
  const left = new Gauge({
    name: 'binance_proxy_cancel_left',
    help: 'Orders and markets that a stop has still to deal with.',
    registers: [registry],
  });
  return () => {
    for (const scope of SCOPE_KINDS)
      for (const state of TRADING_STATES)
        if (state !== 'run') scopes.set({ scope, state }, stops.count(scope, state));
    left.set(stops.cancelling().reduce((sum, cancelling) => sum + cancelling.left, 0));
  };
}
