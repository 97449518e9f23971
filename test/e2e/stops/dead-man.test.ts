import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import { send } from '../../support/clients/http.ts';
import { hmacSigner, SignedCaller } from '../../support/clients/signed-caller.ts';
import { connectApp } from '../../support/clients/ws-app.ts';
import { startTestProxy, TEST_KEY, TEST_SECRET, type TestProxy } from '../../support/servers/proxy.ts';
import { wsEnv } from '../../support/servers/ws-upstream.ts';

const ONE = '1'.repeat(64);
const TWO = '2'.repeat(64);
const KEYS = { ONE_CLIENT_KEY: ONE, TWO_CLIENT_KEY: TWO };
const LIMIT = 'symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=50000';
const client = (prefix: string, more: string) =>
  `{ account: main, envPrefix: ${prefix}, permissions: [market-data, read, spot-margin-trade, futures-trade], ${more} }`;
const both = (more: string) => `clients:\n  one: ${client('ONE', more)}\n  two: ${client('TWO', more)}\n`;

let simulator: Simulator;
let folder: string;
const open: TestProxy[] = [];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dead-man-'));
  simulator = await startSimulator({
    accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET, balances: { USDT: '100000', BTC: '2' } }],
    marketStepMs: 0,
  });
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((proxy) => proxy.close()));
  await simulator.close();
  rmSync(folder, { recursive: true, force: true });
});

async function start(yaml: string): Promise<TestProxy> {
  const proxy = await startTestProxy({
    upstream: simulator.url,
    env: {
      ...KEYS,
      ...wsEnv({ wsUrl: simulator.url.replace('http', 'ws') }),
      BINANCE_PROXY_STATE_DIR: join(folder, 'state'),
    },
    yaml,
  });
  open.push(proxy);
  return proxy;
}
const call = (proxy: TestProxy, method: string, target: string, key: string) =>
  send(proxy.port, target, { method, headers: { 'x-mbx-apikey': key } });
async function resting(path: string): Promise<string[]> {
  const hand = new SignedCaller(simulator.url, TEST_KEY, hmacSigner(TEST_SECRET), () =>
    simulator.exchange.nowMs(),
  );
  const { json } = await hand.call('GET', path, { symbol: 'BTCUSDT' });
  return (json as { price: string }[]).map(({ price }) => price);
}
const countdowns = () =>
  simulator.requests
    .filter(({ path }) => path === '/fapi/v1/countdownCancelAll')
    .map(({ target }) => new URLSearchParams(target.split('?')[1]).get('countdownTime'));

describe('the dead man', () => {
  it('Of two bots on one symbol only the orders of the silent one go, and it is stopped', async () => {
    const proxy = await start(both('deadMan: { silenceMs: 1500 }'));
    for (const [key, price] of [
      [ONE, '50000'],
      [TWO, '40000'],
    ] as const)
      expect((await call(proxy, 'POST', `/api/v3/order?${LIMIT.replace('50000', price)}`, key)).status).toBe(
        200,
      );
    const beat = setInterval(() => void call(proxy, 'GET', '/api/v3/account', TWO), 200);
    try {
      await expect
        .poll(() => resting('/api/v3/openOrders'), { timeout: 15_000, interval: 300 })
        .toEqual(['40000.00000000']);
      await expect
        .poll(() => proxy.parts.stops.list(), { timeout: 5_000 })
        .toMatchObject([
          {
            scope: 'client',
            name: 'one',
            state: 'cancel-only',
            operator: 'proxy',
            reason: expect.stringMatching(/dead man/),
          },
        ]);
      expect((await call(proxy, 'POST', `/api/v3/order?${LIMIT}`, ONE)).headers['x-proxy-error']).toBe(
        'PROXY_STOPPED',
      );
      expect((await call(proxy, 'POST', `/api/v3/order?${LIMIT}`, TWO)).status).toBe(200);
    } finally {
      clearInterval(beat);
    }
  });

  it('A client that was armed before a restart and does not come back counts as silent', async () => {
    const yaml = both('deadMan: { silenceMs: 1500 }');
    const first = await start(yaml);
    await call(first, 'GET', '/api/v3/account', ONE);
    await open.splice(0)[0]?.close();
    const second = await start(yaml);
    await expect
      .poll(() => second.parts.stops.list(), { timeout: 15_000, interval: 300 })
      .toMatchObject([{ name: 'one', state: 'cancel-only' }]);
  });

  it('Logging out ends it, and pongs are a life', async () => {
    const proxy = await start(both('deadMan: { silenceMs: 1500 }'));
    const app = await connectApp(`${proxy.url.replace('http', 'ws')}/ws-api/v3`);
    await app.ask('account.status', { apiKey: ONE });
    await call(proxy, 'GET', '/api/v3/account', TWO);
    await app.ask('session.logout', { apiKey: ONE });
    await expect
      .poll(() => proxy.parts.stops.list(), { timeout: 15_000, interval: 300 })
      .toMatchObject([{ name: 'two' }]);
    await app.close();
  });
});

