import { createHmac } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import { send } from '../../support/clients/http.ts';
import {
  askOperator,
  type LogRecord,
  startTestProxy,
  TEST_KEY,
  TEST_SECRET,
  type TestProxy,
  type TestProxyOptions,
} from '../../support/servers/proxy.ts';
import { startUpstream, type Upstream } from '../../support/servers/upstream.ts';

const KEY = 'issued-key-of-the-bot-0123456789abcdefghijklmnopqrstuvwxyz';
const SECRET = 'issued-secret-of-the-bot-0123456789abcdefghijklmnopqrstuv';
const bot = { 'x-mbx-apikey': KEY };
const PAIR = { BINANCE_PROXY_CLIENT_KEY: KEY, BINANCE_PROXY_CLIENT_SECRET: SECRET };

async function start(
  options: Omit<TestProxyOptions, 'upstream'> = {},
): Promise<{ upstream: Upstream; proxy: TestProxy }> {
  const upstream = await startUpstream();
  onTestFinished(() => upstream.close());
  const proxy = await startTestProxy({ upstream: upstream.url, ...options });
  onTestFinished(() => proxy.close());
  return { upstream, proxy };
}

function sign(text: string): string {
  return `${text}&signature=${createHmac('sha256', SECRET).update(text).digest('hex')}`;
}

describe('the Host of a request', () => {
  it('The Host may be any loopback name or a configured one, in any letter case and with any port', async () => {
    const { proxy } = await start({ env: { BINANCE_PROXY_ALLOWED_HOSTS: 'signing-proxy,other.example' } });
    const statuses = async (...hosts: readonly string[]) =>
      Promise.all(
        hosts.map(async (host) => (await send(proxy.port, '/api/v3/time', { headers: { host } })).status),
      );
    expect(
      await statuses(
        'localhost',
        'LOCALHOST:1',
        '127.0.0.1:80',
        '127.1.2.3',
        '[::1]:9',
        'Signing-Proxy:8080',
        'other.example',
      ),
    ).toEqual(Array(7).fill(200));
    expect(
      await statuses(
        'signing-proxy.evil.com',
        'localhost.',
        'localhost@evil.com',
        '0.0.0.0',
        '127.0.0.1.nip.io',
        '2130706433',
        'evil.com:8080',
      ),
    ).toEqual(Array(7).fill(421));
  });
});

describe('a signature of an app', () => {
  it('A signature of an app counts once on POST and PUT, and may be repeated on GET and DELETE', async () => {
    const { upstream, proxy } = await start({ env: PAIR });
    const twice = async (method: string, path: string) => {
      const target = `${path}?${sign(`symbol=BTCUSDT&orderId=1&timestamp=${Date.now()}`)}`;
      const first = await send(proxy.port, target, { method, headers: bot });
      const second = await send(proxy.port, target, { method, headers: bot });
      return [first.status, second.headers['x-proxy-error'] ?? second.status];
    };
    expect(await twice('GET', '/api/v3/order')).toEqual([200, 200]);
    expect(await twice('DELETE', '/api/v3/order')).toEqual([200, 200]);
    expect(await twice('POST', '/api/v3/order')).toEqual([200, 'PROXY_DUPLICATE_ORDER']);
    expect(await twice('PUT', '/fapi/v1/order')).toEqual([200, 'PROXY_DUPLICATE_ORDER']);
    expect(upstream.received).toHaveLength(6);
  });

  it('A signature of an app counts once also when one of two simultaneous requests is to win', async () => {
    const { upstream, proxy } = await start({ env: PAIR });
    const body = sign(`symbol=BTCUSDT&side=BUY&timestamp=${Date.now()}`);
    const replies = await Promise.all(
      Array.from({ length: 8 }, () =>
        send(proxy.port, '/api/v3/order', { method: 'POST', headers: bot, body }),
      ),
    );
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(upstream.received).toHaveLength(1);
  });

  it.each([
    ['a parameter that was added', (text: string) => `${text}&quantity=9`],
    ['a value that was changed', (text: string) => text.replace('BUY', 'SELL')],
    ['parameters in another order', (text: string) => text.replace(/^(symbol=\w+)&(side=\w+)/, '$2&$1')],
  ])('A signature of an app does not hold for %s', async (_what, change) => {
    const { upstream, proxy } = await start({ env: PAIR });
    const body = change(sign(`symbol=BTCUSDT&side=BUY&timestamp=${Date.now()}`));
    const reply = await send(proxy.port, '/api/v3/order', { method: 'POST', headers: bot, body });
    expect([reply.json?.code, reply.headers['x-proxy-error']]).toEqual([-1022, 'PROXY_BAD_SIGNATURE']);
    expect(upstream.received).toEqual([]);
  });
});

