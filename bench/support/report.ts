import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { MOST_FOREIGN } from '../ladder/others.ts';
import type { Results } from '../ladder/rounds.ts';
import type { Stage } from '../ladder/stages.ts';
import type { StartUp } from '../memory/start-up.ts';
import type { Goal } from './goals.ts';
import { PROXY } from './proxy.ts';
import { closedLoopTable, DIRECT, disturbances, figure, openLoopTable, table } from './tables.ts';

/** The section that belongs to the goals: what is in the way of those that are missed. */
export const PROFILE = 'Where the time goes';

/** Everything that one run has measured. */
export interface Findings {
  readonly rounds: number;
  readonly long: boolean;
  readonly missing: readonly string[];
  readonly targets: readonly string[];
  readonly results: Results;
  readonly memory: ReadonlyMap<string, { rss: number; pss: number }>;
  /** Undefined, like the next, when that part failed. */
  readonly stages: readonly Stage[] | undefined;
  readonly startUp: StartUp | undefined;
  readonly goals: readonly Goal[];
  /** Markdown of the other benches, by title. */
  readonly others: ReadonlyMap<string, string>;
  readonly minutes: number;
}

/** The findings as Markdown. */
export function report(findings: Findings): string {
  const { results, targets, goals, stages, startUp, others } = findings;
  const throughputs = targets.filter((name) => name !== DIRECT);
  const base = throughputs[0] ?? PROXY;
  const sections = [
    '# Performance',
    `Written by \`npm run bench:long\`, or in its short form by \`npm run bench -- --rounds 3 --write\`. Every peer only signs: no policy, no budgets, no
records. ${PROXY} runs as in production: client key, catalogue and policy, budgets, server clock, metrics, and both audit
records of every call, on stdout and in the chained audit file. Proxy and peers run on one core, load and upstream on the
other. Medians over interleaved rounds, ratios and differences taken within a round. What Node runs was under load for
${findings.long ? '20 s' : '2 s'} before: V8 needs about 8 s of it until a call takes its final time${findings.long ? '' : ', so this short form shows more'}.`,
    machine(findings),
    '## Goal',
    'The floor is the peer "Fastify + undici dispatch": the stack of this proxy with nothing on top.',
    table(
      ['goal', 'measured', ''],
      goals.map(({ aim, measured, met }) => [aim, measured, verdict(met)]),
    ),
    ...sectionOf(others, PROFILE),
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
    ...(stages === undefined
      ? []
      : [
          '## Stages of one call',
          'µs of one core, each stage by itself, in process.',
          table(
            ['', 'GET', 'POST'],
            stages.map(({ name, get, post }) => [name, figure(get, 1), figure(post, 1)]),
          ),
        ]),
    ...(startUp === undefined
      ? []
      : [
          '## Start-up',
          `${figure(startUp.ms)} ms from the start of the process to the first answered call, ${figure(startUp.rssMb)} MB resident then.`,
        ]),
    ...[...others.keys()].filter((title) => title !== PROFILE).flatMap((title) => sectionOf(others, title)),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

function sectionOf(others: ReadonlyMap<string, string>, title: string): readonly string[] {
  const text = others.get(title);
  return text === undefined ? [] : [`## ${title}`, text.trim()];
}

function machine({ rounds, missing, results, minutes }: Findings): string {
  const [first] = cpus();
  const { samples, disturbed } = disturbances(results);
  const facts = [
    `${cpus().length} cores (${first?.model.trim() ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GB, Linux ${release()}${hypervisor()}`,
    `Node ${process.versions.node}, ${rounds} rounds in ${minutes.toFixed(0)} minutes, ${new Date().toISOString().slice(0, 10)}`,
    `Others used more than ${100 * MOST_FOREIGN} % of a core during ${disturbed} of ${samples} samples. Those do not count where half of the rounds are without; a figure with ~ had too few of them.`,
    ...(missing.length === 0 ? [] : [`not measured here: ${missing.join(', ')}`]),
  ];
  return facts.map((fact) => `- ${fact}`).join('\n');
}

function hypervisor(): string {
  return readFileSync('/proc/cpuinfo', 'utf8').includes('hypervisor') ? '; a virtual machine' : '';
}

function verdict(met: boolean | undefined): string {
  return met === undefined ? 'not measured' : met ? 'met' : '**missed**';
}
