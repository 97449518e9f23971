import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { loadCatalogue } from '../../../src/config/load-catalogue.ts';
import { readHead } from '../../../src/core/call/call.ts';
import { readTarget } from '../../../src/core/call/target.ts';
import { ProxyError } from '../../../src/core/errors.ts';
import { DAY_MS, MINUTE_MS } from '../../../src/core/intervals.ts';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import { clearOfWindowEnd } from '../../support/clear-of-window.ts';
import { send } from '../../support/clients/http.ts';
import {
  askOperator,
  startTestProxy,
  TEST_KEY,
  TEST_SECRET,
  type TestProxy,
} from '../../support/servers/proxy.ts';

let simulator: Simulator | undefined;
let proxy: TestProxy | undefined;
afterEach(async () => {
  await proxy?.close();
  await simulator?.close();
  proxy = undefined;
  simulator = undefined;
});

const ENFORCE = { BINANCE_PROXY_KEY_PREFLIGHT: 'enforce' };
const PREFLIGHT = '/sapi/v1/account/apiRestrictions';
const OTHER_KEY = TEST_KEY.toLowerCase();
const OTHER_SECRET = TEST_SECRET.toLowerCase();
const MOVER = { 'x-mbx-apikey': 'a-key-that-was-issued-to-the-mover' };
const READER = { 'x-mbx-apikey': 'a-key-that-was-issued-to-the-reader' };
/** Two accounts, of which one has a client that may transfer. */
const TWO_ACCOUNTS = {
  env: {
    ...ENFORCE,
    BINANCE_OTHER_API_KEY: OTHER_KEY,
    BINANCE_OTHER_API_SECRET: OTHER_SECRET,
    MOVER_CLIENT_KEY: MOVER['x-mbx-apikey'],
    READER_CLIENT_KEY: READER['x-mbx-apikey'],
  },
  yaml: `accounts: { main: { envPrefix: BINANCE }, other: { envPrefix: BINANCE_OTHER } }
clients:
  mover: { account: main, envPrefix: MOVER, permissions: [read, universal-transfer] }
  reader: { account: other, envPrefix: READER, permissions: [read] }`,
} as const;

async function exchange(
  restrictions: Readonly<Record<string, boolean>> = {},
  sapi = true,
): Promise<Simulator> {
  simulator = await startSimulator({
    accounts: [
      { apiKey: TEST_KEY, hmacSecret: TEST_SECRET, restrictions },
      { apiKey: OTHER_KEY, hmacSecret: OTHER_SECRET },
    ],
    sapi,
  });
  return simulator;
}

const USES_OF_THE_KEY = [
  ['GET', '/api/v3/account'],
  ['POST', '/api/v3/order?symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1'],
  ['DELETE', '/api/v3/openOrders?symbol=BTCUSDT'],
  ['POST', '/fapi/v1/listenKey'],
] as const;

