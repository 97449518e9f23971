import { MemoryBudgetStore } from '../src/stores/memory-budget-store.ts';
import { createBudgets, type Ticket } from '../src/upstream/budgets.ts';
import { answer, client, PLACE, read, request } from '../test/helpers/budget-calls.ts';

/** What charging and settling one call costs in memory: `node bench/budget.ts`. The aim is less than 10 µs. */
const CALLS = 200_000;
const ROUNDS = 5;

let nowMs = 1_700_000_000_000;
const budgets = createBudgets({
  store: new MemoryBudgetStore(),
  serverNow: () => nowMs,
  throttle: { reserveForOrders: 0.1, maxWaitMs: 0 },
  onEvent: () => {},
});

const READ = request(read(2), { client: client('bot', 5_000) });
const ORDER = request(PLACE, { client: client('bot', 5_000) });
const READ_ANSWER = answer(200, { 'x-mbx-used-weight-1m': 2 });
const ORDER_ANSWER = answer(200, {
  'x-mbx-used-weight-1m': 2,
  'x-mbx-order-count-10s': 1,
  'x-mbx-order-count-1d': 1,
});

function measure(name: string, what: typeof READ, reply: typeof READ_ANSWER): void {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const startMs = performance.now();
    for (let i = 0; i < CALLS; i++) {
      // Four calls a second: nothing is refused, windows turn and slots die as they do in life.
      nowMs += 250;
      budgets.settle(budgets.charge(what) as Ticket, reply);
    }
    best = Math.min(best, ((performance.now() - startMs) * 1_000) / CALLS);
  }
  console.log(`${name.padEnd(28)} ${best.toFixed(2)} µs for charge and settle`);
}

measure('read (3 buckets)', READ, READ_ANSWER);
measure('spot order (5 buckets)', ORDER, ORDER_ANSWER);
await budgets.close();
