import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { folderWith } from '../support/fixtures/config-folder.ts';
import { startTestProxy, TEST_KEY, TEST_SECRET } from '../support/servers/proxy.ts';

const ISSUED = { BINANCE_PROXY_CLIENT_KEY: 'K'.repeat(64) };
const REAL_MONEY = /^Orders go to Binance's live exchange and move real money: /;

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator({ accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET }] });
});
afterAll(() => simulator.close());

async function warningsOf(env: Readonly<Record<string, string>>): Promise<readonly unknown[]> {
  const proxy = await startTestProxy({ upstream: simulator.url, env: { ...ISSUED, ...env } });
  await proxy.close();
  const records = proxy.records('config.warning').filter(({ msg }) => /real money/.test(String(msg)));
  expect(records.map(({ level }) => level)).toEqual(records.map(() => 40));
  return records.map(({ msg }) => msg);
}

it('The first start on live says in one line that money is real, and the next one does not', async () => {
  const stateDir = join(folderWith(), 'state');
  const live = { BINANCE_PROXY_ENVIRONMENT: 'live', BINANCE_PROXY_STATE_DIR: stateDir };
  const first = await warningsOf(live);
  expect(first).toEqual([expect.stringMatching(REAL_MONEY)]);
  expect(first[0]).toContain(stateDir);
  expect(await warningsOf(live)).toEqual([]);
  expect(readdirSync(stateDir)).toContain('has-served-live');
});

it('A start on live without a state folder says it each time, and names what would remember', async () => {
  for (const _start of [1, 2]) {
    const warnings = await warningsOf({ BINANCE_PROXY_ENVIRONMENT: 'live' });
    expect(warnings).toEqual([expect.stringMatching(REAL_MONEY)]);
    expect(warnings[0]).toContain('BINANCE_PROXY_STATE_DIR');
  }
});

it('A start on the simulator says nothing of money, and leaves the first time on live to come', async () => {
  const stateDir = join(folderWith(), 'state');
  expect(await warningsOf({ BINANCE_PROXY_STATE_DIR: stateDir })).toEqual([]);
  const live = { BINANCE_PROXY_ENVIRONMENT: 'live', BINANCE_PROXY_STATE_DIR: stateDir };
  expect(await warningsOf(live)).toEqual([expect.stringMatching(REAL_MONEY)]);
});
