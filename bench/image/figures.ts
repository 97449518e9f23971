/**
 * The figures of the image, of a real container: prints the table that stands in docs/operations.md. Everything runs in
 * the network of the engine: the container, the embedded exchange and the load, each a process of its own. Four minutes.
 *
 *   test/image/ci.sh figures                       brings an engine, builds the image, calls this
 *   node bench/image/figures.ts IMAGE BASE         on an engine of Linux that is there, with both images
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { demoAccount } from '../../src/simulator/accounts/demo-account.ts';
import { writeLongTrail } from '../../test/support/long-trail.ts';
import { foreignNote, watchOthers } from '../ladder/others.ts';
import { freePort } from '../support/programs.ts';
import { steadyLoad } from '../support/steady-load.ts';
import { figure, median, quantile, table } from '../support/tables.ts';
import { Container, docker, ownMbOf } from './container.ts';

const STARTS = 5;
const SECONDS = 60;
const HISTORY_BYTES = 1_000_000_000;
/** The user of the image. */
const USER = 65_532;
/** Counted by account, in a budget of its own that allows 36000 a minute: a signed read with a small answer. */
const TARGET = '/sapi/v1/portfolio/account';
const CLIENT_KEY = 'figuresFiguresFiguresFiguresFiguresFiguresFiguresFiguresFigures0';

const [image = '', base = ''] = process.argv.slice(2);
const account = demoAccount();
const folder = mkdtempSync(join(tmpdir(), 'figures-'));
const agent = new Agent({ keepAlive: true, maxSockets: 32 });
const foreign: number[] = [];
const exchange = spawn(process.execPath, [join(import.meta.dirname, 'roomy-exchange.ts')], {
  env: { BINANCE_API_KEY: account.apiKey, BINANCE_API_SECRET: account.hmacSecret },
  stdio: ['ignore', 'pipe', 'inherit'],
});
try {
  console.log(await measure(await firstLine(exchange)));
} finally {
  Container.removeAll();
  exchange.kill();
  agent.destroy();
  rmSync(folder, { recursive: true, force: true });
}

