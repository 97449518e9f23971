/**
 * What a sidecar costs: the time from start to ready, and memory of its own (RssAnon: pages of files, of which the kernel
 * keeps as many as it likes, are left out) when idle, after a start on a long history, and under signed calls, of the very
 * command of the image (the build, Node's flags and permissions, the environment), in front of the embedded exchange.
 *
 *   node bench/memory/footprint.ts            500 calls/s for 60 s
 *   node bench/memory/footprint.ts --short    500 calls/s for 5 s
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { demoAccount } from '../../src/simulator/accounts/demo-account.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { layOutImage } from '../../test/support/images/image-layout.ts';
import { writeLongTrail } from '../../test/support/long-trail.ts';
import { steadyLoad } from '../support/steady-load.ts';

const CALLS_PER_SECOND = 500;
const STARTS = 5;
const LIMITS = { startMs: 500, idleMb: 50, historyMb: 60, busyMb: 90 };
const HISTORY_BYTES = 1_000_000_000;
/** Counted by account, in a budget of its own that allows 36000 a minute: a signed read with a small answer. */
const TARGET = '/sapi/v1/portfolio/account';

const { values } = parseArgs({ options: { short: { type: 'boolean' }, seconds: { type: 'string' } } });
const seconds = Number(values.seconds ?? (values.short === true ? 5 : 60));
const folder = mkdtempSync(join(tmpdir(), 'footprint-'));
const image = layOutImage(folder);
const CLIENT_KEY = 'footprintFootprintFootprintFootprintFootprintFootprintFootprint0';
const account = demoAccount();
const simulator = await startSimulator({
  accounts: [account],
  // What is measured is the proxy: its own budget for this read is the one that counts.
  limits: { sapiIpWeightPerMinute: 1_000_000 },
});
const upstreams = ['SPOT', 'USDM', 'COINM', 'OPTIONS', 'PORTFOLIO'].map(
  (name) => [`BINANCE_PROXY_UPSTREAM_${name}`, simulator.url] as const,
);

interface Started {
  readonly child: ChildProcess;
  readonly port: number;
  readonly readyMs: number;
  /** The order that the history left open was asked for, so all of it is read. */
  readonly resolved: Promise<void>;
}

/** Starts a proxy and waits until it says that it serves; by then its clock is read and its key is looked at. */
function start(audit = 'audit'): Promise<Started> {
  const startMs = performance.now();
  const child = spawn(process.execPath, [...image.entrypoint, 'serve'], {
    cwd: image.cwd,
    env: {
      ...image.env,
      BINANCE_API_KEY: account.apiKey,
      BINANCE_API_SECRET: account.hmacSecret,
      BINANCE_PROXY_ENVIRONMENT: 'simulator',
      BINANCE_PROXY_KEY_PREFLIGHT: 'enforce',
      BINANCE_PROXY_HOST: '127.0.0.1',
      BINANCE_PROXY_PORT: '0',
      BINANCE_PROXY_OPERATOR_PORT: '0',
      BINANCE_PROXY_CLIENT_KEY: CLIENT_KEY,
      BINANCE_PROXY_AUDIT_DIR: join(folder, 'var/lib/binance-proxy', audit),
      BINANCE_PROXY_STATE_DIR: join(folder, 'var/lib/binance-proxy/state'),
      ...Object.fromEntries(upstreams),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the proxy ended with ${code}`)));
    const { promise: resolved, resolve: noteResolved } = Promise.withResolvers<void>();
    createInterface({ input: child.stdout! }).on('line', (line) => {
      if (line.includes('"call.resolved"')) noteResolved();
      if (!line.includes('"proxy.started"')) return;
      const { detail } = JSON.parse(line) as { detail: { url: string } };
      const port = Number(new URL(detail.url).port);
      resolve({ child, port, readyMs: performance.now() - startMs, resolved });
    });
  });
}

async function stop({ child }: Started): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await ended;
}

function ownMb({ child }: Started): number {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}

const agent = new Agent({ keepAlive: true, maxSockets: 32 });

function call(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const headers = { 'x-mbx-apikey': CLIENT_KEY };
    request({ host: '127.0.0.1', port, path: TARGET, headers, agent }, (incoming) => {
      incoming.resume().on('end', () => resolve(incoming.statusCode === 200));
    })
      .on('error', () => resolve(false))
      .end();
  });
}

/** Calls at a steady rate; how many were answered with 200, and the largest memory of its own meanwhile. */
async function load(proxy: Started): Promise<{ answered: number; largestMb: number }> {
  let largestMb = 0;
  const { answered } = await steadyLoad({
    perSecond: CALLS_PER_SECOND,
    seconds,
    send: () => call(proxy.port),
    look: () => {
      largestMb = Math.max(largestMb, ownMb(proxy));
    },
  });
  return { answered, largestMb };
}

const starts: number[] = [];
for (let at = 1; at < STARTS; at++) {
  const proxy = await start();
  starts.push(proxy.readyMs);
  await stop(proxy);
}
const proxy = await start();
starts.push(proxy.readyMs);
await pause(2_000);
const idleMb = ownMb(proxy);
const { answered, largestMb } = await load(proxy);
await stop(proxy);
writeLongTrail(join(folder, 'var/lib/binance-proxy/history'), HISTORY_BYTES, Date.now());
const restarted = await start('history');
await restarted.resolved;
await pause(2_000);
const historyMb = ownMb(restarted);
await stop(restarted);
await simulator.close();
agent.destroy();
rmSync(folder, { recursive: true, force: true });

const startMs = starts.toSorted((a, b) => a - b)[Math.floor(STARTS / 2)] ?? Number.NaN;
const rows = [
  { what: 'start to ready, median of five', figure: startMs, unit: 'ms', limit: LIMITS.startMs },
  { what: 'own memory, idle', figure: idleMb, unit: 'MB', limit: LIMITS.idleMb },
  {
    what: 'own memory, started on 1 GB of records',
    figure: historyMb,
    unit: 'MB',
    limit: Math.min(LIMITS.historyMb, idleMb + 10),
  },
  {
    what: `own memory, ${CALLS_PER_SECOND} signed calls/s for ${seconds} s`,
    figure: largestMb,
    unit: 'MB',
    limit: LIMITS.busyMb,
  },
];
for (const { what, figure, unit, limit } of rows)
  console.log(
    `${what.padEnd(42)} ${figure.toFixed(0).padStart(5)} ${unit}  (limit ${limit}) ${figure <= limit ? 'ok' : 'ABOVE'}`,
  );
console.log(`${answered} of ${seconds * CALLS_PER_SECOND} calls answered with 200; Node ${process.version}`);
process.exitCode = rows.every(({ figure, limit }) => figure <= limit) ? 0 : 1;
