import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { folderWith } from '../support/fixtures/config-folder.ts';
import { runToEnd } from '../support/processes/child.ts';
import { startTestProxy, TEST_KEY, TEST_SECRET, type TestProxy } from '../support/servers/proxy.ts';

const APP = fileURLToPath(new URL('../../deploy/example-app/trade.mjs', import.meta.url));
const CLIENT_KEY = 'issuedKEYissuedKEYissuedKEYissuedKEYissuedKEYissuedKEYissuedKEY1';

let simulator: Simulator;
let proxy: TestProxy;
beforeAll(async () => {
  simulator = await startSimulator({
    accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET, balances: { USDT: '1000' } }],
  });
  proxy = await startTestProxy({ upstream: simulator.url, env: { BINANCE_PROXY_CLIENT_KEY: CLIENT_KEY } });
});
afterAll(async () => {
  await proxy.close();
  await simulator.close();
});

it('The example app trades with nothing but a client key, and its withdrawal never leaves', async () => {
  const cwd = folderWith({ key: `${CLIENT_KEY}\n` });
  const env = { BINANCE_BASE_URL: proxy.url, CLIENT_KEY_FILE: `${cwd}/key` };
  const { code, stdout, stderr } = await runToEnd([APP], { cwd, env });
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^POST \/api\/v3\/order\/test -> 200 answered: \{\}/m);
  expect(simulator.requests.map(({ path }) => path)).not.toContain('/api/v3/order');
  expect(stdout).toMatch(/^POST \/sapi\/v1\/capital\/withdraw\/apply -> 403 not-sent: \{"code":-1002,/m);
  expect(simulator.requests.map(({ path }) => path)).not.toContain('/sapi/v1/capital/withdraw/apply');
  expect(simulator.withdrawals).toEqual([]);
});

it('The example app places its order only when it is told to', async () => {
  const cwd = folderWith();
  const env = { BINANCE_BASE_URL: proxy.url, CLIENT_KEY, PLACE_ORDERS: 'yes' };
  const { code, stdout } = await runToEnd([APP], { cwd, env });
  expect(code).toBe(0);
  expect(stdout).toMatch(/^POST \/api\/v3\/order -> 200 answered: \{"symbol":"BTCUSDT","orderId":/m);
});

it('The example app ends with 1 when its key is refused', async () => {
  const cwd = folderWith();
  const { code } = await runToEnd([APP], { cwd, env: { BINANCE_BASE_URL: proxy.url, CLIENT_KEY: 'wrong' } });
  expect(code).toBe(1);
});
