import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import { send } from '../../support/clients/http.ts';
import { hmacSigner, SignedCaller } from '../../support/clients/signed-caller.ts';
import { type NoticeServer, startNoticeServer } from '../../support/notice-server.ts';
import {
  askOperator,
  startTestProxy,
  TEST_KEY,
  TEST_SECRET,
  type TestProxy,
} from '../../support/servers/proxy.ts';
import { wsEnv } from '../../support/servers/ws-upstream.ts';

const YAML = `
accounts: { main: { envPrefix: BINANCE, watch: [spot, usdm] } }
notices: [{ name: desk, kind: webhook, envPrefix: DESK }]
`;
let simulator: Simulator;
let desk: NoticeServer;
let proxy: TestProxy | undefined;
let auditDir: string;
beforeEach(async () => {
  auditDir = mkdtempSync(join(tmpdir(), 'watch-'));
  desk = await startNoticeServer();
  simulator = await startSimulator({
    accounts: [
      { apiKey: TEST_KEY, hmacSecret: TEST_SECRET, balances: { USDT: '1000000', BTC: '20', ETH: '100' } },
    ],
    marketStepMs: 0,
  });
});
afterEach(async () => {
  await proxy?.close();
  await simulator.close();
  await desk.close();
  rmSync(auditDir, { recursive: true, force: true });
  proxy = undefined;
});

async function start(): Promise<TestProxy> {
  proxy = await startTestProxy({
    upstream: simulator.url,
    yaml: YAML,
    env: {
      ...wsEnv({ wsUrl: simulator.url.replace('http', 'ws') }),
      BINANCE_PROXY_AUDIT_DIR: auditDir,
      DESK_URL: `${desk.url}/desk`,
      DESK_SECRET: 'x'.repeat(40),
    },
  });
  const running = proxy;
  await expect
    .poll(
      () =>
        running
          .records('watch.began')
          .map(({ upstream }) => upstream)
          .sort(),
      { timeout: 10_000 },
    )
    .toEqual(['spot', 'usdm']);
  return running;
}

/** Trades with the real key beside the proxy, as a thief would, or its owner on a page. */
async function beside(target: string, name: string): Promise<void> {
  const { pathname, searchParams } = new URL(target, simulator.url);
  const caller = new SignedCaller(simulator.url, TEST_KEY, hmacSigner(TEST_SECRET));
  const pairs = { ...Object.fromEntries(searchParams), newClientOrderId: name };
  expect((await caller.call('POST', pathname, pairs)).status).toBe(200);
}

const SPOT = '/api/v3/order?symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&price=10000&quantity=0.01';
const USDM = '/fapi/v1/order?symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&price=10000&quantity=0.01';
const foreign = (running: TestProxy) =>
  running
    .records('order.foreign')
    .map(({ upstream, detail, clientOrderId }) => [
      upstream,
      (detail as { origin: string }).origin,
      clientOrderId,
    ]);

