import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import { send, sendRaw } from '../../support/clients/http.ts';
import { addressesOf, MAIN, startChild } from '../../support/processes/child.ts';
import { runs } from '../../support/properties.ts';
import {
  askOperator,
  startTestProxy,
  TEST_KEY,
  TEST_SECRET,
  type TestProxy,
  upstreamsAt,
} from '../../support/servers/proxy.ts';

const CLIENT_KEY = 'issuedKEYissuedKEYissuedKEYissuedKEYissuedKEYissuedKEYissuedKEY01';
/** With dots, so that it does not look like a key: only who knows it can mask it. */
const CLIENT_SECRET = 'issued.SECRET.issued.SECRET.issued.SECRET.issued.SECRET.issued.x';
const LISTEN_KEY = 'pqia91ma19a5s61cv6a81va65sdf19v8a65a1a5s61cv6a81va65sdf19v8a65a1';
const { privateKey, publicKey } = generateKeyPairSync('ed25519', {
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});
const PEM_BODY = privateKey.split('\n')[1]!;
/** Nothing but the name of its parameter says what it is. */
const SHORT_TOKEN = 'tkn-51c6';
const SECRETS = [TEST_KEY, TEST_SECRET, CLIENT_KEY, CLIENT_SECRET, LISTEN_KEY, PEM_BODY];

let simulator: Simulator;
let proxy: TestProxy;
let other: TestProxy;
beforeAll(async () => {
  simulator = await startSimulator({
    accounts: [
      { apiKey: TEST_KEY, hmacSecret: TEST_SECRET, balances: { USDT: '100000' } },
      { apiKey: `${TEST_KEY}2`, publicKeyPem: publicKey },
    ],
    limits: { weightPerMinute: { spot: 1_000_000, usdm: 1_000_000 } },
  });
  const env = { BINANCE_PROXY_CLIENT_KEY: CLIENT_KEY, BINANCE_PROXY_LOG_LEVEL: 'trace' };
  proxy = await startTestProxy({
    upstream: simulator.url,
    env: { ...env, BINANCE_PROXY_CLIENT_SECRET: CLIENT_SECRET },
  });
  other = await startTestProxy({
    upstream: simulator.url,
    env: { ...env, BINANCE_API_KEY: `${TEST_KEY}2`, BINANCE_PRIVATE_KEY: privateKey },
  });
});
afterAll(async () => {
  await proxy.close();
  await other.close();
  await simulator.close();
});

/** What any reader takes for the end of a line. */
const LINE_BREAKS = ['\n', '\v', '\f', '\r', '\u001c', '\u001d', '\u001e', '\u0085', '\u2028', '\u2029'];

/** Every signature that arrived at the exchange. */
function signatures(): string[] {
  const sent = simulator.requests.map(({ target, body }) => `${target}&${body.toString()}`);
  const found = sent.flatMap((text) => /[?&]signature=([^&]+)/.exec(text)?.[1] ?? []);
  return found.flatMap((signature) => [signature, decodeURIComponent(signature)]);
}

