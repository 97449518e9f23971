import { afterEach, describe, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { send } from '../helpers/http.ts';
import { startTestProxy, TEST_KEY, TEST_SECRET, type TestProxy } from '../helpers/proxy.ts';

let simulator: Simulator | undefined;
let proxy: TestProxy | undefined;
afterEach(async () => {
  await proxy?.close();
  await simulator?.close();
  proxy = undefined;
  simulator = undefined;
});

const ENFORCE = { BINANCE_PROXY_KEY_PREFLIGHT: 'enforce' };

async function exchange(
  restrictions: Readonly<Record<string, boolean>> = {},
  sapi = true,
): Promise<Simulator> {
  simulator = await startSimulator({
    accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET, restrictions }],
    sapi,
  });
  return simulator;
}

describe('the key preflight', () => {
  it.each([
    ['enableWithdrawals', 'Enable Withdrawals'],
    ['permitsUniversalTransfer', 'Permits Universal Transfer'],
    ['enableInternalTransfer', 'Enable Internal Transfer'],
  ])('stops the start for a key with %s, and names the switch', async (name, label) => {
    const { url } = await exchange({ [name]: true });
    await expect(startTestProxy({ upstream: url, env: ENFORCE })).rejects.toThrow(
      new RegExp(`${label}.*turn it off at Binance`),
    );
  });

  it('lets a transfer switch pass where a client was granted the transfer, but never withdrawals', async () => {
    const { url } = await exchange({ permitsUniversalTransfer: true });
    const yaml =
      'clients: { mover: { account: main, envPrefix: MOVER, permissions: [read, universal-transfer] } }';
    proxy = await startTestProxy({
      upstream: url,
      env: { ...ENFORCE, MOVER_CLIENT_KEY: 'a-key-that-was-issued-to-the-mover' },
      yaml,
    });
    expect(proxy.records('preflight.passed')).toHaveLength(1);
  });

  it('is recorded like any other signed call', async () => {
    const { url } = await exchange({ ipRestrict: true });
    proxy = await startTestProxy({ upstream: url, env: ENFORCE });
    expect(proxy.records('call.signed')).toMatchObject([
      { client: 'proxy', account: 'main', path: '/sapi/v1/account/apiRestrictions' },
    ]);
    expect(proxy.records('call.completed')).toMatchObject([
      { client: 'proxy', status: 200, outcome: 'answered' },
    ]);
  });

  it('warns of a key without IP restriction', async () => {
    const { url } = await exchange({ ipRestrict: false });
    proxy = await startTestProxy({ upstream: url, env: ENFORCE });
    expect(proxy.records('preflight.passed')).toMatchObject([
      { level: 40, msg: expect.stringContaining('ipRestrict') as string },
    ]);
    expect((await send(proxy.port, '/api/v3/account')).status).toBe(200);
  });

  it('with `warn` says it and goes on, with `off` does not ask', async () => {
    const { url, requests } = await exchange({ enableWithdrawals: true });
    proxy = await startTestProxy({ upstream: url, env: { BINANCE_PROXY_KEY_PREFLIGHT: 'warn' } });
    expect(proxy.records('preflight.failed')).toHaveLength(1);
    expect((await send(proxy.port, '/api/v3/account')).status).toBe(200);
    await proxy.close();
    const asked = () => requests.filter(({ path }) => path === '/sapi/v1/account/apiRestrictions').length;
    const before = asked();
    proxy = await startTestProxy({ upstream: url, env: { BINANCE_PROXY_KEY_PREFLIGHT: 'off' } });
    expect(asked()).toBe(before);
  });

  it('skips an exchange without /sapi (testnet)', async () => {
    const { url } = await exchange({}, false);
    proxy = await startTestProxy({ upstream: url, env: ENFORCE });
    expect(proxy.line.gate.verdicts.get('main')).toMatchObject({ kind: 'skipped' });
    expect((await send(proxy.port, '/api/v3/account')).status).toBe(200);
  });

  it('stops signing, and says so in /readyz, when a key turns withdraw-capable later; and starts again when it is mended', async () => {
    const running = await exchange();
    proxy = await startTestProxy({ upstream: running.url, env: ENFORCE });
    expect((await send(proxy.port, '/api/v3/account')).status).toBe(200);
    running.setRestrictions(TEST_KEY, { enableWithdrawals: true });
    await proxy.line.gate.check();
    const before = running.requests.length;
    const reply = await send(proxy.port, '/api/v3/account');
    expect([reply.status, reply.headers['x-proxy-error'], running.requests.length]).toEqual([
      503,
      'PROXY_NOT_READY',
      before,
    ]);
    const ready = await send(Number(new URL(proxy.operatorUrl).port), '/readyz');
    expect([ready.status, ready.text]).toEqual([
      503,
      expect.stringContaining('Enable Withdrawals') as string,
    ]);
    expect(proxy.records('preflight.failed')).toMatchObject([{ level: 50, account: 'main' }]);
    running.setRestrictions(TEST_KEY, { enableWithdrawals: false });
    await proxy.line.gate.check();
    expect((await send(proxy.port, '/api/v3/account')).status).toBe(200);
  });

  it('until the first answer signed calls get 503, market data passes', async () => {
    const running = await exchange();
    running.inject({
      kind: 'status',
      status: 500,
      match: { path: '/sapi/v1/account/apiRestrictions' },
      times: 1,
    });
    proxy = await startTestProxy({ upstream: running.url, env: ENFORCE });
    expect((await send(proxy.port, '/api/v3/account')).headers['x-proxy-error']).toBe('PROXY_NOT_READY');
    expect((await send(proxy.port, '/api/v3/ping')).status).toBe(200);
    await proxy.line.gate.check();
    expect((await send(proxy.port, '/api/v3/account')).status).toBe(200);
  });
});

describe('after a rotation', () => {
  it('the new key is asked what it may do', async () => {
    const running = await exchange();
    proxy = await startTestProxy({ upstream: running.url, env: ENFORCE });
    const asked = () =>
      running.requests.filter(({ path }) => path === '/sapi/v1/account/apiRestrictions').length;
    running.setRestrictions(TEST_KEY, { enableWithdrawals: true });
    const before = asked();
    proxy.reload(ENFORCE);
    await expect.poll(asked).toBeGreaterThan(before);
    await expect
      .poll(async () => (await send(proxy!.port, '/api/v3/account')).headers['x-proxy-error'])
      .toBe('PROXY_NOT_READY');
  });
});
