import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { Agent } from 'node:http';
import { createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import { type Reply, send } from '../../support/clients/http.ts';
import { addressesOf, type Child, MAIN, startChild } from '../../support/processes/child.ts';
import { portion } from '../../support/properties.ts';
import { startTestProxy, TEST_KEY, TEST_SECRET, upstreamsAt } from '../../support/servers/proxy.ts';
import { startUpstream } from '../../support/servers/upstream.ts';

const OTHER_KEY = 'OTHERKEYotherkeyOTHERKEYotherkeyOTHERKEYotherkeyOTHERKEYotherkey';
const OTHER_SECRET = 'OTHERSECRETothersecretOTHERSECRETothersecretOTHERSECRETothersecr';
const ORDER = '/api/v3/order';
const WORKERS = 6;
const RESTARTS = portion(40, 5);

let simulator: Simulator;
let folder: string;
beforeEach(async () => {
  const balances = { USDT: '100000000' };
  simulator = await startSimulator({
    accounts: [
      { apiKey: TEST_KEY, hmacSecret: TEST_SECRET, balances },
      { apiKey: OTHER_KEY, hmacSecret: OTHER_SECRET, balances },
    ],
    limits: {
      weightPerMinute: { spot: 100_000_000 },
      ordersPer10Seconds: 1_000_000,
      ordersPerDay: 100_000_000,
      rawRequestsPer5Minutes: 100_000_000,
    },
    marketStepMs: 0,
  });
  folder = mkdtempSync(join(tmpdir(), 'signing-proxy-shutdown-'));
});
afterEach(async () => {
  await simulator.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Load {
  /** Client order ids of the orders that were answered with 200. */
  readonly placed: string[];
  /** Calls that ended in any other way than a 200, in words. */
  readonly failed: string[];
  answered: number;
  /** Calls that found nobody, or somebody who was just going, and were sent again. */
  repeated: number;
}

/**
 * Apps that call and call, reads and orders in turn, on connections of their own that they keep. A call is repeated only
 * when nothing came of it: the connection was refused, or reset before it was taken, or the proxy says that it is going.
 * That each order stands once at the end proves that it was so.
 */
async function load(port: () => number, isOver: () => boolean): Promise<Load> {
  const sum: Load = { placed: [], failed: [], answered: 0, repeated: 0 };
  let next = 0;

  async function call(agent: Agent, method: string, target: string): Promise<void> {
    for (;;) {
      try {
        const reply = await send(port(), target, { method, agent });
        if (isGoing(reply)) sum.repeated++;
        else {
          if (reply.status === 200) sum.answered++;
          else sum.failed.push(`${method} ${reply.status} ${reply.text}`);
          return;
        }
      } catch (error) {
        const { code, message, isReused } = error as NodeJS.ErrnoException & { isReused?: boolean };
        // A listener that goes resets the connections that nobody has taken yet.
        const isAtTheDoor = code === 'ECONNREFUSED' || (code === 'ECONNRESET' && isReused === false);
        if (!isAtTheDoor) {
          sum.failed.push(`${method} ${code} ${message}`);
          return;
        }
        sum.repeated++;
      }
      await sleep(5);
    }
  }

  async function work(): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    while (!isOver()) {
      const id = `load-${next++}`;
      const order = `${ORDER}?symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.0001&newClientOrderId=${id}`;
      await call(agent, 'POST', order);
      sum.placed.push(id);
      await call(agent, 'GET', '/api/v3/openOrders?symbol=BTCUSDT');
      await sleep(10);
    }
    agent.destroy();
  }

  await Promise.all(Array.from({ length: WORKERS }, work));
  return sum;
}

function isGoing({ status, headers }: Reply): boolean {
  return status === 503 && headers['x-proxy-outcome'] === 'not-sent';
}

/** Client order ids at the exchange, whichever key placed them. */
function standing(): string[] {
  const { accounts, spot } = simulator.exchange;
  const owners = new Set([TEST_KEY, OTHER_KEY].map((key) => accounts.identify(key).owner));
  return [...owners].flatMap((owner) => spot.orders.all(owner).map(({ clientOrderId }) => clientOrderId));
}

describe('a thousand new configurations', () => {
  it('A thousand new configurations under load fail no call, and every call is signed by one key throughout', async () => {
    // The address is another name of the same exchange, which a reload may not take as it is.
    const env = { BINANCE_PROXY_ALLOW_LOOSENING: '1' };
    const proxy = await startTestProxy({ upstream: simulator.url, env });
    let isOver = false;
    const running = load(
      () => proxy.port,
      () => isOver,
    );
    for (let i = 0; i < 1_000; i++) {
      const pair =
        i % 2 === 0
          ? { BINANCE_API_KEY: OTHER_KEY, BINANCE_API_SECRET: OTHER_SECRET }
          : { BINANCE_API_KEY: TEST_KEY, BINANCE_API_SECRET: TEST_SECRET };
      // Now and then the connections are new ones, too.
      const host = i % 100 < 50 ? '127.0.0.1' : 'localhost';
      proxy.reload({ ...pair, ...upstreamsAt(`http://${host}:${simulator.port}`) });
      await sleep(1);
    }
    isOver = true;
    const { failed, placed, answered, repeated } = await running;
    await proxy.close();
    expect([failed, repeated]).toEqual([[], 0]);
    expect(answered).toBeGreaterThan(100);
    expect(standing().sort()).toEqual(placed.sort());
    expect(simulator.requests.filter(({ verified }) => !verified)).toEqual([]);
    const keys = new Set(simulator.requests.flatMap(({ headers }) => headers['x-mbx-apikey'] ?? []));
    expect(keys).toEqual(new Set([TEST_KEY, OTHER_KEY]));
  });
});

describe('twenty restarts by SIGTERM', () => {
  it('Twenty restarts under load fail no call, and leave no order without its end in the audit', async () => {
    const start = (run: number): Child =>
      startChild([MAIN, 'serve'], {
        cwd: folder,
        env: {
          BINANCE_API_KEY: TEST_KEY,
          BINANCE_API_SECRET: TEST_SECRET,
          BINANCE_PROXY_ENVIRONMENT: 'simulator',
          BINANCE_PROXY_PORT: '0',
          BINANCE_PROXY_OPERATOR_PORT: '0',
          BINANCE_PROXY_AUDIT_DIR: join(folder, `audit-${run}`),
          ...upstreamsAt(simulator.url),
        },
      });
    const [first, ...others] = [start(0), start(1), start(2)] as const;
    const upcoming: Child[] = others;
    let child: Child = first;
    let port = portOf((await addressesOf(child)).url);
    let isOver = false;
    const running = load(
      () => port,
      () => isOver,
    );
    const ends: Promise<{ readonly code: number | null }>[] = [];
    for (let run = 1; run <= RESTARTS; run++) {
      const next = upcoming.shift() as Child;
      const { url } = await addressesOf(next);
      if (run + 2 <= RESTARTS) upcoming.push(start(run + 2));
      simulator.setUsedWeight(0);
      child.kill('SIGTERM');
      ends.push(child.ended);
      // For a moment the apps still find the one that is going.
      await sleep(30);
      port = portOf(url);
      child = next;
    }
    await sleep(200);
    isOver = true;
    const { failed, placed, answered } = await running;
    child.kill('SIGTERM');
    expect((await Promise.all([...ends, child.ended])).map(({ code }) => code)).toEqual(
      Array(RESTARTS + 1).fill(0),
    );
    expect(failed.slice(0, 9)).toEqual([]);
    expect(answered).toBeGreaterThan(10 * RESTARTS);
    expect(standing().sort()).toEqual(placed.sort());
    const recorded = auditOf(folder);
    expect(recorded.get('call.completed')).toEqual(recorded.get('call.signed'));
    for (const id of placed) expect(recorded.get('call.signed')?.has(id)).toBe(true);
  });
});

/** The client order ids of the records of each event. */
function auditOf(parent: string): ReadonlyMap<string, ReadonlySet<string>> {
  const ids = new Map<string, Set<string>>();
  for (const name of readdirSync(parent, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.ndjson')) continue;
    for (const line of readFileSync(join(parent, name), 'utf8').trim().split('\n')) {
      const { event, clientOrderId } = JSON.parse(line) as { event: string; clientOrderId?: string };
      if (clientOrderId === undefined) continue;
      ids.set(event, (ids.get(event) ?? new Set()).add(clientOrderId));
    }
  }
  return ids;
}

/** What the audit says of an order, in its order. */
function eventsOf(parent: string, id: string): readonly string[] {
  const lines = readdirSync(join(parent, 'audit'))
    .filter((name) => name.endsWith('.ndjson'))
    .flatMap((name) =>
      readFileSync(join(parent, 'audit', name), 'utf8')
        .trim()
        .split('\n'),
    );
  return lines
    .map((line) => JSON.parse(line) as { event: string; outcome?: string; clientOrderId?: unknown })
    .filter(({ clientOrderId }) => [clientOrderId].flat().includes(id))
    .map(({ event, outcome }) => (outcome === undefined ? event : `${event} ${outcome}`));
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}

describe('a proxy that is told to go', () => {
  it('A stopping proxy answers what is under way and what comes on an old connection, and takes no new one', async () => {
    const upstream = await startUpstream();
    const proxy = await startTestProxy({ upstream: upstream.url });
    let answer = () => {};
    upstream.respond((_received, response) => {
      answer = () => response.end('{"orderId":9}');
    });
    const idle = await connect(proxy.port);
    idle.write(request('GET', '/api/v3/ping'));
    await expect.poll(() => upstream.received.length).toBe(1);
    answer();
    await once(idle, 'data');
    const underWay = send(proxy.port, `${ORDER}?symbol=A`, { method: 'POST' });
    await expect.poll(() => upstream.received.length).toBe(2);

    const closing = proxy.close();
    const knock = () =>
      connect(proxy.port).then(
        (socket) => void socket.destroy(),
        ({ code }) => code,
      );
    await expect.poll(knock).toBe('ECONNREFUSED');
    answer();
    expect((await underWay).headers['x-proxy-outcome']).toBe('answered');
    upstream.respond((_received, response) => response.end('{"orderId":10}'));
    idle.write(request('POST', `${ORDER}?symbol=B`));
    const [bytes] = (await once(idle, 'data')) as [Buffer];
    expect(bytes.toString()).toMatch(/^HTTP\/1\.1 200 /);
    expect(bytes.toString()).toMatch(/\r\nconnection: close\r\n/i);
    await once(idle, 'close');
    await closing;
    await upstream.close();
    expect(proxy.records('call.completed').slice(-2)).toMatchObject([{ orderId: '9' }, { orderId: '10' }]);
  });

  it('A stopping proxy answers an order that Binance leaves open with unknown, records it, and resolves it at the next start', async () => {
    const upstream = await startUpstream();
    upstream.respond(() => {});
    const start = (url: string) =>
      startChild([MAIN, 'serve'], {
        cwd: folder,
        env: {
          BINANCE_API_KEY: TEST_KEY,
          BINANCE_API_SECRET: TEST_SECRET,
          BINANCE_PROXY_ENVIRONMENT: 'simulator',
          BINANCE_PROXY_PORT: '0',
          BINANCE_PROXY_OPERATOR_PORT: '0',
          BINANCE_PROXY_AUDIT_DIR: join(folder, 'audit'),
          ...upstreamsAt(url),
        },
      });
    const child = start(upstream.url);
    const port = portOf((await addressesOf(child)).url);
    const order = `${ORDER}?symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&price=10000&quantity=0.01&newClientOrderId=open-1`;
    const answer = send(port, order, { method: 'POST' });
    await expect.poll(() => upstream.received.length).toBe(1);
    child.kill('SIGTERM');
    const { status, headers, json } = await answer;
    expect([status, headers['x-proxy-outcome'], headers['x-proxy-error'], json]).toMatchObject([
      504,
      'unknown',
      'PROXY_OUTCOME_UNKNOWN',
      { code: -1007 },
    ]);
    expect((await child.ended).code).toBe(0);
    expect(eventsOf(folder, 'open-1')).toEqual(['call.signed', 'call.completed unknown']);
    expect(upstream.received).toHaveLength(1);
    await upstream.close();

    // The exchange had taken it: here the simulator gets it by another way.
    const other = await startTestProxy({ upstream: simulator.url });
    expect((await send(other.port, order, { method: 'POST' })).status).toBe(200);
    await other.close();
    const next = start(simulator.url);
    await addressesOf(next);
    await expect
      .poll(() => eventsOf(folder, 'open-1'), { timeout: 30_000 })
      .toEqual(['call.signed', 'call.completed unknown', 'call.resolved']);
    next.kill('SIGTERM');
    expect((await next.ended).code).toBe(0);
    expect(standing()).toEqual(['open-1']);
  });

  it('A stopping proxy does not wait for connections on which nothing happens', async () => {
    const upstream = await startUpstream();
    const proxy = await startTestProxy({ upstream: upstream.url });
    const idle = await connect(proxy.port);
    const closed = once(idle, 'close');
    await proxy.close();
    idle.resume();
    await closed;
    await upstream.close();
    expect(proxy.records('proxy.stopping')).toHaveLength(1);
  });
});

async function connect(port: number): Promise<Socket> {
  const socket = createConnection({ host: '127.0.0.1', port });
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

function request(method: string, target: string): string {
  return `${method} ${target} HTTP/1.1\r\nhost: 127.0.0.1\r\nuser-agent: app\r\n\r\n`;
}
