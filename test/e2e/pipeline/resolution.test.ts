import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Spot, SpotRestAPI } from '@binance/spot';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Fault } from '../../../src/simulator/exchange/faults.ts';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import type { Timeouts } from '../../../src/upstream/timeouts.ts';
import { type Reply, send } from '../../support/clients/http.ts';
import { DEAD_HTTP_PROXY } from '../../support/processes/library-scenario.ts';
import {
  askOperator,
  type LogRecord,
  startTestProxy,
  TEST_KEY,
  TEST_SECRET,
  type TestProxy,
} from '../../support/servers/proxy.ts';

const ORDER = '/api/v3/order';
const BUY = 'symbol=BTCUSDT&side=BUY';
const SOON = { headersTimeoutMs: 500, resolutionPausesMs: [20, 20, 20] };
const NEVER = { headersTimeoutMs: 500, resolutionPausesMs: [600_000] };

let simulator: Simulator;
let folder: string;
let open: TestProxy[];
beforeEach(async () => {
  simulator = await startSimulator({
    accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET, balances: { USDT: '1000000', BTC: '10' } }],
    marketStepMs: 0,
  });
  folder = mkdtempSync(join(tmpdir(), 'signing-proxy-resolution-'));
  open = [];
});
afterEach(async () => {
  for (const proxy of open) await proxy.close();
  await simulator.close();
  rmSync(folder, { recursive: true, force: true });
});

async function start(timeouts: Partial<Timeouts>): Promise<TestProxy> {
  const proxy = await startTestProxy({
    upstream: simulator.url,
    env: { BINANCE_PROXY_AUDIT_DIR: join(folder, 'audit') },
    timeouts,
  });
  open.push(proxy);
  return proxy;
}

/** The record of what the proxy found out about a call. */
async function resolved(proxy: TestProxy, requestId: unknown): Promise<LogRecord> {
  const find = () => proxy.records('call.resolved').find((record) => record.requestId === requestId);
  await expect.poll(find, { interval: 5 }).toBeDefined();
  return find() as LogRecord;
}

/** How many orders with this client order id stand at the exchange. */
async function placed(proxy: TestProxy, id: string, path = '/api/v3/allOrders'): Promise<number> {
  const { text } = await send(proxy.port, `${path}?symbol=BTCUSDT`);
  return (JSON.parse(text) as { clientOrderId: string }[]).filter(({ clientOrderId }) => clientOrderId === id)
    .length;
}

async function unresolved(proxy: TestProxy): Promise<{ requestId: string; clientOrderIds: string[] }[]> {
  const { json } = await askOperator(proxy.operatorUrl, '/orders/unresolved');
  return json?.orders as { requestId: string; clientOrderIds: string[] }[];
}

function idOf(reply: Reply): string {
  return `bsp-${reply.headers['x-proxy-request-id']}`;
}

it('A COIN-M stop whose answer was lost is asked for by its own id, once sent', async () => {
  const proxy = await start(SOON);
  const path = '/dapi/v1/algoOrder';
  const known = { algoId: 7, clientAlgoId: 'stop-1', algoStatus: 'NEW', symbol: 'BTCUSD_PERP' };
  simulator.inject({ kind: 'execute-then-drop', match: { method: 'POST', path } });
  simulator.inject({
    ...({ kind: 'status', status: 200, contentType: 'application/json' } as const),
    ...{ body: JSON.stringify(known), match: { method: 'GET', path } },
  });
  const stop = 'algoType=CONDITIONAL&symbol=BTCUSD_PERP&side=SELL&type=STOP_MARKET&quantity=1&triggerPrice=1';
  const reply = await send(proxy.port, path, { method: 'POST', body: `${stop}&clientAlgoId=stop-1` });
  expect([reply.status, reply.headers['x-proxy-outcome']]).toEqual([504, 'unknown']);
  expect(await resolved(proxy, reply.headers['x-proxy-request-id'])).toMatchObject({
    ...{ clientOrderId: ['stop-1'], orderId: ['7'], detail: { resolution: 'resting' } },
  });
  const asked = simulator.requests.filter((each) => each.path === path);
  expect(asked.map(({ method }) => method)).toEqual(['POST', 'GET']);
  expect(asked[1]?.target).toContain('clientAlgoId=stop-1');
});

