import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadSettings } from '../../../src/config/load-settings.ts';
import type { ConfigFileRole, ConfigFileState, Settings } from '../../../src/config/schema/settings.ts';
import { readEnvironment } from '../../../src/config/sources/read-environment.ts';
import { type RunningProxy, startProxy } from '../../../src/proxy/start.ts';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import { send } from '../../support/clients/http.ts';
import { folderWith } from '../../support/fixtures/config-folder.ts';
import { addressesOf, type Child, MAIN, startChild } from '../../support/processes/child.ts';
import { TEST_KEY, TEST_SECRET, upstreamsAt } from '../../support/servers/proxy.ts';

const READER_KEY = 'readerKEYreaderKEYreaderKEYreaderKEYreaderKEYreaderKEYreaderKEY1';
const TRADER_KEY = 'traderKEYtraderKEYtraderKEYtraderKEYtraderKEYtraderKEYtraderKEY1';
const OTHER_KEY = 'otherKEYotherKEYotherKEYotherKEYotherKEYotherKEYotherKEYotherKEY1';
const DENY = `deny:
  - path: /sapi/v1/convert/**
    reason: by hand only
  - path: /api/v3/myTrades
    reason: not for apps
`;
const YAML = `keyPreflight: enforce
clients:
  reader: { envPrefix: READER, permissions: [read] }
  trader:
    envPrefix: TRADER
    permissions: [read, spot-margin-trade]
    symbols: [BTCUSDT]
    order: { maxNotional: { USDT: "500" } }
`;
const ORDER = 'side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=10&symbol=';
const FILES = {
  'config/proxy.yaml': YAML,
  'config/denylist.yaml': DENY,
  'secrets/reader': READER_KEY,
  'secrets/trader': TRADER_KEY,
};

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator({ accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET }] });
});
beforeEach(() => simulator.reset());
afterAll(() => simulator.close());

