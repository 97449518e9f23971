import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeComponent } from '../../../src/core/call/form.ts';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import { send } from '../../support/clients/http.ts';
import { runs } from '../../support/properties.ts';
import { startTestProxy, TEST_KEY, TEST_SECRET, type TestProxy } from '../../support/servers/proxy.ts';

const STAMP = new Set(['recvWindow', 'timestamp', 'signature']);

/** The parameters of a form as the exchange reads them, less the stamp. */
function read(form: string): (readonly [name: string, value: string])[] {
  const pairs = form.split('&').map((segment) => {
    const [name = '', value = ''] = segment.split(/=(.*)/s);
    return [name, decodeURIComponent(value.replaceAll('+', ' '))] as const;
  });
  return form === '' ? [] : pairs.filter(([name]) => !STAMP.has(name));
}

let simulator: Simulator;
let proxy: TestProxy;
beforeAll(async () => {
  simulator = await startSimulator({
    accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET, balances: { USDT: '100000', BTC: '1' } }],
    limits: { weightPerMinute: { spot: 1_000_000, usdm: 1_000_000 } },
  });
  proxy = await startTestProxy({ upstream: simulator.url });
});
afterAll(async () => {
  await proxy.close();
  await simulator.close();
});

describe('what the exchange verifies is what was signed', () => {
  it('The exchange verifies arbitrary parameter bytes in query, form and JSON', async () => {
    const value = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 12 }),
      fc.string({ unit: 'binary', maxLength: 12 }).map((text) => text.toWellFormed()),
      fc.constantFrom('', ' a ', '+', '100%', '%41', 'a&b=c', '\r\n', '"[{}]"', 'é'),
    );
    const place = fc.constantFrom('query', 'raw query', 'form', 'raw form', 'json', 'split');
    await fc.assert(
      fc.asyncProperty(fc.array(value, { minLength: 1, maxLength: 4 }), place, async (values, where) => {
        const pairs = values.map((text, index) => [`p${index}`, text] as const);
        const encoded = pairs.map(([name, text]) => `${name}=${encodeComponent(text)}`);
        const rawPairs = pairs.map(([name, text]) => [name, text.replaceAll(/[&%]/g, '')] as const);
        const raw = Buffer.from(rawPairs.map((pair) => pair.join('=')).join('&'));
        const spaced = rawPairs.map(([name, text]) => [name, text.replaceAll('+', ' ')] as const);
        const path = '/sapi/v1/asset/get-funding-asset';
        const json = JSON.stringify(Object.fromEntries(pairs));
        const sending = {
          query: () => send(proxy.port, `${path}?${encoded.join('&')}`, { method: 'POST' }),
          'raw query': () =>
            send(proxy.port, `${path}?${encoded.join('&').replaceAll('%22', '"').replaceAll('%5B', '[')}`, {
              method: 'POST',
            }),
          form: () => send(proxy.port, path, { method: 'POST', body: encoded.join('&') }),
          'raw form': () => send(proxy.port, path, { method: 'POST', body: raw }),
          json: () => send(proxy.port, path, { method: 'POST', body: json }),
          split: () =>
            send(proxy.port, `${path}?${encoded.slice(1).join('&')}`, {
              method: 'POST',
              body: encoded[0] ?? '',
            }),
        }[where];
        const [inQuery, inBody] = {
          query: [pairs, []],
          'raw query': [pairs, []],
          form: [[], pairs],
          'raw form': [[], spaced],
          json: [[], pairs],
          split: [pairs.slice(1), pairs.slice(0, 1)],
        }[where];
        const before = simulator.requests.length;
        const reply = await sending();
        expect([reply.status, reply.text]).toEqual([200, expect.any(String)]);
        const received = simulator.requests.slice(before);
        expect(received.map(({ verified }) => verified)).toEqual([true]);
        expect(received.map(({ target }) => read(target.split('?')[1] ?? ''))).toEqual([inQuery]);
        expect(received.map(({ body }) => read(body.toString()))).toEqual([inBody]);
      }),
      runs(1_000),
    );
  });

  it('The exchange verifies a wrongly signed request of the app, of which nothing arrives', async () => {
    const target = `/api/v3/account?omitZeroBalances=true&timestamp=${Date.now()}&recvWindow=4000&signature=deadbeef`;
    const reply = await send(proxy.port, target, {
      headers: { 'x-mbx-apikey': 'the-apps-own-key', authorization: 'Bearer the-apps-own-key' },
    });
    expect(reply.status).toBe(200);
    const received = simulator.requests.at(-1)!;
    expect(received.verified).toBe(true);
    expect(received.target).not.toContain('deadbeef');
    expect(received.target).toContain('recvWindow=4000&timestamp=');
    expect(received.rawHeaders.join('\n')).not.toContain('the-apps-own-key');
  });

  it('A repeated name verifies where the catalogue allows it, and nowhere else', async () => {
    const key = 'a-key-that-was-issued-to-the-sweeper';
    const sweeper = await startTestProxy({
      upstream: simulator.url,
      env: { SWEEPER_CLIENT_KEY: key },
      yaml: 'clients: { sweeper: { account: main, envPrefix: SWEEPER, permissions: [read, convert] } }',
    });
    try {
      const sweep = (path: string) =>
        send(sweeper.port, path, {
          method: 'POST',
          headers: { 'x-mbx-apikey': key },
          body: 'asset=BTC&asset=ETH',
        });
      const dust = await sweep('/sapi/v1/asset/dust');
      expect([dust.status, dust.json?.transferResult]).toMatchObject([
        200,
        [{ fromAsset: 'BTC' }, { fromAsset: 'ETH' }],
      ]);
      const received = simulator.requests.at(-1)!;
      expect([received.path, received.verified]).toEqual(['/sapi/v1/asset/dust', true]);
      expect(received.body.toString()).toMatch(/^asset=BTC&asset=ETH&/);
      const refused = await sweep('/sapi/v1/asset/get-funding-asset');
      expect([refused.status, refused.headers['x-proxy-error']]).toEqual([400, 'PROXY_DUPLICATE_PARAMETER']);
      expect(simulator.requests.at(-1)).toBe(received);
    } finally {
      await sweeper.close();
    }
  });

  it('A call that the exchange refuses with -1021 is measured, stamped and signed anew, once', async () => {
    simulator.inject({ kind: 'stale-timestamp', match: { path: '/api/v3/account' }, times: 1 });
    const before = simulator.requests.length;
    expect((await send(proxy.port, '/api/v3/account')).status).toBe(200);
    const sent = simulator.requests.slice(before).filter(({ path }) => path === '/api/v3/account');
    expect(sent.map(({ code }) => code)).toEqual([-1021, undefined]);
    simulator.inject({ kind: 'stale-timestamp', match: { path: '/api/v3/order' }, times: 2 });
    const reply = await send(proxy.port, '/api/v3/order', {
      method: 'POST',
      body: 'symbol=BTCUSDT&side=BUY&type=MARKET&quoteOrderQty=20',
    });
    expect([reply.status, reply.json?.code, reply.headers['x-proxy-outcome']]).toEqual([
      400,
      -1021,
      'answered',
    ]);
  });

  it('A signed call verifies after the exchange’s clock jumped by minutes', async () => {
    simulator.setClockOffset(240_000);
    try {
      expect((await send(proxy.port, '/api/v3/account')).status).toBe(200);
    } finally {
      simulator.setClockOffset(0);
      await send(proxy.port, '/api/v3/account');
    }
  });
});

