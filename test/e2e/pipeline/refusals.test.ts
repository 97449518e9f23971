import { createHmac } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { PROXY_ERRORS, type ProxyErrorName } from '../../../src/core/errors.ts';
import { clearOfWindowEnd } from '../../support/clear-of-window.ts';
import { type Reply, type Sending, send } from '../../support/clients/http.ts';
import { startTestProxy, type TestProxy } from '../../support/servers/proxy.ts';
import { startUpstream, type Upstream } from '../../support/servers/upstream.ts';

const KEY = 'issued-key-of-the-bot-0123456789abcdefghijklmnopqrstuvwxyz';
const SECRET = 'issued-secret-of-the-bot-0123456789abcdefghijklmnopqrstuv';
const STRICT_KEY = 'issued-key-of-the-strict-0123456789abcdefghijklmnopqrstuv';
const STRICT_SECRET = 'issued-secret-of-the-strict-0123456789abcdefghijklmnop';
const SLOW_KEY = 'issued-key-of-the-slow-0123456789abcdefghijklmnopqrstuvwx';
const READER_KEY = 'issued-key-of-the-reader-0123456789abcdefghijklmnopqrstuv';
const RULED_KEY = 'issued-key-of-the-ruled-0123456789abcdefghijklmnopqrstuvw';

const YAML = `
clients:
  bot: { account: main, envPrefix: BOT, permissions: [market-data, read, spot-margin-trade, futures-trade] }
  strict: { account: main, envPrefix: STRICT, requireSignature: true, permissions: [market-data, read, spot-margin-trade] }
  slow: { account: main, envPrefix: SLOW, permissions: [read], requestsPerSecond: 1 }
  reader: { account: main, envPrefix: READER, permissions: [market-data, read], weightPerMinute: 30 }
  ruled: { account: main, envPrefix: RULED, permissions: [market-data, read, spot-margin-trade], symbols: [ETHUSDT], order: { types: [LIMIT] } }
`;

const ORDER = 'symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=1';
const as = (key: string): Record<string, string> => ({ 'x-mbx-apikey': key });
const bot = as(KEY);

let upstream: Upstream;
let proxy: TestProxy;

beforeAll(async () => {
  upstream = await startUpstream();
  proxy = await startTestProxy({
    upstream: upstream.url,
    yaml: YAML,
    env: {
      BOT_CLIENT_KEY: KEY,
      BOT_CLIENT_SECRET: SECRET,
      STRICT_CLIENT_KEY: STRICT_KEY,
      STRICT_CLIENT_SECRET: STRICT_SECRET,
      SLOW_CLIENT_KEY: SLOW_KEY,
      READER_CLIENT_KEY: READER_KEY,
      RULED_CLIENT_KEY: RULED_KEY,
    },
  });
});
afterAll(async () => {
  await proxy.close();
  await upstream.close();
});

let before = 0;
beforeEach(() => {
  before = upstream.received.length;
});

function sign(text: string, secret = SECRET): string {
  return `${text}&signature=${createHmac('sha256', secret).update(text).digest('hex')}`;
}

function expectRefusal(reply: Reply, error: ProxyErrorName): void {
  expect([reply.headers['x-proxy-error'], reply.status, reply.json?.code]).toEqual([
    error,
    PROXY_ERRORS[error].status,
    PROXY_ERRORS[error].code,
  ]);
  expect(Object.keys(reply.json ?? {})).toEqual(['code', 'msg']);
  expect(reply.json?.msg).toMatch(/^[A-Z].*\.$/);
  expect(reply.headers['content-type']).toBe('application/json;charset=UTF-8');
  expect(reply.headers['x-proxy-outcome']).toBe('not-sent');
  expect(reply.headers['x-proxy-request-id']).toMatch(/^[0-9a-z]{20}$/);
  expect(upstream.received.length).toBe(before);
  const record = proxy
    .records('call.refused')
    .find(({ requestId }) => requestId === reply.headers['x-proxy-request-id']);
  expect(record).toMatchObject({ error, status: reply.status, code: reply.json?.code, outcome: 'not-sent' });
  expect(record?.rule).toEqual(expect.any(String));
}