describe('callers without a key', () => {
  it('Callers without a key are let in only while `clients.anonymous` is on, and within its share', async () => {
    const yaml = (anonymous: string) =>
      `clients: { bot: { account: main, envPrefix: BOT, permissions: [read] }, anonymous: { ${anonymous} } }`;
    const env = { BOT_CLIENT_KEY: KEY };
    const { proxy, upstream } = await start({ yaml: yaml('weightPerMinute: 3'), env });
    const ask = () => send(proxy.port, '/api/v3/ping');
    const replies = [await ask(), await ask(), await ask(), await ask()];
    expect(replies.map(({ headers }) => headers['x-proxy-error'])).toEqual([
      undefined,
      undefined,
      undefined,
      'PROXY_WEIGHT_EXHAUSTED',
    ]);
    proxy.reload(env, yaml('enabled: false'));
    const refused = await ask();
    expect([refused.status, refused.headers['x-proxy-error']]).toEqual([401, 'PROXY_UNKNOWN_CLIENT']);
    expect(upstream.received).toHaveLength(3);
  });
});

describe('what the client `default` may do without any configuration', () => {
  it.each([
    ['GET', '/api/v3/account', true],
    ['POST', '/fapi/v1/listenKey', true],
    ['POST', '/sapi/v1/margin/listen-key', true],
    ['POST', '/sapi/v1/userListenToken', true],
    ['POST', '/fapi/v1/positionMargin', true],
    ['POST', '/sapi/v1/asset/transfer', false],
    ['POST', '/sapi/v1/sub-account/universalTransfer', false],
    ['POST', '/sapi/v1/margin/borrow-repay', false],
    ['POST', '/sapi/v1/simple-earn/flexible/subscribe', false],
    ['POST', '/sapi/v1/convert/acceptQuote', false],
    ['POST', '/papi/v1/marginLoan', false],
  ])('The client default may call %s %s: %s', async (method, target, passes) => {
    const { upstream, proxy } = await start();
    const reply = await send(proxy.port, target, { method });
    expect(reply.headers['x-proxy-error']).toBe(passes ? undefined : 'PROXY_PERMISSION_DENIED');
    expect(upstream.received).toHaveLength(passes ? 1 : 0);
  });

  const ORDER = 'symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1';
  it.each([
    `${ORDER}&sideEffectType=MARGIN_BUY`,
    `${ORDER}&sideEffectType=AUTO_BORROW_REPAY`,
    `${ORDER}&sideEffectType=margin_buy`,
    `${ORDER}&sideEffectType=%4d%41RGIN_BUY`,
    `${ORDER}&sideEffectType=NO_SIDE_EFFECT%00MARGIN_BUY`,
    `${ORDER}&sideEffectType=NO_SIDE_EFFECT,MARGIN_BUY`,
    `${ORDER}&sideEffectType=+MARGIN_BUY`,
    `${ORDER}&sideEffectType`,
    `${ORDER}&sideEffectType=%ff`,
    `${ORDER}&sideEffectType=NO_SIDE_EFFECT&sideEffectType=MARGIN_BUY`,
    `${ORDER}&SideEffectType=MARGIN_BUY`,
    `${ORDER}&sideEffectType=NO_SIDE_EFFECT&SIDEEFFECTTYPE=MARGIN_BUY`,
    `symbol=BTCUSDT;sideEffectType=MARGIN_BUY&side=BUY&type=MARKET&quantity=1`,
    `symbol=BTCUSDT%26sideEffectType=MARGIN_BUY&side=BUY&type=MARKET&quantity=1`,
    `symbol=BTCUSDT%0asideEffectType%3dMARGIN_BUY&side=BUY&type=MARKET&quantity=1`,
    `${ORDER}&%73ideEffectType=MARGIN_BUY`,
    `${ORDER}&sideEffectType%00=MARGIN_BUY`,
    '{"symbol":"BTCUSDT","side":"BUY","type":"MARKET","quantity":1,"sideEffectTyp\\u0065":"MARGIN_BUY"}',
    '{"symbol":"BTCUSDT","side":"BUY","type":"MARKET","sideEffectType":["MARGIN_BUY"]}',
    '{"symbol":"BTCUSDT&sideEffectType=MARGIN_BUY","side":"BUY","type":"MARKET","quantity":1}',
  ])('The client default may not borrow: %s', async (body) => {
    const { upstream, proxy } = await start();
    for (const path of ['/sapi/v1/margin/order', '/papi/v1/margin/order']) {
      const reply = await send(proxy.port, path, { method: 'POST', body });
      expect([403, 400]).toContain(reply.status);
    }
    const split = await send(proxy.port, `/sapi/v1/margin/order?${ORDER}`, {
      method: 'POST',
      body: body.startsWith('{') ? body : body.replace(`${ORDER}&`, ''),
    });
    expect([403, 400]).toContain(split.status);
    expect(upstream.received).toEqual([]);
  });
});

