import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Fault } from '../../../src/simulator/exchange/faults.ts';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import type { Timeouts } from '../../../src/upstream/timeouts.ts';
import { type Reply, type Sending, send } from '../../support/clients/http.ts';
import { connectApp } from '../../support/clients/ws-app.ts';
import {
  startTestProxy,
  TEST_KEY,
  TEST_SECRET,
  type TestProxy,
  type TestProxyOptions,
} from '../../support/servers/proxy.ts';
import { wsEnv } from '../../support/servers/ws-upstream.ts';

const ORDER = '/api/v3/order';
const MARKET = 'symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01';
const POST_ORDER = { method: 'POST', path: ORDER };
const KEY = 'K'.repeat(64);
const SECRET = 'app-secret-'.repeat(4);
const SOON: Partial<Timeouts> = { headersTimeoutMs: 500, resolutionPausesMs: [20, 20, 20] };
const NEVER: Partial<Timeouts> = { headersTimeoutMs: 500, resolutionPausesMs: [600_000] };

let simulator: Simulator;
let folder: string;
let open: TestProxy[];
beforeEach(async () => {
  simulator = await startSimulator({
    accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET, balances: { USDT: '1000000', BTC: '10' } }],
    marketStepMs: 0,
  });
  folder = mkdtempSync(join(tmpdir(), 'signing-proxy-repeats-'));
  open = [];
});
afterEach(async () => {
  for (const proxy of open) await proxy.close();
  await simulator.close();
  rmSync(folder, { recursive: true, force: true });
});

async function start(
  timeouts: Partial<Timeouts> = SOON,
  env: Readonly<Record<string, string>> = { BINANCE_PROXY_AUDIT_DIR: join(folder, 'audit') },
): Promise<TestProxy> {
  return launch({ env, timeouts });
}

/** A proxy in front of the simulator, its WebSockets included. */
async function launch(options: Omit<TestProxyOptions, 'upstream'>): Promise<TestProxy> {
  const env = { ...wsEnv({ wsUrl: simulator.url.replace('http', 'ws') }), ...options.env };
  const proxy = await startTestProxy({ ...options, upstream: simulator.url, env });
  open.push(proxy);
  return proxy;
}

const post = (proxy: TestProxy, query: string, sending: Sending = {}) =>
  send(proxy.port, `${ORDER}?${query}`, { method: 'POST', ...sending });
const dated = (text = MARKET, timestampMs = Date.now()) => `${text}&timestamp=${timestampMs}`;
const signed = (text: string) =>
  `${text}&signature=${createHmac('sha256', SECRET).update(text).digest('hex')}`;
/** Orders that reached the exchange, whatever became of them. */
const arrived = () =>
  simulator.requests.filter(({ method, path }) => method === 'POST' && path === ORDER).length +
  simulator.frames.filter(({ text }) => text.includes('"order.place"')).length;

async function executed(proxy: TestProxy): Promise<number> {
  const { text } = await send(proxy.port, '/api/v3/allOrders?symbol=BTCUSDT');
  return (JSON.parse(text) as unknown[]).length;
}

function expectDuplicate(reply: Reply): void {
  expect([
    reply.status,
    reply.json,
    reply.headers['x-proxy-error'],
    reply.headers['x-proxy-outcome'],
  ]).toEqual([400, { code: -2010, msg: 'Duplicate order sent.' }, 'PROXY_DUPLICATE_ORDER', 'not-sent']);
}

function expectUnknown(reply: Reply): void {
  expect([
    reply.status,
    reply.json?.code,
    reply.headers['x-proxy-error'],
    reply.headers['x-proxy-outcome'],
  ]).toEqual([504, -1007, 'PROXY_OUTCOME_UNKNOWN', 'unknown']);
}

async function resolution(proxy: TestProxy): Promise<void> {
  await expect.poll(() => proxy.records('call.resolved').length, { interval: 5 }).toBe(1);
}

