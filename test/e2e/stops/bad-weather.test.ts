import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import type { Entered } from '../../../src/stops/entered.ts';
import { WHOLE_PROXY } from '../../../src/stops/trading-state.ts';
import type { Timeouts } from '../../../src/upstream/timeouts.ts';
import { type Reply, send } from '../../support/clients/http.ts';
import { hmacSigner, SignedCaller } from '../../support/clients/signed-caller.ts';
import { type Front, startFront } from '../../support/servers/front.ts';
import { startTestProxy, TEST_KEY, TEST_SECRET, type TestProxy } from '../../support/servers/proxy.ts';

const KEY = 'B'.repeat(64);
const YAML = 'clients: { bot: { account: main, envPrefix: BOT, permissions: [read, spot-margin-trade] } }\n';
const ORDER = '/api/v3/order?symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=';
const TOO_MANY = '{"code":-1003,"msg":"Too many requests."}';
/** Short of what the cancelling takes in each of these tests. */
const ANSWERED_SOON = { stateAnswerMs: 300 };

let simulator: Simulator;
let front: Front;
let folder: string;
const open: TestProxy[] = [];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'bad-weather-'));
  simulator = await startSimulator({
    accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET, balances: { USDT: '100000' } }],
    marketStepMs: 0,
  });
  front = await startFront(simulator.port);
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((proxy) => proxy.close()));
  await front.shut();
  await simulator.close();
  rmSync(folder, { recursive: true, force: true });
});

async function start(timeouts: Partial<Timeouts> = ANSWERED_SOON): Promise<TestProxy> {
  const proxy = await startTestProxy({
    upstream: front.url,
    env: { BOT_CLIENT_KEY: KEY, BINANCE_PROXY_STATE_DIR: join(folder, 'state') },
    yaml: YAML,
    timeouts,
  });
  open.push(proxy);
  return proxy;
}
const order = (proxy: TestProxy, price: number): Promise<Reply> =>
  send(proxy.port, `${ORDER}${price}`, { method: 'POST', headers: { 'x-mbx-apikey': KEY } });
async function place(proxy: TestProxy, count: number): Promise<void> {
  for (let nth = 0; nth < count; nth++) expect((await order(proxy, 50_000 + nth)).status).toBe(200);
}
const stop = (proxy: TestProxy): Promise<Entered> =>
  proxy.parts.stops.enter({
    ...{ state: 'cancel-only', scope: WHOLE_PROXY, reason: 'a test', cancel: 'own' },
    ...{ operator: 'alice', channel: 'test' },
  });
/** What the cancelling asked of the exchange so far. */
const asked = () => simulator.requests.filter(isCancelling).length;
const isCancelling = ({ method, path }: { readonly method: string; readonly path: string }) =>
  method === 'DELETE' || /openOrders|isolated\/account/.test(path);
const cancels = () => simulator.requests.filter(({ method }) => method === 'DELETE');
async function resting(): Promise<number> {
  const hand = new SignedCaller(simulator.url, TEST_KEY, hmacSigner(TEST_SECRET), () =>
    simulator.exchange.nowMs(),
  );
  return ((await hand.call('GET', '/api/v3/openOrders')).json as unknown as unknown[]).length;
}

/** A look has ended that could not do all, whenever the answer to the state came. */
async function expectNamed(proxy: TestProxy, left: string): Promise<void> {
  await expect
    .poll(() => proxy.records('state.cancelled')[0], { timeout: 30_000, interval: 20 })
    .toMatchObject({ detail: { isDone: false, leftNamed: expect.stringContaining(left) } });
}

async function expectDone(proxy: TestProxy, cancelled: number): Promise<void> {
  await expect
    .poll(() => proxy.records('state.cancelled').at(-1), { timeout: 30_000 })
    .toMatchObject({ detail: { isDone: true, cancelled, left: 0 } });
  expect(proxy.parts.stops.cancelling()).toEqual([]);
}