describe('the value of an order', () => {
  const yaml = (order: string) =>
    `clients: { bot: { account: main, envPrefix: BOT, permissions: [market-data, read, spot-margin-trade, futures-trade], order: { ${order} } } }`;
  const env = { BOT_CLIENT_KEY: KEY };

  async function exchange(order: string): Promise<{ simulator: Simulator; proxy: TestProxy; price: number }> {
    const simulator = await startSimulator({
      accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET, balances: { USDT: '1000000', BTC: '10' } }],
    });
    onTestFinished(() => simulator.close());
    const proxy = await startTestProxy({ upstream: simulator.url, env, yaml: yaml(order) });
    onTestFinished(() => proxy.close());
    const ticker = await send(proxy.port, '/api/v3/ticker/bookTicker?symbol=BTCUSDT');
    return { simulator, proxy, price: Number(ticker.json?.bidPrice) };
  }

  it('An order counts at the market however low its own price is, and what has no value is refused', async () => {
    const { simulator, proxy, price } = await exchange('maxNotional: { USDT: "1000" }');
    const small = (500 / price).toFixed(5);
    const large = (2_000 / price).toFixed(5);
    const place = async (params: string, path = '/api/v3/order') => {
      const reply = await send(proxy.port, path, {
        method: 'POST',
        headers: bot,
        body: `symbol=BTCUSDT&${params}`,
      });
      return reply.headers['x-proxy-error'] ?? reply.headers['x-proxy-outcome'];
    };
    expect(await place(`side=SELL&type=MARKET&quantity=${small}`)).toBe('answered');
    expect(await place('side=BUY&type=MARKET&quoteOrderQty=999')).toBe('answered');
    const sent = () => simulator.requests.filter(({ method }) => method === 'POST').length;
    const before = sent();
    for (const [params, path] of [
      [`side=SELL&type=MARKET&quantity=${large}`],
      [`side=SELL&type=LIMIT&timeInForce=GTC&quantity=${large}&price=1`],
      [`side=BUY&type=LIMIT&timeInForce=GTC&quantity=${small}&price=${Math.ceil(price * 3)}`],
      ['side=BUY&type=MARKET&quoteOrderQty=1001'],
      [`side=BUY&type=MARKET&quantity=${small}&quoteOrderQty=1001`],
      ['side=SELL&type=MARKET'],
      ['side=SELL&type=MARKET&quantity=NaN'],
      ['side=SELL&type=MARKET&quantity=-1'],
      ['side=SELL&type=STOP_MARKET&stopPrice=1&closePosition=TRUE', '/fapi/v1/order'],
    ] as const) {
      expect([params, await place(params, path)]).toEqual([params, 'PROXY_ORDER_REFUSED']);
    }
    expect(sent()).toBe(before);
  });

  it('The value of an order is not needed to count the orders of a day', async () => {
    const { proxy } = await exchange('maxPerDay: 2');
    const place = () =>
      send(proxy.port, '/api/v3/order', {
        method: 'POST',
        headers: bot,
        body: 'symbol=BTCUSDT&side=BUY&type=MARKET&quoteOrderQty=20',
      });
    const replies = [await place(), await place(), await place()];
    expect(replies.map(({ json, status }) => [status, status === 200 ? undefined : json?.code])).toEqual([
      [200, undefined],
      [200, undefined],
      [400, -2010],
    ]);
  });
});

