import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import type { EnterRequest } from '../../../src/stops/entered.ts';
import { type Scope, WHOLE_PROXY } from '../../../src/stops/trading-state.ts';
import { send } from '../../support/clients/http.ts';
import { hmacSigner, SignedCaller } from '../../support/clients/signed-caller.ts';
import { startTestProxy, TEST_KEY, TEST_SECRET, type TestProxy } from '../../support/servers/proxy.ts';

const BOT = 'B'.repeat(64);
const OTHER = 'O'.repeat(64);
const YAML = `
clients:
  bot: { account: main, envPrefix: BOT, permissions: [market-data, read, spot-margin-trade, futures-trade] }
  other: { account: main, envPrefix: OTHER, permissions: [market-data, read, spot-margin-trade, futures-trade] }
`;
const LIMIT = 'side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=50000';
const OCO =
  'symbol=BTCUSDT&side=SELL&quantity=0.01&aboveType=LIMIT_MAKER&abovePrice=90000&belowType=STOP_LOSS_LIMIT&belowStopPrice=50000&belowPrice=49900&belowTimeInForce=GTC';
const CONDITIONAL =
  'symbol=BTCUSDT&side=SELL&algoType=CONDITIONAL&type=STOP_MARKET&quantity=0.01&triggerPrice=50000';

let simulator: Simulator;
let folder: string;
const open: TestProxy[] = [];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cancelling-'));
  simulator = await startSimulator({
    accounts: [
      { apiKey: TEST_KEY, hmacSecret: TEST_SECRET, balances: { USDT: '100000', BTC: '2', ETH: '10' } },
    ],
    marketStepMs: 0,
  });
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((proxy) => proxy.close()));
  await simulator.close();
  rmSync(folder, { recursive: true, force: true });
});

async function start(env: Readonly<Record<string, string>> = {}): Promise<TestProxy> {
  const proxy = await startTestProxy({
    upstream: simulator.url,
    env: {
      ...{ BOT_CLIENT_KEY: BOT, OTHER_CLIENT_KEY: OTHER },
      BINANCE_PROXY_AUDIT_DIR: join(folder, 'audit'),
      BINANCE_PROXY_STATE_DIR: join(folder, 'state'),
      ...env,
    },
    yaml: YAML,
  });
  open.push(proxy);
  return proxy;
}

async function place(proxy: TestProxy, path: string, query: string, key = BOT): Promise<string> {
  const { json, status, text } = await send(proxy.port, `${path}?${query}`, {
    method: 'POST',
    headers: { 'x-mbx-apikey': key },
  });
  expect(status, text).toBe(200);
  return String(json?.orderId ?? json?.algoId ?? json?.orderListId);
}

/** By hand, past the proxy. */
function byHand() {
  return new SignedCaller(simulator.url, TEST_KEY, hmacSigner(TEST_SECRET), () => simulator.exchange.nowMs());
}

function enter(proxy: TestProxy, state: EnterRequest['state'], scope: Scope, cancel: EnterRequest['cancel']) {
  return proxy.parts.stops.enter({
    state,
    scope,
    reason: 'a test',
    cancel,
    operator: 'alice',
    channel: 'test',
  });
}

/** Everything that rests at the exchange. */
async function resting(): Promise<string[]> {
  const hand = byHand();
  const spot = (await hand.call('GET', '/api/v3/openOrders')).json as unknown as { symbol: string }[];
  const plain = (await hand.call('GET', '/fapi/v1/openOrders')).json as unknown as { symbol: string }[];
  const algo = (await hand.call('GET', '/fapi/v1/openAlgoOrders')).json as unknown as { symbol: string }[];
  return [
    ...spot.map(({ symbol }) => `spot ${symbol}`),
    ...plain.map(({ symbol }) => `usdm ${symbol}`),
    ...algo.map(({ symbol }) => `algo ${symbol}`),
  ].toSorted();
}

async function placeEverything(proxy: TestProxy): Promise<void> {
  await place(proxy, '/api/v3/order', `symbol=BTCUSDT&${LIMIT}`);
  await place(proxy, '/api/v3/orderList/oco', OCO);
  await place(proxy, '/fapi/v1/order', `symbol=BTCUSDT&${LIMIT}`);
  await place(proxy, '/fapi/v1/algoOrder', CONDITIONAL);
}

