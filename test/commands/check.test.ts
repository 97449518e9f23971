import { readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { send } from '../support/clients/http.ts';
import { folderWith } from '../support/fixtures/config-folder.ts';
import { makeThrowAwayCertificate } from '../support/fixtures/throw-away-certificate.ts';
import { freePort } from '../support/free-port.ts';
import { type Ended, MAIN, runToEnd } from '../support/processes/child.ts';
import { askOperator, startTestProxy, TEST_KEY, TEST_SECRET, upstreamsAt } from '../support/servers/proxy.ts';
import { startUpstream } from '../support/servers/upstream.ts';

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator({
    accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET, restrictions: { ipRestrict: true } }],
  });
});
afterAll(() => simulator.close());

const UNKNOWN_KEY = 'unknownKEYunknown'.repeat(4).slice(0, 64);

/** The command as a user runs it, in a process of its own. */
async function check(
  env: Readonly<Record<string, string>> = {},
  { url = simulator.url, args = [] as readonly string[] } = {},
): Promise<Ended> {
  const ended = await runToEnd([MAIN, 'check', ...args], {
    cwd: folderWith(),
    env: {
      BINANCE_API_KEY: TEST_KEY,
      BINANCE_API_SECRET: TEST_SECRET,
      BINANCE_PROXY_ENVIRONMENT: 'simulator',
      BINANCE_PROXY_PORT: '0',
      BINANCE_PROXY_OPERATOR_PORT: '0',
      ...upstreamsAt(url),
      ...env,
    },
  });
  for (const secret of [TEST_KEY, TEST_SECRET]) expect(ended.stdout + ended.stderr).not.toContain(secret);
  return ended;
}