describe('orders on a watched account', () => {
  it('Of others are recorded and told; own ones of every kind are not', async () => {
    const running = await start();
    for (const target of [SPOT, USDM]) {
      for (let times = 0; times < 5; times++)
        expect((await send(running.port, target, { method: 'POST' })).status).toBe(200);
    }
    const market = '/api/v3/order?symbol=BTCUSDT&side=SELL&type=MARKET&quantity=0.01';
    expect((await send(running.port, market, { method: 'POST' })).status).toBe(200);
    const cancel = '/api/v3/openOrders?symbol=BTCUSDT';
    expect((await send(running.port, cancel, { method: 'DELETE' })).status).toBe(200);
    await beside(SPOT, 'of-a-thief');
    await beside(SPOT, 'web_1234');
    await beside(USDM, 'of-a-thief-too');
    await expect
      .poll(() => foreign(running).sort(), { timeout: 10_000 })
      .toEqual([
        ['spot', 'foreign', 'of-a-thief'],
        ['spot', 'ui', 'web_1234'],
        ['usdm', 'foreign', 'of-a-thief-too'],
      ]);
    expect(running.records('order.foreign')[0]?.msg).toContain(
      'Revoke the one of BINANCE_API_KEY at Binance',
    );
    await expect.poll(() => desk.taken.length).toBe(3);
    const status = await askOperator(running.operatorUrl, '/operator/status');
    expect(status.json).toMatchObject({
      watch: [
        { account: 'main', family: 'spot', watching: true, foreign: 2 },
        { account: 'main', family: 'usdm', watching: true, foreign: 1 },
      ],
    });
    expect(running.lines.join('\n')).not.toMatch(/listenKey":"[a-f0-9]{20}/);
  });

  it('Placed while the connection was gone are found out, and own ones of that time are not told', async () => {
    const running = await start();
    await send(running.port, SPOT, { method: 'POST' });
    await beside(SPOT, 'before');
    await expect.poll(() => foreign(running), { timeout: 10_000 }).toHaveLength(1);
    simulator.closeSockets();
    await beside(SPOT, 'meanwhile');
    await send(running.port, SPOT, { method: 'POST' });
    await expect
      .poll(() => foreign(running), { timeout: 20_000 })
      .toEqual([
        ['spot', 'foreign', 'before'],
        ['spot', 'foreign', 'meanwhile'],
      ]);
    expect(running.records('watch.blind').length).toBeGreaterThan(0);
  });

  it('Are not watched as long as a gap cannot be asked for, and that is shown', async () => {
    const running = await start();
    const spot = () => running.parts.watch.states.find(({ family }) => family === 'spot');
    const path = '/api/v3/openOrders';
    const questions = () => simulator.requests.filter((request) => request.path === path).length;
    const before = questions();
    simulator.inject({ kind: 'status', status: 503, match: { path }, times: 1_000 });
    simulator.closeSockets();
    // The stream is open again before it is asked for what was missed.
    await expect.poll(questions, { timeout: 20_000 }).toBeGreaterThan(before);
    expect(spot()?.watching).toBe(false);
    const { text } = await send(Number(new URL(running.operatorUrl).port), '/metrics');
    expect(text).toContain('binance_proxy_watching{account="main",upstream="spot"} 0\n');
    simulator.clearFaults();
    await expect.poll(() => spot()?.watching, { timeout: 20_000 }).toBe(true);
  });

  it('Placed and gone again while no proxy ran are found out on a symbol that own orders were on, though nothing stands there', async () => {
    const first = await start();
    const cancelAll = '/fapi/v1/allOpenOrders?symbol=BTCUSDT';
    await send(first.port, USDM, { method: 'POST' });
    await send(first.port, cancelAll, { method: 'DELETE' });
    await first.close();
    proxy = undefined;
    await beside(USDM, 'came-and-went');
    const caller = new SignedCaller(simulator.url, TEST_KEY, hmacSigner(TEST_SECRET));
    await caller.call('DELETE', '/fapi/v1/allOpenOrders', { symbol: 'BTCUSDT' });
    const again = await start();
    await expect
      .poll(() => foreign(again), { timeout: 10_000 })
      .toEqual([['usdm', 'foreign', 'came-and-went']]);
  });

  it('Placed while no proxy ran are found out at the next start; own ones from before it are known', async () => {
    const first = await start();
    await send(first.port, SPOT, { method: 'POST' });
    await send(first.port, USDM, { method: 'POST' });
    await first.close();
    proxy = undefined;
    await pause(50);
    await beside(SPOT, 'while-nobody-looked');
    const again = await start();
    await expect
      .poll(() => foreign(again), { timeout: 10_000 })
      .toEqual([['spot', 'foreign', 'while-nobody-looked']]);
    await send(again.port, '/api/v3/openOrders?symbol=BTCUSDT', { method: 'DELETE' });
    await pause(2_000);
    expect(foreign(again)).toHaveLength(1);
  });
});

it('A foreign order lets an account cancel only, where that is wished', async () => {
  proxy = await startTestProxy({
    upstream: simulator.url,
    yaml: 'accounts: { main: { envPrefix: BINANCE, watch: [spot], onForeign: cancel-only } }',
    env: wsEnv({ wsUrl: simulator.url.replace('http', 'ws') }),
  });
  const running = proxy;
  await expect.poll(() => running.records('watch.began').length, { timeout: 10_000 }).toBe(1);
  await beside(SPOT, 'web_by-its-owner');
  await expect.poll(() => foreign(running), { timeout: 10_000 }).toHaveLength(1);
  expect((await send(running.port, SPOT, { method: 'POST' })).status).toBe(200);
  await beside(SPOT, 'of-a-thief');
  await expect
    .poll(() => running.records('state.changed'), { timeout: 10_000 })
    .toMatchObject([{ detail: { scope: 'account', name: 'main', state: 'cancel-only', channel: 'watch' } }]);
  const refused = await send(running.port, SPOT, { method: 'POST' });
  expect(refused.headers['x-proxy-error']).toBe('PROXY_STOPPED');
  expect((await send(running.port, '/api/v3/openOrders?symbol=BTCUSDT', { method: 'DELETE' })).status).toBe(
    200,
  );
});