function fill(folder: string): void {
  for (const [name, text] of Object.entries({ ...FILES, '.env': dotenv(CLIENT_FILES) })) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

/** Reads a folder as the program does. */
function read(cwd: string): Settings {
  const files = new Map<ConfigFileRole, ConfigFileState>();
  return loadSettings({ env: readEnvironment(cwd, {}, files), cwd, files });
}

interface Running {
  readonly child: Child;
  readonly cwd: string;
  readonly port: number;
  readonly operatorPort: number;
  /** Sends SIGHUP and waits for what the proxy says to it. */
  hup(event: 'config.loaded' | 'config.refused'): Promise<Readonly<Record<string, unknown>>>;
}

function dotenv(more: Readonly<Record<string, string>> = {}): string {
  const values = {
    BINANCE_API_KEY: TEST_KEY,
    BINANCE_API_SECRET: TEST_SECRET,
    BINANCE_PROXY_ENVIRONMENT: 'simulator',
    BINANCE_PROXY_PORT: '0',
    BINANCE_PROXY_OPERATOR_PORT: '0',
    ...upstreamsAt(simulator.url),
    ...more,
  };
  return Object.entries(values)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

const CLIENT_FILES = {
  READER_CLIENT_KEY_FILE: 'secrets/reader',
  TRADER_CLIENT_KEY_FILE: 'secrets/trader',
};

/** The real program in a folder of its own. */
async function start(
  files: Readonly<Record<string, string>> = FILES,
  env: Readonly<Record<string, string>> = CLIENT_FILES,
  processEnv: Readonly<Record<string, string>> = {},
): Promise<Running> {
  const cwd = folderWith({ '.env': dotenv(env), ...files });
  const child = startChild([MAIN, 'serve'], { cwd, env: processEnv });
  const { url, operatorUrl } = await addressesOf(child);
  return {
    child,
    cwd,
    port: Number(new URL(url).port),
    operatorPort: Number(new URL(operatorUrl).port),
    hup(event) {
      const after = child.recordCount;
      child.kill('SIGHUP');
      return child.record(event, after);
    },
  };
}

/** A call of an app, and the error that the proxy answered it with. */
async function refusal(port: number, target: string, key: string | undefined, body?: string) {
  const headers: Record<string, string> = key === undefined ? {} : { 'x-mbx-apikey': key };
  const sending = body === undefined ? { headers } : { method: 'POST', headers, body };
  return (await send(port, target, sending)).headers['x-proxy-error'];
}

/** Everything that the first configuration refuses is refused, and nothing of it came to the exchange. */
async function expectOldRules({ port }: { readonly port: number }): Promise<void> {
  const before = simulator.requests.length;
  expect([
    await refusal(port, '/api/v3/account', undefined),
    await refusal(port, '/api/v3/account', 'of nobody'),
    await refusal(port, '/api/v3/order', undefined, `${ORDER}BTCUSDT`),
    await refusal(port, '/api/v3/order', READER_KEY, `${ORDER}BTCUSDT`),
    await refusal(port, '/api/v3/order', TRADER_KEY, `${ORDER}ETHUSDT`),
    await refusal(port, '/api/v3/myTrades?symbol=BTCUSDT', TRADER_KEY),
    await refusal(port, '/sapi/v1/convert/getQuote', TRADER_KEY, 'fromAsset=BTC&toAsset=USDT'),
  ]).toEqual([
    'PROXY_UNKNOWN_CLIENT',
    'PROXY_UNKNOWN_CLIENT',
    'PROXY_UNKNOWN_CLIENT',
    'PROXY_PERMISSION_DENIED',
    'PROXY_ORDER_REFUSED',
    'PROXY_DENYLISTED',
    'PROXY_DENYLISTED',
  ]);
  const sent = simulator.requests.slice(before).map(({ path }) => path);
  expect(sent.filter((path) => /account$|order$|myTrades|convert/.test(path))).toEqual([]);
  // What was allowed still is: the old configuration is whole.
  expect(await refusal(port, '/api/v3/account', READER_KEY)).toBeUndefined();
}

const rewrite = (name: string, text: string) => (cwd: string) => writeFileSync(join(cwd, name), text);
const moveAway = (name: string) => (cwd: string) => renameSync(join(cwd, name), join(cwd, `${name}.old`));
const yaml = (text: string) => rewrite('config/proxy.yaml', text);
const deny = (text: string) => rewrite('config/denylist.yaml', text);

describe('a reload that would take a guard away', () => {
  let folder: string;
  let proxy: RunningProxy & { readonly port: number };
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'reload-'));
    fill(folder);
    const started = await startProxy({ settings: read(folder), log: () => undefined });
    proxy = { ...started, port: Number(new URL(started.url).port) };
  });
  afterEach(async () => {
    await proxy.close(0);
    rmSync(folder, { recursive: true });
  });
  const reload = () => proxy.swap(read(folder));

  it.each<[what: string, change: (cwd: string) => void, sentence: string | RegExp]>([
    ['the YAML file is empty', yaml(''), 'config/proxy.yaml is empty.'],
    ['the YAML file holds comments only', yaml('# soon\n'), 'config/proxy.yaml is empty.'],
    [
      'the YAML file is half written',
      yaml(YAML.slice(0, YAML.indexOf('symbols'))),
      'clients.trader would be free to trade every symbol.',
    ],
    [
      'the YAML file is cut within a line',
      yaml(YAML.slice(0, YAML.indexOf('BTCUSDT') + 3)),
      /^config\/proxy\.yaml:\d+:\d+ /,
    ],
    [
      'the YAML file is gone',
      moveAway('config/proxy.yaml'),
      'config/proxy.yaml was there before and is gone.',
    ],
    [
      'the folder of the files is gone',
      moveAway('config'),
      'config/denylist.yaml was there before and is gone.',
    ],
    [
      'the YAML file cannot be read',
      (cwd) => {
        moveAway('config/proxy.yaml')(cwd);
        mkdirSync(join(cwd, 'config/proxy.yaml'));
      },
      'config/proxy.yaml cannot be read (EISDIR)',
    ],
    [
      'the denylist file is moved away',
      moveAway('config/denylist.yaml'),
      'config/denylist.yaml was there before and is gone.',
    ],
    ['the denylist file is emptied', deny(''), 'config/denylist.yaml is empty.'],
    [
      'the denylist file cannot be read',
      (cwd) => {
        moveAway('config/denylist.yaml')(cwd);
        mkdirSync(join(cwd, 'config/denylist.yaml'));
      },
      'config/denylist.yaml cannot be read (EISDIR)',
    ],
    ['the denylist lost its entries', deny('deny: []\n'), 'The denylist would lose /sapi/v1/convert/**.'],
    [
      'the denylist lost one denial',
      deny(DENY.slice(0, DENY.indexOf('  - path: /api'))),
      'The denylist would lose /api/v3/myTrades.',
    ],
    ['the file .env is gone', moveAway('.env'), /BINANCE_API_KEY is not set/],
    [
      'a secret file is gone',
      moveAway('secrets/reader'),
      'READER_CLIENT_KEY_FILE names a file that cannot be read (ENOENT)',
    ],
    [
      'a secret file cannot be read',
      (cwd) => {
        rmSync(join(cwd, 'secrets/reader'));
        mkdirSync(join(cwd, 'secrets/reader'));
      },
      'READER_CLIENT_KEY_FILE names a file that cannot be read (EISDIR)',
    ],
    ['a secret file is empty', rewrite('secrets/trader', ''), 'TRADER_CLIENT_KEY_FILE names an empty file'],
    ['the last client keys are gone', yaml('keyPreflight: enforce\n'), 'The last client key would go'],
    [
      'a permission is added',
      yaml(YAML.replace('[read] ', '[read, spot-margin-trade] ')),
      'clients.reader would gain the permission spot-margin-trade.',
    ],
    [
      'a symbol is added',
      yaml(YAML.replace('[BTCUSDT]', '[BTCUSDT, ETHUSDT]')),
      'clients.trader would gain the symbol ETHUSDT.',
    ],
    [
      'a limit is higher',
      yaml(YAML.replace('"500"', '"501"')),
      'clients.trader would have looser limits: order.maxNotional.',
    ],
    [
      'a client is in report mode',
      yaml(YAML.replace('permissions: [read] ', 'permissions: [read], policy: { mode: report } ')),
      'clients.reader would be in report mode',
    ],
    [
      'the preflight goes from enforce to off',
      yaml(YAML.replace('enforce', 'off')),
      'keyPreflight would go from enforce to off.',
    ],
    [
      'the upstream is another one',
      (cwd) =>
        rewrite('.env', dotenv({ ...CLIENT_FILES, BINANCE_PROXY_UPSTREAM_SPOT: 'https://x.test' }))(cwd),
      'upstreams.spot would be another origin.',
    ],
  ])('A reload is refused, and the old rules hold, when %s', async (_what, change, sentence) => {
    change(folder);
    expect(reload).toThrow(sentence);
    await expectOldRules(proxy);
  });
});