describe('cancel on disconnect', () => {
  it('The orders go once the last socket of the client is closed, not before', async () => {
    const proxy = await start(both('cancelOnDisconnectMs: 500'));
    const url = `${proxy.url.replace('http', 'ws')}/ws-api/v3`;
    const [first, second] = [await connectApp(url), await connectApp(url)];
    for (const app of [first, second]) await app.ask('account.status', { apiKey: ONE });
    await call(proxy, 'POST', `/api/v3/order?${LIMIT}`, ONE);
    await first.close();
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(await resting('/api/v3/openOrders')).toHaveLength(1);
    await second.close();
    await expect.poll(() => resting('/api/v3/openOrders'), { timeout: 15_000, interval: 300 }).toEqual([]);
    expect(proxy.parts.stops.list()).toMatchObject([
      { name: 'one', state: 'cancel-only', reason: expect.stringMatching(/last socket/) },
    ]);
  });
});

describe('the countdown of the exchange', () => {
  const yaml = both('deadMan: { silenceMs: 3000, exchange: true, countdownMs: 10000 }');

  it('It is beaten while any client lives, switched off by the last logout, and no app may set it', async () => {
    const proxy = await start(yaml);
    await call(proxy, 'POST', `/fapi/v1/order?${LIMIT}`, ONE);
    await expect.poll(countdowns, { timeout: 10_000 }).toContain('10000');
    const own = await call(proxy, 'POST', '/fapi/v1/countdownCancelAll?symbol=BTCUSDT&countdownTime=0', TWO);
    expect(own.headers['x-proxy-error']).toBe('PROXY_ORDER_REFUSED');
    expect(proxy.records('call.refused').at(-1)).toMatchObject({ rule: 'deadMan' });
    const app = await connectApp(`${proxy.url.replace('http', 'ws')}/ws-api/v3`);
    await app.ask('session.logout', { apiKey: ONE });
    await expect.poll(countdowns, { timeout: 10_000 }).toContain('0');
    await app.close();
  });

  it('Under a halt nothing is beaten', async () => {
    const proxy = await start(yaml);
    await proxy.parts.stops.enter({
      state: 'halt',
      scope: { kind: 'proxy', name: '' },
      reason: 'x',
      cancel: 'none',
      operator: 'a',
      channel: 't',
    });
    await call(proxy, 'POST', `/fapi/v1/order?${LIMIT}`, ONE);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(countdowns()).toEqual([]);
  });

  it.each([
    [
      'another client without it',
      `clients:\n  one: ${client('ONE', 'deadMan: { silenceMs: 3000, exchange: true }')}\n  two: ${client('TWO', 'weightPerMinute: 100')}\n`,
    ],
    [
      'one whose symbols meet',
      `clients:\n  one: ${client('ONE', 'symbols: [BTCUSDT, ETHUSDT], deadMan: { silenceMs: 3000, exchange: true }')}\n  two: ${client('TWO', 'symbols: [ETHUSDT]')}\n`,
    ],
  ])('It is a configuration error beside %s', async (_what, wrong) => {
    await expect(start(wrong)).rejects.toThrow(
      /clients\.one\.deadMan\.exchange would let Binance cancel the orders of two too/,
    );
  });

  it('Beside a client on other symbols it is none', async () => {
    await start(
      `clients:\n  one: ${client('ONE', 'symbols: [BTCUSDT], deadMan: { silenceMs: 3000, exchange: true }')}\n  two: ${client('TWO', 'symbols: [ETHUSDT]')}\n`,
    );
  });
});
