import type { ServerResponse } from 'node:http';
import { createConnection } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startSimulator } from '../../../src/simulator/simulator.ts';
import { clearOfWindowEnd } from '../../support/clear-of-window.ts';
import { type Reply, send } from '../../support/clients/http.ts';
import { connectApp, UpgradeRefused, type WsApp } from '../../support/clients/ws-app.ts';
import { startTestProxy, TEST_KEY, TEST_SECRET, type TestProxy } from '../../support/servers/proxy.ts';
import { startUpstream, type Upstream } from '../../support/servers/upstream.ts';
import { openWsStage } from '../../support/servers/ws-stage.ts';

const BOT = 'b'.repeat(64);
const OTHER = 'o'.repeat(64);
const ENV = { BOT_CLIENT_KEY: BOT, OTHER_CLIENT_KEY: OTHER };
const PERMISSIONS = 'permissions: [market-data, read, spot-margin-trade]';
const YAML = `
clients:
  bot: { account: main, envPrefix: BOT, ${PERMISSIONS} }
  other: { account: main, envPrefix: OTHER, ${PERMISSIONS} }
`;
const ORDER = '/api/v3/order?symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=1&timeInForce=GTC';
const as = (key: string) => ({ 'x-mbx-apikey': key });

describe('calls under way', () => {
  let upstream: Upstream;
  let proxy: TestProxy;
  /** Calls that Binance does not answer. */
  let hanging: ServerResponse[];
  beforeEach(async () => {
    upstream = await startUpstream();
    hanging = [];
    proxy = await startTestProxy({
      upstream: upstream.url,
      env: ENV,
      yaml: YAML,
      timeouts: { callsPerUpstream: 20 },
    });
    upstream.respond((received, response) => {
      if (received.target.includes('/depth') || received.target.includes('/account')) hanging.push(response);
      else response.end('{}');
    });
  });
  afterEach(async () => {
    for (const response of hanging) response.destroy();
    await proxy.close();
    await upstream.close();
  });

  async function expectServed(key: string): Promise<void> {
    const headers = as(key);
    const replies: readonly [string, Reply][] = [
      ['read', await send(proxy.port, '/api/v3/openOrders', { headers })],
      ['order', await send(proxy.port, ORDER, { method: 'POST', headers })],
      [
        'cancel',
        await send(proxy.port, '/api/v3/order?symbol=BTCUSDT&orderId=1', { method: 'DELETE', headers }),
      ],
    ];
    expect(replies.map(([what, { status }]) => [what, status])).toEqual([
      ['read', 200],
      ['order', 200],
      ['cancel', 200],
    ]);
  }

  it('One connection without a key that asks and never reads stops nobody', async () => {
    const socket = createConnection({ host: '127.0.0.1', port: proxy.port });
    socket.on('error', () => {});
    socket.pause();
    const ask = 'GET /api/v3/depth?symbol=BTCUSDT HTTP/1.1\r\nHost: localhost\r\nUser-Agent: app\r\n\r\n';
    socket.write(ask.repeat(100));
    await expect.poll(() => hanging.length).toBeGreaterThan(0);
    for (let round = 0; round < 3; round++) await expectServed(BOT);
    socket.destroy();
  });

  it('Any number of connections without a key take a quarter of the places', async () => {
    // Equal ones would be one call.
    const asked = Array.from({ length: 30 }, (_, number) =>
      send(proxy.port, `/api/v3/depth?symbol=S${number}`),
    );
    await expect.poll(() => hanging.length).toBe(5);
    let refused = 0;
    for (const reply of asked) void reply.then(({ status }) => (refused += status === 502 ? 1 : 0));
    await expect.poll(() => refused).toBe(25);
    await expectServed(BOT);
    for (const response of hanging) response.end('{}');
    expect((await Promise.all(asked)).filter(({ status }) => status === 200)).toHaveLength(5);
  });

  it('One client whose reads hang leaves reads to the other, and orders and cancels to itself', async () => {
    const asked = Array.from({ length: 30 }, () => send(proxy.port, '/api/v3/account', { headers: as(BOT) }));
    await expect.poll(() => hanging.length).toBe(8);
    await expectServed(OTHER);
    const headers = as(BOT);
    expect((await send(proxy.port, ORDER, { method: 'POST', headers })).status).toBe(200);
    const cancel = await send(proxy.port, '/api/v3/order?symbol=BTCUSDT&orderId=1', {
      method: 'DELETE',
      headers,
    });
    expect(cancel.status).toBe(200);
    for (const response of hanging) response.end('{}');
    await Promise.all(asked);
  });
});

