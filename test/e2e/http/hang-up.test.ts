import { createConnection } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import { send } from '../../support/clients/http.ts';
import { startTestProxy, TEST_KEY, TEST_SECRET, type TestProxy } from '../../support/servers/proxy.ts';
import { startUpstream, type Upstream } from '../../support/servers/upstream.ts';

let upstream: Upstream;
let simulator: Simulator;
let proxy: TestProxy;
beforeEach(async () => {
  upstream = await startUpstream();
  simulator = await startSimulator({
    accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET, balances: { USDT: '1000' } }],
  });
  proxy = await startTestProxy({
    upstream: simulator.url,
    env: { BINANCE_PROXY_UPSTREAM_USDM: upstream.url },
    timeouts: { resolutionPausesMs: [10] },
  });
});
afterEach(async () => {
  await proxy.close();
  await simulator.close();
  await upstream.close();
});

/** Sends a call and hangs up when `when` says so. */
async function hangUp(method: string, target: string, how: 'reset' | 'fin', when: () => Promise<unknown>) {
  const socket = createConnection({ host: '127.0.0.1', port: proxy.port });
  socket.on('error', () => {});
  socket.write(`${method} ${target} HTTP/1.1\r\nhost: 127.0.0.1\r\nuser-agent: app\r\n\r\n`);
  await when();
  if (how === 'reset') socket.resetAndDestroy();
  else socket.destroy();
}

const arrived = (count = 1) => expect.poll(() => upstream.received.length, { interval: 2 }).toBe(count);
const completed = (method: string) =>
  proxy.records('call.completed').filter((record) => record.method === method);
const usedWeight = () =>
  proxy.parts.app.budgets.state.buckets.find(
    ({ kind, upstream: name }) => kind === 'weight' && name === 'usdm',
  )?.used;

describe.each(['reset', 'fin'] as const)('an app that hangs up (%s)', (how) => {
  it.each(['POST', 'PUT', 'DELETE'])('An app that hangs up does not end its %s', async (method) => {
    let answer = () => {};
    let isCut = false;
    upstream.respond((_received, response) => {
      response.on('close', () => {
        isCut = !response.writableFinished;
      });
      answer = () => response.writeHead(200).end('{"symbol":"BTCUSDT","orderId":77}');
    });
    await hangUp(method, '/fapi/v1/order?symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1', how, () =>
      arrived(),
    );
    await expect.poll(() => proxy.parts.underWay.total).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(completed(method)).toEqual([]);
    answer();
    await expect
      .poll(() => completed(method))
      .toMatchObject([{ outcome: 'answered', status: 200, orderId: '77' }]);
    expect(isCut).toBe(false);
    expect(proxy.parts.underWay.total).toBe(0);
    expect(upstream.received).toHaveLength(1);
  });

  it('A hang-up before a GET was answered ends it at Binance, and its weight stays charged', async () => {
    let isCut = false;
    upstream.respond((_received, response) => {
      response.on('close', () => {
        isCut = true;
      });
    });
    await hangUp('GET', '/fapi/v1/depth?symbol=BTCUSDT&limit=1000', how, () => arrived());
    await expect.poll(() => isCut).toBe(true);
    await expect
      .poll(() => completed('GET'))
      .toMatchObject([{ outcome: 'unknown', rule: 'lost: aborted', weight: 20 }]);
    expect(usedWeight()).toBeGreaterThanOrEqual(20);
    expect(upstream.received).toHaveLength(1);
    expect(proxy.parts.underWay.total).toBe(0);
  });

  it('A hang-up within the answer to a GET ends it at Binance', async () => {
    let isCut = false;
    upstream.respond((_received, response) => {
      response.writeHead(200).write('[');
      response.on('close', () => {
        isCut = true;
      });
    });
    await hangUp('GET', '/fapi/v1/depth?symbol=BTCUSDT&limit=1000', how, () => arrived());
    await expect.poll(() => isCut).toBe(true);
    await expect.poll(() => proxy.parts.underWay.total).toBe(0);
  });
});

describe('an order whose app has hung up', () => {
  it('An order whose app has hung up and whose answer is lost as well is found out', async () => {
    const match = { method: 'POST', path: '/api/v3/order' };
    simulator.inject({ kind: 'stall', match, execute: true });
    await proxy.close();
    proxy = await startTestProxy({
      upstream: simulator.url,
      timeouts: { headersTimeoutMs: 300, resolutionPausesMs: [10] },
    });
    const before = simulator.requests.length;
    const posted = () => simulator.requests.slice(before).filter(({ method }) => method === 'POST').length;
    await hangUp('POST', '/api/v3/order?symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.001', 'reset', () =>
      expect.poll(posted, { interval: 2 }).toBe(1),
    );
    await expect
      .poll(() => proxy.records('call.resolved'))
      .toMatchObject([{ detail: { resolution: 'executed' } }]);
    expect(completed('POST')).toMatchObject([{ outcome: 'unknown' }]);
    expect(posted()).toBe(1);
  });

  it('A shutdown waits for an order whose app has hung up', async () => {
    let answer = () => {};
    upstream.respond((_received, response) => {
      answer = () => response.writeHead(200).end('{"orderId":5}');
    });
    await hangUp('POST', '/fapi/v1/order?symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1', 'reset', () =>
      arrived(),
    );
    let isClosed = false;
    const closing = proxy.close().then(() => {
      isClosed = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect([isClosed, completed('POST')]).toEqual([false, []]);
    answer();
    await closing;
    expect(completed('POST')).toMatchObject([{ outcome: 'answered', orderId: '5' }]);
  });

  it('An order whose app has hung up and that outlasts the shutdown is recorded as unknown', async () => {
    upstream.respond(() => {});
    await hangUp('POST', '/fapi/v1/order?symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1', 'reset', () =>
      arrived(),
    );
    await proxy.close();
    expect(completed('POST')).toMatchObject([{ outcome: 'unknown' }]);
  });
});

describe('an app that hangs up while its order is being valued', () => {
  it('An order whose app hangs up while it is valued is refused, and its room in the day is free again', async () => {
    const yaml =
      'clients: { ruled: { account: main, envPrefix: RULED, order: { maxNotional: { USDT: "1000" }, maxPerDay: 1 } } }';
    const key = 'the-issued-key-of-the-client-with-rules';
    const ruled = await startTestProxy({ upstream: simulator.url, yaml, env: { RULED_CLIENT_KEY: key } });
    try {
      simulator.inject({ kind: 'delay', ms: 1_500, match: { path: '/api/v3/exchangeInfo' } });
      const body = 'symbol=BTCUSDT&side=BUY&type=MARKET&quoteOrderQty=20';
      const headers = { 'x-mbx-apikey': key };
      const given = new AbortController();
      const hung = send(ruled.port, '/api/v3/order', { method: 'POST', headers, body, signal: given.signal });
      await expect.poll(() => simulator.requests.at(-1)?.path, { interval: 5 }).toBe('/api/v3/exchangeInfo');
      given.abort();
      await expect(hung).rejects.toThrow();
      await expect
        .poll(() => ruled.records('call.refused'))
        .toMatchObject([{ error: 'PROXY_STALE_REQUEST', rule: 'client hung up', outcome: 'not-sent' }]);
      expect(simulator.requests.filter(({ path }) => path === '/api/v3/order')).toEqual([]);
      expect((await send(ruled.port, '/api/v3/order', { method: 'POST', headers, body })).status).toBe(200);
    } finally {
      await ruled.close();
    }
  });
});