function expectClean(lines: readonly string[] = [...proxy.lines, ...other.lines]): void {
  const made = signatures();
  expect(made.length).toBeGreaterThan(0);
  for (const secret of [...SECRETS, SHORT_TOKEN, ...made])
    expect(lines.filter((line) => line.includes(secret))).toEqual([]);
  for (const line of lines) {
    expect(LINE_BREAKS.filter((end) => line.includes(end))).toEqual([]);
    expect(typeof JSON.parse(line)).toBe('object');
    expect(line).not.toMatch(/signature=(?!\*\*\*)[^&"]/i);
  }
}

const noise = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom('__proto__', '\u2028', '\u0000\n\r', '{"event":"call.signed"}', '\ud800'),
);

describe('no output contains a secret, whatever a client sends and wherever it puts one', () => {
  it('No log line contains a secret of path, parameters, headers, body or JSON keys, and each is a JSON object', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...SECRETS), noise, fc.nat(13), async (secret, junk, where) => {
        const headers = { 'x-mbx-apikey': CLIENT_KEY };
        const text = encodeURIComponent(junk.toWellFormed());
        const order = 'symbol=BTCUSDT&side=BUY&type=MARKET&quoteOrderQty=10';
        const key = secret.replaceAll(/[^A-Za-z0-9]/g, '');
        const sendings = [
          () => send(proxy.port, `/api/v3/${key}`, { headers }),
          () => send(proxy.port, `/api/v3/account?x=${encodeURIComponent(secret)}&y=${text}`, { headers }),
          () =>
            send(proxy.port, `/api/v3/order`, {
              method: 'POST',
              headers,
              body: `${order}&newClientOrderId=${key.slice(0, 36)}`,
            }),
          () =>
            send(proxy.port, '/api/v3/order', {
              method: 'POST',
              headers,
              body: JSON.stringify({ symbol: 'BTCUSDT', note: secret + junk.toWellFormed() }),
            }),
          () =>
            send(proxy.port, '/api/v3/order', {
              method: 'POST',
              headers,
              body: JSON.stringify({ [key]: junk.toWellFormed() }),
            }),
          () =>
            send(proxy.port, '/api/v3/account', {
              headers: { ...headers, 'user-agent': key, authorization: `Bearer ${key}` },
            }),
          () =>
            send(proxy.port, '/fapi/v1/listenKey', {
              method: 'PUT',
              headers,
              body: `listenKey=${LISTEN_KEY}`,
            }),
          () => send(proxy.port, '/api/v3/time', { headers: { host: `${key}.example` } }),
          () => {
            const known = secret === CLIENT_SECRET ? PEM_BODY : secret;
            return send(other.port, `/api/v3/account?x=${encodeURIComponent(known)}&y=${text}`, { headers });
          },
          () => send(proxy.port, `/api/v3/account?token=${SHORT_TOKEN}&y=${text}`, { headers }),
          () =>
            send(proxy.port, '/api/v3/order', {
              method: 'POST',
              headers,
              body: JSON.stringify({ symbol: 'BTCUSDT', [`${secret} ${junk.toWellFormed()}`]: 'x' }),
            }),
          () => send(proxy.port, `/api/v3/account?x=1&signature=${key}`, { headers }),
          () => send(proxy.port, `/api/v3/account?${key}%20x=1`, { headers }),
          () =>
            send(proxy.port, '/fapi/v1/batchOrders', {
              method: 'POST',
              headers,
              body: `batchOrders=${encodeURIComponent(JSON.stringify([{ symbol: 'BTCUSDT', note: secret, listenToken: SHORT_TOKEN }]))}`,
            }),
        ];
        const reply = await sendings[where % sendings.length]!();
        const said = reply.headers['x-proxy-outcome'] === 'not-sent' ? reply.text : '';
        for (const each of SECRETS) expect(JSON.stringify(reply.headers) + said).not.toContain(each);
      }),
      runs(1_000),
    );
    await sendRaw(proxy.port, `GET /${CLIENT_KEY} ${CLIENT_SECRET} HTTP/1.1\r\n\r\n`);
    expectClean();
    expect(proxy.lines.length).toBeGreaterThan(100);
  });

  it('The operator listener and the names of the process contain no secret', async () => {
    const port = Number(new URL(proxy.operatorUrl).port);
    for (const path of [
      '/readyz',
      '/livez',
      '/metrics',
      '/orders/unresolved',
      '/operator/status',
      `/${CLIENT_KEY}`,
    ]) {
      const texts = [await send(port, path), await askOperator(proxy.operatorUrl, path)].map(
        ({ text }) => text,
      );
      for (const secret of SECRETS) expect(texts.join('')).not.toContain(secret);
    }
    for (const secret of SECRETS) expect(process.title + process.argv.join(' ')).not.toContain(secret);
  });

  it('The program prints no secret on stdout and stderr, at every level of its log', async () => {
    const cwd = mkdtempSync(join(tmpdir(), 'signing-proxy-secrecy-'));
    onTestFinished(() => rmSync(cwd, { recursive: true, force: true }));
    const child = startChild([MAIN, 'serve'], {
      cwd,
      env: {
        BINANCE_API_KEY: TEST_KEY,
        BINANCE_API_SECRET: TEST_SECRET,
        BINANCE_PROXY_CLIENT_KEY: CLIENT_KEY,
        BINANCE_PROXY_CLIENT_SECRET: CLIENT_SECRET,
        BINANCE_PROXY_ENVIRONMENT: 'simulator',
        BINANCE_PROXY_LOG_LEVEL: 'trace',
        BINANCE_PROXY_PORT: '0',
        BINANCE_PROXY_OPERATOR_PORT: '0',
        ...upstreamsAt(simulator.url),
      },
    });
    const port = Number(new URL((await addressesOf(child)).url).port);
    const headers = { 'x-mbx-apikey': CLIENT_KEY };
    const before = simulator.requests.length;
    await send(port, `/api/v3/account?x=${CLIENT_SECRET}`, { headers });
    const order = { method: 'POST', headers, body: `symbol=BTCUSDT&newClientOrderId=x` };
    await send(port, '/api/v3/order', { ...order, body: `${order.body}&note=${CLIENT_SECRET}` });
    const refused = await send(port, '/api/v3/order', { ...order, body: `symbol=${CLIENT_SECRET}` });
    expect(refused.headers['x-proxy-error']).toBe('PROXY_ORDER_REFUSED');
    await send(port, '/api/v3/account', { headers: { 'x-mbx-apikey': TEST_KEY } });
    await sendRaw(port, `GET /${CLIENT_KEY} ${CLIENT_SECRET} HTTP/1.1\r\n\r\n`);
    // The proxy may still be asking its own questions of the start.
    const sent = simulator.requests.slice(before).filter(({ path }) => /\/(?:account|order)$/.test(path));
    expect(sent.filter(({ verified }) => verified)).toHaveLength(2);
    child.kill('SIGHUP');
    await child.record('config.loaded');
    child.kill('SIGTERM');
    const { code, stdout, stderr } = await child.ended;
    expect([code, stderr]).toEqual([0, '']);
    const lines = stdout.trim().split('\n');
    expect(lines.filter((line) => line.includes('"call.signed"'))).toHaveLength(2);
    expectClean(lines);
  });

  it('No log line contains a secret that the exchange repeats when it refuses an order', async () => {
    simulator.inject({
      kind: 'status',
      status: 400,
      match: { path: '/api/v3/order' },
      body: JSON.stringify({ code: -1100, msg: `Illegal ${CLIENT_KEY} and ${TEST_KEY}` }),
    });
    const reply = await send(proxy.port, '/api/v3/order', {
      method: 'POST',
      headers: { 'x-mbx-apikey': CLIENT_KEY },
      body: 'symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1',
    });
    expect(reply.status).toBe(400);
    expectClean();
  });
});