describe('the record of a call', () => {
  it('The record of a call stands before its bytes leave, without it nothing is signed, and market data goes on', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'signing-proxy-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const dir = join(folder, 'audit');
    const { upstream, proxy } = await start({ env: { BINANCE_PROXY_AUDIT_DIR: dir } });
    const written = () =>
      readdirSync(dir)
        .filter((name) => name.endsWith('.ndjson'))
        .flatMap((name) => readFileSync(join(dir, name), 'utf8').trim().split('\n'))
        .map((line) => JSON.parse(line) as LogRecord);
    let atArrival: LogRecord | undefined;
    upstream.respond((_received, response) => {
      atArrival = written().findLast(({ event }) => event === 'call.signed');
      response.writeHead(200, { 'x-mbx-uuid': 'u-1' }).end('{"orderId":5}');
    });
    const order = { method: 'POST', body: 'symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1' };
    const reply = await send(proxy.port, '/api/v3/order', order);
    const requestId = reply.headers['x-proxy-request-id'];
    expect(atArrival).toMatchObject({
      event: 'call.signed',
      requestId,
      client: 'default',
      account: 'main',
      upstream: 'spot',
      method: 'POST',
      path: '/api/v3/order',
      permission: 'spot-margin-trade',
      params: { symbol: 'BTCUSDT', quantity: '1' },
      weight: 1,
      clientOrderId: expect.stringMatching(/^bsp-/) as string,
    });
    const completed = written().find(
      (record) => record.event === 'call.completed' && record.requestId === requestId,
    );
    expect(completed).toMatchObject({
      status: 200,
      outcome: 'answered',
      orderId: '5',
      clientOrderId: atArrival?.clientOrderId,
      uuid: 'u-1',
      durationMs: expect.any(Number) as number,
      upstreamMs: expect.any(Number) as number,
    });
    rmSync(dir, { recursive: true });
    const before = upstream.received.length;
    const refused = await send(proxy.port, '/api/v3/order', order);
    expect([refused.status, refused.json?.code, refused.headers['x-proxy-error']]).toEqual([
      503,
      -1016,
      'PROXY_AUDIT_UNAVAILABLE',
    ]);
    expect(upstream.received.length).toBe(before);
    expect(existsSync(dir)).toBe(false);
    const atOnce = Array.from({ length: 20 }, () => send(proxy.port, '/api/v3/order', order));
    for (const { status } of await Promise.all(atOnce)) expect(status).toBe(503);
    expect(upstream.received.length).toBe(before);
    upstream.respond((_received, response) => response.writeHead(200).end('{}'));
    expect((await send(proxy.port, '/api/v3/ping')).status).toBe(200);
    // Only now would an order that left in spite of its refusal have arrived.
    expect(upstream.received.slice(before).map(({ target }) => target)).toEqual(['/api/v3/ping']);
  });
});

describe('the two listeners', () => {
  it('The two listeners serve nothing of each other', async () => {
    const { upstream, proxy } = await start();
    const operatorPort = Number(new URL(proxy.operatorUrl).port);
    for (const target of ['/api/v3/ping', '/api/v3/account', '/spot/api/v3/time', '//api/v3/ping'])
      expect([
        (await send(operatorPort, target)).status,
        (await askOperator(proxy.operatorUrl, target)).status,
      ]).toEqual([401, 404]);
    for (const target of ['/livez', '/readyz', '/metrics', '/orders/unresolved', '/operator/status'])
      expect((await send(proxy.port, target)).headers['x-proxy-error']).toBe('PROXY_UNKNOWN_ENDPOINT');
    const ready = await send(operatorPort, '/readyz');
    expect([ready.status, ready.json]).toEqual([200, { ready: true, reasons: [] }]);
    const shown = await askOperator(proxy.operatorUrl, '/operator/status');
    expect([shown.status, shown.json]).toMatchObject([
      200,
      {
        ready: true,
        clock: { synced: true },
        preflight: { main: 'off' },
        frozen: [],
        audit: { available: true },
      },
    ]);
    for (const headers of [{ origin: 'http://evil.example' }, { host: 'evil.example' }])
      expect([403, 421]).toContain((await send(operatorPort, '/metrics', { headers })).status);
    expect(upstream.received).toEqual([]);
  });
});
