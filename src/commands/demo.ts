import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Log } from '../audit/record-printer.ts';
import { loadSettings } from '../config/load-settings.ts';
import { ENVIRONMENTS } from '../config/schema/environments.ts';
import { originVariable } from '../config/schema/variables.ts';
import { UPSTREAM_NAMES } from '../core/upstream.ts';
import { type RunningProxy, startProxy } from '../proxy/start.ts';
import { demoAccount } from '../simulator/accounts/demo-account.ts';
import { type Simulator, startSimulator } from '../simulator/simulator.ts';
import { command, EXIT } from './base/cli.ts';
import { issueKey } from './client/issue-key.ts';
import { DemoPrinter } from './demo/printer.ts';
import { playSession } from './demo/session.ts';

const USAGE = `Usage: binance-signing-proxy demo [--keep]

Starts the embedded exchange and the proxy in front of it with throw-away keys on free ports, plays a short trading
session of unsigned calls, and shows for each what the app sent, what the exchange received and what was recorded.
--keep goes on serving and prints the base URL to try with curl.

Examples:
  binance-signing-proxy demo
  binance-signing-proxy demo --keep`;

/** Two apps on one account: a bot that may trade, and a dashboard that may look, but not too often. */
const CONFIGURATION = `environment: simulator
server: { host: localhost, port: 0 }
operator: { host: 127.0.0.1, port: 0 }
clients:
  bot: { account: main, envPrefix: BOT, permissions: [market-data, read, spot-margin-trade] }
  dashboard: { account: main, envPrefix: DASHBOARD, permissions: [market-data, read], weightPerMinute: 110 }
`;

/** What a newcomer sees first. */
export const demo = command({
  name: 'demo',
  usage: USAGE,
  options: { keep: { type: 'boolean' } },
  run: ({ keep = false }) => tellStory(keep),
});

async function tellStory(keep: boolean): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'binance-signing-proxy-demo-'));
  const account = demoAccount();
  const simulator = await startSimulator({ accounts: [account] });
  const keys = { bot: issueKey(), dashboard: issueKey() };
  const printer = new DemoPrinter(simulator, process.stdout.isTTY === true, [
    account.apiKey,
    ...Object.values(keys),
  ]);
  let proxy: RunningProxy | undefined;
  try {
    const settings = readSettings(folder, simulator, {
      BINANCE_API_KEY: account.apiKey,
      BINANCE_API_SECRET: account.hmacSecret,
      BOT_CLIENT_KEY: keys.bot,
      DASHBOARD_CLIENT_KEY: keys.dashboard,
    });
    const log: Log = (lines) => {
      for (const { text } of lines) printer.note(text);
    };
    proxy = await startProxy({ settings, log });
    printer.introduce(proxy.url, simulator.url);
    const asExpected = await playSession(proxy.url, keys, (call, answer) => printer.show(call, answer));
    printer.summarise(simulator);
    if (keep) await keepServing(proxy, keys.bot);
    return asExpected ? EXIT.ok : EXIT.problem;
  } finally {
    await proxy?.close(1_000);
    await simulator.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function readSettings(folder: string, simulator: Simulator, secrets: Readonly<Record<string, string>>) {
  const path = join(folder, 'proxy.yaml');
  writeFileSync(path, CONFIGURATION);
  const upstreams = UPSTREAM_NAMES.filter((name) => ENVIRONMENTS.simulator[name] !== undefined).map(
    (name) => [originVariable(name), simulator.url],
  );
  return loadSettings({
    cwd: folder,
    env: { ...secrets, ...Object.fromEntries(upstreams), BINANCE_PROXY_CONFIG: path },
  });
}

async function keepServing(proxy: RunningProxy, key: string): Promise<void> {
  console.log(`\nStill serving. Base URL: ${proxy.url}   operator: ${proxy.operatorUrl}/readyz\n`);
  console.log(`  curl '${proxy.url}/api/v3/ticker/price?symbol=BTCUSDT'`);
  console.log(`  curl -H 'X-MBX-APIKEY: ${key}' '${proxy.url}/api/v3/account'`);
  console.log(
    `  curl -H 'X-MBX-APIKEY: ${key}' -d 'symbol=BTCUSDT&side=BUY&type=MARKET&quoteOrderQty=50' '${proxy.url}/api/v3/order'`,
  );
  console.log('\nCtrl-C stops it.');
  await new Promise<void>((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
}
