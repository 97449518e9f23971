import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { Agent, createServer, request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort, type Program, serveOn, start, stopAll, untilAnswered } from '../support/programs.ts';
import { proxyEnvironment } from '../support/proxy.ts';
import { figure, quantile, table } from '../support/tables.ts';
import { createWorkshop, REPOSITORY } from '../support/workshop.ts';

/**
 * What the orders of one client wait longer while somebody else attacks the proxy, and the memory that the proxy takes then.
 * Each attack is a program of its own, bounded in count and time. `node bench/lanes/attacks.ts [ATTACK…]`, all of them in about a
 * minute and a half.
 */
const ATTACKS = [
  'anonymous',
  'flooding',
  'slow-readers',
  'unfinished-bodies',
  'silent-sockets',
  'joining',
] as const;
const ATTACKER = fileURLToPath(new URL('attacker.ts', import.meta.url));
const VICTIM_KEY = 'victimKey0'.padEnd(64, 'V');
const ATTACKER_KEY = 'attackKey0'.padEnd(64, 'A');
const ORDER = '/api/v3/order?symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=1';
const SECONDS = 8;
const ORDERS_PER_SECOND = 50;
const WARM_UP_ORDERS = 500;
/** As many as a pool of a common library opens. */
const VICTIM_CONNECTIONS = 5;
const CLIENTS = `
clients:
  victim: { account: main, envPrefix: VICTIM, permissions: [market-data, read, spot-margin-trade] }
  attacker:
    account: main
    envPrefix: ATTACKER
    permissions: [market-data, read, spot-margin-trade]
    approval: { symbols: [BTCUSDT] }
`;

/** Binance, as far as it matters: it says its time and its limits, knows one megabyte of depth, and takes orders. */
const depth = Buffer.alloc(1024 * 1024, 'x');
const limits = [
  { rateLimitType: 'REQUEST_WEIGHT', limit: 6_000 },
  // More than Binance gives, so that the victim's own orders never end before the attack does.
  { rateLimitType: 'ORDERS', limit: 1_000_000 },
].map((each) => ({ ...each, interval: 'MINUTE', intervalNum: 1 }));
const exchange = await serveOn(
  createServer((asked, response) => {
    asked.resume();
    const { url = '' } = asked;
    if (url.startsWith('/api/v3/time')) response.end(JSON.stringify({ serverTime: Date.now() }));
    else if (url.includes('/exchangeInfo')) response.end(JSON.stringify({ rateLimits: limits, symbols: [] }));
    else if (url.includes('/depth')) response.end(depth);
    else if (url.includes('/bookTicker'))
      response.end('{"symbol":"BTCUSDT","bidPrice":"1","bidQty":"9","askPrice":"2","askQty":"9"}');
    else response.end('{"orderId":1}');
  }),
);

interface Running {
  readonly port: number;
  readonly program: Program;
}

async function startProxy(folder: string, name: string): Promise<Running> {
  const own = join(folder, name);
  mkdirSync(own);
  const port = await freePort();
  const { BINANCE_PROXY_CLIENT_KEY: _single, ...env } = proxyEnvironment(
    own,
    exchange.origin,
    String(port),
    String(await freePort()),
  );
  writeFileSync(join(own, 'proxy.yaml'), CLIENTS);
  const program = start([process.execPath, join(REPOSITORY, 'src', 'main.ts'), 'serve'], {
    cwd: own,
    stdout: openSync(join(own, 'stdout.log'), 'w', 0o600),
    env: {
      ...env,
      BINANCE_PROXY_CONFIG: join(own, 'proxy.yaml'),
      BINANCE_PROXY_UPSTREAM_SPOT_WS_API: exchange.origin.replace('http', 'ws'),
      VICTIM_CLIENT_KEY: VICTIM_KEY,
      ATTACKER_CLIENT_KEY: ATTACKER_KEY,
    },
  });
  await untilAnswered(`http://127.0.0.1:${port}/api/v3/time`, program);
  return { port, program };
}

/** One order of the victim; how long it took in ms, undefined when it did not pass. */
function order(port: number, agent: Agent): Promise<number | undefined> {
  const startMs = performance.now();
  return new Promise((resolve) => {
    const headers = { 'x-mbx-apikey': VICTIM_KEY, 'user-agent': 'victim' };
    const asked = request(
      { host: '127.0.0.1', port, path: ORDER, method: 'POST', headers, agent },
      (answer) => {
        answer.resume();
        answer.on('end', () => resolve(answer.statusCode === 200 ? performance.now() - startMs : undefined));
      },
    );
    asked.on('error', () => resolve(undefined));
    asked.end();
  });
}

/** A proxy and a bot that have been running for a while: code is compiled, and the bot has its connections. */
async function warmUp(port: number, agent: Agent): Promise<void> {
  for (let number = 0; number < WARM_UP_ORDERS; number += VICTIM_CONNECTIONS)
    await Promise.all(Array.from({ length: VICTIM_CONNECTIONS }, () => order(port, agent)));
}

function rssAnonMb({ pid }: Program): number {
  const [, kib = '0'] = /^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) / 1024;
}

interface Watched {
  readonly p99Ms: number;
  readonly failed: number;
  readonly memoryMb: number;
}

/** The victim's orders for some seconds, one each 20 ms, and the largest memory meanwhile. */
async function watch({ port, program }: Running, agent: Agent): Promise<Watched> {
  const took: Promise<number | undefined>[] = [];
  let memoryMb = 0;
  for (let number = 0; number < SECONDS * ORDERS_PER_SECOND; number++) {
    took.push(order(port, agent));
    await pause(1_000 / ORDERS_PER_SECOND);
    if (number % 10 === 0) memoryMb = Math.max(memoryMb, rssAnonMb(program));
  }
  const all = await Promise.all(took);
  const passed = all.filter((each) => each !== undefined);
  return { p99Ms: quantile(passed, 0.99) ?? Number.NaN, failed: all.length - passed.length, memoryMb };
}

const { folder, clear } = createWorkshop();
try {
  const rows: string[][] = [];
  let aloneMs = 0;
  const named = process.argv.slice(2);
  const attacks = ATTACKS.filter((name) => named.length === 0 || named.includes(name));
  for (const name of ['none', ...attacks]) {
    console.error(`bench: ${name}`);
    const proxy = await startProxy(folder, name);
    const agent = new Agent({ keepAlive: true, maxSockets: VICTIM_CONNECTIONS });
    await warmUp(proxy.port, agent);
    const attack =
      name === 'none'
        ? undefined
        : start(
            [process.execPath, ATTACKER, name, String(proxy.port), ATTACKER_KEY, String(SECONDS + 2)],
            {},
          );
    await pause(1_000);
    const { p99Ms, failed, memoryMb } = await watch(proxy, agent);
    agent.destroy();
    if (name === 'none') aloneMs = p99Ms;
    rows.push([name, figure(p99Ms, 1), figure(p99Ms - aloneMs, 1), String(failed), figure(memoryMb)]);
    await attack?.stop();
    await proxy.program.stop();
  }
  const head = ['attack', 'p99 of an order, ms', 'added, ms', 'orders that failed', 'RssAnon, MB'];
  console.log(table(head, rows));
} finally {
  stopAll();
  exchange.server.close();
  clear();
}
