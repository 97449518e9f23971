import { createHmac } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { clearOfWindowEnd } from '../../support/clear-of-window.ts';
import { send } from '../../support/clients/http.ts';
import { connectApp, eventually, refusedUpgrade, type WsApp } from '../../support/clients/ws-app.ts';
import { startTestProxy, TEST_KEY, type TestProxy } from '../../support/servers/proxy.ts';
import { okFrame, startWsUpstream, type WsUpstream, wsEnv } from '../../support/servers/ws-upstream.ts';

const BOT_KEY = 'B'.repeat(64);
const READER_KEY = 'R'.repeat(64);
const HASTY_KEY = 'H'.repeat(64);
const STRICT_KEY = 'S'.repeat(64);
const STRICT_SECRET = 'strict-secret-'.repeat(4);
const ENV = {
  BOT_CLIENT_KEY: BOT_KEY,
  READER_CLIENT_KEY: READER_KEY,
  HASTY_CLIENT_KEY: HASTY_KEY,
  STRICT_CLIENT_KEY: STRICT_KEY,
  STRICT_CLIENT_SECRET: STRICT_SECRET,
};
const YAML = `
clients:
  bot:
    account: main
    envPrefix: BOT
    permissions: [market-data, read, spot-margin-trade]
    symbols: [BTCUSDT]
    order: { types: [LIMIT] }
  reader: { account: main, envPrefix: READER, permissions: [market-data, read] }
  hasty: { account: main, envPrefix: HASTY, permissions: [market-data, read], requestsPerSecond: 20 }
  strict:
    account: main
    envPrefix: STRICT
    requireSignature: true
    permissions: [market-data, read, spot-margin-trade]
`;
const ORDER = {
  symbol: 'BTCUSDT',
  side: 'BUY',
  type: 'LIMIT',
  timeInForce: 'GTC',
  quantity: '1',
  price: '0.1',
};

let upstream: WsUpstream;
let proxy: TestProxy;
let url: string;
let app: WsApp;
beforeAll(async () => {
  upstream = await startWsUpstream();
  // Tests give back what other tests have taken away.
  const env = { ...wsEnv(upstream), ...ENV, BINANCE_PROXY_ALLOW_LOOSENING: '1' };
  proxy = await startTestProxy({ upstream: upstream.url, env, yaml: YAML });
  url = `${proxy.url}/ws-api/v3`;
});
beforeEach(async () => {
  upstream.respond((frame, socket) => socket.send(okFrame(frame)));
  app = await connectApp(url);
});
afterEach(() => app.close());
afterAll(async () => {
  await proxy.close();
  await upstream.close();
});

const asBot = { headers: { 'x-mbx-apikey': BOT_KEY } };
const asReader = { headers: { authorization: `Bearer ${READER_KEY}` } };

function signed(params: Record<string, unknown>, encode = (value: string) => value) {
  const all: Record<string, unknown> = { ...params, apiKey: STRICT_KEY, timestamp: Date.now() };
  const payload = Object.keys(all)
    .sort()
    .map((name) => `${name}=${encode(String(all[name]))}`)
    .join('&');
  return { ...all, signature: createHmac('sha256', STRICT_SECRET).update(payload).digest('hex') };
}

