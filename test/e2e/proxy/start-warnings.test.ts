import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadSettings } from '../../../src/config/load-settings.ts';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import { ACCOUNT, folderWith } from '../../support/fixtures/config-folder.ts';
import { MAIN, startChild } from '../../support/processes/child.ts';
import { startTestProxy, TEST_KEY, TEST_SECRET, upstreamsAt } from '../../support/servers/proxy.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const LONG_KEY = 'L'.repeat(64);

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator({ accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET }] });
});
afterAll(() => simulator.close());

/** What a start with this environment and YAML warns of. */
async function warningsOf(env: Readonly<Record<string, string>>, yaml?: string): Promise<readonly unknown[]> {
  const options = { upstream: simulator.url, env, ...(yaml === undefined ? {} : { yaml }) };
  const proxy = await startTestProxy(options);
  await proxy.close();
  const records = proxy.records('config.warning');
  expect(records.map(({ level }) => level)).toEqual(records.map(() => 40));
  // Said of every start without these folders, and not what these tests are about.
  const isUsual = (msg: string) =>
    msg.startsWith('Without an audit folder') || msg.includes('forgets which states were set');
  return records.map(({ msg }) => msg).filter((msg) => !isUsual(String(msg)));
}

function secretFile(mode: number): string {
  const folder = folderWith({ key: LONG_KEY });
  chmodSync(join(folder, 'key'), mode);
  return join(folder, 'key');
}

describe('files with secrets', () => {
  it.each([0o644, 0o640, 0o604, 0o666])(
    'A secret file of mode %o is warned about once, by variable and path',
    async (mode) => {
      const path = secretFile(mode);
      const warnings = await warningsOf({ BINANCE_PROXY_CLIENT_KEY_FILE: path });
      const octal = mode.toString(8).padStart(4, '0');
      expect(warnings).toEqual([
        `The file of BINANCE_PROXY_CLIENT_KEY_FILE can be used by other users (mode ${octal}): run chmod go-rwx ${path}`,
      ]);
    },
  );

  it.each([0o600, 0o400])('A secret file of mode %o is not warned about', async (mode) => {
    expect(await warningsOf({ BINANCE_PROXY_CLIENT_KEY_FILE: secretFile(mode) })).toEqual([]);
  });

  it.skipIf(process.getuid?.() !== 0)(
    'A secret file that another user put there, as Docker does, is not warned about',
    async () => {
      const path = secretFile(0o444);
      chownSync(path, 1_000, 1_000);
      expect(await warningsOf({ BINANCE_PROXY_CLIENT_KEY_FILE: path })).toEqual([]);
    },
  );

  it('A file of .env that others may read is warned about, and its content stands in no line', async () => {
    const cwd = folderWith();
    const values = {
      BINANCE_API_KEY: TEST_KEY,
      BINANCE_API_SECRET: TEST_SECRET,
      BINANCE_PROXY_ENVIRONMENT: 'simulator',
      BINANCE_PROXY_PORT: '0',
      BINANCE_PROXY_OPERATOR_PORT: '0',
      ...upstreamsAt(simulator.url),
    };
    const text = Object.entries(values).map(([name, value]) => `${name}=${value}\n`);
    writeFileSync(join(cwd, '.env'), text.join(''), { mode: 0o644 });
    const child = startChild([MAIN, 'serve'], { cwd });
    expect(await child.record('config.warning')).toMatchObject({
      level: 40,
      msg: `The file .env can be used by other users (mode 0644): run chmod go-rwx ${join(cwd, '.env')}`,
    });
    child.kill('SIGTERM');
    const { stdout } = await child.ended;
    expect(stdout).not.toContain(TEST_SECRET);
  });

  it('The way to .env in the README leaves it to its owner alone', () => {
    const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
    const line = /^install -m .*\.env.*$/m.exec(readme)?.[0] ?? '';
    expect(line).not.toBe('');
    expect(readme).not.toMatch(/^cp \.env/m);
    const cwd = folderWith();
    copyFileSync(join(ROOT, '.env.example'), join(cwd, '.env.example'));
    execFileSync('sh', ['-c', line], { cwd });
    expect(statSync(join(cwd, '.env')).mode & 0o777).toBe(0o600);
    expect(loadSettings({ env: { ...ACCOUNT }, cwd }).warnings).toEqual([]);
  });
});

describe('issued keys that may be guessed', () => {
  it.each([1, 8, 31])(
    'An issued key of %i characters is warned about with the name of its client',
    async (length) => {
      const warnings = await warningsOf({ BINANCE_PROXY_CLIENT_KEY: 'k'.repeat(length) });
      expect(warnings).toEqual([
        'BINANCE_PROXY_CLIENT_KEY of client default is shorter than 32 characters, so it may be guessed: issue one with `client new`.',
      ]);
    },
  );

  it('A short key and a short secret of a client in the file are warned about, and no other client', async () => {
    const warnings = await warningsOf(
      { BOT_CLIENT_KEY: 'short', BOT_CLIENT_SECRET: 'secret', OTHER_CLIENT_KEY: LONG_KEY },
      'clients:\n  bot: { account: main, envPrefix: BOT }\n  other: { account: main, envPrefix: OTHER }\n',
    );
    expect(warnings).toEqual([
      expect.stringContaining('BOT_CLIENT_KEY of client bot'),
      expect.stringContaining('BOT_CLIENT_SECRET of client bot'),
    ]);
  });

  it('An issued key of 32 characters is not warned about', async () => {
    expect(await warningsOf({ BINANCE_PROXY_CLIENT_KEY: 'k'.repeat(32) })).toEqual([]);
  });
});

describe('sums that a restart forgets', () => {
  const yaml = (rule: string) => `clients:\n  bot: { account: main, envPrefix: BOT, order: { ${rule} } }\n`;

  it.each(['maxPerDay: 5', 'maxNotionalPerDay: { USDT: "500" }'])(
    'A client with %s and no state folder is warned about by name',
    async (rule) => {
      const warnings = await warningsOf({ BOT_CLIENT_KEY: LONG_KEY }, yaml(rule));
      expect(warnings).toEqual([
        expect.stringMatching(/counted in memory.*\(bot\).*BINANCE_PROXY_STATE_DIR/),
      ]);
    },
  );

  it('A client with such a rule and a state folder is not warned about, nor one with other rules', async () => {
    const state = { BINANCE_PROXY_STATE_DIR: join(folderWith(), 'state') };
    expect(await warningsOf({ BOT_CLIENT_KEY: LONG_KEY, ...state }, yaml('maxPerDay: 5'))).toEqual([]);
    expect(await warningsOf({ BOT_CLIENT_KEY: LONG_KEY }, yaml('types: [LIMIT]'))).toEqual([]);
  });
});
