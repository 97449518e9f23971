import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { findSigningFaults, startVerifier } from './audit/verify.ts';
import { measureOneShot } from './ladder/one-shot.ts';
import { measureRounds, type Shape } from './ladder/rounds.ts';
import { measureStages } from './ladder/stages.ts';
import { measureIdle } from './memory/idle.ts';
import { measureStartUp } from './memory/start-up.ts';
import { judgeGoals } from './support/goals.ts';
import { findPeers, type Peer, type Target } from './support/peer-programs.ts';
import { memoryMb, output, stopAll } from './support/programs.ts';
import { PROXY, startProxy } from './support/proxy.ts';
import { PROFILE, report } from './support/report.ts';
import { DIRECT } from './support/tables.ts';
import { BENCH, buildLoadGenerator, createWorkshop, REPOSITORY, startUpstream } from './support/workshop.ts';

const HELP = `Usage: node bench/run.ts [--long] [--rounds N] [--write] [--beside DIR]

Measures this proxy beside the signing proxies that are installed, and prints the table.
--long takes about a quarter of an hour on a quiet machine and calls the other benches too; it and --write write
docs/performance.md. --beside runs another checkout, such as the commit before, from its sources, and this one from its own.`;

/** A bench of its own that the long form calls: what it prints is a section of the document. */
interface Other {
  readonly title: string;
  readonly command: readonly string[];
  readonly longestSeconds: number;
}

const OTHERS: readonly Other[] = [
  { title: PROFILE, command: ['ladder/profile.ts', '--places', '--seconds', '4'], longestSeconds: 90 },
  { title: 'As work grows', command: ['memory/growth.ts'], longestSeconds: 240 },
  { title: 'WebSockets', command: ['sockets/websocket.ts'], longestSeconds: 100 },
  { title: 'Audit durability', command: ['audit/audit-cost.ts'], longestSeconds: 90 },
  { title: 'Budgets, in memory and through Redis', command: ['budget/budget.ts'], longestSeconds: 90 },
  { title: 'Limits of clients', command: ['limits/cost.ts'], longestSeconds: 700 },
  { title: 'More cores', command: ['ladder/cores.ts'], longestSeconds: 150 },
  { title: 'Shared market data', command: ['shared-data/exchange-info.ts'], longestSeconds: 90 },
];
/** No multiple of the clock's minute: its call would keep the connection warm by chance. */
const IDLE_SECONDS = 67;
const SHORT: readonly Shape[] = [
  { loop: 'closed', level: 1, method: 'GET', seconds: 0.3 },
  { loop: 'closed', level: 16, method: 'GET', seconds: 0.4 },
  { loop: 'closed', level: 64, method: 'GET', seconds: 0.4 },
  { loop: 'closed', level: 64, method: 'POST', seconds: 0.4 },
  { loop: 'open', level: 500, method: 'GET', seconds: 1 },
];
const LONG: readonly Shape[] = [
  ...[1, 16, 64].map((level): Shape => ({ loop: 'closed', level, method: 'GET', seconds: 0.8 })),
  ...[16, 64].map((level): Shape => ({ loop: 'closed', level, method: 'POST', seconds: 0.8 })),
  { loop: 'open', level: 100, method: 'GET', seconds: 1.5 },
  { loop: 'open', level: 100, method: 'POST', seconds: 1.5 },
  { loop: 'open', level: 500, method: 'GET', seconds: 2.5 },
  { loop: 'open', level: 2_000, method: 'GET', seconds: 1.2 },
  { loop: 'open', level: 500, method: 'POST', seconds: 1.2 },
];

