import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { CPU_LOAD, cpuMs, output, serveOn, stopAll } from '../support/programs.ts';
import { startProxy } from '../support/proxy.ts';
import { figure, median, table } from '../support/tables.ts';
import { buildLoadGenerator, CLIENT_KEY, createWorkshop, REPOSITORY } from '../support/workshop.ts';

/**
 * What sharing brings to many apps that ask for the trading rules of all symbols at once: throughput, memory, and how
 * often Binance is asked. `node bench/shared-data/exchange-info.ts [--seconds N] [--rounds N]`, about a minute.
 */
const CONNECTIONS = 64;
const BYTES = 2 * 1024 * 1024;
const SETUPS = [
  { name: 'nothing shared', cache: 'merge: false, exchangeInfo: false' },
  { name: 'merged', cache: 'merge: true, exchangeInfo: false' },
  { name: 'merged and kept', cache: 'merge: true, exchangeInfo: true' },
] as const;

interface Sample {
  readonly rps: number;
  readonly asked: number;
  readonly cpuMicros: number;
}

/** What the load generator says. */
interface Report {
  readonly rps: number;
  readonly done: number;
  readonly errors: number;
  readonly non2xx: number;
}

const seconds = numberAfter('--seconds', 4);
const rounds = numberAfter('--rounds', 3);
const { folder, clear } = createWorkshop();
const lg = buildLoadGenerator();
let asked = 0;
const rules = Buffer.from(JSON.stringify({ symbols: ['x'.repeat(BYTES)] }));
const limits = JSON.stringify({
  rateLimits: [
    { rateLimitType: 'REQUEST_WEIGHT', interval: 'MINUTE', intervalNum: 1, limit: 1_000_000_000 },
    { rateLimitType: 'RAW_REQUESTS', interval: 'MINUTE', intervalNum: 5, limit: 1_000_000_000 },
  ],
  symbols: [],
});
const upstream = await serveOn(
  createServer((request, response) => {
    const isRules = request.url?.includes('permissions=') === true;
    if (isRules) asked++;
    const small = request.url === '/api/v3/time' ? `{"serverTime":${Date.now()}}` : limits;
    const body = isRules ? rules : small;
    response
      .writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
      .end(body);
  }),
);
try {
  const rows: string[][] = [];
  let base: number | undefined;
  for (const { name, cache } of SETUPS) {
    const proxy = await startProxy(folder, {
      upstream: upstream.origin,
      yaml: `cache: { ${cache} }\n`,
      source: REPOSITORY,
    });
    const pid = proxy.program?.pid ?? 0;
    await measure(proxy.url, pid, 2);
    const idleMb = memoryOf(pid, 'VmRSS');
    const samples: Sample[] = [];
    for (let round = 0; round < rounds; round++) samples.push(await measure(proxy.url, pid, seconds));
    const of = (which: keyof Sample) => median(samples.map((sample) => sample[which])) ?? Number.NaN;
    base ??= of('rps');
    rows.push([
      name,
      figure(of('rps')),
      figure(of('rps') / base, 2),
      figure(of('asked'), 3),
      figure(of('cpuMicros')),
      figure(idleMb),
      figure(memoryOf(pid, 'VmHWM')),
    ]);
    await proxy.program?.stop();
  }
  console.log(
    table(
      [
        '',
        'req/s',
        'ratio',
        'calls of Binance per request',
        'CPU µs per request',
        'RSS MB',
        'largest RSS MB',
      ],
      rows,
    ),
  );
  console.log('');
  console.log(
    `exchangeInfo of ${figure(BYTES / 1024 / 1024)} MB over ${CONNECTIONS} connections in a closed loop, medians of ${rounds} rounds of ${seconds} s. A copy for each connection would be ${figure((CONNECTIONS * BYTES) / 1024 / 1024)} MB.`,
  );
} finally {
  upstream.server.close();
  upstream.server.closeAllConnections();
  stopAll();
  clear();
}

async function measure(url: string, pid: number, forSeconds: number): Promise<Sample> {
  const before = { asked, cpu: cpuMs(pid) };
  const target = ['-u', `${url}/api/v3/exchangeInfo?permissions=SPOT`, '-k', CLIENT_KEY];
  const load = ['-c', String(CONNECTIONS), '-d', String(forSeconds), '-w', '0'];
  const text = await output([lg, 'closed', ...target, ...load], { cpu: CPU_LOAD });
  const { rps, done, errors, non2xx } = JSON.parse(text) as Report;
  if (errors + non2xx > 0) throw new Error(`${errors} errors, ${non2xx} refusals`);
  return { rps, asked: (asked - before.asked) / done, cpuMicros: ((cpuMs(pid) - before.cpu) * 1_000) / done };
}

/** One figure of a process's memory, in MB. */
function memoryOf(pid: number, name: string): number {
  const [, kilobytes] =
    new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1_024;
}

function numberAfter(flag: string, fallback: number): number {
  const at = process.argv.indexOf(flag);
  return at === -1 ? fallback : Number(process.argv[at + 1]);
}
