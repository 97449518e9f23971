import { mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  CPU_LOAD,
  CPU_PROXY,
  cpuMs,
  freePort,
  mainThreadMs,
  output,
  type Program,
  start,
  stopAll,
  untilAnswered,
} from '../support/programs.ts';
import { imageOf, proxyEnvironment } from '../support/proxy.ts';
import { figure, table } from '../support/tables.ts';
import {
  BENCH,
  buildLoadGenerator,
  CLIENT_KEY,
  createWorkshop,
  REPOSITORY,
  startUpstream,
} from '../support/workshop.ts';
import {
  type CallFrame,
  type CpuProfile,
  nameOf,
  type Span,
  sharesByFunction,
  sharesByPlace,
} from './cpu-profile.ts';
import { ORDER } from './rounds.ts';

const HELP = `Usage: node bench/ladder/profile.ts [--heap] [--post] [--places] [--connections 64] [--seconds 8] [--top 40] [--source FOLDER]

Where the time or the memory of this proxy goes under load: functions by self time, or with --heap by bytes allocated.
--places prints instead, for GET and POST, what each part of the program takes. The proxy runs from its sources, so that
functions have their names and files, with the image's flags.`;

interface HeapNode {
  readonly callFrame: CallFrame;
  readonly selfSize: number;
  readonly children: readonly HeapNode[];
}

interface Run {
  readonly done: number;
  readonly rps: number;
  readonly span: Span;
  /** CPU per call, in µs: of the thread that runs JavaScript, of it in the kernel, and of all other threads. */
  readonly mainMicros: number;
  readonly kernelMicros: number;
  readonly otherMicros: number;
  /** The profile, parsed. */
  readonly profile: unknown;
  readonly path: string;
}

