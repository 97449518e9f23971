import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { createFileAuditSink } from '../../src/audit/file-sink.ts';
import { type AuditTrail, createAuditTrail } from '../../src/audit/trail.ts';
import { LIBRARIES } from '../../src/commands/init/library-lines.ts';
import { auditKeyFrom } from '../../src/core/records/chain.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { completed, DAY_MS, signed } from '../support/fixtures/sample-trail.ts';
import { type NoticeServer, startNoticeServer } from '../support/notice-server.ts';
import { addressesOf, type Ended, MAIN, startChild } from '../support/processes/child.ts';
import { openStage } from '../support/processes/library-scenario.ts';
import {
  OPERATOR_ENV,
  OPERATOR_TOKEN,
  TEST_KEY,
  TEST_SECRET,
  upstreamsAt,
} from '../support/servers/proxy.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

interface DocumentedLine {
  readonly page: string;
  /** With one spelling of the program, however the page spells it. */
  readonly command: string;
}

/** Every way to spell the program that a page may use. */
const SPELLINGS =
  /(?:npx (?:--\S+ )*)?\b(?:binance-signing-proxy|node (?:\.\/)?(?:bin\/binance-signing-proxy\.mjs|src\/main\.ts)|npm run (?:--silent )?proxy --)(?=\s|$)/g;