describe('the same bytes again, whoever sends them', () => {
  const CALLERS: readonly [string, Readonly<Record<string, string>>, (text: string) => string, Sending][] = [
    ['a trusted caller', {}, (text) => text, {}],
    ['a trusted caller that signs', {}, signed, {}],
    [
      'a client with a key',
      { BINANCE_PROXY_CLIENT_KEY: KEY },
      (text) => text,
      { headers: { 'x-mbx-apikey': KEY } },
    ],
    [
      'a client with key and secret',
      { BINANCE_PROXY_CLIENT_KEY: KEY, BINANCE_PROXY_CLIENT_SECRET: SECRET },
      signed,
      { headers: { 'x-mbx-apikey': KEY } },
    ],
  ];

  it.each(CALLERS)('%s places one order, and hears of the first one', async (_who, env, spell, sending) => {
    const proxy = await start(SOON, { BINANCE_PROXY_AUDIT_DIR: join(folder, 'audit'), ...env });
    const query = spell(dated());
    const first = await post(proxy, query, sending);
    expect(first.status).toBe(200);
    const second = await post(proxy, query, sending);
    expectDuplicate(second);
    expect(second.headers['x-proxy-order-id']).toBe(String(first.json?.orderId));
    expect(arrived()).toBe(1);
    expect(proxy.records('call.refused').at(-1)).toMatchObject({
      error: 'PROXY_DUPLICATE_ORDER',
      rule: 'repeat',
      orderId: String(first.json?.orderId),
      detail: { repeats: first.headers['x-proxy-request-id'] },
    });
  });

  it.each(CALLERS)(
    '%s that repeats a lost order hears that it is unknown, then what it is',
    async (_who, env, spell, sending) => {
      const proxy = await start(
        { headersTimeoutMs: 500, resolutionPausesMs: [400, 20] },
        { BINANCE_PROXY_AUDIT_DIR: join(folder, 'audit'), ...env },
      );
      const query = spell(dated());
      simulator.inject({ kind: 'execute-then-drop', match: POST_ORDER });
      expectUnknown(await post(proxy, query, sending));
      const again = await post(proxy, query, sending);
      expectUnknown(again);
      expect(again.json?.msg).toContain('bsp-');
      await resolution(proxy);
      const known = await post(proxy, query, sending);
      expectDuplicate(known);
      expect(known.headers['x-proxy-order-id']).toMatch(/^\d+$/);
      expect(arrived()).toBe(1);
    },
  );

  it('Eight equal calls at the same moment place one order', async () => {
    const proxy = await start();
    const query = dated();
    const replies = await Promise.all(Array.from({ length: 8 }, () => post(proxy, query)));
    expect(replies.map(({ status }) => status).filter((status) => status === 200)).toHaveLength(1);
    expect(arrived()).toBe(1);
  });

  it('A frame that repeats a request places nothing', async () => {
    const proxy = await start();
    const timestamp = Date.now();
    expect((await post(proxy, dated(MARKET, timestamp))).status).toBe(200);
    const app = await connectApp(`ws://127.0.0.1:${proxy.port}/ws-api/v3`);
    const params = { symbol: 'BTCUSDT', side: 'BUY', type: 'MARKET', quantity: '0.01', timestamp };
    const reply = await app.ask('order.place', params);
    expect(reply).toMatchObject({
      status: 400,
      error: { code: -2010, data: { proxyError: 'PROXY_DUPLICATE_ORDER', proxyOrderId: expect.any(String) } },
    });
    await app.close();
    expect(arrived()).toBe(1);
  });

  it('A request that repeats a frame, its pairs in another order and in the body, places nothing', async () => {
    const proxy = await start();
    const app = await connectApp(`ws://127.0.0.1:${proxy.port}/ws-api/v3`);
    const timestamp = Date.now();
    const params = { symbol: 'BTCUSDT', side: 'BUY', type: 'MARKET', quantity: '0.01', timestamp };
    expect((await app.ask('order.place', params)).status).toBe(200);
    await app.close();
    const body = `timestamp=${timestamp}&quantity=0%2E01&type=MARKET&side=BUY&symbol=BTCUSDT`;
    expectDuplicate(await send(proxy.port, ORDER, { method: 'POST', body }));
    expect(arrived()).toBe(1);
  });

  it('A transfer, a change of leverage and an amendment are not sent twice either', async () => {
    const yaml =
      'clients: { bot: { account: main, envPrefix: BOT, permissions: [read, futures-trade, universal-transfer] } }';
    const proxy = await launch({ env: { BOT_CLIENT_KEY: KEY }, yaml });
    const headers = { 'x-mbx-apikey': KEY };
    for (const [method, path, text] of [
      ['POST', '/sapi/v1/asset/transfer', 'type=MAIN_UMFUTURE&asset=USDT&amount=1'],
      ['POST', '/fapi/v1/leverage', 'symbol=BTCUSDT&leverage=2'],
      ['PUT', '/fapi/v1/order', 'symbol=BTCUSDT&side=BUY&orderId=1&quantity=1&price=100'],
    ] as const) {
      simulator.inject({
        kind: 'status',
        status: 200,
        body: '{}',
        contentType: 'application/json',
        match: { path },
      });
      const target = `${path}?${dated(text)}`;
      expect((await send(proxy.port, target, { method, headers })).status, path).toBe(200);
      const before = simulator.requests.length;
      expectDuplicate(await send(proxy.port, target, { method, headers }));
      expect(simulator.requests.length).toBe(before);
    }
  });
});