const WARM_UP_SECONDS = '2';
const { values } = parseArgs({
  options: {
    heap: { type: 'boolean', default: false },
    post: { type: 'boolean', default: false },
    places: { type: 'boolean', default: false },
    connections: { type: 'string', default: '64' },
    seconds: { type: 'string', default: '8' },
    top: { type: 'string', default: '40' },
    source: { type: 'string', default: REPOSITORY },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) console.log(HELP);
else await main();

async function main(): Promise<void> {
  const { folder, clear } = createWorkshop();
  try {
    const upstream = await startUpstream(folder);
    if (values.places) await printPlaces(folder, upstream.plain);
    else await printFunctions(folder, upstream.plain);
  } finally {
    stopAll();
    clear();
  }
}

async function printFunctions(folder: string, upstream: string): Promise<void> {
  const { done, rps, span, profile, path, mainMicros } = await run(
    folder,
    upstream,
    values.post ? 'POST' : 'GET',
  );
  console.log(`${done} calls, ${rps.toFixed(0)} req/s under the profiler; raw profile: ${path}`);
  const sizes = values.heap ? allocations((profile as { head: HeapNode }).head) : undefined;
  const total = sumOf(sizes ?? new Map());
  const shares = sizes
    ? new Map([...sizes].map(([name, bytes]) => [name, bytes / total]))
    : sharesByFunction(profile as CpuProfile, span);
  const [whole, unit] = sizes ? [total / done, 'B/call'] : [mainMicros, 'µs/call'];
  const sorted = [...shares].sort(([, a], [, b]) => b - a).slice(0, Number(values.top));
  for (const [name, share] of sorted) {
    console.log(
      `${(100 * share).toFixed(1).padStart(5)} %  ${(share * whole).toFixed(2).padStart(8)} ${unit}  ${name}`,
    );
  }
}

async function printPlaces(folder: string, upstream: string): Promise<void> {
  const runs = [await run(folder, upstream, 'GET'), await run(folder, upstream, 'POST')];
  const shares = runs.map(({ profile, span }) => sharesByPlace(profile as CpuProfile, span));
  const shareOf = (index: number, place: string) => shares[index]?.get(place) ?? 0;
  const places = [...new Set(shares.flatMap((each) => [...each.keys()]))].sort(
    (a, b) => shareOf(0, b) - shareOf(0, a),
  );
  const cells = (of: (run: Run, index: number) => number) =>
    runs.flatMap((each, index) => {
      const micros = of(each, index);
      return [figure(micros, 1), `${figure((100 * micros) / each.mainMicros)} %`];
    });
  console.log(
    table(
      ['µs of one core per call', 'GET', '', 'POST', ''],
      [
        ...places.map((place) => [
          place,
          ...cells(({ mainMicros }, index) => mainMicros * shareOf(index, place)),
        ]),
        ['**the thread that runs JavaScript**', ...cells(({ mainMicros }) => mainMicros)],
        ['of it in the kernel (system calls)', ...cells(({ kernelMicros }) => kernelMicros)],
        [
          'besides: other threads (collector, compiler, profiler)',
          ...cells(({ otherMicros }) => otherMicros),
        ],
      ],
    ),
  );
  console.log('');
  console.log(
    `Samples every 0.2 ms at ${values.connections} connections, ${values.seconds} s each; the profiler itself costs a part, so the shares say more than the sums. Runs the sources, not the built program, with the image's flags.`,
  );
}

/** One proxy under one load, from its sources, profiled. */
async function run(folder: string, upstream: string, method: 'GET' | 'POST'): Promise<Run> {
  const lg = buildLoadGenerator();
  const own = mkdtempSync(join(folder, 'profiled-'));
  const results = mkdtempSync(join(tmpdir(), 'signing-profile-'));
  const flags = values.heap
    ? ['--import', join(BENCH, 'memory', 'allocation-sampling.ts')]
    : ['--cpu-prof', '--cpu-prof-interval=200', `--cpu-prof-dir=${results}`];
  const { url, program } = await startFromSources(own, upstream, flags, {
    BENCH_ALLOCATIONS: join(results, 'allocations.json'),
  });
  const target = method === 'POST' ? `${url}/api/v3/order` : `${url}/api/v3/openOrders?symbol=BTCUSDT`;
  const body = method === 'POST' ? ['-b', ORDER] : [];
  const command = [
    lg,
    'closed',
    '-u',
    target,
    '-k',
    CLIENT_KEY,
    '-c',
    values.connections,
    '-w',
    '0',
    ...body,
  ];
  // Allocations are counted from the start, so their calls are, too.
  if (!values.heap) await output([...command, '-d', WARM_UP_SECONDS], { cpu: CPU_LOAD });
  const before = { main: mainThreadMs(program.pid), all: cpuMs(program.pid) };
  const from = monotonicMicros();
  const report = await output([...command, '-d', values.seconds], { cpu: CPU_LOAD });
  const to = monotonicMicros();
  const main = mainThreadMs(program.pid);
  const mainMs = main.all - before.main.all;
  const otherMs = cpuMs(program.pid) - before.all - mainMs;
  const { rps, done } = JSON.parse(report) as { rps: number; done: number };
  await program.stop();
  const [file = ''] = readdirSync(results);
  const path = join(results, file);
  const profile: unknown = JSON.parse(readFileSync(path, 'utf8'));
  return {
    ...{ done, rps, span: { from, to }, profile, path },
    mainMicros: (mainMs * 1_000) / done,
    kernelMicros: ((main.kernel - before.main.kernel) * 1_000) / done,
    otherMicros: (otherMs * 1_000) / done,
  };
}

async function startFromSources(
  folder: string,
  upstream: string,
  flags: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ url: string; program: Program }> {
  mkdirSync(folder, { recursive: true });
  const port = String(await freePort());
  const main = join(values.source, 'src', 'main.ts');
  const program = start([process.execPath, ...imageFlags(folder), ...flags, main, 'serve'], {
    cpu: CPU_PROXY,
    cwd: folder,
    stdout: openSync(join(folder, 'stdout.log'), 'w', 0o600),
    env: { ...proxyEnvironment(folder, upstream, port, String(await freePort())), ...env },
  });
  const url = `http://127.0.0.1:${port}`;
  await untilAnswered(`${url}/api/v3/time`, program);
  return { url, program };
}

/** How the image sets Node and V8, less its permissions: the sources and the profile are outside of them. */
function imageFlags(folder: string): readonly string[] {
  return imageOf(folder).entrypoint.filter((flag) => /^--(?!permission|allow-)/.test(flag));
}

function allocations(head: HeapNode, sizes = new Map<string, number>()): Map<string, number> {
  const name = nameOf(head.callFrame);
  sizes.set(name, (sizes.get(name) ?? 0) + head.selfSize);
  for (const child of head.children) allocations(child, sizes);
  return sizes;
}

function sumOf(amounts: ReadonlyMap<string, number>): number {
  return [...amounts.values()].reduce((sum, each) => sum + each, 0);
}

function monotonicMicros(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}
