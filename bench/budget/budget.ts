import { Budgets, type Ticket } from '../../src/budgets/budgets.ts';
import { MemoryBudgetStore } from '../../src/budgets/stores/memory-store.ts';
import { RedisBudgetStore } from '../../src/budgets/stores/redis-store.ts';
import { ResilientBudgetStore } from '../../src/budgets/stores/resilient-store.ts';
import type { BudgetStore } from '../../src/budgets/stores/store.ts';
import { SecretText } from '../../src/core/records/secret-text.ts';
import { answer, client, PLACE, read, request } from '../../test/support/fixtures/budget-calls.ts';
import { foreignNote, undisturbed, watchOthers } from '../ladder/others.ts';
import { CPU_LOAD, stopAll } from '../support/programs.ts';
import { figure, median, quantile, table } from '../support/tables.ts';
import { createWorkshop } from '../support/workshop.ts';
import { startRedis } from './redis.ts';

/** What charging and settling one call costs, in memory and through Redis: `node bench/budget/budget.ts`, about 15 s. */
const ROUNDS = 5;
const MEMORY_CALLS = 100_000;
const REDIS_CALLS = 1_500;
const REDIS_AT_ONCE = 16;
/** One call a second: nothing is refused, windows turn and slots die as they do in life. */
const STEP_MS = 1_000;
const KINDS = [
  ['read, 3 buckets', request(read(2), { client: client('bot', 5_000) }), { 'x-mbx-used-weight-1m': 2 }],
  [
    'spot order, 5 buckets',
    request(PLACE, { client: client('bot', 5_000) }),
    { 'x-mbx-used-weight-1m': 2, 'x-mbx-order-count-10s': 1, 'x-mbx-order-count-1d': 1 },
  ],
] as const;

interface Cost {
  readonly p50: number;
  readonly p99: number | undefined;
  readonly cpu: number;
  readonly perSecond: number | undefined;
  readonly foreign: number;
}

let nowMs = 1_700_000_000_000;
const { folder, clear } = createWorkshop();
const foreign: number[] = [];
try {
  const redis = await startRedis(folder);
  const rows: string[][] = [];
  for (const [kind, what, headers] of KINDS) {
    const reply = answer(200, headers);
    rows.push(row(`memory: ${kind}`, await undisturbed(async () => inMemory(what, reply))));
    if (redis === undefined) continue;
    const store = () =>
      new ResilientBudgetStore({
        shared: new RedisBudgetStore({ url: new SecretText(redis.url), egressId: kind, timeoutMs: 10_000 }),
        replicas: 2,
        serverNow: () => nowMs,
      });
    const pid = redis.program.pid;
    rows.push(row(`Redis: ${kind}`, await undisturbed(() => throughRedis(store(), what, reply, pid))));
  }
  console.log(
    table(
      [
        'charge and reconcile one call',
        'p50 µs',
        'p99 µs',
        'CPU µs of the proxy',
        `calls a second, ${REDIS_AT_ONCE} at once`,
      ],
      rows,
    ),
  );
  console.log('');
  console.log(
    redis === undefined
      ? 'No redis-server is installed here.'
      : `Redis shares the core of the load${CPU_LOAD === undefined ? '' : ' here'}; the charge is waited for (one round trip), the settling is not.`,
  );
  console.log('');
  console.log(foreignNote(foreign));
} finally {
  stopAll();
  clear();
}

function row(name: string, cost: Cost): string[] {
  foreign.push(cost.foreign);
  return [name, figure(cost.p50, 1), figure(cost.p99), figure(cost.cpu, 1), figure(cost.perSecond)];
}

function budgetsWith(store: BudgetStore): Budgets {
  return new Budgets({
    store,
    serverNow: () => nowMs,
    throttle: { reserveForOrders: 0.1, maxWaitMs: 0 },
    onEvent: () => {},
  });
}

function inMemory(what: Parameters<Budgets['charge']>[0], reply: Parameters<Budgets['reconcile']>[1]): Cost {
  const budgets = budgetsWith(new MemoryBudgetStore());
  const micros: number[] = [];
  const others = watchOthers([]);
  for (let round = 0; round < ROUNDS; round++) {
    const startMs = performance.now();
    for (let i = 0; i < MEMORY_CALLS; i++) {
      nowMs += STEP_MS;
      budgets.reconcile(budgets.charge(what) as Ticket, reply);
    }
    micros.push(((performance.now() - startMs) * 1_000) / MEMORY_CALLS);
  }
  const cost = median(micros) ?? Number.NaN;
  void budgets.close();
  return { p50: cost, p99: undefined, cpu: cost, perSecond: undefined, foreign: others() };
}

/** One after the other for the time, then many at once for the throughput. */
async function throughRedis(
  store: BudgetStore,
  what: Parameters<Budgets['charge']>[0],
  reply: Parameters<Budgets['reconcile']>[1],
  redisPid: number,
): Promise<Cost> {
  const budgets = budgetsWith(store);
  const one = async () => {
    nowMs += STEP_MS;
    budgets.reconcile(await budgets.charge(what), reply);
  };
  for (let i = 0; i < REDIS_CALLS; i++) await one();
  const others = watchOthers([redisPid]);
  const cpu = process.cpuUsage();
  const micros: number[] = [];
  for (let i = 0; i < REDIS_CALLS; i++) {
    const startMs = performance.now();
    await one();
    micros.push((performance.now() - startMs) * 1_000);
  }
  const { user, system } = process.cpuUsage(cpu);
  const floodStartMs = performance.now();
  await Promise.all(
    Array.from({ length: REDIS_AT_ONCE }, async () => {
      for (let i = 0; i < REDIS_CALLS / 5; i++) await one();
    }),
  );
  const perSecond = (REDIS_AT_ONCE * REDIS_CALLS * 200) / (performance.now() - floodStartMs);
  await budgets.close();
  return {
    ...{ p50: median(micros) ?? Number.NaN, p99: quantile(micros, 0.99) },
    ...{ cpu: (user + system) / REDIS_CALLS, perSecond, foreign: others() },
  };
}
