import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { CPU_LOAD, output, stopAll } from './programs.ts';
import { startProxy } from './proxy.ts';
import {
  BENCH,
  buildLoadGenerator,
  CLIENT_KEY,
  createWorkshop,
  REPOSITORY,
  startUpstream,
} from './workshop.ts';

/**
 * Where the time or the memory of this proxy goes under load: top functions by self time, or top sites by
 * bytes allocated.
 * Usage: node bench/profile.ts [--heap] [--post] [--connections 64] [--seconds 8] [--top 40] [--source FOLDER]
 */
interface CpuProfile {
  readonly nodes: readonly { id: number; callFrame: CallFrame; children?: number[] }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}
interface HeapNode {
  readonly callFrame: CallFrame;
  readonly selfSize: number;
  readonly children: readonly HeapNode[];
}
interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
}

const ORDER =
  'symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price=50000.00&newClientOrderId=abcdef0123456789';
const { values } = parseArgs({
  options: {
    heap: { type: 'boolean', default: false },
    post: { type: 'boolean', default: false },
    connections: { type: 'string', default: '64' },
    seconds: { type: 'string', default: '8' },
    top: { type: 'string', default: '40' },
    source: { type: 'string', default: REPOSITORY },
  },
});

const { folder, clear } = createWorkshop();
const lg = buildLoadGenerator();
const results = mkdtempSync(join(tmpdir(), 'signing-profile-'));
try {
  const upstream = await startUpstream(folder);
  const allocated = join(results, 'allocations.json');
  const flags = values.heap
    ? ['--import', join(BENCH, 'allocation-sampling.ts')]
    : ['--cpu-prof', '--cpu-prof-interval=200', `--cpu-prof-dir=${results}`];
  const proxy = await startProxy(folder, {
    upstream: upstream.plain,
    source: values.source,
    nodeFlags: flags,
    env: { BENCH_ALLOCATIONS: allocated },
  });
  const url = values.post ? `${proxy.url}/api/v3/order` : `${proxy.url}/api/v3/openOrders?symbol=BTCUSDT`;
  const body = values.post ? ['-b', ORDER] : [];
  const command = [
    lg,
    'closed',
    '-u',
    url,
    '-k',
    CLIENT_KEY,
    '-c',
    values.connections,
    '-d',
    values.seconds,
    '-w',
    '0',
    ...body,
  ];
  const { rps, done } = JSON.parse(await output(command, { cpu: CPU_LOAD })) as { rps: number; done: number };
  await proxy.program?.stop();
  await upstream.program.stop();
  const [file = ''] = readdirSync(results);
  const profile: unknown = JSON.parse(readFileSync(join(results, file), 'utf8'));
  const rows = values.heap
    ? allocations((profile as { head: HeapNode }).head)
    : selfTimes(profile as CpuProfile);
  const unit = values.heap ? 'B/call' : 'µs/call';
  console.log(
    `${done} calls, ${rps.toFixed(0)} req/s under the profiler; raw profile: ${join(results, file)}`,
  );
  const total = [...rows.values()].reduce((sum, each) => sum + each, 0);
  const sorted = [...rows].sort(([, a], [, b]) => b - a).slice(0, Number(values.top));
  for (const [name, amount] of sorted) {
    console.log(
      `${((100 * amount) / total).toFixed(1).padStart(5)} %  ${(amount / done).toFixed(2).padStart(8)} ${unit}  ${name}`,
    );
  }
} finally {
  stopAll();
  clear();
}

function selfTimes({ nodes, samples, timeDeltas }: CpuProfile): Map<string, number> {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const times = new Map<string, number>();
  samples.forEach((id, index) => {
    const name = names.get(id) ?? '';
    if (!name.startsWith('(idle)')) times.set(name, (times.get(name) ?? 0) + (timeDeltas[index] ?? 0));
  });
  return times;
}

function allocations(head: HeapNode, sizes = new Map<string, number>()): Map<string, number> {
  const name = nameOf(head.callFrame);
  sizes.set(name, (sizes.get(name) ?? 0) + head.selfSize);
  for (const child of head.children) allocations(child, sizes);
  return sizes;
}

function nameOf({ functionName, url, lineNumber }: CallFrame): string {
  const place = url.replace(/^file:\/\//, '').replace(/^.*\/(node_modules|src)\//, '$1/');
  return `${functionName === '' ? '(anonymous)' : functionName} ${place === '' ? '' : `${place}:${lineNumber + 1}`}`;
}
