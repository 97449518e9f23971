import { load, type Shape } from '../ladder/rounds.ts';
import { stopAll } from '../support/programs.ts';
import { startProxy } from '../support/proxy.ts';
import { figure, median, table } from '../support/tables.ts';
import { buildLoadGenerator, createWorkshop, startUpstream } from '../support/workshop.ts';

/**
 * What all limits together cost an order, in CPU time of the proxy under load. One proxy serves clients with and without them
 * in turns, so that both run the same compiled code in the same memory: two starts of one program differ by more than the
 * limits cost. Every limit is set and none is ever reached. Less than 5 % is the aim. Usage: node bench/limits/cost.ts [STARTS]
 */
const STARTS = Number(process.argv[2] ?? 3);
const TURNS = 36;
const WARM_UP_SECONDS = 8;
const SHAPE: Shape = { loop: 'closed', level: 16, method: 'POST', seconds: 0.4 };
const MOST_ADDED = 5;
const MANY = 1_000_000_000;

const FREE = 'free';
const TWIN = 'twin';
const HELD = 'held';
const CLIENTS = [FREE, TWIN, HELD] as const;
/** Every order in which they can come: who comes first in a turn is not always the same, nor who comes behind whom. */
const ORDERS = [
  ...[[FREE, TWIN, HELD] as const, [TWIN, HELD, FREE] as const, [HELD, FREE, TWIN] as const],
  ...[[HELD, TWIN, FREE] as const, [TWIN, FREE, HELD] as const, [FREE, HELD, TWIN] as const],
];

const LIMITS = `
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
const yaml = `
clients:${CLIENTS.map(
  (name) => `
  ${name}:
    envPrefix: ${name.toUpperCase()}
    permissions: [market-data, read, spot-margin-trade]
${name === HELD ? LIMITS : ''}`,
).join('')}
`;
const keyOf = (name: string) => name.repeat(16);

/** What an order took of each client in one turn, in µs of CPU. */
type Turn = Readonly<Record<(typeof CLIENTS)[number], number>>;

const { folder, clear } = createWorkshop();
try {
  const lg = buildLoadGenerator();
  const upstream = await startUpstream(folder);

  /** One proxy, under load of its clients in turns. */
  async function measureOnce(): Promise<readonly Turn[]> {
    const keys = Object.fromEntries(CLIENTS.map((name) => [`${name.toUpperCase()}_CLIENT_KEY`, keyOf(name)]));
    const target = await startProxy(folder, {
      ...{ upstream: upstream.plain, yaml },
      env: { ...keys, BINANCE_PROXY_CLIENT_KEY: '' },
    });
    const order = async (name: string, shape: Shape) => {
      const sample = await load(lg, target, shape, [upstream.program.pid], keyOf(name));
      if (sample.errors > 0) throw new Error(`${sample.errors} orders of the client "${name}" failed`);
      return sample.cpuMicros ?? Number.NaN;
    };
    for (const name of CLIENTS) await order(name, { ...SHAPE, seconds: WARM_UP_SECONDS });
    const turns: Turn[] = [];
    for (let turn = 0; turn < TURNS; turn++) {
      const micros = { [FREE]: 0, [TWIN]: 0, [HELD]: 0 };
      for (const name of ORDERS[turn % ORDERS.length] ?? CLIENTS) micros[name] = await order(name, SHAPE);
      turns.push(micros);
    }
    await target.program?.stop();
    return turns;
  }

  const starts: (readonly Turn[])[] = [];
  for (let start = 0; start < STARTS; start++) starts.push(await measureOnce());
  const middle = (of: (turn: Turn) => number, turns: readonly Turn[] = starts.flat()) =>
    median(turns.map(of)) ?? Number.NaN;
  const percentOver = (of: (turn: Turn) => number, turns?: readonly Turn[]) => (middle(of, turns) - 1) * 100;
  const twinRatio = ({ free, twin }: Turn) => twin / free;
  const heldRatio = ({ free, twin, held }: Turn) => held / ((free + twin) / 2);
  const row = (label: string, micros: number, ratio: ((turn: Turn) => number) | undefined) => [
    label,
    figure(micros, 1),
    ratio === undefined ? '' : figure(percentOver(ratio), 1),
    ratio === undefined ? '' : starts.map((turns) => figure(percentOver(ratio, turns), 1)).join(', '),
  ];
  console.log(
    table(
      ['client', 'µs of CPU for an order', '% more', 'by start'],
      [
        row(
          'no limits',
          middle(({ free }) => free),
          undefined,
        ),
        row(
          'no limits, another client',
          middle(({ twin }) => twin),
          twinRatio,
        ),
        row(
          'all limits',
          middle(({ held }) => held),
          heldRatio,
        ),
      ],
    ),
  );
  console.log(
    `\n${STARTS} starts of a proxy, each with ${TURNS} turns of every client; what the two without limits differ by is what this machine cannot tell.`,
  );
  console.log('');
  const added = percentOver(heldRatio);
  console.log(
    `Goal: all limits cost less than ${MOST_ADDED} % of an order's CPU time: ${figure(added, 1)} %, ${added < MOST_ADDED ? 'met' : '**missed**'}.`,
  );
} finally {
  stopAll();
  clear();
}