describe('an upgrade', () => {
  it.each([
    ['a browser', { headers: { origin: 'https://evil.example' } }, 403, -1002],
    ['a browser without an Origin', { headers: { 'sec-fetch-site': 'cross-site' } }, 403, -1002],
    ['a foreign Host', { headers: { host: 'evil.example' } }, 421, -1000],
    ['a key that nobody issued', { headers: { 'x-mbx-apikey': 'nobody' } }, 401, -2014],
  ])('An upgrade of %s is refused before it reaches Binance', async (_name, options, status, code) => {
    const before = upstream.targets.length;
    const refused = await refusedUpgrade(url, options);
    expect(refused).toMatchObject({ status });
    expect(JSON.parse(refused.body)).toMatchObject({ code });
    expect(upstream.targets.length).toBe(before);
  });

  it.each([
    '/ws-api/v1',
    '/ws-api/v3/',
    '/ws-api/V3',
    '/wss',
    '/ws-api/v3?responseFormat=sbe',
    '/coinm/ws-api/v3',
    '/sapi/v1/capital/withdraw/apply',
  ])('An upgrade at %s goes nowhere', async (path) => {
    const before = upstream.targets.length;
    const { status } = await refusedUpgrade(`${proxy.url}${path}`);
    expect([400, 403, 404]).toContain(status);
    expect(upstream.targets.length).toBe(before);
  });

  it('A call that is no upgrade is a REST call to an unknown path', async () => {
    const answer = await fetch(url);
    expect(answer.status).toBe(404);
  });

  it('An upgrade that Binance refuses is refused with its wait', async () => {
    const other = await startWsUpstream();
    const alone = await startTestProxy({ upstream: other.url, env: wsEnv(other) });
    try {
      other.refuseUpgrades(500);
      expect(await refusedUpgrade(`${alone.url}/ws-api/v3`)).toMatchObject({ status: 502 });
      other.refuseUpgrades(429, '7');
      expect(await refusedUpgrade(`${alone.url}/ws-api/v3`)).toMatchObject({
        status: 429,
        headers: { 'retry-after': '7' },
      });
      other.refuseUpgrades(undefined);
      expect(await refusedUpgrade(`${alone.url}/ws-api/v3`)).toMatchObject({ status: 429 });
      expect(other.targets).toHaveLength(2);
    } finally {
      await alone.close();
      await other.close();
    }
  });

  it('The 136th upgrade of a client in five minutes is refused, for others need some too, and upgrades spend weight from the one budget of REST', async () => {
    await clearOfWindowEnd(60_000, 20_000);
    const other = await startWsUpstream();
    const alone = await startTestProxy({ upstream: other.url, env: wsEnv(other) });
    const spent = () =>
      alone.parts.app.budgets.state.buckets.find(
        ({ kind, upstream: name }) => kind === 'weight' && name === 'spot',
      )?.used ?? 0;
    try {
      await send(alone.port, '/api/v3/depth');
      const before = spent();
      const one = await connectApp(`${alone.url}/ws-api/v3`);
      expect(spent() - before).toBe(2);
      await one.ask('depth', { limit: 5000 });
      expect(spent() - before).toBe(252);
      await one.close();
      for (let at = 0; at < 134; at++) (await connectApp(`${alone.url}/ws-api/v3`)).socket.terminate();
      expect(await refusedUpgrade(`${alone.url}/ws-api/v3`)).toMatchObject({ status: 429 });
      expect(other.targets).toHaveLength(135);
      await eventually(() => alone.parts.app.sockets.size === 0);
    } finally {
      await alone.close();
      await other.close();
    }
  });
});

describe('who speaks', () => {
  it('The header of the upgrade or the apiKey of the frame says who speaks, and the frame decides', async () => {
    const bot = await connectApp(url, asBot);
    expect(await bot.ask('order.place', ORDER)).toMatchObject({ status: 200 });
    expect(await bot.ask('order.place', { ...ORDER, apiKey: READER_KEY })).toMatchObject({ status: 403 });
    expect(await bot.ask('order.place', { ...ORDER, apiKey: 'nobody' })).toMatchObject({
      status: 401,
      error: { code: -2014 },
    });
    await bot.close();
    expect(await app.ask('order.place', ORDER)).toMatchObject({ status: 401, error: { code: -2014 } });
    expect(await app.ask('order.place', { ...ORDER, apiKey: BOT_KEY })).toMatchObject({ status: 200 });
    expect(upstream.frames.at(-1)).toMatchObject({ verified: true, params: { apiKey: TEST_KEY } });
  });

  it('A public method needs no key', async () => {
    expect(await app.ask('depth', { symbol: 'BTCUSDT' })).toMatchObject({ status: 200 });
  });

  it('A client is held to its own rate, frame by frame', async () => {
    const replies = await Promise.all(
      Array.from({ length: 60 }, () => app.ask('account.status', { apiKey: HASTY_KEY })),
    );
    const refused = replies.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(10);
    expect(refused[0]!.error).toMatchObject({
      code: -1003,
      data: { proxyError: 'PROXY_CLIENT_RATE_LIMITED' },
    });
    expect(Number(refused[0]!.error!.data!.retryAfter)).toBeGreaterThan(Date.now() - 60_000);
  });

  it('A client is asked anew who it is when the configuration changes', async () => {
    expect(await app.ask('session.logon', { apiKey: BOT_KEY })).toMatchObject({ status: 200 });
    expect(await app.ask('userDataStream.subscribe')).toMatchObject({ status: 200 });
    proxy.reload({ ...wsEnv(upstream), ...ENV, BOT_CLIENT_KEY: 'C'.repeat(64) }, YAML);
    try {
      expect(await app.ask('account.status')).toMatchObject({ status: 401, error: { code: -2014 } });
    } finally {
      proxy.reload({ ...wsEnv(upstream), ...ENV }, YAML);
    }
    expect(await app.ask('account.status')).toMatchObject({ status: 200 });
  });
});

