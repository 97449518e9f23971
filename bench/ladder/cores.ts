import { execFileSync } from 'node:child_process';
import { createServer } from 'node:http';
import { startRedis } from '../budget/redis.ts';
import type { Target } from '../support/peer-programs.ts';
import { CPU_LOAD, cpuMs, familyOf, memoryMb, output, serveOn, stopAll } from '../support/programs.ts';
import { startProxy } from '../support/proxy.ts';
import { figure, median, table } from '../support/tables.ts';
import { buildLoadGenerator, CLIENT_KEY, createWorkshop, startUpstream } from '../support/workshop.ts';
import { foreignNote, undisturbed, watchOthers } from './others.ts';

/**
 * What a second proxy beside the first brings, each app knowing one of them, and what it costs when their budgets are
 * shared through Redis. Nothing is bound to a core: load, upstream and proxies share the machine.
 * `node bench/ladder/cores.ts`, about 40 s.
 */
const CONNECTIONS = 64;
const SECONDS = 2;
const WARM_UP_SECONDS = 2;
const ROUNDS = 3;
/** The weight that the counting exchange allows in a minute, and the calls of weight 1 that apps ask for at once. */
const ALLOWED = 200;
const ASKED = 400;
const MOST_CPU_THROUGH_REDIS = 1.3;

interface Sample {
  readonly rps: number;
  readonly proxyMicros: number;
  readonly allMicros: number;
  readonly foreign: number;
}

const { folder, clear } = createWorkshop();
const lg = buildLoadGenerator();
const foreign: number[] = [];
let groups = 0;
try {
  const upstream = await startUpstream(folder);
  const redis = await startRedis(folder);
  const companions = [upstream.program.pid, redis?.program.pid ?? 0];
  for (const pid of companions) setFree(pid);
  const setups = [
    { name: '1 proxy, budgets in memory', count: 1, url: undefined },
    { name: '2 proxies, each with budgets of its own', count: 2, url: undefined },
    ...(redis === undefined
      ? []
      : [
          { name: '1 proxy, budgets in Redis', count: 1, url: redis.url },
          { name: '2 proxies, budgets shared in Redis', count: 2, url: redis.url },
        ]),
  ];
  const measured = setups.map((setup) => ({ ...setup, samples: [] as Sample[], rssMb: 0, letThrough: '' }));
  for (const setup of measured) {
    const proxies = await startMany(setup.count, upstream.plain, setup.url);
    await measure(proxies, companions, WARM_UP_SECONDS);
    for (let round = 0; round < ROUNDS; round++) {
      setup.samples.push(await undisturbed(() => measure(proxies, companions, SECONDS), 2));
    }
    setup.rssMb = proxies.reduce((sum, { program }) => sum + memoryMb(program?.pid ?? 0).rss, 0);
    for (const { program } of proxies) await program?.stop();
    setup.letThrough = await countLetThrough(setup.count, setup.url);
  }
  const of = (samples: readonly Sample[], which: keyof Sample) =>
    median(samples.map((sample) => sample[which])) ?? Number.NaN;
  const base = of(measured[0]?.samples ?? [], 'rps');
  console.log(
    table(
      [
        '',
        'req/s',
        'ratio',
        'CPU µs of the proxies per call',
        'of load, upstream and proxies',
        'RSS MB',
        `${ASKED} calls at once where ${ALLOWED} are allowed: sent / refused with 429`,
      ],
      measured.map(({ name, samples, rssMb, letThrough }) => [
        name,
        figure(of(samples, 'rps')),
        figure(of(samples, 'rps') / base, 2),
        figure(of(samples, 'proxyMicros')),
        figure(of(samples, 'allMicros')),
        figure(rssMb),
        letThrough,
      ]),
    ),
  );
  const [memory, shared] = [0, 2].map(
    (index) => measured[index] && of(measured[index].samples, 'proxyMicros'),
  );
  if (memory !== undefined && shared !== undefined) {
    const times = shared / memory;
    console.log('');
    console.log(
      `Goal: with budgets in Redis a call costs one proxy at most ${MOST_CPU_THROUGH_REDIS} times the CPU: ${figure(times, 2)}, ${times <= MOST_CPU_THROUGH_REDIS ? 'met' : '**missed**'}.`,
    );
  }
  foreign.push(...measured.flatMap(({ samples }) => samples.map((sample) => sample.foreign)));
  console.log('');
  console.log(
    `GET over ${CONNECTIONS} connections in all, load and upstream on the same cores: they take their part of what a second core could bring.`,
  );
  console.log('');
  console.log(foreignNote(foreign));
} finally {
  stopAll();
  clear();
}

