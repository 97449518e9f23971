import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { parse as parseDotenv } from 'dotenv';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PRESET_NAMES, PRESETS } from '../../../src/commands/client/presets.ts';
import { client } from '../../../src/commands/client.ts';
import { loadSettings } from '../../../src/config/load-settings.ts';
import { ACCOUNT, folderWith } from '../../support/fixtures/config-folder.ts';
import { within } from '../../support/processes/working-folder.ts';

const ED25519 = generateKeyPairSync('ed25519');
let stdout = '';
let stderr = '';

beforeEach(() => {
  stdout = '';
  stderr = '';
  vi.spyOn(console, 'log').mockImplementation((text) => {
    stdout += `${text}\n`;
  });
  vi.spyOn(console, 'error').mockImplementation((text) => {
    stderr += `${text}\n`;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
});

describe('client new', () => {
  it.each([
    ['grid-bot', 'GRID_BOT'],
    ['Desk.7', 'DESK_7'],
    ['7th', 'CLIENT_7TH'],
    ['true', 'TRUE'],
    ['a--b_', 'A_B'],
    [`x${'y'.repeat(63)}`, `X${'Y'.repeat(63)}`],
    ['9'.repeat(64), `CLIENT_${'9'.repeat(64)}`],
  ])('For %s client new prints what .env and the YAML file need, and both load', async (name, prefix) => {
    expect(await client(['new', name])).toBe(0);
    const env = parseDotenv(stdout);
    expect(Object.keys(env)).toEqual([`${prefix}_CLIENT_KEY`, `${prefix}_CLIENT_SECRET`]);
    for (const value of Object.values(env)) expect(value).toMatch(/^[A-Za-z0-9]{64}$/);
    const yaml = stderr.slice(stderr.indexOf('clients:'));
    const settings = loadSettings({
      env: { ...ACCOUNT, ...env },
      cwd: folderWith({ 'config/proxy.yaml': yaml }),
    });
    expect(settings.clients.get(name)).toMatchObject({ account: 'main', requireSignature: true });
    expect(settings.clients.get(name)?.secret?.export().toString()).toBe(env[`${prefix}_CLIENT_SECRET`]);
  });

  it('The command client new keeps key and secret off stderr, so that stdout can be appended to .env', async () => {
    await client(['new', 'grid-bot']);
    for (const value of Object.values(parseDotenv(stdout))) expect(stderr).not.toContain(value);
  });

  it('The command client new issues the pair of the single client under its own names', async () => {
    expect(await client(['new', 'default'])).toBe(0);
    const env = { ...ACCOUNT, ...parseDotenv(stdout) };
    expect(loadSettings({ env, cwd: folderWith() }).clientsByKeyDigest.size).toBe(1);
  });

  it.each(['ed25519', 'rsa'])('The command client new takes an app’s own %s public key', async (type) => {
    const { publicKey } = type === 'rsa' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : ED25519;
    const cwd = folderWith({ 'app.pub': publicKey.export({ type: 'spki', format: 'pem' }).toString() });
    expect(await client(['new', 'grid-bot', '--public-key', join(cwd, 'app.pub')])).toBe(0);
    expect(stdout.trim().split('\n')).toHaveLength(3);
    const env = parseDotenv(stdout);
    expect(Object.keys(env)).toEqual(['GRID_BOT_CLIENT_KEY', 'GRID_BOT_CLIENT_PUBLIC_KEY']);
    const yaml = stderr.slice(stderr.indexOf('clients:'));
    const settings = loadSettings({
      env: { ...ACCOUNT, ...env },
      cwd: folderWith({ 'config/proxy.yaml': yaml }),
    });
    const issued = settings.clients.get('grid-bot');
    expect(issued).toMatchObject({ requireSignature: true, secret: undefined });
    expect(issued?.publicKey?.equals(publicKey)).toBe(true);
  });

  it.each([
    [
      'the private key',
      ED25519.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      'holds a private key',
    ],
    ['no key at all', 'secret-of-somebody', 'is not a PEM text'],
  ])(
    'The command client new refuses a file that holds %s, and prints nothing of it',
    async (_what, text, why) => {
      const cwd = folderWith({ 'app.pem': text });
      expect(await client(['new', 'bot', '--public-key', join(cwd, 'app.pem')])).toBe(64);
      expect(stdout).toBe('');
      expect(stderr).toContain(`The file of --public-key ${why}`);
      for (const line of text
        .trim()
        .split('\n')
        .filter((each) => !each.includes('KEY')))
        expect(stderr).not.toContain(line);
    },
  );

  it('The command client new says why it cannot read the file of a public key', async () => {
    expect(await client(['new', 'bot', '--public-key', '/nowhere/app.pub'])).toBe(64);
    expect(stderr).toContain('--public-key names a file that cannot be read (ENOENT).');
    expect(stdout).toBe('');
  });

  it('The command client new never prints the same twice, and favours no letter', async () => {
    for (let round = 0; round < 200; round++) await client(['new', 'bot']);
    const values = [...stdout.matchAll(/=(\w{64})$/gm)].map(([, value]) => value!);
    expect(new Set(values).size).toBe(400);
    const letters = values.join('');
    expect(new Set(letters).size).toBe(62);
    // Bytes modulo 62 would give A to H 5/256 each: 15.6 % of all instead of 12.9 %, over 12 standard deviations apart.
    expect(letters.replaceAll(/[^A-H]/g, '').length / letters.length).toBeLessThan(0.1425);
  });

  it.each([[[]], [['new']], [['old', 'bot']], [['new', 'a', 'b']], [['new', 'bot', '--force']]])(
    'The command client shows its usage on stderr and ends with 64 for %j',
    async (argv) => {
      expect(await client(argv)).toBe(64);
      expect(stderr).toContain('Usage: binance-signing-proxy client <new|list|rotate|revoke> [NAME]');
      expect(stdout).toBe('');
    },
  );

  it.each(['my bot', '-', 'a/b', 'grün', '', 'x'.repeat(65), 'anonymous', '__proto__'])(
    'The command client new refuses the name %j',
    async (name) => {
      expect(await client(['new', name])).toBe(64);
      expect(stdout).toBe('');
      expect(stderr).not.toBe('');
    },
  );

  it.each(PRESET_NAMES)(
    'The command client new --for %s prints an entry that loads with its limits',
    async (kind) => {
      expect(await client(['new', 'my-app', '--for', kind])).toBe(0);
      const yaml = stderr.slice(stderr.indexOf('clients:'));
      const settings = loadSettings({
        env: { ...ACCOUNT, ...parseDotenv(stdout) },
        cwd: folderWith({ 'config/proxy.yaml': yaml }),
      });
      const { entry, symbols } = PRESETS[kind];
      const loaded = settings.clients.get('my-app');
      expect(loaded).toMatchObject({
        permissions: new Set(entry.permissions),
        requireSignature: entry.requireSignature,
        weightPerMinute: entry.weightPerMinute,
        requestsPerSecond: entry.requestsPerSecond,
      });
      expect(loaded?.symbols).toEqual(symbols === undefined ? undefined : new Set(symbols));
      const rules = 'order' in entry ? entry.order : undefined;
      for (const rule of ['maxPerDay', 'maxLeverage', 'perSecond', 'perMinute', 'repeats'] as const)
        expect(loaded?.order?.[rule]).toEqual(rules?.[rule]);
      for (const rule of ['priceBand', 'maxSpread'] as const)
        expect(loaded?.order?.[rule]).toBe(rules && `0.0${rules[rule].slice(0, -1)}`);
      expect(loaded?.stopAfterRefusals).toBe(rules && 10);
      const { maxOpen } = PRESETS[kind];
      expect(/maxOpen: (\d+)/.exec(stderr)?.[1]).toBe(maxOpen?.toString());
      const days = PRESETS[kind].expiresInDays;
      if (days === undefined) expect(loaded?.expiresMs).toBeUndefined();
      else
        expect(Math.abs((loaded?.expiresMs ?? 0) - Date.now() - days * 86_400_000)).toBeLessThan(172_800_000);
      expect(loaded?.permissions.has('spot-margin-trade')).toBe(kind !== 'dashboard');
    },
  );

  it('The command client new --symbols names the symbols of the entry', async () => {
    expect(await client(['new', 'my-app', '--for', 'agent', '--symbols', 'SOLUSDT, BNBUSDT'])).toBe(0);
    expect(stderr).toContain('symbols: [ SOLUSDT, BNBUSDT ]');
  });

  it.each([
    [['--for', 'robot'], '--for takes one of: agent, bot, dashboard.'],
    [['--for', '__proto__'], '--for takes one of: agent, bot, dashboard.'],
    [['--symbols', 'BTC/USDT,eth'], '--symbols takes symbols as Binance spells them'],
  ])('The command client new refuses %j', async (flags, sentence) => {
    expect(await client(['new', 'my-app', ...flags])).toBe(64);
    expect([stdout, stderr]).toEqual(['', expect.stringContaining(sentence)]);
  });

  it.each([
    ['.env', { '.env': 'BOT_CLIENT_KEY=already\n' }],
    ['a file that .env names', { '.env': 'BOT_CLIENT_KEY_FILE=key\n', key: 'already' }],
  ])(
    'The command client new prints nothing for a client whose key stands in %s already',
    async (_where, files) => {
      within(folderWith(files));
      expect(await client(['new', 'bot'])).toBe(1);
      expect([stdout, stderr]).toEqual(['', expect.stringContaining('"client rotate bot" replaces it')]);
      expect(stderr).not.toContain('already\n');
    },
  );

  it('The command client new takes an empty line of .env for none', async () => {
    within(folderWith({ '.env': 'BINANCE_PROXY_CLIENT_KEY=\n' }));
    expect(await client(['new', 'default'])).toBe(0);
  });

  it.each(['--help', '-h'])('The command client explains itself with %s', async (flag) => {
    expect(await client([flag])).toBe(0);
    expect(stdout).toContain('>> .env');
  });
});
