import { measureRounds, type Shape } from '../ladder/rounds.ts';
import type { Target } from '../support/peer-programs.ts';
import { stopAll } from '../support/programs.ts';
import { startProxy } from '../support/proxy.ts';
import { figure, median, table } from '../support/tables.ts';
import { buildLoadGenerator, CLIENT_KEY, createWorkshop, startUpstream } from '../support/workshop.ts';

/**
 * What all limits together cost an order, in CPU time of the proxy under load: proxies with and without them in turns, every
 * limit set and none of them ever reached. At most 5 % is the aim. Every start of a process has a luck of its own, so there are
 * several of each. Usage: node bench/limits/cost.ts [STARTS]
 */
const STARTS = Number(process.argv[2] ?? 4);
const ROUNDS = 6;
const WARM_UP_SECONDS = 4;
const SHAPE: Shape = { loop: 'closed', level: 16, method: 'POST', seconds: 0.8 };
const MOST_ADDED = 5;
const MANY = 1_000_000_000;

const FREE = 'no limits';
const TWIN = 'no limits, another proxy';
const HELD = 'all limits';

const yaml = (limits: string) => `
clients:
  bot:
    envPrefix: BOT
    permissions: [market-data, read, spot-margin-trade]
${limits}`;
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

/** What an order took of each proxy, in µs of CPU by round. */
type Micros = ReadonlyMap<string, readonly number[]>;

const { folder, clear } = createWorkshop();
try {
  const lg = buildLoadGenerator();
  const upstream = await startUpstream(folder);

  async function startOne(name: string): Promise<Target> {
    const target = await startProxy(folder, {
      upstream: upstream.plain,
      yaml: yaml(name === HELD ? LIMITS : ''),
      env: { BOT_CLIENT_KEY: CLIENT_KEY, BINANCE_PROXY_CLIENT_KEY: '' },
    });
    return { ...target, name };
  }

  /** One start of each, under load in turns. */
  async function measureOnce(): Promise<Micros> {
    const targets: Target[] = [];
    for (const name of [FREE, TWIN, HELD]) targets.push(await startOne(name));
    const ladder = {
      ...{ shapes: [SHAPE], rounds: ROUNDS, tries: 2, warmUpSeconds: WARM_UP_SECONDS },
      companions: [upstream.program.pid],
    };
    const results = await measureRounds(lg, targets, ladder, () => {});
    for (const { program } of targets) await program?.stop();
    return new Map(
      targets.map(({ name }) => [
        name,
        (results.get(SHAPE)?.get(name) ?? []).map(({ cpuMicros, errors }) => {
          if (errors > 0) throw new Error(`${errors} orders were refused by the proxy with ${name}`);
          return cpuMicros ?? Number.NaN;
        }),
      ]),
    );
  }

  const starts: Micros[] = [];
  for (let start = 0; start < STARTS; start++) starts.push(await measureOnce());
  const micros = (name: string) => median(starts.flatMap((start) => start.get(name) ?? [])) ?? Number.NaN;
  /** The median over the starts, of each the median over its rounds. */
  const added = (name: string) =>
    median(
      starts.map((start) => {
        const free = start.get(FREE) ?? [];
        const ratios = (start.get(name) ?? []).map((each, round) => each / (free[round] ?? Number.NaN));
        return ((median(ratios) ?? Number.NaN) - 1) * 100;
      }),
    ) ?? Number.NaN;
  console.log(
    table(
      ['proxy', 'µs of CPU for an order', '% more'],
      [FREE, TWIN, HELD].map((name) => [name, figure(micros(name), 1), figure(added(name), 1)]),
    ),
  );
  console.log(
    `\n${STARTS} starts of each in ${ROUNDS} rounds; what the two without limits differ by is what this machine cannot tell.`,
  );
  console.log('');
  console.log(
    `Goal: all limits cost less than ${MOST_ADDED} % of an order's CPU time: ${figure(added(HELD), 1)} %, ${added(HELD) < MOST_ADDED ? 'met' : '**missed**'}.`,
  );
} finally {
  stopAll();
  clear();
}
