import { readdirSync, readFileSync } from 'node:fs';
import { Pool } from 'undici';
import { stopAll } from '../support/programs.ts';
import { startProxy } from '../support/proxy.ts';
import { figure, table } from '../support/tables.ts';
import { createWorkshop, REPOSITORY, startUpstream } from '../support/workshop.ts';

/**
 * What all limits together cost an order, in CPU time of the proxy: three clients of one process in turns, two without any
 * limit and one with all of them, none of which is ever reached. At most 5 % is the aim. Usage: node bench/limits/cost.ts [ROUNDS]
 */
const ROUNDS = Number(process.argv[2] ?? 60);
const ORDERS_IN_ROUND = 200;
const WARM_UP_ORDERS = 3_000;
const CONNECTIONS = 16;
const MOST_ADDED = 5;
const MANY = 1_000_000_000;

const KEYS = { free: 'F'.repeat(64), twin: 'T'.repeat(64), held: 'H'.repeat(64) };
const YAML = `
clients:
  free: { envPrefix: FREE, permissions: [market-data, read, spot-margin-trade] }
  twin: { envPrefix: TWIN, permissions: [market-data, read, spot-margin-trade] }
  held:
    envPrefix: HELD
    permissions: [market-data, read, spot-margin-trade]
    order:
      priceBand: 5%
      maxSpread: 2%
      perSecond: ${MANY}
      perMinute: ${MANY}
      repeats: { max: ${MANY}, withinMs: 10000 }
      maxLeverage: 5
    stopAfterRefusals: 10
    expires: 2099-01-01
`;
/** Every client comes behind every other one as often: what one leaves to be done falls on the next. */
const ORDERS_OF_TURNS = [
  ['free', 'twin', 'held'],
  ['held', 'twin', 'free'],
  ['twin', 'held', 'free'],
  ['free', 'held', 'twin'],
  ['held', 'free', 'twin'],
  ['twin', 'free', 'held'],
] as const;
const ORDER = 'symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price=';

const { folder, clear } = createWorkshop();
try {
  const upstream = await startUpstream(folder);
  const { url, program } = await startProxy(folder, {
    upstream: upstream.plain,
    yaml: YAML,
    env: {
      FREE_CLIENT_KEY: KEYS.free,
      TWIN_CLIENT_KEY: KEYS.twin,
      HELD_CLIENT_KEY: KEYS.held,
      BINANCE_PROXY_CLIENT_KEY: '',
    },
    source: REPOSITORY,
  });
  const pool = new Pool(url, { connections: CONNECTIONS });
  let number = 0;

  /** Prices go round, so that orders are equal now and then as those of a bot are. */
  async function placeOne(key: string): Promise<void> {
    const body = `${ORDER}${49_000 + (number++ % 500)}.50`;
    const headers = { 'x-mbx-apikey': key, 'content-type': 'application/x-www-form-urlencoded' };
    const answer = await pool.request({ path: '/api/v3/order', method: 'POST', headers, body });
    const text = await answer.body.text();
    if (answer.statusCode !== 200) throw new Error(`an order was answered ${answer.statusCode}: ${text}`);
  }

  /** Places orders and says what they took of the proxy's CPU, in ns. */
  async function place(key: string, orders: number): Promise<number> {
    const before = cpuNanos(program?.pid ?? 0);
    let left = orders;
    const worker = async () => {
      while (left-- > 0) await placeOne(key);
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, worker));
    return cpuNanos(program?.pid ?? 0) - before;
  }

  const used = { free: 0, twin: 0, held: 0 };
  for (const name of ORDERS_OF_TURNS[0]) await place(KEYS[name], WARM_UP_ORDERS);
  for (let round = 0; round < ROUNDS; round++)
    for (const name of ORDERS_OF_TURNS[round % ORDERS_OF_TURNS.length] ?? [])
      used[name] += await place(KEYS[name], ORDERS_IN_ROUND);
  await pool.close();

  const added = (name: keyof typeof used) => (used[name] / used.free - 1) * 100;
  const row = (what: string, name: keyof typeof used) => [
    what,
    figure(used[name] / ROUNDS / ORDERS_IN_ROUND / 1_000, 1),
    figure(added(name), 1),
  ];
  console.log(
    table(
      ['client', 'µs of CPU for an order', '% more'],
      [row('no limits', 'free'), row('no limits, another client', 'twin'), row('all limits', 'held')],
    ),
  );
  console.log(
    `\nIn ${ROUNDS} rounds of short turns; what the two clients without limits differ by is what this machine cannot tell.`,
  );
  if (!(added('held') < MOST_ADDED)) process.exitCode = 1;
} finally {
  stopAll();
  clear();
}

/** Time of all threads of a process on a CPU, in ns; ticks would be too coarse for a turn. */
function cpuNanos(pid: number): number {
  let sum = 0;
  for (const task of readdirSync(`/proc/${pid}/task`))
    sum += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
  return sum;
}