const { values } = parseArgs({
  options: {
    long: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    write: { type: 'boolean', default: false },
    beside: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) console.log(HELP);
else await run(values.long, Number(values.rounds ?? (values.long ? 5 : 1)), values.beside);

async function run(long: boolean, rounds: number, beside: string | undefined): Promise<void> {
  const startedMs = performance.now();
  const { folder, clear } = createWorkshop();
  const verifier = await startVerifier();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      stopAll();
      clear();
      process.exit(130);
    });
  }
  try {
    const lg = buildLoadGenerator();
    const found = findPeers();
    const missing = [...found.missing];
    const peers: Peer[] = [];
    for (const peer of found.peers) {
      const fault = await faultOf(peer.name, () => peer.start(folder, verifier.origin));
      if (fault === undefined) peers.push(peer);
      else missing.push(`${peer.name} (${fault})`);
    }
    const ownFault = await faultOf(PROXY, () => startProxy(folder, { upstream: verifier.origin }));
    if (ownFault !== undefined) throw new Error(`${PROXY}: ${ownFault}`);
    if (missing.length > 0) say(`missing: ${missing.join(', ')}`);
    const upstream = await startUpstream(folder);
    const targets: Target[] = [{ name: DIRECT, url: upstream.plain, program: undefined, needsWarmUp: false }];
    for (const peer of peers) targets.push(await peer.start(folder, upstream.plain));
    targets.push(await startProxy(folder, { upstream: upstream.plain }));
    if (beside !== undefined) {
      for (const [name, source] of [
        ['beside, from sources', resolve(beside)],
        ['this, from sources', REPOSITORY],
      ] as const)
        targets.push({ ...(await startProxy(folder, { upstream: upstream.plain, source })), name });
    }
    const ladder = {
      ...{ shapes: long ? LONG : SHORT, rounds, tries: long ? 3 : 1, warmUpSeconds: long ? 10 : 1 },
      companions: [upstream.program.pid],
    };
    const results = await measureRounds(lg, targets, ladder, say);
    const memory = new Map(
      targets.flatMap(({ name, program }) =>
        program === undefined ? [] : [[name, memoryMb(program.pid)] as const],
      ),
    );
    for (const { program } of targets) await program?.stop();
    const stages = await attempt('stages', () => measureStages(folder, upstream.plain));
    const startUp = await attempt('start-up', () =>
      measureStartUp(folder, { upstream: upstream.plain }, long ? 5 : 1),
    );
    const idle = await attempt('idle', () => measureIdle(folder));
    const oneShot = await attempt('one-shot', () =>
      measureOneShot(lg, folder, upstream, long ? IDLE_SECONDS : undefined),
    );
    await upstream.program.stop();
    const others = new Map<string, string>();
    for (const other of long ? OTHERS : []) others.set(other.title, await outputOf(other));
    const goals = judgeGoals({ results, memory, idle, oneShot });
    const text = report({
      ...{ rounds, long, missing, targets: targets.map(({ name }) => name), results, memory },
      ...{ stages, startUp, goals, others, minutes: (performance.now() - startedMs) / 60_000 },
    });
    console.log(text);
    if (long || values.write) writeFileSync(join(REPOSITORY, 'docs', 'performance.md'), text);
    process.exitCode = goals.some(({ met }) => met === false) ? 1 : 0;
  } finally {
    verifier.close();
    stopAll();
    clear();
  }
}

/** Nobody is measured who signs wrongly or does not start; undefined for who does well. */
async function faultOf(name: string, begin: () => Promise<Target>): Promise<string | undefined> {
  try {
    const { url, program } = await begin();
    const faults = await findSigningFaults(url);
    await program?.stop();
    if (faults.length > 0) return `signs wrongly: ${faults.join('; ')}`;
    say(`${name} signs rightly`);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : 'does not start';
  }
}

/** A part that fails is told, and costs no other its result. */
async function attempt<T>(what: string, measure: () => Promise<T>): Promise<T | undefined> {
  say(what);
  try {
    return await measure();
  } catch (error) {
    say(`${what} failed: ${error instanceof Error ? error.message : 'unknown'}`);
    return undefined;
  }
}

async function outputOf({ title, command, longestSeconds }: Other): Promise<string> {
  const [file = '', ...args] = command;
  const text = await attempt(file, () =>
    output([process.execPath, join(BENCH, file), ...args], { timeoutMs: longestSeconds * 1_000 }),
  );
  return text ?? `Not measured: \`${file}\` failed or was not through after ${longestSeconds} s (${title}).`;
}

function say(text: string): void {
  console.error(`bench: ${text}`);
}