const CASES: readonly (readonly [what: string, error: ProxyErrorName, target: string, sending?: Sending])[] =
  [
    ['a path with a percent escape', 'PROXY_MALFORMED_REQUEST', '/api/v3/%6frder', { headers: bot }],
    ['a path with dots', 'PROXY_MALFORMED_REQUEST', '/api/v3/../v3/account', { headers: bot }],
    ['a broken escape', 'PROXY_MALFORMED_REQUEST', '/api/v3/account?a=%zz', { headers: bot }],
    [
      'a JSON body that does not parse',
      'PROXY_MALFORMED_REQUEST',
      '/api/v3/order',
      { method: 'POST', headers: bot, body: '{"a":' },
    ],
    [
      'a JSON null',
      'PROXY_MALFORMED_REQUEST',
      '/api/v3/order',
      { method: 'POST', headers: bot, body: '{"a":null}' },
    ],
    [
      'a body on a GET',
      'PROXY_MALFORMED_REQUEST',
      '/api/v3/account',
      { headers: { ...bot, 'content-length': '3' }, body: 'a=1' },
    ],
    ['a repeated name', 'PROXY_DUPLICATE_PARAMETER', '/api/v3/order?symbol=A&symbol=A', { headers: bot }],
    [
      'query and body that differ',
      'PROXY_DUPLICATE_PARAMETER',
      '/api/v3/order?symbol=A',
      { method: 'POST', headers: bot, body: 'symbol=B' },
    ],
    ['a missing key', 'PROXY_UNKNOWN_CLIENT', '/api/v3/account'],
    ['an empty key', 'PROXY_UNKNOWN_CLIENT', '/api/v3/account', { headers: as('') }],
    ['an unknown key', 'PROXY_UNKNOWN_CLIENT', '/api/v3/account', { headers: as(`${KEY}x`) }],
    ['the real key', 'PROXY_UNKNOWN_CLIENT', '/api/v3/account', { headers: as('REALKEYrealkey') }],
    [
      'an unknown bearer',
      'PROXY_UNKNOWN_CLIENT',
      '/api/v3/account',
      { headers: { authorization: 'Bearer nobody' } },
    ],
    [
      'a missing key on a key-only endpoint',
      'PROXY_UNKNOWN_CLIENT',
      '/fapi/v1/listenKey',
      { method: 'POST' },
    ],
    [
      'a wrong signature',
      'PROXY_BAD_SIGNATURE',
      `/api/v3/account?timestamp=${Date.now()}&recvWindow=60000&signature=${'0'.repeat(64)}`,
      { headers: bot },
    ],
    [
      'no signature where one is required',
      'PROXY_BAD_SIGNATURE',
      '/api/v3/account',
      { headers: as(STRICT_KEY) },
    ],
    [
      'a signed POST without a timestamp',
      'PROXY_BAD_SIGNATURE',
      '/api/v3/order',
      { method: 'POST', headers: bot, body: sign(ORDER) },
    ],
    [
      'a stale request',
      'PROXY_STALE_REQUEST',
      `/api/v3/account?${sign('timestamp=1600000000000')}`,
      { headers: bot },
    ],
    ['an Origin', 'PROXY_BROWSER_REFUSED', '/api/v3/time', { headers: { origin: 'http://localhost' } }],
    [
      'a Sec-Fetch-Site',
      'PROXY_BROWSER_REFUSED',
      '/api/v3/time',
      { headers: { 'sec-fetch-site': 'same-origin' } },
    ],
    ['a foreign Host', 'PROXY_UNKNOWN_HOST', '/api/v3/time', { headers: { host: 'api.binance.com' } }],
    [
      'a Host that begins like a loopback name',
      'PROXY_UNKNOWN_HOST',
      '/api/v3/time',
      { headers: { host: 'localhost.evil.com:80' } },
    ],
    ['a path of no upstream', 'PROXY_UNKNOWN_ENDPOINT', '/nothing', { headers: bot }],
    ['another letter case', 'PROXY_UNKNOWN_ENDPOINT', '/API/v3/account', { headers: bot }],
    ['a trailing slash', 'PROXY_UNKNOWN_ENDPOINT', '/api/v3/account/', { headers: bot }],
    ['another method', 'PROXY_UNKNOWN_ENDPOINT', '/api/v3/account', { method: 'POST', headers: bot }],
    ['another upstream', 'PROXY_UNKNOWN_ENDPOINT', '/coinm/api/v3/account', { headers: bot }],
    ['an operator path', 'PROXY_UNKNOWN_ENDPOINT', '/readyz', { headers: bot }],
    ['PATCH', 'PROXY_UNKNOWN_ENDPOINT', '/api/v3/account', { method: 'PATCH', headers: bot }],
    ['OPTIONS', 'PROXY_UNKNOWN_ENDPOINT', '/api/v3/account', { method: 'OPTIONS', headers: bot }],
    [
      'an upstream that is not configured',
      'PROXY_UNKNOWN_ENDPOINT',
      '/bapi/defi/v1/public/alpha-trade/ticker',
      { headers: bot },
    ],
    [
      'a withdrawal',
      'PROXY_DENYLISTED',
      '/sapi/v1/capital/withdraw/apply',
      { method: 'POST', headers: bot, body: 'coin=BTC&address=x&amount=1' },
    ],
    [
      'a withdrawal of another version',
      'PROXY_DENYLISTED',
      '/sapi/v7/capital/withdraw/apply',
      { method: 'POST', headers: bot },
    ],
    [
      'a withdrawal by another door',
      'PROXY_DENYLISTED',
      '/spot/sapi/v1/giftcard/createCode',
      { method: 'POST', headers: bot },
    ],
    [
      'a missing permission',
      'PROXY_PERMISSION_DENIED',
      '/api/v3/order',
      { method: 'POST', headers: as(READER_KEY), body: ORDER },
    ],
    [
      'a transfer',
      'PROXY_PERMISSION_DENIED',
      '/sapi/v1/asset/transfer',
      { method: 'POST', headers: bot, body: 'type=MAIN_UMFUTURE&asset=USDT&amount=1' },
    ],
    [
      'an order that borrows',
      'PROXY_PERMISSION_DENIED',
      '/sapi/v1/margin/order',
      { method: 'POST', headers: bot, body: `${ORDER}&sideEffectType=MARGIN_BUY` },
    ],
    [
      'a symbol that is not allowed',
      'PROXY_ORDER_REFUSED',
      '/api/v3/order',
      { method: 'POST', headers: as(RULED_KEY), body: ORDER },
    ],
    [
      'an order type that is not allowed',
      'PROXY_ORDER_REFUSED',
      '/api/v3/order',
      { method: 'POST', headers: as(RULED_KEY), body: 'symbol=ETHUSDT&side=BUY&type=MARKET&quantity=1' },
    ],
    [
      'too large a body',
      'PROXY_BODY_TOO_LARGE',
      '/api/v3/order',
      { method: 'POST', headers: bot, body: `a=${'x'.repeat(300_000)}` },
    ],
    [
      'a compressed body',
      'PROXY_UNSUPPORTED_MEDIA_TYPE',
      '/api/v3/order',
      { method: 'POST', headers: { ...bot, 'content-encoding': 'gzip' }, body: 'x' },
    ],
  ];