describe('what is no repeat goes on', () => {
  it('An order that certainly never left may be sent again with the same bytes', async () => {
    const proxy = await start();
    const query = dated();
    const { begin } = proxy.parts.underWay;
    proxy.parts.underWay.begin = () => {
      throw new Error('no place');
    };
    const refused = await post(proxy, query).finally(() => {
      proxy.parts.underWay.begin = begin;
    });
    expect(refused.headers['x-proxy-outcome']).toBe('not-sent');
    expect((await post(proxy, query)).status).toBe(200);
  });

  it('An order that Binance certainly refused may be sent again with the same bytes and the same id', async () => {
    const proxy = await start();
    const query = dated(`${MARKET}&newClientOrderId=again-1`);
    const body = '{"code":-1008,"msg":"Server is currently overloaded with other requests."}';
    simulator.inject({
      kind: 'status',
      status: 503,
      body,
      contentType: 'application/json',
      match: POST_ORDER,
    });
    expect((await post(proxy, query)).json?.code).toBe(-1008);
    expect((await post(proxy, query)).status).toBe(200);
  });

  it('A client order id may be used again as soon as its app has the answer', async () => {
    const proxy = await start();
    for (let round = 0; round < 5; round++)
      expect((await post(proxy, `${MARKET}&newClientOrderId=mine`)).status).toBe(200);
    const app = await connectApp(`ws://127.0.0.1:${proxy.port}/ws-api/v3`);
    const params = {
      symbol: 'BTCUSDT',
      side: 'BUY',
      type: 'MARKET',
      quantity: '0.01',
      newClientOrderId: 'mine',
    };
    for (let round = 0; round < 3; round++) expect((await app.ask('order.place', params)).status).toBe(200);
    await app.close();
    expect(arrived()).toBe(8);
  });

  it('Equal orders without a timestamp, or with one of their own, are orders of their own', async () => {
    const proxy = await start();
    const now = Date.now();
    for (const query of [MARKET, MARKET, dated(MARKET, now), dated(MARKET, now + 1)])
      expect((await post(proxy, query)).status).toBe(200);
    expect(arrived()).toBe(4);
  });

  it('Trial orders, reads by POST, listen keys and cancels may be repeated', async () => {
    const proxy = await start();
    const timestamp = `timestamp=${Date.now()}`;
    for (const [method, target] of [
      ['POST', `/api/v3/order/test?${MARKET}&${timestamp}`],
      ['POST', `/sapi/v3/asset/getUserAsset?${timestamp}`],
      ['POST', `/fapi/v1/listenKey?${timestamp}`],
      ['DELETE', `/api/v3/openOrders?symbol=BTCUSDT&${timestamp}`],
    ] as const) {
      for (let round = 0; round < 2; round++) {
        const reply = await send(proxy.port, target, { method });
        expect([target, reply.headers['x-proxy-error']]).toEqual([target, undefined]);
      }
    }
  });
});

