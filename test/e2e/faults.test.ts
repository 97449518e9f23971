import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { type Break, type Fault, type FaultServer, startFaultServer } from '../helpers/fault-server.ts';
import { type Reply, send } from '../helpers/http.ts';
import { startTestProxy, TEST_KEY, TEST_SECRET, type TestProxy } from '../helpers/proxy.ts';

/** What the app sees: Binance's answer, the proxy's own, or a connection that ends within the body. */
type End = 'answered' | 'answered unknown' | 'unreachable' | 'lost' | 'cut';
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
      ends: beforeTheHead(how),
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
  { name: 'bytes that are no HTTP', fault: { at: 'garbage' }, ends: read('answered', 'lost') },
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
const OUTCOMES: Readonly<Record<End, string>> = {
  answered: 'answered',
  'answered unknown': 'unknown',
  unreachable: 'not-sent',
  lost: 'unknown',
  cut: 'unknown',
};

let simulator: Simulator;
let upstream: FaultServer;
let proxy: TestProxy;
beforeAll(async () => {
  simulator = await startSimulator({ accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET }] });
  upstream = await startFaultServer();
  proxy = await startTestProxy({
    upstream: simulator.url,
    env: { BINANCE_PROXY_UPSTREAM_USDM: upstream.url },
    patience: { headersTimeoutMs: 120, resolutionPausesMs: [600_000] },
  });
});
afterAll(async () => {
  await proxy.close();
  await expect.poll(() => upstream.openConnections).toBe(0);
  await upstream.close();
  await simulator.close();
});

let counter = 0;

function target(): string {
  counter++;
  return `${PATH}?symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1&origClientOrderId=o${counter}&newClientOrderId=c${counter}`;
}

/** One call of its own name; undefined when the connection ended within the answer. */
async function call(method: string): Promise<{ readonly reply: Reply | undefined; readonly seen: number }> {
  const own = target();
  const mark = `newClientOrderId=c${counter}&`;
  const reply = await send(proxy.port, own, { method }).catch(() => undefined);
  return { reply, seen: upstream.requests.filter((request) => request.target.includes(mark)).length };
}

function recordsOf(requestId: unknown, event: string) {
  return proxy.records(event).filter((record) => record.requestId === requestId);
}

async function prepare(connection: string): Promise<void> {
  await upstream.plan([]);
  if (connection === 'a pooled connection') await call('GET');
  else upstream.dropConnections('fin');
  if (connection === 'a fresh connection') await expect.poll(() => upstream.openConnections).toBe(0);
}

describe.each(['GET', 'POST', 'DELETE'] as const)('a %s', (method) => {
  describe.each(['a fresh connection', 'a pooled connection'])('on %s', (connection) => {
    it.each(CASES)('that meets $name', async ({ fault, ends, pooled }) => {
      await prepare(connection);
      const end = connection === 'a pooled connection' ? (pooled ?? ends)[method] : ends[method];
      await upstream.plan(fault.at === 'before-accept' ? fault : [fault]);
      const { reply, seen } = await call(method);

      if (end === 'cut') expect(reply).toBeUndefined();
      else expect([reply?.status, reply?.headers['x-proxy-outcome']]).toEqual([status(end), OUTCOMES[end]]);
      expect(reply?.headers['x-proxy-error']).toBe(refusal(end));
      if (end === 'lost' && method === 'POST') expect(reply?.json?.msg).toContain(`c${counter}`);
      if (method !== 'GET') expect(seen).toBeLessThanOrEqual(1);

      const completed = proxy.records('call.completed').at(-1);
      expect(completed).toMatchObject({ method, path: PATH, outcome: OUTCOMES[end] });
      if (reply !== undefined) expect(completed?.requestId).toBe(reply.headers['x-proxy-request-id']);
      expect(recordsOf(completed?.requestId, 'call.completed')).toHaveLength(1);
      expect(recordsOf(completed?.requestId, 'call.signed')).toHaveLength(
        sendings(end, fault, method, connection),
      );

      await upstream.plan([]);
      const next = await call(method);
      expect([next.reply?.status, next.reply?.headers['x-proxy-outcome'], next.seen]).toEqual([
        200,
        'answered',
        1,
      ]);
      await expect.poll(() => upstream.openConnections).toBeLessThanOrEqual(1);
      expect(proxy.line.underWay.total).toBe(0);
    });
  });
});

function status(end: End): number {
  if (end === 'unreachable') return 502;
  return end === 'lost' ? 504 : 200;
}

function refusal(end: End): string | undefined {
  if (end === 'unreachable') return 'PROXY_UPSTREAM_UNREACHABLE';
  return end === 'lost' ? 'PROXY_OUTCOME_UNKNOWN' : undefined;
}

/** A read that was answered although its connection broke was sent, and recorded, twice. */
function sendings(end: End, fault: Fault, method: string, connection: string): number {
  if (method !== 'GET') return 1;
  if (end === 'unreachable') return 2;
  const isBroken =
    fault.at === 'garbage' ||
    fault.at === 'request-bytes' ||
    fault.at === 'after-request' ||
    (fault.at === 'after-accept' && connection === 'a fresh connection');
  return end === 'answered' && isBroken ? 2 : 1;
}