function linesOf(page: string): readonly DocumentedLine[] {
  return [...read(page).matchAll(/^```sh\b.*\n([\s\S]*?)^```$/gm)]
    .flatMap(([, block = '']) => block.replaceAll(/\\\n\s*/g, '').split('\n'))
    .map((line) => line.replace(/(?:^|\s+)#(?: .*|$)/, '').trim())
    .filter((line) => line !== '')
    .map((line) => ({ page, command: line.replaceAll(SPELLINGS, 'binance-signing-proxy') }));
}

const PAGES = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];
const LINES = PAGES.flatMap(linesOf);

/** What asks a proxy that serves, as its operator where one is needed. */
const BESIDE_A_PROXY =
  /\breload\b|^binance-signing-proxy (?:healthcheck|operator status|state|approvals|notices|watch)\b/;

/** What cannot be run here, and why. */
const LEFT_OUT: readonly (readonly [begin: RegExp, why: string])[] = [
  [/^(?:docker|kubectl|podman|helm)\b/, 'needs an engine: test/image/run.sh'],
  [/^(?:systemctl|journalctl)\b/, 'needs systemd'],
  [/^(?:npm|npx) (?!binance-signing-proxy)/, 'is what runs this test, or installs'],
  [/^node (?:bench|scripts)\//, 'has tests of its own'],
  [/^install /, 'copies a file'],
  [/^[A-Z_]+=\S+$/, 'is a setting'],
  [/^\.\/dist\/executable\//, 'is built first: test/first-minute/executable.test.ts'],
  [/^(?:cp|echo|sudo) .*\bbot\.hosts\b/, 'needs a network of its own: test/e2e'],
  [
    /^binance-signing-proxy(?: serve| demo| simulator| init)?(?: --keep)?$/,
    'asks or serves until it is stopped: test/commands',
  ],
];

let simulator: Simulator;
/** Takes the notices of the proxy that serves. */
let phone: NoticeServer;
/** A working folder as the pages suppose it: a configuration, a proxy that serves, records in ./audit. */
let cwd: string;
let env: Readonly<Record<string, string>>;

beforeAll(async () => {
  simulator = await startSimulator({ accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET }] });
  phone = await startNoticeServer();
  cwd = mkdtempSync(join(tmpdir(), 'documented-'));
  for (const folder of ['audit', 'bin', 'config', 'home']) mkdirSync(join(cwd, folder), { mode: 0o700 });
  writeFileSync(
    join(cwd, 'bin/binance-signing-proxy'),
    `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`,
  );
  chmodSync(join(cwd, 'bin/binance-signing-proxy'), 0o755);
  fill(join(cwd, 'audit'));
  env = {
    PATH: `${join(cwd, 'bin')}${delimiter}${process.env.PATH}`,
    HOME: join(cwd, 'home'),
  };
});
/** What one line changes must not be in the way of the next. */
beforeEach(() => {
  writeFileSync(join(cwd, 'config/proxy.yaml'), YAML);
  writeFileSync(join(cwd, '.env'), dotenv());
  chmodSync(join(cwd, '.env'), 0o600);
});
afterAll(async () => {
  await simulator.close();
  await phone.close();
  rmSync(cwd, { recursive: true, force: true });
});

const YAML = `audit: { dir: audit }
notices: [{ name: phone, kind: ntfy, envPrefix: PHONE }]
clients:
  grid-bot: { account: main, envPrefix: GRID_BOT, permissions: [market-data, read, spot-margin-trade] }
  dashboard: { account: main, envPrefix: DASHBOARD, permissions: [market-data, read] }
`;

function dotenv(): string {
  const values = {
    BINANCE_API_KEY: TEST_KEY,
    BINANCE_API_SECRET: TEST_SECRET,
    BINANCE_PROXY_ENVIRONMENT: 'simulator',
    BINANCE_PROXY_PORT: '0',
    BINANCE_PROXY_OPERATOR_PORT: '0',
    ...OPERATOR_ENV,
    ...upstreamsAt(simulator.url),
    PHONE_URL: `${phone.url}/topic`,
    GRID_BOT_CLIENT_KEY: 'g'.repeat(64),
    DASHBOARD_CLIENT_KEY: 'd'.repeat(64),
  };
  return Object.entries(values)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

/** Records of yesterday and today: orders, a read, a cancel, a refusal, an unknown outcome. */
function fill(folder: string, key?: string): void {
  let nowMs = Date.now() - DAY_MS;
  const auditKey = key === undefined ? undefined : auditKeyFrom(key);
  const sink = createFileAuditSink({ folder, key: auditKey, durability: 'process' });
  const trail = createAuditTrail({ sink, log: () => {}, now: () => nowMs });
  trail.note({ event: 'proxy.started', detail: { environment: 'simulator' } });
  day(trail, 1);
  nowMs += DAY_MS;
  day(trail, 11);
  trail.close();
}

function day(trail: AuditTrail, first: number): void {
  const orders = [{ symbol: 'BTCUSDT', side: 'BUY', type: 'LIMIT', quantity: '0.01', price: '50000' }];
  trail.write({ ...signed(first), orders });
  trail.note(completed(first));
  trail.write({
    ...signed(first + 1),
    method: 'GET',
    path: '/api/v3/account',
    permission: 'read',
    params: {},
  });
  trail.note({ ...completed(first + 1), orderId: undefined, clientOrderId: undefined });
  trail.write({
    ...signed(first + 2),
    method: 'DELETE',
    params: { symbol: 'BTCUSDT', origClientOrderId: 'c-1' },
  });
  trail.note(completed(first + 2));
  trail.write({ ...signed(first + 3), orders });
  trail.note({
    ...completed(first + 3),
    outcome: 'unknown',
    status: 504,
    orderId: undefined,
    upstreamMs: undefined,
  });
  trail.note({
    event: 'call.refused',
    client: 'dashboard',
    requestId: `d-${first}`,
    error: 'PROXY_DENYLISTED',
    rule: 'withdraw',
    outcome: 'not-sent',
    durationMs: 0.4,
  });
}

/** Runs a line in the working folder, in a shell as a reader would; the simulator of this process goes on meanwhile. */
const shell = (command: string, folder = cwd): Promise<Ended> =>
  startChild(['-c', command], { cwd: folder, env, command: 'sh' }).ended;

const isLeftOut = (command: string) => LEFT_OUT.some(([begin]) => begin.test(command));
const beginning = (...words: readonly string[]) =>
  LINES.filter(({ command }) => !isLeftOut(command) && words.some((word) => command.startsWith(word)));

describe('documented commands', () => {
  it('Every line of a shell block is run by a test, or it stands here why not', () => {
    const known = /^(?:binance-signing-proxy|curl|jq|cat|openssl) /;
    expect(LINES.length).toBeGreaterThan(40);
    expect(LINES.filter(({ command }) => !known.test(command) && !isLeftOut(command))).toEqual([]);
  });

  // First, and in their order: other lines take the files that they make.
  it.runIf(spawnSync('openssl', ['version']).status === 0).each(beginning('openssl'))(
    '$page: $command',
    async ({ command }) => {
      expect((await shell(command)).code).toBe(0);
    },
  );

  it.each(
    beginning('binance-signing-proxy audit').filter(
      ({ command }) => !/ tail |--key-file|--from-seq/.test(command),
    ),
  )('$page: $command', async ({ command }) => {
    const { code, stdout, stderr } = await shell(command);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).not.toBe('');
  });

  it.each(beginning('binance-signing-proxy audit tail'))('$page: $command', async ({ command }) => {
    const words = command.replace(/ \|.*/, '').split(' ').slice(1);
    const child = startChild([MAIN, ...words], { cwd });
    await child.line(/(call\.(?:signed|refused))/);
    child.kill('SIGTERM');
    expect(await child.ended).toMatchObject({ code: 0, stderr: '' });
  });

  it.each(beginning('binance-signing-proxy audit').filter(({ command }) => command.includes('--key-file')))(
    '$page: $command',
    async ({ command }) => {
      const folder = mkdtempSync(join(tmpdir(), 'documented-'));
      onTestFinished(() => rmSync(folder, { recursive: true }));
      mkdirSync(join(folder, 'audit'), { mode: 0o700 });
      writeFileSync(join(folder, 'audit.key'), 'a key of the trail\n');
      fill(join(folder, 'audit'), 'a key of the trail');
      expect(await shell(command, folder)).toMatchObject({
        code: 0,
        stdout: expect.stringContaining(': OK, '),
      });
    },
  );

  it.each(beginning('binance-signing-proxy audit').filter(({ command }) => command.includes('--from-seq')))(
    '$page: $command, after the older file went to the archive',
    async ({ command }) => {
      const folder = mkdtempSync(join(tmpdir(), 'documented-'));
      onTestFinished(() => rmSync(folder, { recursive: true }));
      mkdirSync(join(folder, 'audit'), { mode: 0o700 });
      fill(join(folder, 'audit'));
      const [oldest = ''] = readdirSync(join(folder, 'audit'))
        .filter((name) => name.endsWith('.ndjson'))
        .sort();
      const archived = readFileSync(join(folder, 'audit', oldest), 'utf8')
        .trimEnd()
        .split('\n').length;
      rmSync(join(folder, 'audit', oldest));
      const line = command.replace(/--from-seq \d+/, `--from-seq ${archived + 1}`);
      expect(await shell(line, folder)).toMatchObject({ code: 0, stdout: expect.stringContaining(': OK, ') });
    },
  );

  const others = beginning('binance-signing-proxy').filter(
    ({ command }) => !/^binance-signing-proxy (?:audit|init)/.test(command),
  );
  it.each(others.filter(({ command }) => !BESIDE_A_PROXY.test(command)))(
    '$page: $command',
    async ({ command }) => {
      // A pair is issued to a client that has none yet.
      if (command.includes('client new grid-bot'))
        writeFileSync(join(cwd, '.env'), dotenv().replace(/^GRID_BOT.*\n/m, ''));
      // A new token is written into a new file.
      rmSync(join(cwd, 'operator.token'), { force: true });
      const { code, stderr } = await shell(command);
      expect([code, stderr.includes('Usage:'), code === 0 ? '' : stderr]).toEqual([0, false, '']);
    },
  );

  it.each(others.filter(({ command }) => BESIDE_A_PROXY.test(command)))(
    '$page: $command, beside a proxy that serves',
    async ({ command }) => {
      const proxy = startChild([MAIN, 'serve'], { cwd });
      const { operatorUrl } = await addressesOf(proxy);
      const port = `BINANCE_PROXY_OPERATOR_PORT=${new URL(operatorUrl).port}`;
      writeFileSync(join(cwd, 'operator.token'), OPERATOR_TOKEN, { mode: 0o600 });
      const token = 'BINANCE_PROXY_OPERATOR_TOKEN_FILE=operator.token';
      const ran = await shell(/\breload\b/.test(command) ? command : `${port} ${token} ${command}`);
      proxy.kill('SIGTERM');
      await proxy.ended;
      expect([ran.code, ran.stdout !== '', ran.code === 0 ? '' : ran.stderr]).toEqual([0, true, '']);
    },
  );

  it.each(beginning('binance-signing-proxy init'))('$page: $command', async ({ command }) => {
    const folder = mkdtempSync(join(tmpdir(), 'documented-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const { code, stderr } = await shell(command, folder);
    expect([code, stderr, existsSync(join(folder, '.env'))]).toEqual([0, '', true]);
  });
});

const programs = ['jq', 'sha256sum'].filter((name) => spawnSync(name, ['--help']).error !== undefined);
if (programs.length > 0) process.stdout.write(`Not installed, so not run: ${programs.join(', ')}.\n`);

describe('documented lines of other programs', () => {
  it.each(beginning('jq', 'cat').filter(({ command }) => !programs.some((name) => command.includes(name))))(
    '$page: $command',
    async ({ command }) => {
      const { code, stdout, stderr } = await shell(command);
      expect([code, stderr]).toEqual([0, '']);
      expect(stdout.trim()).not.toBe('');
    },
  );

  const lines = linesOf('docs/audit.md').map(({ command }) => command);
  const lineWith = (part: string) => lines.find((line) => line.includes(part)) ?? 'false';

  it.runIf(programs.length === 0)(
    'The documented line gives the hash of the first record, also with several days',
    async () => {
      const [oldest = ''] = readdirSync(join(cwd, 'audit'))
        .filter((name) => name.endsWith('.ndjson'))
        .sort();
      const [first = ''] = readFileSync(join(cwd, 'audit', oldest), 'utf8').split('\n');
      const { hash } = JSON.parse(first) as { hash: string };
      expect((await shell(lineWith('sha256sum'))).stdout).toBe(`${hash}  -\n`);
    },
  );

  it.runIf(programs.length === 0)(
    'The documented line about slowness counts answered calls alone',
    async () => {
      // Of every answered call in the sample the proxy itself took 1 ms; the refusals and the lost answer have no time at Binance.
      expect((await shell(lineWith('.upstreamMs'))).stdout).toBe('1\n');
    },
  );

  it.runIf(programs.length === 0)(
    'The documented line about trading lists orders, not reads and cancels',
    async () => {
      const rows = (await shell(lineWith('.quoteOrderQty'))).stdout.trimEnd().split('\n');
      expect(new Set(rows)).toEqual(new Set(['grid-bot\tBTCUSDT\tBUY\t0.01\t50000']));
      expect(rows).toHaveLength(4);
    },
  );
});

describe.runIf(spawnSync('curl', ['--version']).status === 0)('documented lines of curl', () => {
  it.each(PAGES.filter((page) => linesOf(page).some(({ command }) => command.startsWith('curl'))))(
    'The curl lines of %s are answered by Binance, in their order',
    async (page) => {
      const stage = await openStage('an issued key pair', { requireSignature: false });
      onTestFinished(() => stage.close());
      for (const { command } of linesOf(page).filter((line) => line.command.startsWith('curl'))) {
        const line = command
          .replaceAll('http://localhost:8080', stage.baseUrl)
          .replaceAll('ISSUED_KEY', stage.key)
          .replaceAll('ISSUED_SECRET', stage.secret);
        // The stage lives in this process: the shell must not block it.
        const child = startChild(['-c', line], { cwd, command: 'sh' });
        const { code, stdout } = await child.ended;
        // The page places trial orders, so there is none to cancel.
        const isCancel = command.includes('-X DELETE');
        const answer = isCancel
          ? expect.objectContaining({ code: -2011 })
          : expect.not.objectContaining({ code: expect.anything() });
        expect([command, code, JSON.parse(stdout)]).toEqual([command, 0, answer]);
      }
    },
  );
});

describe('the lines of libraries', () => {
  it.each([...LIBRARIES])(
    'The lines that init prints for %s stand in docs/clients.md',
    (_name, { lines }) => {
      expect(read('docs/clients.md')).toContain(lines);
    },
  );
});
