import { mkdtempSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createFileAuditSink } from '../../src/audit/file-sink.ts';
import { createAuditTrail } from '../../src/audit/trail.ts';
import { loadCatalogue } from '../../src/config/load-catalogue.ts';
import type { Client } from '../../src/core/access/client.ts';
import { readCall } from '../../src/core/call/call.ts';
import { buildCatalogue, type CatalogueEntry } from '../../src/core/catalogue/catalogue.ts';
import { judgeOrders } from '../../src/core/orders/order-rules.ts';
import { callParameters, readIntendedOrders } from '../../src/core/orders/read-orders.ts';
import { foreignNote } from '../ladder/others.ts';
import { comparePair, type Pair, type Side, type SideOptions } from '../ladder/pairs.ts';
import { ORDER } from '../ladder/rounds.ts';
import { batches } from '../ladder/stages.ts';
import { openSockets } from '../sockets/app-sockets.ts';
import { type SocketExchange, startSocketExchange } from '../sockets/socket-exchange.ts';
import type { Target } from '../support/peer-programs.ts';
import { stopAll } from '../support/programs.ts';
import { figure, table } from '../support/tables.ts';
import { buildLoadGenerator, createWorkshop, startUpstream } from '../support/workshop.ts';

/**
 * What a call costs as something grows: two proxies that differ in that only, measured in turns.
 * `node bench/memory/growth.ts`, about two minutes.
 */
const MANY = 1_000;
/** Of the 1,000 sockets that the proxy accepts one client has half of a lane. */
const MANY_SOCKETS = 350;
const AUDIT_BYTES = 1_000_000_000;
const KEY = 'growthKey0'.padEnd(64, 'K');

interface Growth {
  readonly what: string;
  readonly from: string;
  readonly to: string;
  readonly method: 'GET' | 'POST';
  readonly sides: () => readonly [SideOptions, SideOptions];
}

const { folder, clear } = createWorkshop();
const exchange = await startSocketExchange();
try {
  const upstream = await startUpstream(folder);
  const lg = buildLoadGenerator();
  const rows: string[][] = [];
  const foreign: number[] = [];
  for (const { what, from, to, method, sides } of growths(exchange)) {
    console.error(`bench: ${what}`);
    const program = { plain: upstream.plain, pids: [upstream.program.pid] };
    const pair = await comparePair(lg, folder, program, sides(), method);
    rows.push([what, from, to, ...figuresOf(pair)]);
    foreign.push(...pair.foreign);
  }
  const head = [
    '',
    'from',
    'to',
    'req/s, 16 connections',
    'ratio',
    'CPU µs',
    'p50 µs at 500 req/s',
    'p99 µs',
  ];
  console.log(table([...head, 'RSS MB', 'CPU ms until at rest', 'errors'], rows));
  console.log('');
  console.log(table(['by itself, µs', 'from', 'to', 'at first', 'at last'], [catalogueSize(), orderRules()]));
  console.log('');
  console.log(foreignNote(foreign));
} finally {
  await exchange.close();
  stopAll();
  clear();
}

function growths({ host }: SocketExchange): readonly Growth[] {
  return [
    {
      ...{ what: 'clients with key and secret', from: '1', to: String(MANY), method: 'GET' },
      sides: () => [withClients(1), withClients(MANY)],
    },
    {
      ...{
        what: 'order rules',
        from: 'none',
        to: `types, notional, count and ${MANY} symbols`,
        method: 'POST',
      },
      sides: () => [withClients(1), withRules()],
    },
    {
      ...{ what: 'audit file of the day', from: 'empty', to: '1 GB', method: 'POST' },
      sides: () => [{}, withAuditFile()],
    },
    {
      ...{ what: 'open WebSockets on a public stream', from: '1', to: String(MANY_SOCKETS), method: 'GET' },
      sides: () => [withSockets(host, 1), withSockets(host, MANY_SOCKETS)],
    },
  ];
}

function figuresOf({ first, last, ratio }: Pair): readonly string[] {
  const both = (of: (side: Side) => number) => `${figure(of(first))} → ${figure(of(last))}`;
  return [
    both(({ rps }) => rps),
    figure(ratio, 2),
    both(({ cpuMicros }) => cpuMicros),
    both(({ p50 }) => p50),
    both(({ p99 }) => p99),
    both(({ rssMb }) => rssMb),
    both(({ startCpuMs }) => startCpuMs),
    both(({ errors }) => errors),
  ];
}

