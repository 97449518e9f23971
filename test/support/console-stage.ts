import { hash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SimulatorAccount } from '../../src/simulator/base/options.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { freePort } from './free-port.ts';
import { startTestProxy, TEST_KEY, TEST_SECRET, type TestProxy } from './servers/proxy.ts';

export const ALICE_TOKEN = 'tokenOFaliceTOKENofALICEtokenOFaliceTOKENofALICEtokenOFaliceTOKEN1';
export const KEYED_TOKEN = 'tokenOFkeyedTOKENofKEYEDtokenOFkeyedTOKENofKEYEDtokenOFkeyedTOKEN2';
export const BOT_KEY = 'issuedKEYofTHEbotISSUEDkeyOFtheBOTissuedKEYofTHEbotISSUEDkeyOF12';
export const READER_KEY = 'issuedKEYofTHEreaderISSUEDkeyOFtheREADERissuedKEYofTHEreaderISSU';

const YAML = `
clients:
  bot:
    account: main
    envPrefix: BOT
    permissions: [market-data, read, spot-margin-trade]
    symbols: [BTCUSDT, ETHUSDT]
    weightPerMinute: 1200
    order: { types: [LIMIT, MARKET], maxNotional: { USDT: "20000" }, maxNotionalPerDay: { USDT: "100000" }, maxPerDay: 500 }
  reader: { account: main, envPrefix: READER, permissions: [market-data, read] }
operators:
  alice: { envPrefix: ALICE }
  keyed: { envPrefix: KEYED, passkeyRequired: true }
`;

export interface ConsoleStage {
  readonly simulator: Simulator;
  readonly proxy: TestProxy;
  /** The page, at a name, which passkeys need. */
  readonly page: string;
  /** Starts a proxy anew at the same addresses, with the same folders. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export interface ConsoleStageOptions {
  readonly yaml?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Switches of the key at Binance; the proxy asks for them when given. */
  readonly restrictions?: SimulatorAccount['restrictions'];
  /** Fills the audit folder before the proxy starts. */
  readonly fillAudit?: (folder: string) => void;
}

/** A simulator and a proxy with two clients, two operators, an audit folder and a state folder: what a console shows. */
export async function startConsoleStage({
  yaml = YAML,
  env = {},
  restrictions,
  fillAudit,
}: ConsoleStageOptions = {}): Promise<ConsoleStage> {
  const folder = mkdtempSync(join(tmpdir(), 'console-'));
  fillAudit?.(join(folder, 'audit'));
  const balances = { USDT: '1000000', BTC: '10' };
  const simulator = await startSimulator({
    accounts: [
      { apiKey: TEST_KEY, hmacSecret: TEST_SECRET, balances, ...(restrictions && { restrictions }) },
    ],
  });
  const port = String(await freePort());
  const start = () =>
    startTestProxy({
      upstream: simulator.url,
      yaml,
      env: {
        BOT_CLIENT_KEY: BOT_KEY,
        READER_CLIENT_KEY: READER_KEY,
        ALICE_OPERATOR_TOKEN_SHA256: hash('sha256', ALICE_TOKEN),
        KEYED_OPERATOR_TOKEN_SHA256: hash('sha256', KEYED_TOKEN),
        BINANCE_PROXY_AUDIT_DIR: join(folder, 'audit'),
        BINANCE_PROXY_STATE_DIR: join(folder, 'state'),
        BINANCE_PROXY_OPERATOR_HOST: 'localhost',
        BINANCE_PROXY_OPERATOR_PORT: port,
        ...(restrictions && { BINANCE_PROXY_KEY_PREFLIGHT: 'enforce' }),
        ...env,
      },
    });
  let proxy = await start();
  return {
    simulator,
    get proxy() {
      return proxy;
    },
    page: `http://localhost:${port}/`,
    async restart() {
      await proxy.close();
      proxy = await start();
    },
    async close() {
      await proxy.close();
      await simulator.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