describe('a SIGHUP that would take a guard away', () => {
  it.each<[what: string, change: (cwd: string) => void, sentence: string]>([
    ['the YAML file is empty', yaml(''), 'config/proxy.yaml is empty.'],
    [
      'the folder of the files is gone',
      moveAway('config'),
      'config/denylist.yaml was there before and is gone.',
    ],
    [
      'a secret file is gone',
      moveAway('secrets/reader'),
      'READER_CLIENT_KEY_FILE names a file that cannot be read (ENOENT)',
    ],
    [
      'the flag comes too late',
      (cwd) => {
        rewrite('.env', dotenv({ ...CLIENT_FILES, BINANCE_PROXY_ALLOW_LOOSENING: '1' }))(cwd);
        deny('deny: []')(cwd);
      },
      'The denylist would lose /api/v3/myTrades.',
    ],
  ])('A SIGHUP is refused, and the old rules hold, when %s', async (_what, change, sentence) => {
    const running = await start();
    change(running.cwd);
    const refused = await running.hup('config.refused');
    expect([refused.level, refused.msg]).toEqual([50, expect.stringContaining(sentence)]);
    await expectOldRules(running);
  });

  it('A SIGHUP never brings back with more rights what an earlier one has removed', async () => {
    const running = await start();
    yaml(YAML.slice(0, YAML.indexOf('  trader')))(running.cwd);
    expect((await running.hup('config.loaded')).detail).toEqual({ clientsRemoved: 'trader' });
    expect(await refusal(running.port, '/api/v3/account', TRADER_KEY)).toBe('PROXY_UNKNOWN_CLIENT');
    yaml(YAML.replace('    symbols: [BTCUSDT]\n', ''))(running.cwd);
    expect((await running.hup('config.refused')).msg).toBe(
      'clients.trader would be free to trade every symbol.',
    );
    yaml(YAML)(running.cwd);
    expect((await running.hup('config.loaded')).detail).toEqual({ clientsAdded: 'trader' });
    await expectOldRules(running);
  });

  it('A SIGHUP leaves the key of the single client in place when the file .env lost it', async () => {
    const running = await start({}, { BINANCE_PROXY_CLIENT_KEY: READER_KEY });
    rewrite('.env', dotenv())(running.cwd);
    expect((await running.hup('config.refused')).msg).toContain('The last client key would go');
    expect(await refusal(running.port, '/api/v3/account', undefined)).toBe('PROXY_UNKNOWN_CLIENT');
    expect(simulator.requests.filter(({ path }) => path.endsWith('/account'))).toEqual([]);
  });

  it('A SIGHUP names no secret when it refuses', async () => {
    const running = await start();
    rewrite('secrets/trader', READER_KEY)(running.cwd);
    rewrite('secrets/reader', TRADER_KEY)(running.cwd);
    const refused = await running.hup('config.refused');
    expect(refused.msg).toContain('The key of clients.reader would be the one of clients.trader.');
    running.child.kill('SIGTERM');
    const { stdout } = await running.child.ended;
    for (const secret of [READER_KEY, TRADER_KEY, TEST_KEY, TEST_SECRET])
      expect(stdout).not.toContain(secret);
  });
});

