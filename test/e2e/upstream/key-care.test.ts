import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DAY_MS } from '../../../src/core/intervals.ts';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import { send } from '../../support/clients/http.ts';
import {
  askOperator,
  startTestProxy,
  TEST_KEY,
  TEST_SECRET,
  type TestProxy,
} from '../../support/servers/proxy.ts';

const RESTRICTIONS = '/sapi/v1/account/apiRestrictions';
const BALANCE = '/fapi/v3/balance';
const ACCOUNT = '/api/v3/account';

let simulator: Simulator;
let proxy: TestProxy | undefined;
let auditDir: string;
beforeEach(() => {
  auditDir = mkdtempSync(join(tmpdir(), 'key-care-'));
});
afterEach(async () => {
  await proxy?.close();
  await simulator.close();
  rmSync(auditDir, { recursive: true, force: true });
  proxy = undefined;
});

async function start(restrictions: Parameters<Simulator['setRestrictions']>[1] = {}): Promise<TestProxy> {
  simulator = await startSimulator({
    accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET, restrictions }],
  });
  return startAgain();
}

async function startAgain(): Promise<TestProxy> {
  await proxy?.close();
  proxy = await startTestProxy({
    upstream: simulator.url,
    env: { BINANCE_PROXY_KEY_PREFLIGHT: 'enforce', BINANCE_PROXY_AUDIT_DIR: auditDir },
  });
  return proxy;
}

async function keyOf({ operatorUrl }: TestProxy): Promise<Record<string, unknown>> {
  const { json } = await askOperator(operatorUrl, '/operator/status');
  const { keys } = json as { readonly keys?: Readonly<Record<string, Record<string, unknown>>> };
  return keys?.main ?? {};
}

describe('the state of a key', () => {
  it('Is shown with age, switches and last use by an app; the proxy’s own questions are no use; a restart keeps it', async () => {
    const createTime = Date.now() - 93.5 * DAY_MS;
    const running = await start({ createTime, ipRestrict: false });
    await expect.poll(() => running.records('key.care').length).toBe(1);
    await running.parts.gate.check();
    expect(await keyOf(running)).toMatchObject({
      created: new Date(createTime).toISOString(),
      ageDays: 93,
      maxAgeDays: 90,
      unusedDays: 0,
      ipRestrict: false,
      switches: { enableFutures: true, enableWithdrawals: false },
    });
    expect(await keyOf(running)).not.toHaveProperty('lastUsed');
    expect(running.records('key.old')).toMatchObject([{ account: 'main', level: 40 }]);
    expect((await send(running.port, ACCOUNT)).status).toBe(200);
    const { lastUsed } = await keyOf(running);
    expect(Math.abs(Date.parse(String(lastUsed)) - Date.now())).toBeLessThan(60_000);
    const again = await startAgain();
    await expect.poll(async () => (await keyOf(again)).lastUsed).toBe(lastUsed);
    expect(again.records('key.old', 'key.care')).toEqual([]);
    const metrics = await send(Number(new URL(again.operatorUrl).port), '/metrics');
    expect(metrics.text).toContain('binance_proxy_key_age_days{account="main"} 93');
    expect(metrics.text).toContain('binance_proxy_key_unused_days{account="main"} 0');
    expect(metrics.text).toContain('binance_proxy_key_switch{account="main",switch="ipRestrict"} 0');
  });
});

describe('an answer with −2015', () => {
  const refuse = (path: string, more = '', times = 1) =>
    simulator.inject({
      ...{ kind: 'status', status: 401, times, match: { path } },
      body: `{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action${more}"}`,
    });
  const found = (running: TestProxy) =>
    running.records('key.refused').map(({ msg, detail, path }) => ({ msg, path, ...(detail as object) }));

  it('For one path while the key is taken: the permission that went, told once', async () => {
    const running = await start();
    simulator.setRestrictions(TEST_KEY, { enableFutures: false });
    const target = '/fapi/v1/leverage?symbol=BTCUSDT&leverage=2';
    for (let times = 0; times < 3; times++) {
      refuse('/fapi/v1/leverage');
      expect((await send(running.port, target, { method: 'POST' })).status).toBe(401);
    }
    await expect.poll(() => found(running)).toMatchObject([{ why: 'permission', path: '/fapi/v1/leverage' }]);
    expect(found(running)[0]?.msg).toContain('"Enable Futures" (enableFutures) is off, and was on before');
  });

  it('For everything, of a key with IP restriction: address or deleted, with the address that Binance sees', async () => {
    const running = await start({ ipRestrict: true });
    refuse(ACCOUNT);
    refuse(RESTRICTIONS);
    refuse(BALANCE, ', request ip: 203.0.113.7');
    await send(running.port, ACCOUNT);
    await expect
      .poll(() => found(running))
      .toMatchObject([{ why: 'address or deleted', address: '203.0.113.7' }]);
    expect(found(running)[0]?.msg).toContain('Binance sees this machine as 203.0.113.7.');
  });

  it('For everything, of a key without IP restriction: it was deleted', async () => {
    const running = await start({ ipRestrict: false });
    refuse(ACCOUNT);
    refuse(RESTRICTIONS);
    refuse(BALANCE);
    await send(running.port, ACCOUNT);
    await expect.poll(() => found(running)).toMatchObject([{ why: 'deleted' }]);
  });

  it('Where Binance does not say why, that is said, and asked again with the next one', async () => {
    const running = await start();
    refuse(ACCOUNT, '', 2);
    simulator.inject({ kind: 'status', status: 503, match: { path: RESTRICTIONS } });
    await send(running.port, ACCOUNT);
    await expect.poll(() => found(running)).toMatchObject([{ why: 'not told' }]);
    await send(running.port, ACCOUNT);
    await expect.poll(() => found(running)).toMatchObject([{ why: 'not told' }, { why: 'permission' }]);
  });
});