async function measure(exchangeUrl: string): Promise<string> {
  const port = await freePort();
  const operatorPort = await freePort();
  const proxyUrl = `http://127.0.0.1:${port}`;
  const start = (name: string) =>
    Container.start({
      image,
      state: stateFolder(name),
      readyUrl: `http://127.0.0.1:${operatorPort}/readyz`,
      env: {
        BINANCE_API_KEY: account.apiKey,
        BINANCE_API_SECRET: account.hmacSecret,
        BINANCE_PROXY_ENVIRONMENT: 'simulator',
        BINANCE_PROXY_KEY_PREFLIGHT: 'enforce',
        BINANCE_PROXY_HOST: '127.0.0.1',
        BINANCE_PROXY_PORT: String(port),
        BINANCE_PROXY_OPERATOR_PORT: String(operatorPort),
        BINANCE_PROXY_CLIENT_KEY: CLIENT_KEY,
        BINANCE_PROXY_AUDIT_DIR: '/var/lib/binance-proxy/audit',
        BINANCE_PROXY_STATE_DIR: '/var/lib/binance-proxy/state',
        ...Object.fromEntries(
          ['SPOT', 'USDM', 'COINM', 'OPTIONS', 'PORTFOLIO'].map((name) => [
            `BINANCE_PROXY_UPSTREAM_${name}`,
            exchangeUrl,
          ]),
        ),
      },
    });
  const throughProxy = () => get(`${proxyUrl}${TARGET}`, CLIENT_KEY);
  const direct = () => get(`${exchangeUrl}${TARGET}?${signedQuery()}`, account.apiKey);

  const startsMs: number[] = [];
  for (let at = 1; at < STARTS; at++) {
    const each = await start('fresh');
    startsMs.push(each.readyMs);
    each.stop();
  }
  const proxy = await start('fresh');
  startsMs.push(proxy.readyMs);
  await pause(2_000);
  const idleMb = ownMbOf(proxy.pid);
  say('100 calls a second');
  const without = await load(direct, 100, SECONDS / 3, proxy);
  const slow = await load(throughProxy, 100, SECONDS, proxy);
  say('500 calls a second');
  const fast = await load(throughProxy, 500, SECONDS, proxy);
  proxy.stop();

  say('a start on 1 GB of records');
  writeLongTrail(join(stateFolder('used'), 'audit'), HISTORY_BYTES, Date.now());
  const restarted = await start('used');
  // The one order that the history leaves open is asked for once everything is read.
  await restarted.record('call.resolved', 120_000);
  await pause(2_000);
  const usedMb = ownMbOf(restarted.pid);
  restarted.stop();

  const overBase = (sizeOf(image) - sizeOf(base)) / 1e6;
  const both = (share: number) =>
    `${figure(quantile(slow.latenciesMs, share), 1)} ms (direct ${figure(quantile(without.latenciesMs, share), 1)} ms)`;
  const rows = [
    ['image, over its base', `${figure(overBase, 1)} MB`],
    ['`docker run` to ready, median of five', `${figure((median(startsMs) ?? Number.NaN) / 1_000, 2)} s`],
    ['own memory, idle', `${figure(idleMb)} MB`],
    ['own memory, 100 signed calls/s for 60 s', `${figure(slow.largestMb)} MB`],
    ['own memory, 500 signed calls/s for 60 s', `${figure(fast.largestMb)} MB`],
    ['own memory, started on 1 GB of audit records', `${figure(usedMb)} MB`],
    ['100 signed calls/s for 60 s, p50', both(0.5)],
    ['100 signed calls/s for 60 s, p99', both(0.99)],
  ];
  const answered = `${slow.answered} of ${slow.sent} and ${fast.answered} of ${fast.sent} calls were answered with 200.`;
  return `${table(['', 'in the container'], rows)}\n\n${answered} ${foreignNote(foreign)}`;
}

/** Owned by the image's user, with whatever is in it. */
function stateFolder(name: string): string {
  const path = join(folder, name);
  for (const each of [path, join(path, 'audit')]) {
    mkdirSync(each, { recursive: true, mode: 0o700 });
    chownSync(each, USER, USER);
  }
  for (const each of readdirSync(join(path, 'audit'))) chownSync(join(path, 'audit', each), USER, USER);
  chmodSync(folder, 0o755);
  return path;
}

async function load(send: () => Promise<boolean>, perSecond: number, seconds: number, proxy: Container) {
  const { pid } = proxy;
  let largestMb = 0;
  const othersSince = watchOthers([pid, exchange.pid ?? 0]);
  const look = () => {
    largestMb = Math.max(largestMb, ownMbOf(pid));
  };
  const result = await steadyLoad({ perSecond, seconds, send, look });
  foreign.push(othersSince());
  return { ...result, largestMb };
}

function get(url: string, key: string): Promise<boolean> {
  return new Promise((resolve) => {
    request(url, { headers: { 'x-mbx-apikey': key }, agent }, (incoming) => {
      incoming.resume().on('end', () => resolve(incoming.statusCode === 200));
    })
      .on('error', () => resolve(false))
      .end();
  });
}

/** What an app sends that holds the key of the exchange itself. */
function signedQuery(): string {
  const query = `timestamp=${Date.now()}`;
  return `${query}&signature=${createHmac('sha256', account.hmacSecret).update(query).digest('hex')}`;
}

function sizeOf(name: string): number {
  return Number(docker('image', 'inspect', '-f', '{{.Size}}', name));
}

async function firstLine({ stdout }: ChildProcess): Promise<string> {
  if (stdout === null) throw new Error('the exchange has no output');
  const [line] = (await once(createInterface({ input: stdout }), 'line')) as [string];
  return line;
}

function say(text: string): void {
  console.error(`figures: ${text}`);
}