describe('Binance wants silence', () => {
  it('A 429 for a cancel is answered with what is left, nothing is asked while it holds, and it goes on then', async () => {
    const proxy = await start();
    await place(proxy, 12);
    simulator.inject({
      ...{ kind: 'status', status: 429, body: TOO_MANY, headers: { 'Retry-After': '1' } },
      match: { method: 'DELETE' },
    });
    const startMs = performance.now();
    const entered = await stop(proxy);
    expect(entered.left.length).toBeGreaterThan(0);
    await expectNamed(proxy, 'spot BTCUSDT');
    // No more than were under way when it came: five at once.
    expect(cancels().length).toBeLessThanOrEqual(6);
    const before = asked();
    await expect.poll(asked, { timeout: 30_000, interval: 20 }).toBeGreaterThan(before);
    expect(performance.now() - startMs).toBeGreaterThan(950);
    await expectDone(proxy, 12);
    expect(cancels().filter(({ status }) => status === 429)).toHaveLength(1);
  });

  it('A 418 before the first look is answered, and the orders go when the ban is over', async () => {
    const proxy = await start();
    await place(proxy, 2);
    const startMs = performance.now();
    simulator.ban(900);
    const entered = await stop(proxy);
    expect(entered).toMatchObject({ state: 'cancel-only', cancelled: 0 });
    expect(entered.left.length).toBeGreaterThan(0);
    await expectNamed(proxy, 'spot');
    const before = asked();
    await expect.poll(cancels, { timeout: 30_000, interval: 20 }).not.toEqual([]);
    expect(performance.now() - startMs).toBeGreaterThan(850);
    await expectDone(proxy, 2);
    // Each market was asked at most once into the ban.
    expect(before).toBeLessThanOrEqual(5);
    expect(
      simulator.requests.filter(isCancelling).filter(({ status }) => status === 418).length,
    ).toBeLessThanOrEqual(5);
  });
});

describe('Binance is slow', () => {
  it('The answer does not say that nothing is left before somebody has looked', async () => {
    const proxy = await start();
    await place(proxy, 2);
    simulator.inject({ kind: 'delay', ms: 1_000, match: { path: '/api/v3/openOrders' }, times: 1_000 });
    simulator.inject({ kind: 'delay', ms: 1_000, match: { method: 'DELETE' }, times: 1_000 });
    const entered = await stop(proxy);
    expect(entered).toMatchObject({
      cancelled: 0,
      left: [{ why: expect.stringMatching(/not answered yet/) }],
    });
    await expectDone(proxy, 2);
    expect(cancels()).toHaveLength(2);
  });

  it('With the time that it needs the answer says what was done', async () => {
    const proxy = await start({});
    await place(proxy, 2);
    simulator.inject({ kind: 'delay', ms: 1_000, match: { method: 'DELETE' }, times: 1_000 });
    expect(await stop(proxy)).toMatchObject({ cancelled: 2, left: [] });
  });
});

describe('Binance is down', () => {
  it('Nobody can be reached: it is named, and goes on when somebody can', async () => {
    const proxy = await start();
    await place(proxy, 2);
    await front.shut();
    const entered = await stop(proxy);
    expect(entered.left.length).toBeGreaterThan(0);
    await expectNamed(proxy, 'spot');
    expect((await order(proxy, 49_000)).headers['x-proxy-error']).toBe('PROXY_STOPPED');
    expect(proxy.parts.stops.cancelling()).toMatchObject([{ scope: 'proxy', cancel: 'own' }]);
    await front.open();
    await expectDone(proxy, 2);
  });

  it('Connections break off before and after a cancel was carried out: each order goes, and none is cancelled twice', async () => {
    const proxy = await start({});
    await place(proxy, 3);
    for (const kind of ['execute-then-drop', 'drop-after-read'] as const)
      simulator.inject({ kind, match: { method: 'DELETE' } });
    expect(await stop(proxy)).toMatchObject({ left: [] });
    expect(await resting()).toBe(0);
    // The one that was not carried out was asked for again.
    expect(cancels()).toHaveLength(4);
  });
});

describe('an order in the same moment', () => {
  it('One whose answer is lost is cancelled all the same, without an audit folder too', async () => {
    const proxy = await start({ headersTimeoutMs: 1_000 });
    simulator.inject({ kind: 'stall', execute: true, match: { method: 'POST', path: '/api/v3/order' } });
    const lost = order(proxy, 50_000);
    await expect.poll(() => simulator.requests.some(({ method }) => method === 'POST')).toBe(true);
    expect(await stop(proxy)).toMatchObject({ cancelled: 1, left: [] });
    expect((await lost).headers['x-proxy-outcome']).toBe('unknown');
    expect(await resting()).toBe(0);
  });
});