describe('a refusal has its status, code and headers, its record, and nothing reaches the upstream', () => {
  it.each(CASES.map(([what, ...rest]) => ({ what, rest, error: rest[0] })))(
    'The proxy refuses $what: $error',
    async ({ rest: [error, target, sending] }) => {
      expectRefusal(await send(proxy.port, target, sending), error);
    },
  );

  it('Too large a body without a length is refused with PROXY_BODY_TOO_LARGE', async () => {
    const reply = await send(proxy.port, '/api/v3/order', {
      method: 'POST',
      headers: { ...bot, 'transfer-encoding': 'chunked' },
      body: 'x'.repeat(300_000),
    });
    expectRefusal(reply, 'PROXY_BODY_TOO_LARGE');
  });

  it('A call that was sent before is refused with PROXY_DUPLICATE_ORDER, though a GET may be repeated', async () => {
    const body = sign(`${ORDER}&timestamp=${Date.now()}`);
    expect((await send(proxy.port, '/api/v3/order', { method: 'POST', headers: bot, body })).status).toBe(
      200,
    );
    before = upstream.received.length;
    expectRefusal(
      await send(proxy.port, '/api/v3/order', { method: 'POST', headers: bot, body }),
      'PROXY_DUPLICATE_ORDER',
    );
    const target = `/api/v3/account?${sign(`timestamp=${Date.now()}`)}`;
    expect((await send(proxy.port, target, { headers: bot })).status).toBe(200);
    expect((await send(proxy.port, target, { headers: bot })).status).toBe(200);
  });

  it('More requests than a client may send are refused with PROXY_CLIENT_RATE_LIMITED and retry-after', async () => {
    const replies = await Promise.all(
      [1, 2, 3].map(() => send(proxy.port, '/api/v3/rateLimit/order', { headers: as(SLOW_KEY) })),
    );
    const refused = replies.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    before = upstream.received.length;
    expectRefusal(refused[0]!, 'PROXY_CLIENT_RATE_LIMITED');
    expect(Number(refused[0]!.headers['retry-after'])).toBeGreaterThanOrEqual(1);
  });

  it('More weight than a client’s share is refused with PROXY_WEIGHT_EXHAUSTED and retry-after', async () => {
    await clearOfWindowEnd(60_000, 15_000);
    const replies: Reply[] = [];
    for (let i = 0; i < 3; i++)
      replies.push(await send(proxy.port, '/api/v3/account', { headers: as(READER_KEY) }));
    const refused = replies.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    before = upstream.received.length;
    expectRefusal(refused[0]!, 'PROXY_WEIGHT_EXHAUSTED');
    expect(Number(refused[0]!.headers['retry-after'])).toBeGreaterThanOrEqual(1);
  });

  it('Guessing keys is slowed down with PROXY_CLIENT_RATE_LIMITED', async () => {
    const replies: Reply[] = [];
    for (let i = 0; i < 40; i++)
      replies.push(await send(proxy.port, '/api/v3/account', { headers: as(`guess-${i}`) }));
    expect(replies.at(-1)!.status).toBe(429);
    // Of a flood ten refusals a second have records of their own.
    await pause(1_100);
    const last = await send(proxy.port, '/api/v3/account', { headers: as('guess-again') });
    expectRefusal(last, 'PROXY_CLIENT_RATE_LIMITED');
    expect((await send(proxy.port, '/api/v3/account', { headers: bot })).status).toBe(200);
  });
});

