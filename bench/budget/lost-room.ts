import { RedisBudgetStore } from '../../src/budgets/stores/redis-store.ts';
import { ResilientBudgetStore } from '../../src/budgets/stores/resilient-store.ts';
import { simulate } from '../../test/support/fixtures/budget-simulation.ts';
import { startRedisServer } from '../../test/support/servers/redis-server.ts';

/**
 * A hundred proxies on one IP and one Redis, in simulated time: `node bench/budget/lost-room.ts [proxies] [minutes]`.
 * Needs a redis-server. Prints what Binance would have refused, how much of its limit was used, and what Redis did.
 */
const proxies = Number(process.argv[2] ?? 100);
const minutes = Number(process.argv[3] ?? 2);

const server = await startRedisServer();
let charges = 0;
let settlements = 0;
let chargeMs = 0;

class CountingStore extends RedisBudgetStore {
  override async charge(...args: Parameters<RedisBudgetStore['charge']>) {
    charges++;
    const startMs = performance.now();
    const charged = await super.charge(...args);
    chargeMs += performance.now() - startMs;
    return charged;
  }
  override reconcile(...args: Parameters<RedisBudgetStore['reconcile']>) {
    settlements++;
    return super.reconcile(...args);
  }
}

const startMs = performance.now();
const result = await simulate({
  proxies,
  clientsPerProxy: 6,
  minutes,
  offered: 5,
  storeOf: (_, serverNow) =>
    new ResilientBudgetStore({
      shared: new CountingStore({ url: server.url, egressId: 'bench', timeoutMs: 10_000 }),
      replicas: proxies,
      serverNow,
    }),
});
const tookMs = performance.now() - startMs;

// How many runs of the script one Redis does when nothing waits for anything.
const flood = new RedisBudgetStore({ url: server.url, egressId: 'flood', timeoutMs: 60_000 });
const bucket = {
  key: 'ip:flood',
  scope: 'ip',
  kind: 'weight',
  upstream: 'spot',
  windowMs: 60_000,
  limit: 1e9,
} as const;
const flooded = Array.from({ length: 4 }, (_, i) => ({
  bucket: { ...bucket, key: `ip:flood:${i}` },
  weight: 1,
  ceiling: 1e9,
  headers: [],
}));
await new Promise<void>((resolve) => flood.onConnected(resolve));
await flood.look({ freezeKeys: [], buckets: [], wantsLease: false, wantsAll: false }, 1_700_000_000_000);
const floodStartMs = performance.now();
const FLOOD = 50_000;
const AT_ONCE = 1_000;
for (let sent = 0; sent < FLOOD; sent += AT_ONCE) {
  // Charges are made with a lease alone.
  await flood.look({ freezeKeys: [], buckets: [], wantsLease: true, wantsAll: false }, 1_700_000_000_000);
  await Promise.all(
    Array.from({ length: AT_ONCE }, () =>
      flood.charge(
        { lane: 'general', weight: 1, charges: flooded, freezeKeys: ['ip:flood:host'] },
        1_700_000_000_000,
      ),
    ),
  );
}
const perSecond = (FLOOD / (performance.now() - floodStartMs)) * 1_000;
await flood.close();
await server.stop();

const used = result.usedShare.map((share) => `${(share * 100).toFixed(1)} %`).join(', ');
console.log(
  `proxies                     ${proxies}, ${proxies * 6} clients, ${minutes} simulated minutes in ${(tookMs / 1_000).toFixed(1)} s`,
);
console.log(`calls asked for / sent      ${result.calls} / ${result.sent}`);
console.log(`refused by the exchange     ${result.refusedByExchange.length}`);
console.log(`limit used, per minute      ${used}`);
console.log(`cancels / refused           ${result.cancels} / ${result.cancelsRefused}`);
console.log(
  `round trips, waited for     ${(charges / result.calls).toFixed(2)} per call asked for (the charge)`,
);
console.log(
  `round trips, not waited for ${(settlements / result.sent).toFixed(2)} per call sent (the settling)`,
);
console.log(`a charge, seen from outside ${((chargeMs * 1_000) / result.calls).toFixed(0)} µs`);
console.log(
  `script runs a second        ${Math.round(perSecond)} with 4 buckets each, one Redis, this machine`,
);
