import { mkdtempSync, rmSync } from 'node:fs';
import { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { Fault } from '../../src/simulator/exchange/faults.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { type Reply, send } from '../../test/support/clients/http.ts';
import { startTestProxy, TEST_KEY, TEST_SECRET, type TestProxy } from '../../test/support/servers/proxy.ts';

/**
 * Calls at a steady rate through a proxy in front of an exchange that fails now and then, and at the end holds what the
 * app was told and what the audit says against what really happened.
 * Usage: node bench/memory/soak.ts [SECONDS] [CALLS_PER_SECOND] [FAULT_SHARE]   (600 200 0.05)
 */
export interface SoakOptions {
  readonly seconds: number;
  readonly callsPerSecond: number;
  /** Share of the calls that meet a fault, 0 to 1. */
  readonly faultShare: number;
}

export interface SoakReport {
  readonly calls: number;
  readonly faults: number;
  readonly answered: number;
  readonly notSent: number;
  readonly unknown: number;
  /** Reads whose answer broke off after its head. */
  readonly cut: number;
  /** Orders that stand more than once at the exchange. */
  readonly duplicates: readonly string[];
  /** Orders whose outcome or resolution is not what happened, and calls that ended as none may; each in words. */
  readonly wrong: readonly string[];
  /** Unknown orders without a `call.resolved`. */
  readonly unresolved: readonly string[];
  readonly underWay: number;
}

const ORDER = '/api/v3/order';
const ACCOUNT = '/api/v3/account';
const MARKET_BUY = 'symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.0001';
const MOST_PENDING = 64;
const PAUSES_MS = [50, 100, 200, 400];

interface Placed {
  readonly id: string;
  readonly reply: Reply | undefined;
}

export async function soak(options: SoakOptions): Promise<SoakReport> {
  const folder = mkdtempSync(join(tmpdir(), 'signing-proxy-soak-'));
  const simulator = await startSimulator({
    accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET, balances: { USDT: '100000000' } }],
    limits: {
      weightPerMinute: { spot: 100_000_000 },
      ordersPer10Seconds: 1_000_000,
      ordersPerDay: 100_000_000,
      rawRequestsPer5Minutes: 100_000_000,
    },
    marketStepMs: 0,
  });
  const proxy = await startTestProxy({
    upstream: simulator.url,
    env: { BINANCE_PROXY_AUDIT_DIR: join(folder, 'audit') },
    timeouts: { headersTimeoutMs: 3_000, resolutionPausesMs: PAUSES_MS },
  });
  try {
    return await run(options, simulator, proxy);
  } finally {
    await proxy.close();
    await simulator.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function run(options: SoakOptions, simulator: Simulator, proxy: TestProxy): Promise<SoakReport> {
  const agent = new Agent({ keepAlive: true });
  const total = options.seconds * options.callsPerSecond;
  const startMs = performance.now();
  const orders: Placed[] = [];
  const wrong: string[] = [];
  const counts = { answered: 0, 'not-sent': 0, unknown: 0 };
  let cut = 0;
  let faults = 0;
  let pending = 0;
  const calls: Promise<void>[] = [];
  for (let sent = 0; sent < total; sent++) {
    const earlyMs = (sent * 1_000) / options.callsPerSecond - (performance.now() - startMs);
    if (earlyMs > 1) await sleep(earlyMs);
    // On a machine that cannot keep up the rate falls, instead of everything running into its time limit.
    while (pending >= MOST_PENDING) await sleep(1);
    if (Math.random() < options.faultShare) {
      faults++;
      simulator.inject(randomFault());
    }
    calls.push(call(sent));
  }
  await Promise.all(calls);
  const untilMs = performance.now() + 30_000;
  while (proxy.parts.resolver.open().length > 0 && performance.now() < untilMs) await sleep(20);
  agent.destroy();

  async function call(number: number): Promise<void> {
    pending++;
    const isOrder = number % 2 === 0;
    const id = `soak-${number}`;
    const target = isOrder ? `${ORDER}?${MARKET_BUY}&newClientOrderId=${id}` : ACCOUNT;
    const method = isOrder ? 'POST' : 'GET';
    let broke = '';
    const reply = await send(proxy.port, target, { method, agent }).catch((error: NodeJS.ErrnoException) => {
      broke = error.code ?? error.message;
      return undefined;
    });
    pending--;
    const outcome = reply?.headers['x-proxy-outcome'];
    if (outcome === 'answered' || outcome === 'unknown' || outcome === 'not-sent') counts[outcome]++;
    else if (reply === undefined && !isOrder) cut++;
    else wrong.push(`${method} ${id} ended without an outcome: ${broke}`);
    if (isOrder) orders.push({ id, reply });
  }

  const { duplicates, misjudged, unresolved } = judge(orders, simulator, proxy);
  return {
    calls: total,
    faults,
    answered: counts.answered,
    notSent: counts['not-sent'],
    unknown: counts.unknown,
    cut,
    duplicates,
    wrong: [...wrong, ...misjudged],
    unresolved,
    underWay: proxy.parts.underWay.total,
  };
}

/** Holds every order against the exchange's own books. */
function judge(orders: readonly Placed[], simulator: Simulator, proxy: TestProxy) {
  const { accounts, spot } = simulator.exchange;
  const standing = new Map<string, number>();
  for (const { clientOrderId } of spot.orders.all(accounts.identify(TEST_KEY).owner)) {
    standing.set(clientOrderId, (standing.get(clientOrderId) ?? 0) + 1);
  }
  const fates = new Map<unknown, unknown>();
  for (const { requestId, detail } of proxy.records('call.resolved')) {
    fates.set(requestId, (detail as { resolution: string }).resolution);
  }
  const completed = new Map<unknown, unknown>();
  for (const { requestId, outcome } of proxy.records('call.completed', 'call.refused'))
    completed.set(requestId, outcome);
  const misjudged: string[] = [];
  const unresolved: string[] = [];
  for (const { id, reply } of orders) {
    if (reply === undefined) continue;
    const stands = (standing.get(id) ?? 0) > 0;
    const requestId = reply.headers['x-proxy-request-id'];
    const outcome = reply.headers['x-proxy-outcome'];
    if (completed.get(requestId) !== outcome) misjudged.push(`${id}: the audit does not say ${outcome}`);
    if (outcome === 'unknown') {
      const fate = fates.get(requestId);
      if (fate === undefined) unresolved.push(id);
      else if (fate !== (stands ? 'executed' : 'not-found')) misjudged.push(`${id}: resolved as ${fate}`);
    } else if (stands !== (outcome === 'answered' && reply.status === 200)) {
      misjudged.push(
        `${id}: ${outcome} with ${reply.status}, and it ${stands ? 'stands' : 'does not stand'}`,
      );
    }
  }
  return {
    duplicates: [...standing].filter(([, count]) => count > 1).map(([id]) => id),
    misjudged,
    unresolved,
  };
}

function randomFault(): Fault {
  const order = { method: 'POST', path: ORDER };
  const read = { method: 'GET', path: Math.random() < 0.8 ? ACCOUNT : ORDER };
  const match = Math.random() < 0.6 ? order : read;
  const json = (status: number, code: number, msg: string): Fault => ({
    kind: 'status',
    match,
    status,
    body: JSON.stringify({ code, msg }),
  });
  const faults: readonly Fault[] = [
    { kind: 'drop-before-read', match },
    { kind: 'drop-after-read', match },
    { kind: 'execute-then-drop', match },
    { kind: 'execute-then-drop', match },
    { kind: 'truncate-body', match },
    { kind: 'stall', match },
    { kind: 'stall', match, execute: true },
    { kind: 'delay', match, ms: 300 },
    { kind: 'stale-timestamp', match },
    json(500, -1007, 'Timeout waiting for response from backend server.'),
    json(
      503,
      -1008,
      'Server is currently overloaded with other requests. Please try again in a few minutes.',
    ),
    json(400, -2010, 'Account has insufficient balance for requested action.'),
    { kind: 'status', match, status: 502, body: '<html>Bad Gateway</html>', contentType: 'text/html' },
  ];
  return faults[Math.floor(Math.random() * faults.length)] as Fault;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [seconds = 600, callsPerSecond = 200, faultShare = 0.05] = process.argv.slice(2).map(Number);
  const report = await soak({ seconds, callsPerSecond, faultShare });
  const few = (_name: string, value: unknown) =>
    Array.isArray(value) ? [value.length, ...value.slice(0, 10)] : value;
  process.stdout.write(`${JSON.stringify(report, few, 2)}\n`);
  const isClean = [report.duplicates, report.wrong, report.unresolved].every(({ length }) => length === 0);
  process.exitCode = isClean ? 0 : 1;
}