const PASSPHRASE = 'a passphrase of the test';
const pem = { type: 'pkcs8', format: 'pem' } as const;
const KEYS = [
  [
    'Ed25519',
    () =>
      generateKeyPairSync('ed25519', {
        privateKeyEncoding: pem,
        publicKeyEncoding: { type: 'spki', format: 'pem' },
      }),
    false,
  ],
  [
    'RSA 2048',
    () =>
      generateKeyPairSync('rsa', {
        modulusLength: 2048,
        privateKeyEncoding: pem,
        publicKeyEncoding: { type: 'spki', format: 'pem' },
      }),
    false,
  ],
  [
    'an encrypted Ed25519 key',
    () =>
      generateKeyPairSync('ed25519', {
        privateKeyEncoding: { ...pem, cipher: 'aes-256-cbc', passphrase: PASSPHRASE },
        publicKeyEncoding: { type: 'spki', format: 'pem' },
      }),
    true,
  ],
] as const;

describe('an account with another kind of key', () => {
  it.each(KEYS)(
    'With %s query, body, mixed and a symbol in Chinese characters verify',
    async (_name, generate, encrypted) => {
      const { privateKey, publicKey } = generate();
      const exchange = await startSimulator({
        accounts: [{ apiKey: TEST_KEY, publicKeyPem: publicKey, balances: { USDT: '1000' } }],
      });
      const other = await startTestProxy({
        upstream: exchange.url,
        env: {
          BINANCE_PRIVATE_KEY: privateKey.replaceAll('\n', '\\n'),
          ...(encrypted ? { BINANCE_PRIVATE_KEY_PASSPHRASE: PASSPHRASE } : {}),
        },
      });
      try {
        const before = exchange.requests.length;
        await send(other.port, '/api/v3/account');
        await send(other.port, `/api/v3/openOrders?symbol=${encodeURIComponent('币安人生USDT')}`);
        await send(other.port, '/api/v3/order/test', {
          method: 'POST',
          body: 'symbol=币安人生USDT&side=BUY&type=MARKET&quoteOrderQty=20',
        });
        await send(other.port, '/fapi/v1/order?symbol=BTCUSDT&side=BUY', {
          method: 'POST',
          body: 'type=MARKET&quantity=0.01',
        });
        expect(exchange.requests.slice(before).map(({ verified, code }) => [verified, code])).toEqual(
          Array(4).fill([true, undefined]),
        );
      } finally {
        await other.close();
        await exchange.close();
      }
    },
  );
});

