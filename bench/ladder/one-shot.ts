import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { CPU_LOAD, freePort, output, type Program, start, stopAll } from '../support/programs.ts';
import { startProxy } from '../support/proxy.ts';
import {
  buildLoadGenerator,
  buildRelay,
  CLIENT_KEY,
  createWorkshop,
  startUpstream,
} from '../support/workshop.ts';
import { ORDER } from './rounds.ts';

const HELP = `Usage: node bench/ladder/one-shot.ts [--idle SECONDS] [--round-trip MS]

One call of a script that was just started: straight to a distant upstream with TLS, and through the proxy.`;

const ROUND_TRIP_MS = 20;
const FIRST_SHOTS = 20;
/** Then the proxy serves so long, as it has on any day: V8 compiles what it has seen some hundred times. */
const SERVING = ['-c', '16', '-d', '1.5'];
/** Direct and proxied shots take turns, so that what else the machine does meets both. */
const TURNS = 6;
const SHOTS_PER_TURN = 10;
const IDLE_SHOTS = 3;

export interface OneShot {
  /** Median ms of a new connection with one order, TLS 1.3 straight to the upstream. */
  readonly directMs: number;
  /** The same order over a new plain connection to the proxy, whose connections to the upstream are open. */
  readonly warmMs: number;
  /** Median ms of the first of these that a new proxy answers, while its code is not compiled yet. */
  readonly firstMs: number;
  /** The first call after so many idle seconds; undefined in the short form. */
  readonly idle: { readonly seconds: number; readonly ms: readonly number[] } | undefined;
  readonly errors: number;
}

/** One call of a script that was just started, with TLS and a round trip of 20 ms to the upstream. */
export async function measureOneShot(
  lg: string,
  folder: string,
  upstream: { readonly tls: string; readonly caFile: string },
  idleSeconds: number | undefined,
  roundTripMs: number = ROUND_TRIP_MS,
): Promise<OneShot> {
  const relay = await startRelay(Number(new URL(upstream.tls).port), roundTripMs);
  const env = { BINANCE_PROXY_UPSTREAM_CA_FILE: upstream.caFile };
  const proxy = await startProxy(folder, { upstream: relay.origin, env });
  try {
    const direct: number[] = [];
    const warm: number[] = [];
    let errors = 0;
    const shoot = async (into: number[], origin: string, count: number): Promise<void> => {
      const report = await shots(lg, origin, count);
      errors += report.errors + report.non2xx;
      into.push(report.total.p50 / 1_000);
    };
    const first: number[] = [];
    await shoot(first, proxy.url, FIRST_SHOTS);
    await output([lg, 'closed', ...order(proxy.url), ...SERVING], { cpu: CPU_LOAD });
    for (let turn = 0; turn < TURNS; turn++) {
      await shoot(direct, relay.origin, SHOTS_PER_TURN);
      await shoot(warm, proxy.url, SHOTS_PER_TURN);
    }
    let idle: OneShot['idle'];
    if (idleSeconds !== undefined) {
      const ms: number[] = [];
      for (let shot = 0; shot < IDLE_SHOTS; shot++) {
        await pause(idleSeconds * 1_000);
        await shoot(ms, proxy.url, 1);
      }
      idle = { seconds: idleSeconds, ms };
    }
    return { directMs: median(direct), warmMs: median(warm), firstMs: median(first), idle, errors };
  } finally {
    await proxy.program?.stop();
    await relay.program.stop();
  }
}

interface ShotReport {
  readonly errors: number;
  readonly non2xx: number;
  /** From before the connection is opened to the end of the answer, µs. */
  readonly total: { readonly p50: number };
}

async function shots(lg: string, origin: string, count: number): Promise<ShotReport> {
  const command = [lg, 'oneshot', ...order(origin), '-n', String(count), '-g', '5'];
  return JSON.parse(await output(command, { cpu: CPU_LOAD })) as ShotReport;
}

/** One order, as arguments of the load generator. */
function order(origin: string): readonly string[] {
  return ['-u', `${origin}/api/v3/order`, '-k', CLIENT_KEY, '-b', ORDER];
}

async function startRelay(
  target: number,
  roundTripMs: number,
): Promise<{ readonly origin: string; readonly program: Program }> {
  const port = await freePort();
  const command = [buildRelay(), String(port), String(target), String(roundTripMs)];
  const program = start(command, { cpu: CPU_LOAD });
  while (!(await isOpen(port))) await pause(10);
  return { origin: `https://localhost:${port}`, program };
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true));
    socket.on('error', () => resolve(false)).on('connect', () => socket.destroy());
  });
}

function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? Number.NaN;
}

async function run(idleSeconds: number | undefined, roundTripMs: number): Promise<void> {
  const { folder, clear } = createWorkshop();
  try {
    const upstream = await startUpstream(folder);
    const shot = await measureOneShot(buildLoadGenerator(), folder, upstream, idleSeconds, roundTripMs);
    const { directMs, warmMs, firstMs, idle, errors } = shot;
    const line = (what: string, ms: number) =>
      console.log(`${what.padEnd(20)} ${ms.toFixed(2)} ms, ${(directMs / ms).toFixed(2)} times faster`);
    line('direct', directMs);
    line(`first ${FIRST_SHOTS}`, firstMs);
    line('warm', warmMs);
    for (const ms of idle?.ms ?? []) line(`after ${idle?.seconds} s`, ms);
    console.log(`errors ${errors}`);
  } finally {
    stopAll();
    clear();
  }
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      idle: { type: 'string' },
      'round-trip': { type: 'string', default: String(ROUND_TRIP_MS) },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) console.log(HELP);
  else await run(values.idle === undefined ? undefined : Number(values.idle), Number(values['round-trip']));
}
