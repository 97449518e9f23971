import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import type { Goal } from './goals.ts';
import type { Growth } from './growth.ts';
import type { OneShot } from './one-shot.ts';
import { PROXY } from './proxy.ts';
import type { Results } from './rounds.ts';
import type { Stage } from './stages.ts';
import type { StartUp } from './start-up.ts';
import { closedLoopTable, DIRECT, figure, openLoopTable, table } from './tables.ts';

/** Everything that one run has measured. */
export interface Findings {
  readonly rounds: number;
  readonly long: boolean;
  readonly missing: readonly string[];
  readonly targets: readonly string[];
  readonly results: Results;
  readonly memory: ReadonlyMap<string, { rss: number; pss: number }>;
  readonly stages: readonly Stage[];
  readonly startUp: StartUp;
  readonly oneShot: OneShot;
  readonly growth: readonly Growth[];
  readonly goals: readonly Goal[];
  /** Output of the other benches, by name. */
  readonly others: ReadonlyMap<string, string>;
  /** Largest share of the machine that something else used during a sample that counts. */
  readonly foreign: number;
}

/** The findings as Markdown. */
export function report(findings: Findings): string {
  const { results, targets, goals, stages, startUp, growth, others } = findings;
  const throughputs = targets.filter((name) => name !== DIRECT);
  const base = throughputs[0] ?? PROXY;
  const sections = [
    '# Performance',
    `Written by \`npm run bench:long\`, or in its short form by \`npm run bench -- --rounds 3 --write\`. Every peer only signs: no policy, no budgets, no
records. ${PROXY} runs as in production: client key, catalogue and policy, budgets, server clock, metrics, and both audit
records of every call, on stdout and in the chained audit file. Proxy and peers run on one core, load and upstream on the
other. Medians over interleaved rounds, ratios and differences taken within a round.`,
    machine(findings),
    '## Goal',
    table(
      ['goal', 'measured', ''],
      goals.map(({ aim, measured, met }) => [aim, measured, verdict(met)]),
    ),
    '## Throughput',
    `Closed loop; ratio to ${base}; CPU of the proxy per request.`,
    closedLoopTable(results, [DIRECT, ...throughputs], base),
    '## Latency',
    'Open loop at a fixed rate; what a proxy adds to the same call without one, µs.',
    openLoopTable(results, throughputs),
    '## Memory after the run',
    table(
      ['', 'RSS MB', 'PSS MB'],
      [...findings.memory].map(([name, { rss, pss }]) => [name, figure(rss, 1), figure(pss, 1)]),
    ),
    '## Stages of one call',
    'µs of one core, each stage by itself, in process.',
    table(
      ['', 'GET', 'POST'],
      stages.map(({ name, get, post }) => [name, figure(get, 1), figure(post, 1)]),
    ),
    '## Start-up',
    `${figure(startUp.ms)} ms from the start of the process to the first answered call, ${figure(startUp.rssMb)} MB resident then.`,
    ...(growth.length === 0
      ? []
      : [
          '## As work grows',
          table(
            ['', 'from', 'to', 'cost at first', 'cost at last'],
            growth.map(({ what, from, to, costs }) => [what, from, to, ...costs]),
          ),
        ]),
    ...[...others].flatMap(([name, text]) => [`## ${name}`, `\`\`\`\n${text.trim()}\n\`\`\``]),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

function machine({ rounds, missing, foreign }: Findings): string {
  const [first] = cpus();
  const facts = [
    `${cpus().length} cores (${first?.model.trim() ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GB, Linux ${release()}`,
    `Node ${process.versions.node}, ${rounds} rounds, ${new Date().toISOString().slice(0, 10)}`,
    `load of others during a sample that counts: at most ${(100 * foreign).toFixed(0)} % of a core${hypervisor()}`,
    ...(missing.length === 0 ? [] : [`not installed here: ${missing.join(', ')}`]),
  ];
  return facts.map((fact) => `- ${fact}`).join('\n');
}

function hypervisor(): string {
  return readFileSync('/proc/cpuinfo', 'utf8').includes('hypervisor') ? '; a virtual machine' : '';
}

function verdict(met: boolean | undefined): string {
  return met === undefined ? 'not measured' : met ? 'met' : '**missed**';
}
