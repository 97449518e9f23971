import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { send, sendRaw } from '../helpers/http.ts';
import { startTestProxy, TEST_KEY, TEST_SECRET, type TestProxy } from '../helpers/proxy.ts';

const CLIENT_KEY = 'issuedKEYissuedKEYissuedKEYissuedKEYissuedKEYissuedKEYissuedKEY01';
const CLIENT_SECRET = 'issuedSECRETissuedSECRETissuedSECRETissuedSECRETissuedSECRETxyz';
const LISTEN_KEY = 'pqia91ma19a5s61cv6a81va65sdf19v8a65a1a5s61cv6a81va65sdf19v8a65a1';
const { privateKey, publicKey } = generateKeyPairSync('ed25519', {
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});
const PEM_BODY = privateKey.split('\n')[1]!;
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

function expectClean(): void {
  for (const line of [...proxy.lines, ...other.lines]) {
    expect(line).not.toContain('\n');
    expect(typeof JSON.parse(line)).toBe('object');
    for (const secret of SECRETS) expect(line).not.toContain(secret);
    expect(line).not.toMatch(/signature=(?!\*\*\*)[^&"]/i);
  }
}

const noise = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom('__proto__', '\u2028', '\u0000\n\r', '{"event":"call.signed"}', '\ud800'),
);

describe('no output contains a secret, whatever a client sends and wherever it puts one', () => {
  it('in path, parameters, headers, body and JSON keys; each line is one JSON object', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...SECRETS), noise, fc.nat(9), async (secret, junk, where) => {
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
          () => send(other.port, `/api/v3/account?y=${text}`, { headers: { 'x-mbx-apikey': CLIENT_KEY } }),
          () =>
            send(proxy.port, '/fapi/v1/batchOrders', {
              method: 'POST',
              headers,
              body: `batchOrders=${encodeURIComponent(JSON.stringify([{ symbol: 'BTCUSDT', note: secret }]))}`,
            }),
        ];
        const reply = await sendings[where % sendings.length]!();
        if (reply.headers['x-proxy-outcome'] === 'not-sent')
          for (const each of SECRETS) expect(reply.text).not.toContain(each);
      }),
      { numRuns: 300 },
    );
    await sendRaw(proxy.port, `GET /${CLIENT_KEY} ${CLIENT_SECRET} HTTP/1.1\r\n\r\n`);
    expectClean();
    expect(proxy.lines.length).toBeGreaterThan(100);
  });

  it('in what the operator listener says, nor in the names of the process', async () => {
    const port = Number(new URL(proxy.operatorUrl).port);
    for (const path of ['/readyz', '/livez', '/metrics', '/orders/unresolved', `/${CLIENT_KEY}`]) {
      const { text } = await send(port, path);
      for (const secret of SECRETS) expect(text).not.toContain(secret);
    }
    for (const secret of SECRETS) expect(process.title + process.argv.join(' ')).not.toContain(secret);
  });

  it('in an order that the exchange refuses while it repeats what it was given', async () => {
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
