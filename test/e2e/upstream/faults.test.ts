import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import { type Reply, send } from '../../support/clients/http.ts';
import {
  type Break,
  type Fault,
  type FaultServer,
  startFaultServer,
} from '../../support/servers/fault-server.ts';
import { startTestProxy, TEST_KEY, TEST_SECRET, type TestProxy } from '../../support/servers/proxy.ts';

/** What the app sees: Binance's answer, the proxy's own, or a connection that ends within the body. */
type End = 'answered' | 'answered unknown' | 'unreachable' | 'lost' | 'lost or unreachable' | 'cut';
type Ends = Readonly<Record<'GET' | 'POST' | 'DELETE', End>>;

interface Case {
  readonly name: string;
  readonly fault: Fault;
  readonly ends: Ends;
  /** What differs when a connection stands in the pool already. */
  readonly pooled?: Ends;
}

const all = (end: End): Ends => ({ GET: end, POST: end, DELETE: end });
const read = (end: End, others: End): Ends => ({ GET: end, POST: others, DELETE: others });
const BREAKS: readonly Break[] = ['reset', 'fin', 'stall'];
/** A read goes once more on a new connection, unless it was the time that ran out. */
const beforeTheHead = (how: Break): Ends => read(how === 'stall' ? 'lost' : 'answered', 'lost');

const CASES: readonly Case[] = [
  { name: 'no fault', fault: { at: 'nowhere' }, ends: all('answered') },
  { name: 'the port is closed', fault: { at: 'before-accept' }, ends: all('unreachable') },
  ...BREAKS.flatMap((how): Case[] => [
    {
      name: `${how} after the connection was accepted`,
      fault: { at: 'after-accept', how },
      // A reset may come before the connection counts as made, and so before a byte was written, or just after.
      ends: how === 'reset' ? read('answered', 'lost or unreachable') : beforeTheHead(how),
      pooled: all('answered'),
    },
    {
      name: `${how} after the first byte of the request`,
      fault: { at: 'request-bytes', bytes: 1, how },
      ends: beforeTheHead(how),
    },
    {
      name: `${how} after 80 bytes of the request`,
      fault: { at: 'request-bytes', bytes: 80, how },
      ends: beforeTheHead(how),
    },
    { name: `${how} after the whole request`, fault: { at: 'after-request', how }, ends: beforeTheHead(how) },
    { name: `${how} after the status line`, fault: { at: 'after-status-line', how }, ends: all('lost') },
    { name: `${how} within the head`, fault: { at: 'mid-head', how }, ends: all('lost') },
    { name: `${how} within the body`, fault: { at: 'mid-body', how }, ends: read('cut', 'lost') },
  ]),
  {
    name: 'a length that promises too much',
    fault: { at: 'content-length', by: 7 },
    ends: read('cut', 'lost'),
  },
  {
    name: 'a length that cuts the answer short',
    fault: { at: 'content-length', by: -7 },
    ends: read('answered', 'answered unknown'),
  },
  { name: 'a broken chunk', fault: { at: 'bad-chunk' }, ends: read('cut', 'lost') },
  {
    name: 'gzip that is none',
    fault: { at: 'wrong-gzip', kind: 'no-gzip' },
    ends: read('answered', 'answered unknown'),
  },
  {
    name: 'gzip without its end',
    fault: { at: 'wrong-gzip', kind: 'truncated' },
    ends: read('answered', 'answered unknown'),
  },
  { name: 'bytes that are no HTTP', fault: { at: 'garbage' }, ends: all('lost') },
  { name: 'an interim answer', fault: { at: 'continue' }, ends: all('lost') },
  { name: 'two answers to one request', fault: { at: 'two-answers' }, ends: all('answered') },
  {
    name: 'an answer, then a reset',
    fault: { at: 'after-answer', how: 'reset' },
    ends: all('answered'),
  },
  { name: 'an answer, then a FIN', fault: { at: 'after-answer', how: 'fin' }, ends: all('answered') },
  { name: 'an answer in drops', fault: { at: 'drip', bytes: 40, pauseMs: 1 }, ends: all('answered') },
];

const PATH = '/fapi/v1/order';
const METHODS = ['GET', 'POST', 'DELETE'] as const;
const CONNECTIONS = ['a fresh connection', 'a pooled connection'] as const;
type Method = (typeof METHODS)[number];
type Connection = (typeof CONNECTIONS)[number];

const OUTCOMES: Readonly<Record<End, string>> = {
  answered: 'answered',
  'answered unknown': 'unknown',
  unreachable: 'not-sent',
  lost: 'unknown',
  'lost or unreachable': 'unknown',
  cut: 'unknown',
};

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator({ accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET }] });
});
afterAll(() => simulator.close());

/** A proxy whose futures upstream fails as planned; its clock comes from the simulator. */
class Stage {
  readonly upstream: FaultServer;
  readonly proxy: TestProxy;
  #counter = 0;

  constructor(upstream: FaultServer, proxy: TestProxy) {
    this.upstream = upstream;
    this.proxy = proxy;
  }

  static async open(): Promise<Stage> {
    const upstream = await startFaultServer();
    const proxy = await startTestProxy({
      upstream: simulator.url,
      env: { BINANCE_PROXY_UPSTREAM_USDM: upstream.url },
      timeouts: { headersTimeoutMs: 500, resolutionPausesMs: [600_000] },
    });
    return new Stage(upstream, proxy);
  }