describe('what needs no key', () => {
  it.each([{}, as(''), as('some key of another place')])(
    'A call that needs no key is served to anonymous callers (%o)',
    async (headers) => {
      const reply = await send(proxy.port, '/api/v3/depth?symbol=BTCUSDT', { headers });
      expect(reply.status).toBe(200);
      expect(upstream.received.at(-1)?.headers['x-mbx-apikey']).toBeUndefined();
      const record = proxy
        .records('call.completed')
        .find(({ requestId }) => requestId === reply.headers['x-proxy-request-id']);
      expect(record).toMatchObject({ client: 'anonymous', path: '/api/v3/depth' });
    },
  );
});

describe('an accepted client', () => {
  it.each([bot, { authorization: `Bearer ${KEY}` }])('The key proves a client (%#)', async (headers) => {
    const reply = await send(proxy.port, '/api/v3/account', { headers });
    expect(reply.status).toBe(200);
    expect(upstream.received.at(-1)?.headers.authorization).toBeUndefined();
  });

  it('An accepted client may sign with its issued secret', async () => {
    const text = `timestamp=${Date.now()}`;
    const reply = await send(proxy.port, `/api/v3/account?${sign(text, STRICT_SECRET)}`, {
      headers: as(STRICT_KEY),
    });
    expect(reply.status).toBe(200);
  });
});