describe('a client order id whose fate its app does not know', () => {
  const LOST: readonly [string, Fault][] = [
    ['whose connection broke', { kind: 'execute-then-drop', match: POST_ORDER }],
    ['whose answer broke off', { kind: 'truncate-body', match: POST_ORDER }],
    ['that got no answer', { kind: 'stall', execute: true, match: POST_ORDER }],
    [
      'that Binance calls unknown',
      {
        kind: 'status',
        status: 500,
        body: '{"code":-1007,"msg":"?"}',
        contentType: 'application/json',
        match: POST_ORDER,
      },
    ],
  ];

  it.each(LOST)('An order %s is not placed again under the same id', async (_what, fault) => {
    const proxy = await start(NEVER);
    simulator.inject(fault);
    const query = `${MARKET}&newClientOrderId=mine`;
    expect((await post(proxy, query)).headers['x-proxy-outcome']).toBe('unknown');
    expectUnknown(await post(proxy, query));
    // Another price, another door, another form: it is the id that counts.
    expectUnknown(await post(proxy, `${MARKET.replace('0.01', '0.02')}&newClientOrderId=mine`));
    const app = await connectApp(`ws://127.0.0.1:${proxy.port}/ws-api/v3`);
    const frame = {
      symbol: 'btcusdt',
      side: 'BUY',
      type: 'MARKET',
      quantity: '0.01',
      newClientOrderId: 'mine',
    };
    expect((await app.ask('order.place', frame)).error?.data).toMatchObject({ proxyOutcome: 'unknown' });
    await app.close();
    expect(arrived()).toBe(1);
    // Another symbol has ids of its own.
    expect(
      (await post(proxy, `${query.replace('BTCUSDT', 'ETHUSDT')}`)).headers['x-proxy-error'],
    ).toBeUndefined();
  });

  it('An id that the proxy gave an order is held as well', async () => {
    const proxy = await start(NEVER);
    simulator.inject({ kind: 'execute-then-drop', match: POST_ORDER });
    const lost = await post(proxy, MARKET);
    const id = `bsp-${lost.headers['x-proxy-request-id']}`;
    expectUnknown(await post(proxy, `${MARKET}&newClientOrderId=${id}`));
    expect(arrived()).toBe(1);
  });

  it('Once it is known to have been placed, the app hears its order id for a minute', async () => {
    const proxy = await start();
    simulator.inject({ kind: 'execute-then-drop', match: POST_ORDER });
    await post(proxy, `${MARKET}&newClientOrderId=mine`);
    await resolution(proxy);
    const again = await post(proxy, `${MARKET}&newClientOrderId=mine`);
    expectDuplicate(again);
    expect(again.headers['x-proxy-order-id']).toMatch(/^\d+$/);
    expect(await executed(proxy)).toBe(1);
  });

  it('Once it is known that it was never placed, the id is free', async () => {
    const proxy = await start();
    simulator.inject({ kind: 'drop-after-read', match: POST_ORDER });
    const query = dated(`${MARKET}&newClientOrderId=mine`);
    expectUnknown(await post(proxy, query));
    await resolution(proxy);
    expect((await post(proxy, query)).status).toBe(200);
    expect(await executed(proxy)).toBe(1);
  });

  it('One taken id refuses a whole batch, a list and a cancel-replace', async () => {
    const proxy = await start(NEVER);
    const usdm = { method: 'POST', path: '/fapi/v1/order' };
    simulator.inject({ kind: 'execute-then-drop', match: usdm });
    const order = 'symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01';
    expectUnknown(
      await send(proxy.port, `/fapi/v1/order?${order}&newClientOrderId=mine`, { method: 'POST' }),
    );
    simulator.inject({ kind: 'execute-then-drop', match: POST_ORDER });
    expectUnknown(await post(proxy, `${MARKET}&newClientOrderId=mine`));
    const before = simulator.requests.length;
    const batch = JSON.stringify([
      { symbol: 'BTCUSDT', side: 'BUY', type: 'MARKET', quantity: '0.01', newClientOrderId: 'other' },
      { symbol: 'BTCUSDT', side: 'BUY', type: 'MARKET', quantity: '0.01', newClientOrderId: 'mine' },
    ]);
    const targets = [
      `/fapi/v1/batchOrders?batchOrders=${encodeURIComponent(batch)}`,
      `${ORDER}/cancelReplace?${MARKET}&cancelReplaceMode=ALLOW_FAILURE&cancelOrderId=1&newClientOrderId=mine`,
      '/api/v3/orderList/oco?symbol=BTCUSDT&side=SELL&quantity=0.01&aboveType=LIMIT_MAKER&abovePrice=90000&belowType=STOP_LOSS&belowStopPrice=100&belowClientOrderId=mine',
    ];
    for (const target of targets) expectUnknown(await send(proxy.port, target, { method: 'POST' }));
    expect(simulator.requests.length).toBe(before);
  });

  it('An app that hung up before its answer came cannot place the order again under its id', async () => {
    const proxy = await start();
    simulator.inject({ kind: 'delay', ms: 300, match: POST_ORDER });
    const query = `${MARKET}&newClientOrderId=mine`;
    await expect(post(proxy, query, { signal: AbortSignal.timeout(100) })).rejects.toThrow();
    expectUnknown(await post(proxy, query));
    await expect.poll(() => proxy.records('call.completed').length, { interval: 5 }).toBeGreaterThan(0);
    const again = await post(proxy, query);
    expectDuplicate(again);
    expect(again.headers['x-proxy-order-id']).toMatch(/^\d+$/);
    expect(arrived()).toBe(1);
  });
});