describe('a session', () => {
  it('A session is the proxy’s own: Binance never hears of it, and its frames are signed one by one', async () => {
    const before = upstream.frames.length;
    expect(await app.ask('session.status')).toMatchObject({ status: 200, result: { apiKey: null } });
    const logon = { apiKey: BOT_KEY, timestamp: Date.now(), signature: 'c2lnbmF0dXJl' };
    expect(await app.ask('session.logon', logon)).toMatchObject({ status: 200, result: { apiKey: BOT_KEY } });
    expect(await app.ask('session.status')).toMatchObject({ result: { apiKey: BOT_KEY } });
    expect(upstream.frames.length).toBe(before);
    expect(await app.ask('order.place', { ...ORDER, timestamp: Date.now() })).toMatchObject({ status: 200 });
    expect(upstream.frames.at(-1)).toMatchObject({ verified: true, method: 'order.place' });
    expect(await app.ask('session.logout')).toMatchObject({ status: 200, result: { apiKey: null } });
    expect(await app.ask('order.place', ORDER)).toMatchObject({ status: 401 });
  });

  it('A session is not begun with a wrong key, nor shared with another socket', async () => {
    expect(await app.ask('session.logon', { apiKey: 'nobody' })).toMatchObject({ status: 401 });
    expect(await app.ask('session.logon', { apiKey: BOT_KEY })).toMatchObject({ status: 200 });
    const other = await connectApp(url);
    expect(await other.ask('order.place', ORDER)).toMatchObject({ status: 401 });
    await other.close();
  });

  it('A session has to be signed where signatures are required, and then stands for its frames', async () => {
    expect(await app.ask('session.logon', { apiKey: STRICT_KEY })).toMatchObject({ error: { code: -1022 } });
    const wrong = { ...signed({}), signature: '0'.repeat(64) };
    expect(await app.ask('session.logon', wrong)).toMatchObject({ error: { code: -1022 } });
    expect(await app.ask('session.logon', signed({}))).toMatchObject({ status: 200 });
    expect(await app.ask('order.place', ORDER)).toMatchObject({ status: 200 });
  });
});

describe('the issued secret', () => {
  it('The issued secret is required where configured, verified, and each signature places one order', async () => {
    expect(await app.ask('order.place', { ...ORDER, apiKey: STRICT_KEY })).toMatchObject({
      error: { code: -1022 },
    });
    const params = signed({ ...ORDER, newClientOrderId: 'ä b/c' });
    expect(await app.ask('order.place', params)).toMatchObject({ status: 200 });
    expect(await app.ask('order.place', params)).toMatchObject({ error: { code: -2010 } });
    expect(await app.ask('order.place', { ...params, quantity: '2' })).toMatchObject({
      error: { code: -1022 },
    });
    const encoded = signed({ ...ORDER, newClientOrderId: 'ä b/d' }, encodeURIComponent);
    expect(await app.ask('order.place', encoded)).toMatchObject({ status: 200 });
  });

  it('The issued secret makes a timestamp a wish for freshness', async () => {
    const old = { ...ORDER, apiKey: BOT_KEY, timestamp: Date.now() - 20_000, signature: 'x' };
    expect(await app.ask('order.place', old)).toMatchObject({ status: 400, error: { code: -1021 } });
  });
});

describe('the rules of REST hold for frames', () => {
  it.each([
    ['a permission that is missing', 'order.place', { ...ORDER, apiKey: READER_KEY }, 403, -1002],
    ['another symbol', 'order.place', { ...ORDER, symbol: 'ETHUSDT', apiKey: BOT_KEY }, 400, -2010],
    ['another type', 'v3/order.place', { ...ORDER, type: 'MARKET', apiKey: BOT_KEY }, 400, -2010],
    [
      'another symbol in a list',
      'orderList.place.oco',
      {
        symbol: 'ETHUSDT',
        side: 'SELL',
        quantity: '1',
        aboveType: 'LIMIT_MAKER',
        abovePrice: '2',
        belowType: 'STOP_LOSS',
        belowStopPrice: '1',
        apiKey: BOT_KEY,
      },
      400,
      -2010,
    ],
    ['an unknown method', 'withdraw.apply', { apiKey: BOT_KEY }, 404, -1020],
    ['a method of another family', 'algoOrder.place', { apiKey: BOT_KEY }, 404, -1020],
    ['another version', 'v1/order.place', { ...ORDER, apiKey: BOT_KEY }, 404, -1020],
    ['a null', 'order.place', { ...ORDER, price: null, apiKey: BOT_KEY }, 400, -1100],
  ])('A frame with %s is refused under its id', async (_name, method, params, status, code) => {
    const before = upstream.frames.length;
    const reply = await app.ask(method, params, 'my-id');
    expect(reply).toMatchObject({ id: 'my-id', status, error: { code, msg: expect.any(String) } });
    expect(reply.error!.data).toMatchObject({ proxyOutcome: 'not-sent', proxyRequestId: expect.any(String) });
    expect(upstream.frames.length).toBe(before);
    await eventually(() =>
      proxy.records('call.refused').some(({ requestId }) => requestId === reply.error!.data!.proxyRequestId),
    );
  });

  it('A frame on the operator’s denylist, which names the REST twin, is refused', async () => {
    const { mkdtempSync, rmSync, writeFileSync } = await import('node:fs');
    const { join } = await import('node:path');
    const { tmpdir } = await import('node:os');
    const folder = mkdtempSync(join(tmpdir(), 'denylist-'));
    const path = join(folder, 'denylist.yaml');
    writeFileSync(path, 'deny:\n  - path: /api/v3/openOrders\n    reason: not here\n');
    const other = await startWsUpstream();
    const denying = await startTestProxy({
      upstream: other.url,
      env: wsEnv(other),
      yaml: `denylist: ${path}\n`,
    });
    try {
      const one = await connectApp(`${denying.url}/ws-api/v3`);
      for (const method of ['openOrders.cancelAll', 'v3/openOrders.cancelAll', 'openOrders.status'])
        expect(await one.ask(method, { symbol: 'A' })).toMatchObject({ status: 403, error: { code: -1002 } });
      expect(await one.ask('order.cancel', { symbol: 'A' })).toMatchObject({ status: 200 });
      expect(other.frames).toHaveLength(1);
      await one.close();
    } finally {
      await denying.close();
      await other.close();
      rmSync(folder, { recursive: true });
    }
  });
});