describe('an order whose answer was lost', () => {
  const match = { method: 'POST', path: ORDER };
  const market = `${BUY}&type=MARKET&quantity=0.01`;
  const resting = `${BUY}&type=LIMIT&timeInForce=GTC&quantity=0.1&price=100`;
  const internal: Fault = {
    kind: 'status',
    match,
    status: 500,
    body: '{"code":-1007,"msg":"Timeout waiting for response from backend server."}',
  };
  it.each<[string, Fault, string, string, number]>([
    ['was filled, then the connection broke', { kind: 'execute-then-drop', match }, market, 'executed', 1],
    ['rests, then the connection broke', { kind: 'execute-then-drop', match }, resting, 'resting', 1],
    ['was filled, and its answer broke off', { kind: 'truncate-body', match }, market, 'executed', 1],
    ['was filled, and no answer came', { kind: 'stall', match, execute: true }, market, 'executed', 1],
    ['was dropped before it was read', { kind: 'drop-before-read', match }, market, 'not-found', 0],
    ['was dropped after it was read', { kind: 'drop-after-read', match }, market, 'not-found', 0],
    ['was never carried out, and no answer came', { kind: 'stall', match }, market, 'not-found', 0],
  ])('When an order %s, the app gets one 504, the audit its fate', async (_, fault, order, fate, count) => {
    const proxy = await start(SOON);
    simulator.inject(fault);
    const reply = await send(proxy.port, `${ORDER}?${order}`, { method: 'POST' });
    expect([reply.status, reply.json?.code, reply.headers['x-proxy-outcome']]).toEqual([
      504,
      -1007,
      'unknown',
    ]);
    expect(reply.json?.msg).toContain(idOf(reply));
    const record = await resolved(proxy, reply.headers['x-proxy-request-id']);
    expect(record).toMatchObject({ clientOrderId: [idOf(reply)], detail: { resolution: fate } });
    expect(record.orderId).toEqual(count === 0 ? undefined : [expect.stringMatching(/^\d+$/)]);
    expect(await placed(proxy, idOf(reply))).toBe(count);
    expect(simulator.requests.filter(({ method, path }) => method === 'POST' && path === ORDER)).toHaveLength(
      1,
    );
    expect(await unresolved(proxy)).toEqual([]);
  });

  it('An order that Binance itself calls unknown keeps Binance’s answer, and is found out just the same', async () => {
    const proxy = await start(SOON);
    simulator.inject(internal);
    const reply = await send(proxy.port, `${ORDER}?${market}`, { method: 'POST' });
    expect([reply.status, reply.headers['x-proxy-outcome'], reply.headers['x-proxy-error']]).toEqual([
      500,
      'unknown',
      undefined,
    ]);
    expect(reply.text).toBe('{"code":-1007,"msg":"Timeout waiting for response from backend server."}');
    const record = await resolved(proxy, reply.headers['x-proxy-request-id']);
    expect(record.detail).toMatchObject({ resolution: 'not-found', asked: 3 });
  });

  it('A lost order is asked for by the id that the app gave', async () => {
    const proxy = await start(SOON);
    simulator.inject({ kind: 'execute-then-drop', match });
    const reply = await send(proxy.port, `${ORDER}?${market}&newClientOrderId=mine-1`, { method: 'POST' });
    expect(reply.json?.msg).toContain('mine-1');
    const record = await resolved(proxy, reply.headers['x-proxy-request-id']);
    expect(record).toMatchObject({ clientOrderId: ['mine-1'], detail: { resolution: 'executed' } });
  });

  it('A lost futures batch is found out order by order, also when the exchange refused one of them', async () => {
    const proxy = await start(SOON);
    const batch = [
      { symbol: 'BTCUSDT', side: 'BUY', type: 'MARKET', quantity: '0.01' },
      { symbol: 'BTCUSDT', side: 'BUY', type: 'LIMIT', quantity: '0.01', price: '100', timeInForce: 'GTC' },
    ];
    simulator.inject({
      kind: 'execute-then-drop',
      match: { method: 'POST', path: '/fapi/v1/batchOrders' },
    });
    const target = `/fapi/v1/batchOrders?batchOrders=${encodeURIComponent(JSON.stringify(batch))}`;
    const reply = await send(proxy.port, target, { method: 'POST' });
    const record = await resolved(proxy, reply.headers['x-proxy-request-id']);
    expect(record.clientOrderId).toEqual([`${idOf(reply)}-0`, `${idOf(reply)}-1`]);
    expect(record.detail).toMatchObject({ resolution: 'mixed' });
  });
});