describe('a process that was started with BINANCE_PROXY_ALLOW_LOOSENING=1', () => {
  it('A process started with the flag takes guards away at SIGHUP, and says each in a warning', async () => {
    const running = await start(FILES, CLIENT_FILES, { BINANCE_PROXY_ALLOW_LOOSENING: '1' });
    await expectOldRules(running);
    yaml(YAML.replace('    symbols: [BTCUSDT]\n', ''))(running.cwd);
    deny(DENY.slice(0, DENY.indexOf('  - path: /api')))(running.cwd);
    expect(await running.hup('config.loaded')).toMatchObject({
      level: 40,
      msg: 'clients.trader would be free to trade every symbol.\nThe denylist would lose /api/v3/myTrades.',
      detail: { clientsChanged: 'trader (symbols)', denialsRemoved: '/api/v3/myTrades', loosened: 2 },
    });
    expect(await refusal(running.port, '/api/v3/order', TRADER_KEY, `${ORDER}ETHUSDT`)).toBeUndefined();
  });

  it('A process started with the flag still refuses what no start would take', async () => {
    const running = await start(FILES, CLIENT_FILES, { BINANCE_PROXY_ALLOW_LOOSENING: '1' });
    yaml('clients: [')(running.cwd);
    expect((await running.hup('config.refused')).msg).toMatch(/^config\/proxy\.yaml:1:\d+ /);
    await expectOldRules(running);
  });

  it('A flag that is neither 1 nor absent stops the start', async () => {
    const cwd = folderWith({ '.env': dotenv({ BINANCE_PROXY_ALLOW_LOOSENING: 'yes' }) });
    const { code, stderr } = await startChild([MAIN, 'serve'], { cwd }).ended;
    expect([code, stderr]).toEqual([78, 'BINANCE_PROXY_ALLOW_LOOSENING must be 1, or not set.\n']);
  });
});