describe('check', () => {
  it('The command check prints clients, clock and the switches of a good key, and ends with 0', async () => {
    simulator.reset();
    const { code, stdout, stderr } = await check();
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^default {2,}main {2,}market-data, read/m);
    expect(stdout).toMatch(/^clock {2,}this machine is .* \(round trip \d+ ms\)\.$/m);
    expect(stdout).toMatch(/^enableWithdrawals {2,}off$/m);
    expect(stdout).not.toMatch(/RISKY|no IP restriction/);
  });

  it('The command check asks nobody with --offline', async () => {
    simulator.reset();
    const { code, stdout } = await check({}, { args: ['--offline'] });
    expect([code, simulator.requests.length]).toEqual([0, 0]);
    expect(stdout).toContain('environment simulator');
  });

  it('The command check ends with 1 and all problems of a configuration at once', async () => {
    const { code, stderr } = await check({ BINANCE_API_SECRET: '', BINANCE_PROXY_PORT: 'x' });
    expect(code).toBe(1);
    expect(stderr).toMatch(/BINANCE_API_SECRET/);
    expect(stderr).toMatch(/BINANCE_PROXY_PORT must be/);
  });

  it('The command check ends with 1 where an upstream leads back to where the proxy would listen', async () => {
    const port = new URL(simulator.url).port;
    const { code, stdout } = await check({ BINANCE_PROXY_PORT: port });
    expect(code).toBe(1);
    expect(stdout).toContain(`leads to 127.0.0.1:${port}, where this proxy itself listens`);
    simulator.reset();
  });

  it('The command check names the switch of a key that can withdraw, and the missing IP restriction of another', async () => {
    simulator.reset();
    simulator.setRestrictions(TEST_KEY, { enableWithdrawals: true });
    const risky = await check();
    expect(risky.code).toBe(1);
    expect(risky.stdout).toMatch(/^enableWithdrawals {2,}on {4,}RISKY$/m);
    expect(risky.stdout).toContain(
      '"Enable Withdrawals" (enableWithdrawals) switched on: turn it off at Binance',
    );
    simulator.setRestrictions(TEST_KEY, { enableWithdrawals: false, ipRestrict: false });
    const open = await check();
    expect(open.code).toBe(0);
    expect(open.stdout).toContain('The key has no IP restriction (ipRestrict)');
  });

  it('The command check measures how far this machine’s clock is off', async () => {
    simulator.reset();
    simulator.setClockOffset(-7_000);
    const { code, stdout } = await check();
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /this machine is (?:69|70)\d\d ms ahead of the exchange .* stamps with the time of the exchange/,
    );
  });

  it('The command check signs a read where the environment has no /sapi', async () => {
    const small = await startSimulator({
      sapi: false,
      accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET }],
    });
    const { code, stdout } = await check({}, { url: small.url });
    await small.close();
    expect(code).toBe(0);
    expect(stdout).toContain('this environment has no /sapi');
    expect(stdout).toContain('Binance accepted its signature.');
  });

  it('The command check turns -1022 into the bytes that were signed, the signature masked', async () => {
    simulator.reset();
    const { code, stdout } = await check({ BINANCE_API_SECRET: `${TEST_SECRET.slice(0, -1)}0` });
    expect(code).toBe(1);
    expect(stdout).toMatch(/omitZeroBalances=true&recvWindow=5000&timestamp=\d{13}&signature=\*\*\*$/m);
    expect(stdout).toMatch(/HTTP 400, code -1022/);
    const asked = simulator.requests.find(({ path }) => path === '/api/v3/account');
    const [signed] = /omitZeroBalances=\S+timestamp=\d+/.exec(stdout) ?? [];
    expect(asked?.target).toContain(`?${signed}&signature=`);
    expect(stdout).not.toMatch(/signature=[0-9a-f]{8}/);
  });

  it('The command check turns -1021 into drift, round trip and recvWindow', async () => {
    simulator.reset();
    for (const path of ['/sapi/v1/account/apiRestrictions', '/api/v3/account'])
      simulator.inject({ kind: 'stale-timestamp', match: { path }, times: 9 });
    const { code, stdout } = await check({ BINANCE_PROXY_RECV_WINDOW_MS: '1234' });
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /-1021, timestamp outside of recvWindow\. Measured: this machine is .*round trip \d+ ms/,
    );
    expect(stdout).toContain('recvWindow is 1234 ms');
  });

  it('The command check turns -2015 into its causes, with the address that the futures host names', async () => {
    simulator.reset();
    const body =
      '{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action, request ip: 203.0.113.7"}';
    simulator.inject({ kind: 'status', status: 401, body, match: { path: '/fapi/v3/balance' } });
    const { code, stdout } = await check({ BINANCE_API_KEY: UNKNOWN_KEY });
    expect(code).toBe(1);
    expect(stdout).toContain('HTTP 401, code -2015');
    expect(stdout).toContain('live, testnet and demo have keys of their own');
    expect(stdout).toContain('Binance sees this machine as 203.0.113.7');
    expect(stdout).not.toContain('unknownKEY');
  });

  it('The command check takes -2014 for a key that was copied wrongly', async () => {
    simulator.reset();
    const { code, stdout } = await check({ BINANCE_API_KEY: 'short-key' });
    expect([code, stdout.includes('-2014, this is not what an API key looks like')]).toEqual([1, true]);
    expect(stdout).not.toContain('short-key');
  });

  it('The command check says when the address stays unknown', async () => {
    simulator.reset();
    const { stdout } = await check({ BINANCE_API_KEY: UNKNOWN_KEY });
    expect(stdout).toContain('did not tell the address');
  });

  it('The command check tells a 403 of the firewall from a refused key', async () => {
    simulator.reset();
    const page = {
      kind: 'status',
      status: 403,
      body: '<html></html>',
      contentType: 'text/html',
      times: 99,
    } as const;
    simulator.inject({ ...page, match: {} });
    const { code, stdout } = await check();
    expect(code).toBe(1);
    expect(stdout).toContain('clock       not reached');
    expect(stdout).toContain('403, the firewall of Binance refused this machine');
  });

  it('The command check says what stops it from reaching the exchange', async () => {
    const gone = await startSimulator({ accounts: [] });
    await gone.close();
    const { code, stdout } = await check({ HTTPS_PROXY: 'http://127.0.0.1:9' }, { url: gone.url });
    expect(code).toBe(1);
    expect(stdout).toContain('No connection to Binance (ECONNREFUSED)');
    expect(stdout).toContain('HTTPS_PROXY is set, but the way to Binance does not go by it');
  });

  it('The command check leaves the audit folder of a running proxy alone', async () => {
    simulator.reset();
    const folder = folderWith();
    expect((await check({ BINANCE_PROXY_AUDIT_DIR: `${folder}/audit` })).code).toBe(0);
    expect(
      (await runToEnd(['-e', `console.log(require('fs').readdirSync('.').length)`], { cwd: folder })).stdout,
    ).toBe('0\n');
  });

  it('The command check names the file for a certificate that this machine does not trust', async () => {
    const upstream = await startUpstream({ tls: makeThrowAwayCertificate() });
    const { code, stdout } = await check({}, { url: upstream.url });
    await upstream.close();
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /No connection to Binance \((?:DEPTH_ZERO_)?SELF_SIGNED_CERT\w*\): the certificate was signed by .* set BINANCE_PROXY_UPSTREAM_CA_FILE to/,
    );
  });

  it('The command check ends with 1 and the sentence of the running proxy where a live exchange does not know the key question', async () => {
    const gateway = await startSimulator({
      sapi: false,
      accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET }],
    });
    const live = { BINANCE_PROXY_ENVIRONMENT: 'live' };
    const proxy = await startTestProxy({ upstream: gateway.url, env: live });
    const ready = await send(Number(new URL(proxy.operatorUrl).port), '/readyz');
    const shown = await askOperator(proxy.operatorUrl, '/operator/status');
    await proxy.close();
    const { code, stdout } = await check(live, { url: gateway.url });
    const relaxed = await check({ ...live, BINANCE_PROXY_KEY_PREFLIGHT: 'warn' }, { url: gateway.url });
    await gateway.close();
    const [reason = ''] = (shown.json as { reasons?: string[] } | undefined)?.reasons ?? [];
    expect([ready.status, reason]).toEqual([
      503,
      expect.stringMatching(/HTTP 404 .*set keyPreflight \(BINANCE_PROXY_KEY_PREFLIGHT\) to warn or off\.$/),
    ]);
    expect([code, stdout.split('\n')]).toEqual([1, expect.arrayContaining([reason])]);
    // What lets the start get ready lets the check pass.
    expect(relaxed.code).toBe(0);
  });

  it('The command check tells the end of the right to trade, and what clients were granted that the key may not', async () => {
    simulator.reset();
    const endsMs = Date.now() + 3 * 86_400_000;
    simulator.setRestrictions(TEST_KEY, { enableFutures: false, tradingAuthorityExpirationTime: endsMs });
    const { code, stdout } = await check();
    simulator.setRestrictions(TEST_KEY, { enableFutures: true, tradingAuthorityExpirationTime: undefined });
    expect(code).toBe(0);
    expect(stdout).toMatch(
      new RegExp(`^tradingAuthorityExpirationTime +${new Date(endsMs).toISOString()}$`, 'm'),
    );
    expect(stdout).toMatch(/\(tradingAuthorityExpirationTime\) ends at .*: restrict the key to this address/);
    expect(stdout).toContain('"Enable Futures" (enableFutures) for futures-trade');
    expect(stdout).toContain('"Enable Margin Loan, Repay & Transfer" (enableMargin) for loan');
  });

  it('The command check ends with 1 when folder, port or Redis would stop or hamper the start', async () => {
    simulator.reset();
    const taken = createServer();
    const port = await freePort();
    await new Promise<void>((resolve) => void taken.listen(port, '127.0.0.1', resolve));
    const folder = folderWith({ file: '' });
    const { code, stdout } = await check({
      BINANCE_PROXY_AUDIT_DIR: join(folder, 'file'),
      BINANCE_PROXY_PORT: String(port),
      BINANCE_PROXY_REDIS_URL: `redis://127.0.0.1:${await freePort()}`,
      BINANCE_PROXY_CLIENT_KEY: 'short',
    });
    taken.close();
    expect(code).toBe(1);
    expect(stdout).toMatch(/^audit folder +problem +The audit folder .* cannot be used \(ENOTDIR\)/m);
    expect(stdout).toMatch(/^port for apps +problem +Port \d+ on localhost is taken .*BINANCE_PROXY_PORT/m);
    expect(stdout).toMatch(
      /^Redis +problem +Redis was not heard yet.*Nobody accepts connections .*\(ECONNREFUSED\).*BINANCE_PROXY_REDIS_URL/m,
    );
    expect(stdout).toMatch(
      /^warning +BINANCE_PROXY_CLIENT_KEY of client default is shorter than 32 characters/m,
    );
  });

  it('The command check warns when no client key is configured', async () => {
    simulator.reset();
    const { code, stdout } = await check({}, { args: ['--offline'] });
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^warning +No client key is configured: every program of this machine is trusted/m,
    );
  });

  it('The command check beside a running proxy finds its folders and ports in order, and the proxy goes on', async () => {
    simulator.reset();
    const folder = folderWith();
    const ports = {
      BINANCE_PROXY_PORT: String(await freePort()),
      BINANCE_PROXY_OPERATOR_PORT: String(await freePort()),
    };
    const folders = {
      BINANCE_PROXY_AUDIT_DIR: join(folder, 'audit'),
      BINANCE_PROXY_STATE_DIR: join(folder, 'state'),
    };
    const env = { ...ports, ...folders };
    const proxy = await startTestProxy({ upstream: simulator.url, env });
    const before = readdirSync(folder, { recursive: true });
    const { code, stdout } = await check(env);
    expect(code).toBe(0);
    for (const what of ['audit folder', 'state folder', 'port for apps', 'port for operators'])
      expect(stdout).toMatch(new RegExp(`^${what} +ok +.* by the proxy that runs here$`, 'm'));
    expect(readdirSync(folder, { recursive: true })).toEqual(before);
    expect((await send(proxy.port, '/api/v3/account')).status).toBe(200);
    // The same folders under other ports are those of another proxy.
    const other = await check(folders);
    expect(other.code).toBe(1);
    expect(other.stdout).toMatch(/^audit folder +problem +Another process writes its audit trail to/m);
    await proxy.close();
  });
});
