import { Counter, Gauge, type Registry } from 'prom-client';
import type { Status } from '../status.ts';

/** Registers how the watch over accounts is doing. */
export function createWatchGauges(registry: Registry): (state: Pick<Status, 'watch'>) => void {
  const labelNames = ['account', 'upstream'] as const;
  const watching = new Gauge({
    name: 'binance_proxy_watching',
    help: '1 while the orders of an account are watched, 0 while they should be.',
    labelNames: [...labelNames],
    registers: [registry],
  });
  const foreign = new Counter({
    name: 'binance_proxy_foreign_orders_total',
    help: 'Orders that did not come through this proxy.',
    labelNames: [...labelNames],
    registers: [registry],
  });
  return ({ watch }) => {
    watching.reset();
    foreign.reset();
    for (const state of watch) {
      const labels = { account: state.account, upstream: state.family };
      watching.set(labels, Number(state.watching));
      foreign.inc(labels, state.foreign);
    }
  };
}

/** Registers what rests of each client on watched accounts, and what its fills of the day made. */
export function createOwnOrderGauges(registry: Registry): (state: Pick<Status, 'ownOrders'>) => void {
  const open = new Gauge({
    name: 'binance_proxy_open_orders',
    help: 'Own orders of a client that rest on a watched account, or are on their way.',
    labelNames: ['client'],
    registers: [registry],
  });
  const realised = new Gauge({
    name: 'binance_proxy_realised_result',
    help: 'What the fills of a client on futures made this day of UTC, without fees.',
    labelNames: ['client', 'asset'],
    registers: [registry],
  });
  return ({ ownOrders }) => {
    open.reset();
    realised.reset();
    for (const state of ownOrders) {
      open.set({ client: state.client }, state.open);
      for (const [asset, amount] of Object.entries(state.realised))
        realised.set({ client: state.client, asset }, Number(amount));
    }
  };
}

/** Registers what became of notices; the names of the targets are those of the configuration. */
export function createNoticeCounters(registry: Registry): (state: Pick<Status, 'notices'>) => void {
  const counter = new Counter({
    name: 'binance_proxy_notices_total',
    help: 'Notices to operators by target: sent, failed after the last try, dropped because too many waited.',
    labelNames: ['notice', 'end'] as const,
    registers: [registry],
  });
  return ({ notices }) => {
    counter.reset();
    for (const { name, sent, failed, dropped } of notices) {
      for (const [end, count] of Object.entries({ sent, failed, dropped }))
        counter.inc({ notice: name, end }, count);
    }
  };
}