describe('a SIGHUP that keeps all guards', () => {
  it('A SIGHUP is taken and says by name what it changed', async () => {
    const running = await start();
    yaml(
      `${YAML.replace('spot-margin-trade', 'spot-margin-trade').replace('"500"', '"400"')}` +
        `  other: { envPrefix: OTHER, permissions: [market-data] }\nrecvWindowMs: 4000\nlogLevel: info\n`,
    )(running.cwd);
    deny(`${DENY}  - path: /api/v3/allOrders\n    reason: too heavy\n`)(running.cwd);
    rewrite('secrets/trader', 'new'.repeat(20))(running.cwd);
    rewrite(
      '.env',
      dotenv({ ...CLIENT_FILES, OTHER_CLIENT_KEY: OTHER_KEY, BINANCE_PROXY_AUDIT_DIR: 'audit' }),
    )(running.cwd);
    const loaded = await running.hup('config.loaded');
    expect([loaded.level, loaded.msg, loaded.detail]).toEqual([
      30,
      undefined,
      {
        clientsAdded: 'other',
        clientsChanged: 'trader (order)',
        keysReplaced: 'trader',
        denialsAdded: '/api/v3/allOrders',
        changed: 'recvWindowMs',
        withNextStart: 'audit',
      },
    ]);
    expect(await refusal(running.port, '/api/v3/account', TRADER_KEY)).toBe('PROXY_UNKNOWN_CLIENT');
  });
});

describe('a start without any client key', () => {
  it('A start without any client key says once, as a warning, that every local program is trusted', async () => {
    const { child } = await start({}, {});
    const unguarded = await child.record('clients.unguarded');
    expect([unguarded.level, unguarded.msg]).toEqual([
      40,
      'No client key is configured: every program of this machine is trusted as the client default.',
    ]);
    child.kill('SIGTERM');
    const { stdout } = await child.ended;
    expect(stdout.match(/"clients\.unguarded"/g)).toHaveLength(1);
  });

  it('A start with client keys says nothing of the kind', async () => {
    const { child } = await start();
    child.kill('SIGTERM');
    expect((await child.ended).stdout).not.toContain('clients.unguarded');
  });
});

describe('a denylist that is configured and missing', () => {
  it.each<[where: string, files: Readonly<Record<string, string>>, env: Readonly<Record<string, string>>]>([
    ['the YAML file', { 'config/proxy.yaml': 'denylist: none.yaml\n' }, {}],
    ['BINANCE_PROXY_DENYLIST', {}, { BINANCE_PROXY_DENYLIST: '/etc/nowhere/denylist.yaml' }],
  ])(
    'A denylist that is configured by %s and missing stops the start with one sentence',
    async (_where, files, env) => {
      const cwd = folderWith({ '.env': dotenv(env), ...files });
      const { code, stdout, stderr } = await startChild([MAIN, 'serve'], { cwd }).ended;
      expect([code, stdout, stderr.trim().split('\n')]).toEqual([
        78,
        '',
        [
          expect.stringMatching(
            /names (?:a file|\S+, a file) that cannot be read \(ENOENT\): a readable YAML file is needed there\.$/,
          ),
        ],
      ]);
      expect(simulator.requests).toEqual([]);
    },
  );

  it('The start says which denylist holds, or that the built-in one holds alone', async () => {
    const withOwn = await (await start()).child.record('proxy.started');
    const without = await (await start({}, {})).child.record('proxy.started');
    expect([withOwn.detail, without.detail]).toMatchObject([
      { denylist: 'config/denylist.yaml' },
      { denylist: 'built-in only' },
    ]);
  });
});
