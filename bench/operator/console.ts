import { hash } from 'node:crypto';
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { Agent, createServer, request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { foreignNote, watchOthers } from '../ladder/others.ts';
import {
  cpuMs,
  freePort,
  memoryMb,
  type Program,
  serveOn,
  start,
  stopAll,
  untilAnswered,
} from '../support/programs.ts';
import { proxyEnvironment } from '../support/proxy.ts';
import { figure, median, quantile, table } from '../support/tables.ts';
import { CLIENT_KEY, createWorkshop, REPOSITORY } from '../support/workshop.ts';

/**
 * What the viewers of the stream of records cost: p99 of orders while a thousand records a second are written, without a viewer
 * and with as many as there may be, in turns; then the processor and the memory of an idle proxy. `node bench/operator/console.ts`,
 * two and a half minutes.
 */
const VIEWERS = 8;
const ROUNDS = [0, VIEWERS, VIEWERS, 0, 0, VIEWERS, VIEWERS, 0] as const;
const ROUND_SECONDS = 10;
const IDLE_SECONDS = 15;
const TURNS_PER_SECOND = 50;
/** Of each turn; each call is two records, so that a second has a thousand. */
const ORDERS = 1;
const READS = 9;
const CONNECTIONS = { orders: 8, reads: 40 } as const;
const TOKEN = 'benchOperator'.padEnd(64, 'O');
const ORDER = '/api/v3/order?symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=1';
const VIEWERS_PROGRAM = fileURLToPath(new URL('viewers.ts', import.meta.url));

/** Binance, as far as it matters: more room than it gives, so that no budget is in the way of what is measured. */
const limits = ['REQUEST_WEIGHT', 'ORDERS'].map((rateLimitType) => ({
  ...{ rateLimitType, limit: 100_000_000, interval: 'MINUTE', intervalNum: 1 },
}));
const exchange = await serveOn(
  createServer((asked, response) => {
    asked.resume();
    const { url = '' } = asked;
    if (url.startsWith('/api/v3/time')) response.end(JSON.stringify({ serverTime: Date.now() }));
    else if (url.includes('/exchangeInfo')) response.end(JSON.stringify({ rateLimits: limits, symbols: [] }));
    else response.end('{"orderId":1}');
  }),
);

interface Running {
  readonly port: number;
  readonly operatorPort: number;
  readonly program: Program;
}

async function startProxy(folder: string): Promise<Running> {
  const own = join(folder, 'proxy');
  mkdirSync(own);
  const [port, operatorPort] = [await freePort(), await freePort()];
  const program = start([process.execPath, join(REPOSITORY, 'src', 'main.ts'), 'serve'], {
    cwd: own,
    stdout: openSync(join(own, 'stdout.log'), 'w', 0o600),
    env: {
      ...proxyEnvironment(own, exchange.origin, String(port), String(operatorPort)),
      BINANCE_PROXY_OPERATOR_TOKEN_SHA256: hash('sha256', TOKEN),
    },
  });
  await untilAnswered(`http://127.0.0.1:${port}/api/v3/time`, program);
  return { port, operatorPort, program };
}

/** How long a call took in ms; undefined when it was not answered well. */
function call(port: number, agent: Agent, method: string, path: string): Promise<number | undefined> {
  const startMs = performance.now();
  return new Promise((resolve) => {
    const headers = { 'x-mbx-apikey': CLIENT_KEY, 'user-agent': 'bench' };
    const asked = request({ host: '127.0.0.1', port, path, method, headers, agent }, (answer) => {
      answer.resume();
      answer.on('end', () => resolve(answer.statusCode === 200 ? performance.now() - startMs : undefined));
    });
    asked.on('error', () => resolve(undefined));
    asked.end();
  });
}

/** Runs until it is stopped; the text that the viewers end with. */
function startViewers({ operatorPort }: Running, count: number, path: string): Program | undefined {
  if (count === 0) return undefined;
  return start([process.execPath, VIEWERS_PROGRAM, String(operatorPort), TOKEN, String(count)], {
    stdout: openSync(path, 'w', 0o600),
  });
}

/** Orders have connections of their own: what is measured does not wait in the load. */
interface Agents {
  readonly orders: Agent;
  readonly reads: Agent;
}

interface Round {
  readonly viewers: number;
  readonly tookMs: readonly number[];
  readonly recordsPerSecond: number;
  readonly failed: number;
  readonly coreShare: number;
  readonly missed: number;
  readonly foreign: number;
}

async function measure(running: Running, agents: Agents, viewers: number, said: string): Promise<Round> {
  const { port, program } = running;
  const watching = startViewers(running, viewers, said);
  await pause(1_000);
  const others = watchOthers([program.pid, ...(watching === undefined ? [] : [watching.pid])]);
  const [startMs, startCpuMs] = [performance.now(), cpuMs(program.pid)];
  const orders: Promise<number | undefined>[] = [];
  const reads: Promise<number | undefined>[] = [];
  for (let turn = 0; turn < ROUND_SECONDS * TURNS_PER_SECOND; turn++) {
    for (let number = 0; number < ORDERS; number++) orders.push(call(port, agents.orders, 'POST', ORDER));
    for (let number = 0; number < READS; number++)
      reads.push(call(port, agents.reads, 'GET', '/api/v3/account'));
    const dueMs = startMs + ((turn + 1) * 1_000) / TURNS_PER_SECOND;
    await pause(Math.max(0, dueMs - performance.now()));
  }
  const all = await Promise.all([...orders, ...reads]);
  const tookMs = (await Promise.all(orders)).filter((each) => each !== undefined);
  const spanMs = performance.now() - startMs;
  const coreShare = (cpuMs(program.pid) - startCpuMs) / spanMs;
  const foreign = others();
  await watching?.stop();
  const { missed } = watching === undefined ? { missed: 0 } : JSON.parse(readFileSync(said, 'utf8'));
  const answered = all.filter((each) => each !== undefined).length;
  const recordsPerSecond = (2 * answered * 1_000) / spanMs;
  return {
    ...{ viewers, tookMs, recordsPerSecond, coreShare, missed, foreign },
    failed: all.length - answered,
  };
}

/** Processor and memory while no app calls. */
async function measureIdle(running: Running, viewers: number, said: string) {
  const watching = startViewers(running, viewers, said);
  await pause(2_000);
  const startCpuMs = cpuMs(running.program.pid);
  await pause(IDLE_SECONDS * 1_000);
  const coreShare = (cpuMs(running.program.pid) - startCpuMs) / (IDLE_SECONDS * 1_000);
  const { rss } = memoryMb(running.program.pid);
  await watching?.stop();
  return { coreShare, rss };
}

const { folder, clear } = createWorkshop();
try {
  const running = await startProxy(folder);
  const pool = (maxSockets: number) => new Agent({ keepAlive: true, maxSockets });
  const agents: Agents = { orders: pool(CONNECTIONS.orders), reads: pool(CONNECTIONS.reads) };
  const said = join(folder, 'viewers.json');
  writeFileSync(said, '');
  const idle: string[][] = [];
  for (const viewers of [0, VIEWERS]) {
    console.error(`bench: idle, ${viewers} viewers`);
    const { coreShare, rss } = await measureIdle(running, viewers, said);
    idle.push([String(viewers), figure(100 * coreShare, 2), figure(rss)]);
  }
  console.error('bench: warming up');
  await measure(running, agents, 0, said);
  const rounds: Round[] = [];
  for (const viewers of ROUNDS) {
    console.error(`bench: 1,000 records a second, ${viewers} viewers`);
    rounds.push(await measure(running, agents, viewers, said));
  }
  agents.orders.destroy();
  agents.reads.destroy();
  const busy = [0, VIEWERS].map((viewers) => {
    const own = rounds.filter((round) => round.viewers === viewers);
    const ofAll = (share: number) =>
      quantile(
        own.flatMap(({ tookMs }) => tookMs),
        share,
      );
    const sum = (what: (round: Round) => number) => own.reduce((total, round) => total + what(round), 0);
    return [
      String(viewers),
      figure(median(own.map(({ recordsPerSecond }) => recordsPerSecond))),
      figure(ofAll(0.5), 2),
      figure(ofAll(0.99), 2),
      own.map(({ tookMs }) => figure(quantile(tookMs, 0.99), 1)).join(' '),
      figure(100 * (median(own.map(({ coreShare }) => coreShare)) ?? Number.NaN)),
      String(sum(({ failed }) => failed)),
      String(sum(({ missed }) => missed)),
    ];
  });
  const head = ['viewers', 'records/s', 'p50 of an order, ms', 'p99, ms', 'p99 of each round, ms'];
  console.log(table([...head, 'of a core, %', 'calls that failed', 'records missed'], busy));
  console.log('');
  console.log(table(['idle: viewers', 'of a core, %', 'resident, MB'], idle));
  console.log('');
  console.log(foreignNote(rounds.map(({ foreign }) => foreign)));
} finally {
  stopAll();
  exchange.server.close();
  clear();
}