describe('a restart', () => {
  it('A restart takes up the orders that the run before left open, and no others', async () => {
    const first = await start(NEVER);
    await send(first.port, `${ORDER}?${BUY}&type=MARKET&quantity=0.01`, { method: 'POST' });
    simulator.inject({ kind: 'execute-then-drop', match: { method: 'POST' } });
    const lost = await send(first.port, `${ORDER}?${BUY}&type=MARKET&quantity=0.01`, { method: 'POST' });
    expect((await unresolved(first)).map(({ clientOrderIds }) => clientOrderIds)).toEqual([[idOf(lost)]]);
    await first.close();
    expect(first.records('call.resolved')).toEqual([]);

    const second = await start(NEVER);
    await expect.poll(() => unresolved(second)).toMatchObject([{ clientOrderIds: [idOf(lost)] }]);
    await second.close();

    const third = await start(SOON);
    const record = await resolved(third, lost.headers['x-proxy-request-id']);
    expect(record).toMatchObject({ clientOrderId: [idOf(lost)], detail: { resolution: 'executed' } });
    await third.close();

    const fourth = await start(SOON);
    const reply = await send(fourth.port, `${ORDER}?${BUY}&type=MARKET&quantity=0.01`, { method: 'POST' });
    expect(reply.headers['x-proxy-outcome']).toBe('answered');
    expect(await unresolved(fourth)).toEqual([]);
  });
});

describe('a library that waits for one second', () => {
  it('An order that outlasts the patience of its library stands once, and the audit tells its fate', async () => {
    const proxy = await start({ resolutionPausesMs: [20] });
    for (const [name, value] of Object.entries(DEAD_HTTP_PROXY)) vi.stubEnv(name, value);
    const configurationRestAPI = {
      apiKey: 'dummy-key-of-an-app',
      apiSecret: 'dummy-secret-of-an-app',
      basePath: proxy.url,
      timeout: 1_000,
      retries: 3,
      backoff: 10,
    };
    const spot = new Spot({ configurationRestAPI }).restAPI;
    simulator.inject({ kind: 'delay', match: { method: 'POST', path: ORDER }, ms: 3_000, times: 5 });
    const order = {
      symbol: 'BTCUSDT',
      side: SpotRestAPI.NewOrderSideEnum.BUY,
      type: SpotRestAPI.NewOrderTypeEnum.MARKET,
      quantity: 0.01,
      newClientOrderId: 'patient-1',
    };
    await expect(spot.newOrder(order)).rejects.toThrow(/timeout/i);
    vi.unstubAllEnvs();
    expect(proxy.records('call.completed').filter(({ method }) => method === 'POST')).toEqual([]);
    await expect
      .poll(() => proxy.records('call.completed').filter(({ method }) => method === 'POST'))
      .toMatchObject([{ clientOrderId: 'patient-1', outcome: 'answered', status: 200 }]);
    expect(simulator.requests.filter(({ method, path }) => method === 'POST' && path === ORDER)).toHaveLength(
      1,
    );
    expect(await placed(proxy, 'patient-1')).toBe(1);
  });
});