describe('a clock that is wrong', () => {
  it.each([-600_000, 600_000])('A clock wrong by %i ms is not noticed by an app', async (clockOffsetMs) => {
    const exchange = await startSimulator({
      accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET }],
      clockOffsetMs,
    });
    const other = await startTestProxy({ upstream: exchange.url });
    try {
      expect((await send(other.port, '/api/v3/account')).status).toBe(200);
      expect(exchange.requests.every(({ code }) => code === undefined)).toBe(true);
    } finally {
      await other.close();
      await exchange.close();
    }
  });

  it('Signed calls get 503 while the exchange cannot be asked for its time, and market data passes', async () => {
    const exchange = await startSimulator({ accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET }] });
    exchange.inject({ kind: 'status', status: 500, match: { path: '/api/v3/time' }, times: 100 });
    const other = await startTestProxy({ upstream: exchange.url });
    try {
      const reply = await send(other.port, '/api/v3/account');
      expect([
        reply.status,
        reply.json?.code,
        reply.headers['x-proxy-error'],
        reply.headers['x-proxy-outcome'],
      ]).toEqual([503, -1016, 'PROXY_NOT_READY', 'not-sent']);
      expect((await send(other.port, '/api/v3/ping')).status).toBe(200);
      const ready = await send(Number(new URL(other.operatorUrl).port), '/readyz');
      expect([ready.status, ready.json?.ready]).toEqual([503, false]);
      expect((await send(Number(new URL(other.operatorUrl).port), '/livez')).status).toBe(200);
    } finally {
      await other.close();
      await exchange.close();
    }
  });
});
