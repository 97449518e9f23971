import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import type { EnterRequest } from '../../../src/stops/entered.ts';
import { STATE_FILE } from '../../../src/stops/state-file.ts';
import { type Scope, scopeKey, type TradingState, WHOLE_PROXY } from '../../../src/stops/trading-state.ts';
import { send } from '../../support/clients/http.ts';
import { startTestProxy, TEST_KEY, TEST_SECRET, type TestProxy } from '../../support/servers/proxy.ts';

const KEY = 'B'.repeat(64);
const YAML = `clients:
  bot: { account: main, envPrefix: BOT, permissions: [read, spot-margin-trade, futures-trade], deadMan: { silenceMs: 60000 } }
`;
const LIMIT = 'symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=50000';
const HOUR_MS = 3_600_000;
const BOT: Scope = { kind: 'client', name: 'bot' };
const SYMBOL: Scope = { kind: 'symbol', name: 'BTCUSDT' };
/** Longer than the dead man looks away. */
const SOME_LOOKS_MS = 800;

const realNow = Date.now;
let simulator: Simulator;
let folder: string;
let aheadMs = 0;
const open: TestProxy[] = [];
beforeEach(async () => {
  aheadMs = 0;
  vi.spyOn(Date, 'now').mockImplementation(() => realNow.call(Date) + aheadMs);
  folder = mkdtempSync(join(tmpdir(), 'jumping-clock-'));
  simulator = await startSimulator({
    accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET, balances: { USDT: '100000' } }],
    marketStepMs: 0,
  });
});
afterEach(async () => {
  await stopAll();
  await simulator.close();
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

async function start(): Promise<TestProxy> {
  const proxy = await startTestProxy({
    upstream: simulator.url,
    env: {
      BOT_CLIENT_KEY: KEY,
      BINANCE_PROXY_AUDIT_DIR: join(folder, 'audit'),
      BINANCE_PROXY_STATE_DIR: join(folder, 'state'),
    },
    yaml: YAML,
  });
  open.push(proxy);
  return proxy;
}
async function stopAll(): Promise<void> {
  await Promise.all(open.splice(0).map((proxy) => proxy.close()));
}
/** Sets the clock of this machine; that of the exchange stays right. */
function setClock(hours: number): void {
  aheadMs = hours * HOUR_MS;
  simulator.setClockOffset(-aheadMs);
}
const call = (proxy: TestProxy, method: string, target: string) =>
  send(proxy.port, target, { method, headers: { 'x-mbx-apikey': KEY } });
const enter = (
  proxy: TestProxy,
  state: EnterRequest['state'],
  scope: Scope,
  cancel: EnterRequest['cancel'] = 'none',
) => proxy.parts.stops.enter({ state, scope, reason: 'a test', cancel, operator: 'alice', channel: 'test' });

describe('a clock that is set by hours', () => {
  it('The last act on each scope holds, in the process and after a restart', async () => {
    const acts: readonly (readonly [hours: number, state: TradingState, scope: Scope])[] = [
      [0, 'halt', WHOLE_PROXY],
      [-30, 'cancel-only', BOT],
      [50, 'reduce-only', WHOLE_PROXY],
      [-50, 'run', WHOLE_PROXY],
      [-70, 'halt', SYMBOL],
      [3, 'run', BOT],
      [-90, 'halt', BOT],
      [-100, 'cancel-only', SYMBOL],
      [-99, 'run', BOT],
      [-120, 'reduce-only', BOT],
    ];
    const last = new Map<string, TradingState>();
    let proxy = await start();
    for (const [nth, [hours, state, scope]] of acts.entries()) {
      setClock(hours);
      await enter(proxy, state, scope);
      last.set(scopeKey(scope), state);
      if (nth % 4 === 3) {
        await stopAll();
        proxy = await start();
      }
      const held = new Map(
        proxy.parts.stops.list().map((each) => [scopeKey({ kind: each.scope, name: each.name }), each.state]),
      );
      expect(held).toEqual(last);
    }
    await stopAll();
    setClock(-500);
    proxy = await start();
    expect(proxy.parts.stops.stateOf('bot', 'main')).toBe('reduce-only');
    expect((await call(proxy, 'POST', `/api/v3/order?${LIMIT}`)).headers['x-proxy-error']).toBe(
      'PROXY_STOPPED',
    );
    expect(simulator.requests.filter(({ method }) => method === 'POST')).toEqual([]);
  });

  it('It is nobody’s silence, and ends nobody’s watch', async () => {
    const proxy = await start();
    await call(proxy, 'GET', '/api/v3/account');
    const armed = () => JSON.parse(readFileSync(join(folder, 'state', STATE_FILE), 'utf8')).armed;
    for (const hours of [72, -72, 0]) {
      setClock(hours);
      await pause(SOME_LOOKS_MS);
      expect(proxy.parts.stops.list()).toEqual([]);
      expect(armed()).toEqual(['bot']);
    }
  });

  it('Own orders are known, whatever the days of their records are, after a restart too', async () => {
    const first = await start();
    for (const hours of [0, -30, 40]) {
      setClock(hours);
      const placed = await call(
        first,
        'POST',
        `/api/v3/order?${LIMIT.replace('50000', String(50_000 + hours))}`,
      );
      expect(placed.status, placed.text).toBe(200);
    }
    setClock(-26);
    await stopAll();
    const second = await start();
    setClock(10);
    expect(await enter(second, 'cancel-only', BOT, 'own')).toMatchObject({ cancelled: 3, left: [] });
  });

  it.each([-5, 5])('What rests goes under reduce-only while it is %i hours wrong', async (hours) => {
    const proxy = await start();
    expect((await call(proxy, 'POST', `/fapi/v1/order?${LIMIT}`)).status).toBe(200);
    setClock(hours);
    expect(await enter(proxy, 'reduce-only', BOT, 'own')).toMatchObject({ cancelled: 1, left: [] });
  });
});