describe('the records', () => {
  it('A signed frame has a record before it leaves and one after its answer, with method, id and order', async () => {
    upstream.respond((frame, socket) =>
      socket.send(
        okFrame(frame, { symbol: 'BTCUSDT', orderId: 28, clientOrderId: 'c-1' }, [
          { rateLimitType: 'REQUEST_WEIGHT', interval: 'MINUTE', intervalNum: 1, limit: 6000, count: 4321 },
        ]),
      ),
    );
    await app.ask('order.place', { ...ORDER, apiKey: BOT_KEY, newClientOrderId: 'c-1' }, 'record-me');
    await eventually(() => proxy.records('call.completed').some(({ orderId }) => orderId === '28'));
    const completed = proxy.records('call.completed').find(({ orderId }) => orderId === '28')!;
    expect(completed).toMatchObject({
      client: 'bot',
      account: 'main',
      upstream: 'spot',
      method: 'order.place',
      path: '/api/v3/order',
      permission: 'spot-margin-trade',
      status: 200,
      outcome: 'answered',
      weightUsed: 4321,
      detail: { id: '"record-me"' },
    });
    const signedRecord = proxy
      .records('call.signed')
      .find(({ requestId }) => requestId === completed.requestId);
    expect(signedRecord).toMatchObject({ clientOrderId: 'c-1', params: { symbol: 'BTCUSDT', price: '0.1' } });
  });

  it('The records tell when a socket was opened and how it was closed, and hold no secret', async () => {
    const opened = proxy.records('socket.opened').length;
    const other = await connectApp(url, asReader);
    await other.close();
    await eventually(() => proxy.records('socket.closed').length > 0);
    expect(proxy.records('socket.opened').length).toBe(opened + 1);
    expect(proxy.records('socket.closed').at(-1)).toMatchObject({ client: 'reader', detail: { by: 'app' } });
    const log = proxy.lines.join('\n');
    for (const secret of [TEST_KEY, BOT_KEY, READER_KEY, STRICT_KEY, STRICT_SECRET])
      expect(log).not.toContain(secret);
    for (const { params } of upstream.frames)
      if (params.signature !== undefined) expect(log).not.toContain(params.signature);
  });
});

describe('user data', () => {
  it('User data ends when a new configuration takes the right to read away', async () => {
    upstream.respond((frame, socket) => socket.send(okFrame(frame, { subscriptionId: 0 })));
    const bot = await connectApp(url, asBot);
    await bot.ask('userDataStream.subscribe');
    const theirs = upstream.sockets.at(-1)!;
    theirs.send('{"subscriptionId":0,"event":{"e":"first"}}');
    await bot.until(({ event }) => event?.e === 'first');
    proxy.reload({ ...wsEnv(upstream), ...ENV }, YAML);
    theirs.send('{"subscriptionId":0,"event":{"e":"second"}}');
    await bot.until(({ event }) => event?.e === 'second');
    proxy.reload(
      { ...wsEnv(upstream), ...ENV },
      YAML.replace('read, spot-margin-trade]\n    symbols', 'spot-margin-trade]\n    symbols'),
    );
    theirs.send('{"subscriptionId":0,"event":{"e":"third"}}');
    expect(await bot.closed).toEqual({ code: 1008, reason: 'permission withdrawn' });
    expect(bot.texts.join()).not.toContain('third');
    proxy.reload({ ...wsEnv(upstream), ...ENV }, YAML);
    expect(proxy.lines.join('\n')).not.toContain('"second"');
  });
});