function withClients(count: number): SideOptions {
  const names = Array.from({ length: count }, (_, index) => `bot-${index}`);
  const clients = names.map(
    (name, index) =>
      `  ${name}: { account: main, envPrefix: BOT_${index}, permissions: [market-data, read, spot-margin-trade] }`,
  );
  const env = names.flatMap((_, index) => [
    [`BOT_${index}_CLIENT_KEY`, `growthKey${index}`.padEnd(64, 'K')],
    [`BOT_${index}_CLIENT_SECRET`, `growthSecret${index}`.padEnd(64, 'S')],
  ]);
  return {
    clientKey: KEY,
    yaml: `accounts: { main: { envPrefix: BINANCE } }\nclients:\n${clients.join('\n')}\n`,
    env: { ...Object.fromEntries(env), BINANCE_PROXY_CLIENT_KEY: undefined },
  };
}

function withRules(): SideOptions {
  const one = withClients(1);
  const symbols = ['BTCUSDT', ...Array.from({ length: MANY - 1 }, (_, index) => `A${index}USDT`)];
  const order = '{ types: [LIMIT, LIMIT_MAKER], maxNotional: { USDT: "500" }, maxPerDay: 100000000 }';
  const rules = `, symbols: [${symbols.join(', ')}], order: ${order} }`;
  return { ...one, yaml: (one.yaml ?? '').replace(/ \}\n$/, `${rules}\n`) };
}

/** A trail of real records, larger ones than usual, so that it is written soon. */
function withAuditFile(): SideOptions {
  const own = mkdtempSync(join(folder, 'audit-'));
  const sink = createFileAuditSink({ folder: own, key: undefined, durability: 'process' });
  const trail = createAuditTrail({ sink, log: () => {}, now: Date.now });
  const params = { filler: 'x'.repeat(3_500) };
  const name = join(own, `audit-${new Date().toISOString().slice(0, 10)}.ndjson`);
  for (let i = 0; i % 1_000 !== 0 || i === 0 || statSync(name).size < AUDIT_BYTES; i++) {
    trail.write({ event: 'call.signed', requestId: `growth-${i}`, path: '/api/v3/account', params });
  }
  trail.close();
  return { env: { BINANCE_PROXY_AUDIT_DIR: own } };
}

function withSockets(host: string, count: number): SideOptions {
  return {
    env: { BINANCE_PROXY_UPSTREAM_SPOT_STREAM: `ws://${host}` },
    async prepare({ url }: Target) {
      const sockets = await openSockets(`${url.replace('http', 'ws')}/stream?streams=btcusdt@trade`, count);
      return () => {
        for (const socket of sockets) socket.terminate();
      };
    },
  };
}

/** Not a thing that a configuration changes, so the look-up by itself. */
function catalogueSize(): string[] {
  const usual = loadCatalogue();
  const entries = (count: number): CatalogueEntry[] =>
    Array.from({ length: count }, (_, index) => ({
      ...{ method: 'GET', path: `/api/v3/grown/${index}`, security: 'SIGNED', securityType: 'USER_DATA' },
      permission: 'read',
      ip: 1,
    }));
  const grown = buildCatalogue([{ product: 'grown', upstream: 'spot', endpoints: entries(10 * MANY) }]);
  return [
    'endpoints in the catalogue: one look-up',
    String(usual.endpoints.length),
    String(10 * MANY),
    micros(batches(() => usual.find('spot', 'GET', '/api/v3/account'), 20_000)),
    micros(batches(() => grown.find('spot', 'GET', `/api/v3/grown/${MANY}`), 20_000)),
  ];
}

function orderRules(): string[] {
  const endpoint = loadCatalogue().find('spot', 'POST', '/api/v3/order')!;
  const call = readCall('POST', '/api/v3/order', Buffer.from(ORDER));
  const judge = (symbols: number) => {
    const names = Array.from({ length: symbols }, (_, index) => `A${index}USDT`);
    const client: Client = {
      ...{ name: 'bot', account: 'main', secret: undefined, publicKey: undefined, requireSignature: false },
      ...{ permissions: new Set() },
      ...{ symbols: new Set([...names, 'BTCUSDT']), order: undefined, approval: undefined },
      ...{
        weightPerMinute: undefined,
        requestsPerSecond: undefined,
        stopAfterRefusals: undefined,
        expiresMs: undefined,
        policyMode: 'enforce',
      },
    };
    return micros(batches(() => judgeOrders(client, readIntendedOrders(endpoint, callParameters(call)))));
  };
  // The first run compiles for both.
  judge(MANY);
  return ['symbols that a client may trade: one order judged', '1', String(MANY), judge(0), judge(MANY)];
}

function micros(value: number): string {
  return value.toFixed(2);
}