describe('a restart', () => {
  it('A restart forgets neither the bytes nor the ids of the run before', async () => {
    const first = await start(NEVER);
    const done = dated();
    const done2 = dated(`${MARKET}&newClientOrderId=known`);
    expect((await post(first, done)).status).toBe(200);
    expect((await post(first, done2)).status).toBe(200);
    const refusedBody = '{"code":-2010,"msg":"Account has insufficient balance for requested action."}';
    simulator.inject({
      kind: 'status',
      status: 400,
      body: refusedBody,
      contentType: 'application/json',
      match: POST_ORDER,
    });
    const refused = dated(MARKET, Date.now() + 1);
    expect((await post(first, refused)).status).toBe(400);
    simulator.inject({ kind: 'execute-then-drop', match: POST_ORDER });
    const lost = dated(`${MARKET}&newClientOrderId=mine`);
    expectUnknown(await post(first, lost));
    await first.close();
    const before = arrived();
    const second = await start(NEVER);
    expectDuplicate(await post(second, done));
    expectDuplicate(await post(second, done2));
    expectUnknown(await post(second, lost));
    expectUnknown(await post(second, `${MARKET}&newClientOrderId=mine`));
    expect(arrived()).toBe(before);
    expect((await post(second, refused)).status).toBe(200);
    await second.close();
    const third = await start(SOON);
    await resolution(third);
    expectDuplicate(await post(third, `${MARKET}&newClientOrderId=mine`));
  });

  it('Without an audit folder the start says so, and what is dated before it is stale', async () => {
    const proxy = await start(SOON, {});
    expect(proxy.records('config.warning').map(({ msg }) => msg)).toEqual(
      expect.arrayContaining([expect.stringContaining('BINANCE_PROXY_AUDIT_DIR')]),
    );
    const reply = await post(proxy, dated(MARKET, Date.now() - 60_000));
    expect([reply.status, reply.json?.code, reply.headers['x-proxy-error']]).toEqual([
      400,
      -1021,
      'PROXY_STALE_REQUEST',
    ]);
    expect(arrived()).toBe(0);
    expect((await post(proxy, dated())).status).toBe(200);
  });
});

describe('a client’s own rate', () => {
  it('No rate of a client refuses its cancels, at any door', async () => {
    const yaml = `clients: { bot: { account: main, envPrefix: BOT, requestsPerSecond: 2, permissions: [market-data, read, spot-margin-trade] } }`;
    const proxy = await launch({ env: { BOT_CLIENT_KEY: KEY }, yaml });
    const headers = { 'x-mbx-apikey': KEY };
    const app = await connectApp(`ws://127.0.0.1:${proxy.port}/ws-api/v3`, { headers });
    const reads = await Promise.all([1, 2, 3].map(() => send(proxy.port, '/api/v3/account', { headers })));
    expect(reads.map(({ status }) => status)).toContain(429);
    for (let round = 0; round < 3; round++) {
      const cancel = await send(proxy.port, '/api/v3/openOrders?symbol=BTCUSDT', {
        method: 'DELETE',
        headers,
      });
      expect(cancel.headers['x-proxy-error']).toBeUndefined();
      const frame = await app.ask('openOrders.cancelAll', { symbol: 'BTCUSDT', apiKey: KEY });
      expect(frame.error?.data?.proxyError).toBeUndefined();
    }
    await app.close();
  });
});