describe('the key preflight', () => {
  it.each([
    ['enableWithdrawals', 'Enable Withdrawals'],
    ['permitsUniversalTransfer', 'Permits Universal Transfer'],
    ['enableInternalTransfer', 'Enable Internal Transfer'],
  ])('The preflight stops the start for a key with %s, and names the switch', async (name, label) => {
    const { url } = await exchange({ [name]: true });
    await expect(startTestProxy({ upstream: url, env: ENFORCE })).rejects.toThrow(
      new RegExp(`${label}.*turn it off at Binance`),
    );
  });

  it('The preflight lets a transfer switch pass where a client was granted the transfer, but never withdrawals', async () => {
    const running = await exchange({ permitsUniversalTransfer: true });
    proxy = await startTestProxy({ upstream: running.url, ...TWO_ACCOUNTS });
    expect(proxy.records('preflight.passed')).toMatchObject([{ account: 'main' }, { account: 'other' }]);
    await proxy.close();
    for (const name of ['enableInternalTransfer', 'enableWithdrawals']) {
      running.setRestrictions(TEST_KEY, { [name]: true });
      await expect(startTestProxy({ upstream: running.url, ...TWO_ACCOUNTS })).rejects.toThrow(
        `Account main: The key has "${name === 'enableWithdrawals' ? 'Enable Withdrawals' : 'Enable Internal Transfer'}"`,
      );
      running.setRestrictions(TEST_KEY, { [name]: false });
    }
  });

  it('The preflight does not take what was granted on one account for another one', async () => {
    const running = await exchange();
    running.setRestrictions(OTHER_KEY, { permitsUniversalTransfer: true });
    await expect(startTestProxy({ upstream: running.url, ...TWO_ACCOUNTS })).rejects.toThrow(
      /Account other: The key has "Permits Universal Transfer"/,
    );
  });

  it('The preflight is recorded like any other signed call', async () => {
    const { url } = await exchange({ ipRestrict: true });
    proxy = await startTestProxy({ upstream: url, env: ENFORCE });
    expect(proxy.records('call.signed')).toMatchObject([
      { client: 'proxy', account: 'main', path: PREFLIGHT },
    ]);
    expect(proxy.records('call.completed')).toMatchObject([
      { client: 'proxy', status: 200, outcome: 'answered' },
    ]);
  });

  it('The preflight is not asked without its record', async () => {
    const { url, requests } = await exchange();
    const folder = mkdtempSync(join(tmpdir(), 'signing-proxy-preflight-'));
    try {
      const env = { ...ENFORCE, BINANCE_PROXY_AUDIT_DIR: join(folder, 'audit') };
      proxy = await startTestProxy({ upstream: url, env });
      const asked = () => requests.filter(({ path }) => path === PREFLIGHT).length;
      expect(asked()).toBe(1);
      rmSync(folder, { recursive: true });
      await proxy.parts.gate.check();
      // Only now would a question that left all the same have arrived.
      expect((await send(proxy.port, '/api/v3/ping')).status).toBe(200);
      expect(asked()).toBe(1);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('The preflight warns of a key without IP restriction', async () => {
    const { url } = await exchange({ ipRestrict: false });
    proxy = await startTestProxy({ upstream: url, env: ENFORCE });
    expect(proxy.records('preflight.passed')).toMatchObject([
      { level: 40, msg: expect.stringContaining('ipRestrict') as string },
    ]);
    expect((await send(proxy.port, '/api/v3/account')).status).toBe(200);
  });

  it('The preflight with `warn` says it and goes on, and with `off` does not ask', async () => {
    const { url, requests } = await exchange({ enableWithdrawals: true });
    proxy = await startTestProxy({ upstream: url, env: { BINANCE_PROXY_KEY_PREFLIGHT: 'warn' } });
    expect(proxy.records('preflight.failed')).toHaveLength(1);
    expect((await send(proxy.port, '/api/v3/account')).status).toBe(200);
    await proxy.close();
    const asked = () => requests.filter(({ path }) => path === PREFLIGHT).length;
    const before = asked();
    proxy = await startTestProxy({ upstream: url, env: { BINANCE_PROXY_KEY_PREFLIGHT: 'off' } });
    expect(asked()).toBe(before);
  });

  it('The preflight skips an exchange without /sapi (testnet)', async () => {
    const { url } = await exchange({}, false);
    proxy = await startTestProxy({ upstream: url, env: ENFORCE });
    expect(proxy.parts.gate.verdicts.get('main')).toMatchObject({ kind: 'skipped' });
    expect((await send(proxy.port, '/api/v3/account')).status).toBe(200);
  });

  it('A key that turns withdraw-capable stops signing and /readyz, and signing starts again when it is mended', async () => {
    const running = await exchange();
    proxy = await startTestProxy({ upstream: running.url, env: ENFORCE });
    expect((await send(proxy.port, '/api/v3/account')).status).toBe(200);
    running.setRestrictions(TEST_KEY, { enableWithdrawals: true });
    await proxy.parts.gate.check();
    const before = running.requests.length;
    for (const [method, target] of USES_OF_THE_KEY) {
      const reply = await send(proxy.port, target, { method });
      expect([target, reply.status, reply.headers['x-proxy-error']]).toEqual([
        target,
        503,
        'PROXY_NOT_READY',
      ]);
    }
    expect(running.requests.length).toBe(before);
    const ready = await send(Number(new URL(proxy.operatorUrl).port), '/readyz');
    expect([ready.status, ready.json]).toEqual([503, { ready: false, reasons: ['preflight'] }]);
    const { text } = await askOperator(proxy.operatorUrl, '/operator/status');
    expect(text).toContain('Enable Withdrawals');
    expect(proxy.records('preflight.failed')).toMatchObject([{ level: 50, account: 'main' }]);
    running.setRestrictions(TEST_KEY, { enableWithdrawals: false });
    await proxy.parts.gate.check();
    expect((await send(proxy.port, '/api/v3/account')).status).toBe(200);
  });

  it('The preflight stops the account whose key it is, and no other one', async () => {
    const running = await exchange();
    proxy = await startTestProxy({ upstream: running.url, ...TWO_ACCOUNTS });
    running.setRestrictions(OTHER_KEY, { enableWithdrawals: true });
    await proxy.parts.gate.check();
    const answers = [MOVER, READER].map((headers) => send(proxy!.port, '/api/v3/account', { headers }));
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 503]);
  });

  it('Signed calls get 503 until the first answer of the preflight, and market data passes', async () => {
    const running = await exchange();
    running.inject({ kind: 'status', status: 500, match: { path: PREFLIGHT }, times: 1 });
    proxy = await startTestProxy({ upstream: running.url, env: ENFORCE });
    for (const [method, target] of USES_OF_THE_KEY) {
      const reply = await send(proxy.port, target, { method });
      expect([target, reply.headers['x-proxy-error']]).toEqual([target, 'PROXY_NOT_READY']);
    }
    expect((await send(proxy.port, '/api/v3/ping')).status).toBe(200);
    await proxy.parts.gate.check();
    expect((await send(proxy.port, '/api/v3/account')).status).toBe(200);
  });
});

describe('what is told of a key', () => {
  it('A key that is about to lose its right to trade, and switches that do not fit, stand in the record of the start', async () => {
    const endsMs = Date.now() + 3 * DAY_MS;
    const ends = new Date(endsMs).toISOString();
    const running = await exchange({ ipRestrict: true, enableFutures: false });
    running.setRestrictions(TEST_KEY, { tradingAuthorityExpirationTime: endsMs });
    proxy = await startTestProxy({ upstream: running.url, env: ENFORCE });
    const [record] = proxy.records('preflight.passed');
    expect(record).toMatchObject({ level: 40, detail: { role: 'in force', tradingAuthorityEnds: ends } });
    expect(record?.msg).toContain(`(tradingAuthorityExpirationTime) ends at ${ends}`);
    expect(record?.msg).toContain('"Enable Futures" (enableFutures) for futures-trade');
    expect(record?.msg).toContain('"Enable Margin Loan, Repay & Transfer" (enableMargin) for loan');
    const operatorPort = Number(new URL(proxy.operatorUrl).port);
    expect((await askOperator(proxy.operatorUrl, '/operator/status')).json).toMatchObject({
      tradingAuthorityEnds: { main: ends },
    });
    const metric = `binance_proxy_key_trading_authority_end_seconds{account="main"} ${endsMs / 1000}`;
    expect((await send(operatorPort, '/metrics')).text).toContain(metric);
  });

  it('What nobody needs is a note and no warning', async () => {
    const { url } = await exchange({ ipRestrict: true });
    proxy = await startTestProxy({ upstream: url, env: ENFORCE });
    expect(proxy.records('preflight.passed')).toMatchObject([
      { level: 30, msg: expect.stringMatching(/^The key is switched on .*enableMargin/) as string },
    ]);
  });

  it.each([
    [
      'wrong secret',
      { BINANCE_API_SECRET: `${TEST_SECRET.slice(0, -1)}0` },
      /code -1022: the secret or private key/,
    ],
    ['unknown key', { BINANCE_API_KEY: 'Q'.repeat(64) }, /code -2015: the key is unknown there/],
    [
      'placeholder',
      { BINANCE_API_KEY: 'your-api-key' },
      /code -2014: this is not what an API key looks like/,
    ],
  ])('A %s is one warning at the start', async (_what, env, reason) => {
    const { url } = await exchange();
    proxy = await startTestProxy({ upstream: url, env: { ...ENFORCE, ...env } });
    expect(proxy.records('preflight.unanswered')).toMatchObject([
      { level: 40, account: 'main', msg: expect.stringMatching(reason) as string },
    ]);
    await proxy.parts.gate.check();
    expect(proxy.records('preflight.unanswered')).toHaveLength(1);
    expect((await send(proxy.port, '/api/v3/account')).json?.msg).toMatch(reason);
  });
});

describe('where a key is asked about', () => {
  /** The environment says testnet; one of its origins is Binance's live exchange. */
  const LIVE_IN_TESTNET = {
    BINANCE_PROXY_ENVIRONMENT: 'testnet',
    BINANCE_PROXY_UPSTREAM_SPOT_WS_API: 'wss://ws-api.binance.com',
  };

  it('A testnet environment with a live origin does not sign before the key was judged, whatever a 404 says', async () => {
    const running = await exchange({}, false);
    proxy = await startTestProxy({ upstream: running.url, env: LIVE_IN_TESTNET });
    expect((await send(proxy.port, '/api/v3/account')).headers['x-proxy-error']).toBe('PROXY_NOT_READY');
    expect(running.requests.map(({ path }) => path)).toContain(PREFLIGHT);
    expect(running.requests.map(({ path }) => path)).not.toContain('/api/v3/account');
  });

  it('A testnet environment with a live origin stops the start for a key that may withdraw', async () => {
    const { url } = await exchange({ enableWithdrawals: true });
    await expect(startTestProxy({ upstream: url, env: LIVE_IN_TESTNET })).rejects.toThrow(
      /Enable Withdrawals/,
    );
  });

  it('A client that reads its key permissions without end does not keep the question from being asked', async () => {
    const running = await exchange();
    proxy = await startTestProxy({ upstream: running.url, env: ENFORCE });
    const { budgets, config } = proxy.parts.app;
    const call = readHead('GET', readTarget(PREFLIGHT));
    const endpoint = loadCatalogue().find('spot', 'GET', PREFLIGHT)!;
    const client = config().settings.clients.get('default')!;
    const charge = () => budgets.charge({ endpoint, call, client, account: 'main', recvWindowMs: 5_000 });
    await clearOfWindowEnd(MINUTE_MS, 15_000);
    expect(() => {
      for (let calls = 0; calls <= 12_000; calls++) void charge();
    }).toThrow(ProxyError);
    const refused = await send(proxy.port, PREFLIGHT);
    expect([refused.status, refused.headers['x-proxy-error']]).toEqual([429, 'PROXY_WEIGHT_EXHAUSTED']);
    const asked = () => running.requests.filter(({ path }) => path === PREFLIGHT).length;
    expect(asked()).toBe(1);
    running.setRestrictions(TEST_KEY, { enableWithdrawals: true });
    await proxy.parts.gate.check();
    expect(asked()).toBe(2);
    expect((await send(proxy.port, '/api/v3/account')).headers['x-proxy-error']).toBe('PROXY_NOT_READY');
  });
});