describe('order counts', () => {
  it('One client that empties its part of the orders leaves the other its orders, and at the end its exits', async () => {
    await clearOfWindowEnd(60_000, 20_000);
    await clearOfWindowEnd(10_000, 6_000);
    const account = { apiKey: TEST_KEY, hmacSecret: TEST_SECRET, futuresBalance: '10000000' };
    const simulator = await startSimulator({
      accounts: [account],
      limits: { futuresOrdersPer10Seconds: 20 },
    });
    const yaml = YAML.replaceAll('spot-margin-trade', 'futures-trade');
    const proxy = await startTestProxy({ upstream: simulator.url, env: ENV, yaml });
    const place = async (key: string, more = '') => {
      const body = `symbol=BTCUSDT&side=SELL&type=LIMIT&timeInForce=GTC&quantity=1&price=200000${more}`;
      const { headers } = await send(proxy.port, '/fapi/v1/order', {
        method: 'POST',
        headers: as(key),
        body,
      });
      return headers['x-proxy-error'];
    };
    const placeMany = async (key: string, more = '') => {
      const ends: unknown[] = [];
      for (let i = 0; i < 25; i++) ends.push(await place(key, more));
      return { passed: ends.filter((end) => end === undefined).length, last: ends.at(-1) };
    };
    expect(await placeMany(BOT)).toEqual({ passed: 15, last: 'PROXY_ORDERS_EXHAUSTED' });
    expect(await place(OTHER)).toBeUndefined();
    expect((await placeMany(OTHER)).last).toBe('PROXY_ORDERS_EXHAUSTED');
    expect(await place(OTHER, '&reduceOnly=true')).toBeUndefined();
    expect(simulator.requests.filter(({ status }) => status === 429)).toEqual([]);
    await proxy.close();
    await simulator.close();
  });
});

describe('weight and sockets', () => {
  it('Callers without a key have a quarter of the weight, the rest is for clients', async () => {
    const stage = await openWsStage('HMAC', { env: ENV, yaml: YAML });
    const depth = '/api/v3/depth?symbol=BTCUSDT&limit=5000';
    const statuses: number[] = [];
    for (let number = 0; number < 8; number++) statuses.push((await send(stage.proxy.port, depth)).status);
    expect(statuses.filter((status) => status === 200).length).toBeLessThanOrEqual(6);
    expect(statuses.at(-1)).toBe(429);
    const reply = await send(stage.proxy.port, depth, { headers: as(BOT) });
    expect(reply.status).toBe(200);
    await stage.close();
  });

  it('Sockets without a key take a quarter of all, and a client gets its own', async () => {
    const stage = await openWsStage('HMAC', { env: ENV, yaml: YAML });
    const open = () => connectApp(`${stage.wsUrl}/stream?streams=btcusdt@trade`);
    const sockets: WsApp[] = [];
    for (let round = 0; round < 10; round++)
      sockets.push(...(await Promise.all(Array.from({ length: 25 }, open))));
    const refused = await open().catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(UpgradeRefused);
    expect((refused as UpgradeRefused).status).toBe(429);
    const own = await connectApp(`${stage.wsUrl}/stream?streams=btcusdt@trade`, { headers: as(BOT) });
    await own.close();
    await sockets.pop()?.close();
    let again: WsApp | undefined;
    await expect
      .poll(async () => {
        again = await open().catch(() => undefined);
        return again !== undefined;
      })
      .toBe(true);
    await Promise.all([...sockets, ...(again === undefined ? [] : [again])].map((socket) => socket.close()));
    await stage.close();
  });
});

describe('what could provoke a firewall', () => {
  it('Signs that no public parameter holds do not leave for callers without a key, by request or frame', async () => {
    const stage = await openWsStage('HMAC', { env: ENV, yaml: YAML });
    const arrived = () =>
      stage.simulator.requests.filter(({ path }) => path === '/api/v3/depth').length +
      stage.simulator.frames.length;
    const query = 'symbol=BTCUSDT%27+UNION+SELECT+1--';
    const reply = await send(stage.proxy.port, `/api/v3/depth?${query}`);
    expect([reply.status, reply.headers['x-proxy-error']]).toEqual([400, 'PROXY_MALFORMED_REQUEST']);
    const app = await connectApp(`${stage.wsUrl}/ws-api/v3`);
    const frame = await app.ask('depth', { symbol: "BTCUSDT' UNION SELECT 1--" });
    expect(frame.error?.data).toMatchObject({ proxyError: 'PROXY_MALFORMED_REQUEST' });
    expect((await app.ask('depth', { symbol: 'BTCUSDT' })).status).toBe(200);
    await app.close();
    expect(arrived()).toBe(1);
    await send(stage.proxy.port, `/api/v3/depth?${query}`, { headers: as(BOT) });
    expect(arrived()).toBe(2);
    await stage.close();
  });
});