  get lastId(): string {
    return `c${this.#counter}`;
  }

  /** One call of its own name; `reply` is undefined when the connection ended within the answer. */
  async call(method: string): Promise<{ readonly reply: Reply | undefined; readonly seen: number }> {
    this.#counter++;
    const target = `${PATH}?symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1&newClientOrderId=${this.lastId}&orderId=1`;
    const reply = await send(this.proxy.port, target, { method }).catch(() => undefined);
    const mark = `newClientOrderId=${this.lastId}&`;
    return { reply, seen: this.upstream.requests.filter((request) => request.target.includes(mark)).length };
  }

  recordsOf(requestId: unknown, event: string) {
    return this.proxy.records(event).filter((record) => record.requestId === requestId);
  }

  async prepare(connection: Connection): Promise<void> {
    await this.upstream.plan([]);
    if (connection === 'a pooled connection') {
      await this.call('GET');
      return;
    }
    this.upstream.dropConnections('fin');
    await this.connections(0);
  }

  /** Waits until no more connections than these are open. */
  async connections(most: number): Promise<void> {
    await expect.poll(() => this.upstream.openConnections, { interval: 2 }).toBeLessThanOrEqual(most);
  }

  async close(): Promise<void> {
    await this.proxy.close();
    await this.connections(0);
    await this.upstream.close();
  }
}

/** Plays one fault and looks at everything that has to be right about it. */
async function meet(stage: Stage, method: Method, connection: Connection, one: Case): Promise<void> {
  const { name, fault, ends, pooled } = one;
  const { upstream, proxy } = stage;
  const where = `${method} on ${connection}: ${name}`;
  await stage.prepare(connection);
  const expected = connection === 'a pooled connection' ? (pooled ?? ends)[method] : ends[method];
  await upstream.plan(fault.at === 'before-accept' ? fault : [fault]);
  const { reply, seen } = await stage.call(method);
  const end = decided(expected, reply);

  if (end === 'cut') expect(reply, where).toBeUndefined();
  else
    expect([reply?.status, reply?.headers['x-proxy-outcome']], where).toEqual([status(end), OUTCOMES[end]]);
  expect(reply?.headers['x-proxy-error'], where).toBe(refusal(end));
  if (end === 'lost' && method === 'POST') expect(reply?.json?.msg).toContain(stage.lastId);
  if (method !== 'GET') expect(seen, where).toBeLessThanOrEqual(1);

  const completed = proxy.records('call.completed').at(-1);
  expect(completed, where).toMatchObject({ method, path: PATH, outcome: OUTCOMES[end] });
  if (reply !== undefined) expect(completed?.requestId, where).toBe(reply.headers['x-proxy-request-id']);
  expect(stage.recordsOf(completed?.requestId, 'call.completed'), where).toHaveLength(1);
  const signed = stage.recordsOf(completed?.requestId, 'call.signed');
  expect(signed, where).toHaveLength(sendings(end, fault, method, connection));

  await upstream.plan([]);
  if (fault.at === 'after-answer') await stage.connections(0);
  const next = await stage.call(method);
  const healthy = [next.reply?.status, next.reply?.headers['x-proxy-outcome'], next.seen];
  expect(healthy, `the call after ${where}`).toEqual([200, 'answered', 1]);
  await stage.connections(1);
  expect(proxy.parts.underWay.total, where).toBe(0);
}

const isStall = ({ fault }: Case) => 'how' in fault && fault.how === 'stall';

describe.each(METHODS)('a %s', (method) => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await Stage.open();
  });
  describe.each(CONNECTIONS)('on %s', (connection) => {
    it.each(CASES.filter((one) => !isStall(one)))('A call is judged rightly: $name', (one) =>
      meet(stage, method, connection, one),
    );
  });

  it('A call that meets a stall at any point is given up in time', async () => {
    const stalls = CASES.filter(isStall).flatMap((one) =>
      CONNECTIONS.map((connection) => ({ one, connection })),
    );
    expect(stalls).toHaveLength(14);
    await Promise.all(
      stalls.map(async ({ one, connection }) => {
        const own = await Stage.open();
        await meet(own, method, connection, one);
        await own.close();
      }),
    );
  });

  it('The upstream has no connection of the proxy left at the end', () => stage.close());
});

function decided(expected: End, reply: Reply | undefined): End {
  if (expected !== 'lost or unreachable') return expected;
  return reply?.status === 502 ? 'unreachable' : 'lost';
}

function status(end: End): number {
  if (end === 'unreachable') return 502;
  return end === 'lost' ? 504 : 200;
}

function refusal(end: End): string | undefined {
  if (end === 'unreachable') return 'PROXY_UPSTREAM_UNREACHABLE';
  return end === 'lost' ? 'PROXY_OUTCOME_UNKNOWN' : undefined;
}

/** A read that was answered although its connection broke was sent, and recorded, twice. */
function sendings(end: End, fault: Fault, method: Method, connection: Connection): number {
  if (method !== 'GET') return 1;
  if (end === 'unreachable') return 2;
  const isBroken =
    fault.at === 'request-bytes' ||
    fault.at === 'after-request' ||
    (fault.at === 'after-accept' && connection === 'a fresh connection');
  return end === 'answered' && isBroken ? 2 : 1;
}
