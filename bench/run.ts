import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { judgeGoals } from './goals.ts';
import { measureGrowth } from './growth.ts';
import { measureOneShot } from './one-shot.ts';
import { findPeers, type Target } from './peers.ts';
import { memoryMb, output, stopAll } from './programs.ts';
import { PROXY, startProxy } from './proxy.ts';
import { report } from './report.ts';
import { measureRounds, type Shape } from './rounds.ts';
import { measureStages } from './stages.ts';
import { measureStartUp } from './start-up.ts';
import { DIRECT } from './tables.ts';
import { findSigningFaults, startVerifier } from './verify.ts';
import { BENCH, buildLoadGenerator, createWorkshop, REPOSITORY, startUpstream } from './workshop.ts';

const HELP = `Usage: node bench/run.ts [--long] [--rounds N] [--write]

Measures this proxy beside the signing proxies that are installed, and prints the table.
--long takes about twenty minutes and calls the other benches too; it and --write write docs/performance.md.`;

/** Benches of their own that the long form calls, where they stand. */
const OTHERS: ReadonlyMap<string, string> = new Map([
  ['Audit durability', 'audit-cost.ts'],
  ['Budgets, in process and through Redis', 'budget.ts'],
  ['WebSocket', 'websocket.ts'],
]);
/** No multiple of the clock's minute: its call would keep the connection warm by chance. */
const IDLE_SECONDS = 50;
/** How long another bench may take. */
const LONGEST_OTHER_MS = 120_000;
const SHORT: readonly Shape[] = [
  { loop: 'closed', level: 1, method: 'GET', seconds: 0.4 },
  { loop: 'closed', level: 16, method: 'GET', seconds: 0.6 },
  { loop: 'closed', level: 64, method: 'GET', seconds: 0.6 },
  { loop: 'closed', level: 64, method: 'POST', seconds: 0.6 },
  { loop: 'open', level: 500, method: 'GET', seconds: 1.5 },
];
const LONG: readonly Shape[] = [
  ...[1, 16, 64].map((level): Shape => ({ loop: 'closed', level, method: 'GET', seconds: 2 })),
  ...[16, 64].map((level): Shape => ({ loop: 'closed', level, method: 'POST', seconds: 2 })),
  ...[100, 500, 2_000].map((level): Shape => ({ loop: 'open', level, method: 'GET', seconds: 4 })),
  { loop: 'open', level: 500, method: 'POST', seconds: 4 },
];

const { values } = parseArgs({
  options: {
    long: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) console.log(HELP);
else await run(values.long, Number(values.rounds ?? (values.long ? 5 : 1)));

async function run(long: boolean, rounds: number): Promise<void> {
  const { folder, clear } = createWorkshop();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      stopAll();
      clear();
      process.exit(130);
    });
  }
  try {
    const lg = buildLoadGenerator();
    const { peers, missing } = findPeers();
    say(
      `peers: ${peers.map(({ name }) => name).join(', ')}${missing.length === 0 ? '' : `; missing: ${missing.join(', ')}`}`,
    );
    await verifyAll(folder);
    const upstream = await startUpstream(folder);
    const targets: Target[] = [{ name: DIRECT, url: upstream.plain, program: undefined, needsWarmUp: false }];
    for (const peer of peers) targets.push(await peer.start(folder, upstream.plain));
    targets.push(await startProxy(folder, { upstream: upstream.plain }));
    say('measuring');
    const results = await measureRounds(
      lg,
      targets,
      long ? LONG : SHORT,
      rounds,
      upstream.program.pid,
      long ? 3 : 1,
    );
    const memory = new Map(
      targets.flatMap(({ name, program }) =>
        program === undefined ? [] : [[name, memoryMb(program.pid)] as const],
      ),
    );
    for (const { program } of targets) await program?.stop();
    const stages = await measureStages(folder, upstream.plain);
    const startUp = await measureStartUp(folder, { upstream: upstream.plain }, long ? 5 : 1);
    const oneShot = await measureOneShot(lg, folder, upstream, long ? IDLE_SECONDS : undefined);
    const growth = long
      ? await measureGrowth(lg, folder, { plain: upstream.plain, pid: upstream.program.pid })
      : [];
    const others = new Map<string, string>();
    for (const [name, file] of long ? OTHERS : []) {
      if (existsSync(join(BENCH, file))) others.set(name, await outputOf(file));
    }
    const foreign = Math.max(
      ...[...results.values()].flatMap((each) => [...each.values()].flat().map((sample) => sample.foreign)),
    );
    const goals = judgeGoals(results, memory.get(PROXY)?.rss ?? 0, oneShot);
    const names = targets.map(({ name }) => name);
    const text = report({
      rounds,
      long,
      missing,
      targets: names,
      results,
      memory,
      stages,
      startUp,
      oneShot,
      growth,
      goals,
      others,
      foreign,
    });
    console.log(text);
    if (long || values.write) writeFileSync(join(REPOSITORY, 'docs', 'performance.md'), text);
    process.exitCode = goals.some(({ met }) => met === false) ? 1 : 0;
  } finally {
    stopAll();
    clear();
  }
}

/** Nobody is measured who signs wrongly. */
async function verifyAll(folder: string): Promise<void> {
  const verifier = await startVerifier();
  const starts = [
    ...findPeers().peers.map((peer) => () => peer.start(folder, verifier.origin)),
    () => startProxy(folder, { upstream: verifier.origin }),
  ];
  for (const begin of starts) {
    const { name, url, program } = await begin();
    const faults = await findSigningFaults(url);
    await program?.stop();
    if (faults.length > 0) throw new Error(`${name} signs wrongly:\n${faults.join('\n')}`);
    say(`${name} signs rightly`);
  }
  verifier.close();
}

/** What another bench prints; its failure is told and costs no other result. */
async function outputOf(file: string): Promise<string> {
  say(file);
  try {
    return await output([process.execPath, join(BENCH, file)], { timeoutMs: LONGEST_OTHER_MS });
  } catch (error) {
    return `failed: ${error instanceof Error ? error.message : 'unknown'}`;
  }
}

function say(text: string): void {
  console.error(`bench: ${text}`);
}