async function startMany(
  count: number,
  upstream: string,
  redisUrl: string | undefined,
): Promise<readonly Target[]> {
  const proxies: Target[] = [];
  // What an earlier group has charged is not theirs.
  const env = { BINANCE_PROXY_REDIS_URL: redisUrl, BINANCE_PROXY_EGRESS_ID: `cores-${++groups}` };
  for (let index = 0; index < count; index++) {
    const proxy = await startProxy(folder, { upstream, env });
    setFree(proxy.program?.pid ?? 0);
    proxies.push(proxy);
  }
  return proxies;
}

/** One load generator for each proxy, as apps that each know one. */
async function measure(
  proxies: readonly Target[],
  companions: readonly number[],
  seconds: number,
): Promise<Sample> {
  const pids = proxies.map(({ program }) => program?.pid ?? 0);
  const cpu = () => pids.reduce((sum, pid) => sum + cpuMs(pid), 0);
  const cpuOfCompanions = () => companions.reduce((sum, pid) => sum + cpuMs(pid), 0);
  const [proxiesBefore, companionsBefore] = [cpu(), cpuOfCompanions()];
  const others = watchOthers([...pids, ...companions]);
  const startedMs = performance.now();
  const reports = await Promise.all(
    proxies.map(async ({ url }) => {
      const connections = String(CONNECTIONS / proxies.length);
      const target = ['-u', `${url}/api/v3/openOrders?symbol=BTCUSDT`, '-k', CLIENT_KEY];
      const text = await output([
        lg,
        'closed',
        ...target,
        '-c',
        connections,
        '-d',
        String(seconds),
        '-w',
        '0',
      ]);
      return JSON.parse(text) as { done: number; rps: number; cpu: number; errors: number; non2xx: number };
    }),
  );
  const done = reports.reduce((sum, each) => sum + each.done, 0);
  const failed = reports.reduce((sum, { errors, non2xx }) => sum + errors + non2xx, 0);
  if (failed > 0) throw new Error(`${failed} calls failed`);
  const loadMs = reports.reduce((sum, each) => sum + each.cpu * 1_000, 0);
  const proxyMs = cpu() - proxiesBefore;
  const allMs = proxyMs + cpuOfCompanions() - companionsBefore + loadMs;
  return {
    rps: reports.reduce((sum, each) => sum + each.rps, 0),
    proxyMicros: (proxyMs * 1_000) / done,
    allMicros: (allMs * 1_000) / done,
    foreign: Math.max(0, others() - loadMs / (performance.now() - startedMs)),
  };
}

/** What an exchange that counts has seen after a burst: its own reports come too late for it. */
async function countLetThrough(count: number, redisUrl: string | undefined): Promise<string> {
  let sent = 0;
  let refused = 0;
  let used = 0;
  const limits = [{ rateLimitType: 'REQUEST_WEIGHT', interval: 'MINUTE', intervalNum: 1, limit: ALLOWED }];
  const { origin, server } = await serveOn(
    createServer((request, response) => {
      const isCounted = request.url?.startsWith('/api/v3/ping') === true;
      if (isCounted) {
        sent++;
        used++;
      }
      const isOver = isCounted && used > ALLOWED;
      if (isOver) refused++;
      const headers = { 'content-type': 'application/json', 'x-mbx-used-weight-1m': String(used) };
      response.writeHead(isOver ? 429 : 200, isOver ? { ...headers, 'retry-after': '1' } : headers);
      const body = { serverTime: Date.now(), rateLimits: limits, symbols: [] };
      // As far away as an exchange is: its report comes when the burst is out.
      setTimeout(() => response.end(JSON.stringify(isOver ? { code: -1003, msg: 'limit' } : body)), 20);
    }),
  );
  const proxies = await startMany(count, origin, redisUrl);
  await Promise.all(
    Array.from({ length: ASKED }, async (_, index) => {
      const proxy = proxies[index % proxies.length];
      const answer = await fetch(`${proxy?.url}/api/v3/ping`, { headers: { 'x-mbx-apikey': CLIENT_KEY } });
      await answer.arrayBuffer();
    }),
  );
  for (const { program } of proxies) await program?.stop();
  server.closeAllConnections();
  server.close();
  return `${sent} / ${refused}`;
}

function setFree(pid: number): void {
  if (CPU_LOAD === undefined || pid === 0) return;
  for (const each of familyOf(pid)) {
    execFileSync('taskset', ['-a', '-c', '-p', '0-1023', String(each)], { stdio: 'ignore' });
  }
}