describe('own orders', () => {
  it('Plain orders, lists and conditional ones of the client go, those of others and by hand stay', async () => {
    const proxy = await start();
    await placeEverything(proxy);
    await place(proxy, '/api/v3/order', `symbol=ETHUSDT&${LIMIT.replace('50000', '1500')}`, OTHER);
    await byHand().call('POST', '/api/v3/order', {
      symbol: 'BTCUSDT',
      side: 'BUY',
      type: 'LIMIT',
      timeInForce: 'GTC',
      quantity: '0.02',
      price: '40000',
    });
    expect(await resting()).toHaveLength(7);
    const entered = await enter(proxy, 'cancel-only', { kind: 'client', name: 'bot' }, 'own');
    expect(entered).toMatchObject({
      state: 'cancel-only',
      scope: 'client',
      name: 'bot',
      persistent: true,
      cancelled: 5,
      left: [],
    });
    expect(await resting()).toEqual(['spot BTCUSDT', 'spot ETHUSDT']);
    expect(proxy.records('state.changed').at(-1)).toMatchObject({
      msg: 'a test',
      detail: { scope: 'client', name: 'bot', operator: 'alice', cancel: 'own', persistent: true },
    });
    expect(proxy.records('state.cancelled').at(-1)).toMatchObject({
      detail: { cancelled: 5, left: 0, isDone: true },
    });
    const cancels = proxy.records('call.signed').filter(({ method }) => method === 'DELETE');
    expect(cancels.length).toBeGreaterThan(0);
    expect(cancels.every(({ client }) => client === 'proxy')).toBe(true);
  });

  it('Orders of an earlier run are known from the audit folder', async () => {
    const first = await start();
    await placeEverything(first);
    await byHand().call('POST', '/api/v3/order', {
      symbol: 'BTCUSDT',
      side: 'BUY',
      type: 'LIMIT',
      timeInForce: 'GTC',
      quantity: '0.02',
      price: '40000',
    });
    await open.splice(0)[0]?.close();
    const second = await start();
    expect(await enter(second, 'halt', WHOLE_PROXY, 'own')).toMatchObject({ cancelled: 5, left: [] });
    expect(await resting()).toEqual(['spot BTCUSDT']);
  });

  it('Without an audit folder those of this process are known, and the answer says so', async () => {
    const env = { BINANCE_PROXY_AUDIT_DIR: '', BINANCE_PROXY_STATE_DIR: '' };
    const first = await start(env);
    await place(first, '/api/v3/order', `symbol=BTCUSDT&${LIMIT}`);
    await open.splice(0)[0]?.close();
    const second = await start(env);
    await place(second, '/fapi/v1/order', `symbol=BTCUSDT&${LIMIT}`);
    const entered = await enter(second, 'cancel-only', WHOLE_PROXY, 'own');
    expect(entered).toMatchObject({ persistent: false, cancelled: 1 });
    expect(entered.notes.join(' ')).toMatch(/only orders of this process/);
    expect(await resting()).toEqual(['spot BTCUSDT']);
  });
});

describe('all and none', () => {
  it('All of the account go, also what was placed by hand; none leaves everything', async () => {
    const proxy = await start();
    await placeEverything(proxy);
    await byHand().call('POST', '/api/v3/order', {
      symbol: 'ETHUSDT',
      side: 'BUY',
      type: 'LIMIT',
      timeInForce: 'GTC',
      quantity: '0.02',
      price: '1500',
    });
    expect(await enter(proxy, 'cancel-only', WHOLE_PROXY, 'none')).toMatchObject({ cancelled: 0, left: [] });
    expect(await resting()).toHaveLength(6);
    expect(await enter(proxy, 'cancel-only', { kind: 'symbol', name: 'ethusdt' }, 'all')).toMatchObject({
      cancelled: 1,
    });
    expect(await enter(proxy, 'cancel-only', { kind: 'account', name: 'main' }, 'all')).toMatchObject({
      cancelled: 5,
    });
    expect(await resting()).toEqual([]);
  });
});

describe('bad weather', () => {
  it('An order that was on its way when the state was entered is cancelled too', async () => {
    const proxy = await start();
    simulator.inject({ kind: 'delay', ms: 700, match: { method: 'POST', path: '/api/v3/order' } });
    const placed = place(proxy, '/api/v3/order', `symbol=BTCUSDT&${LIMIT}`);
    await expect.poll(() => simulator.requests.some(({ method }) => method === 'POST')).toBe(true);
    const entered = await enter(proxy, 'cancel-only', WHOLE_PROXY, 'own');
    await placed;
    expect(entered).toMatchObject({ cancelled: 1, left: [] });
    expect(await resting()).toEqual([]);
  });

  it('What cannot be cancelled is named, and goes when Binance is back, also after a restart', async () => {
    const first = await start();
    await place(first, '/api/v3/order', `symbol=BTCUSDT&${LIMIT}`);
    const down = {
      kind: 'status',
      status: 503,
      body: '{"code":-1008,"msg":"Server is currently overloaded"}',
      match: { method: 'DELETE' },
      times: 10_000,
    } as const;
    simulator.inject(down);
    const entering = enter(first, 'cancel-only', WHOLE_PROXY, 'own');
    await expect
      .poll(() => first.records('state.cancelled').at(-1), { timeout: 10_000 })
      .toMatchObject({
        level: 40,
        detail: { left: 1, isDone: false, leftNamed: expect.stringContaining('spot BTCUSDT') },
      });
    await open.splice(0)[0]?.close();
    await entering;
    expect(await resting()).toEqual(['spot BTCUSDT']);
    simulator.clearFaults();
    const second = await start();
    expect(second.parts.stops.list()).toMatchObject([
      { scope: 'proxy', state: 'cancel-only', reason: 'a test', operator: 'alice' },
    ]);
    await expect.poll(resting, { timeout: 10_000 }).toEqual([]);
    await expect
      .poll(() => second.records('state.cancelled').at(-1), { timeout: 10_000 })
      .toMatchObject({ detail: { isDone: true } });
  });
});
