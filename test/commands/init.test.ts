import { generateKeyPairSync } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { parse as parseDotenv } from 'dotenv';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { PRESET_NAMES } from '../../src/commands/client/presets.ts';
import { LIBRARIES } from '../../src/commands/init/library-lines.ts';
import { init } from '../../src/commands/init.ts';
import { loadSettings } from '../../src/config/load-settings.ts';
import { readEnvironment } from '../../src/config/sources/read-environment.ts';
import { send } from '../support/clients/http.ts';
import { type Files, folderWith } from '../support/fixtures/config-folder.ts';
import { caught } from '../support/processes/caught.ts';
import { addressesOf, MAIN, runToEnd, startChild } from '../support/processes/child.ts';
import { hasTerminal, onTerminal, TERMINAL_MISSING } from '../support/processes/terminal.ts';
import { within } from '../support/processes/working-folder.ts';

if (!hasTerminal) process.stdout.write(`${TERMINAL_MISSING}\n`);

const API_KEY = 'apiKEYapiKEYapiKEYapiKEYapiKEYapiKEYapiKEYapiKEYapiKEYapiKEYapi1';
const API_SECRET = 'apiSECRETapiSECRETapiSECRETapiSECRETapiSECRETapiSECRETapiSECRET1';
const KEY_FILES: Files = { 'key.txt': `${API_KEY}\n`, 'secret.txt': `${API_SECRET}\n` };
const KEY_OPTIONS = ['--api-key-file', 'key.txt', '--secret-file', 'secret.txt'];

const read = (folder: string, name: string) => readFileSync(join(folder, name), 'utf8');
const modeOf = (folder: string, name: string) => statSync(join(folder, name)).mode & 0o777;
const settingsOf = (folder: string) => loadSettings({ cwd: folder, env: readEnvironment(folder, {}) });

describe('init without questions', () => {
  it('The command init --yes writes a configuration for its owner alone that check accepts, on the testnet', async () => {
    const folder = within(folderWith(KEY_FILES));
    chmodSync(join(folder, 'key.txt'), 0o600);
    const { code, stdout, stderr } = await caught(init, '--yes', '--offline', ...KEY_OPTIONS);
    const warning =
      /^The file of BINANCE_API_SECRET_FILE can be used by other users \(mode 0644\): run chmod .*\n$/;
    expect([code, stderr]).toEqual([0, expect.stringMatching(warning)]);
    expect(stdout).toContain('Written: .env\nWritten: config/proxy.yaml\n');
    expect(stdout).toContain('environment testnet');
    expect([modeOf(folder, '.env'), modeOf(folder, 'config/proxy.yaml')]).toEqual([0o600, 0o600]);
    const settings = settingsOf(folder);
    expect(settings.environment).toBe('testnet');
    expect([...settings.clients.keys()]).toEqual(['my-app', 'anonymous']);
    expect(settings.clientsByKeyDigest.size).toBe(1);
    expect(settings.clients.get('my-app')).toMatchObject({ requireSignature: true });
    // The files of the key stay where they are: .env names them, and nothing repeats them.
    expect(read(folder, '.env')).toContain('BINANCE_API_SECRET_FILE=secret.txt');
    for (const name of ['.env', 'config/proxy.yaml']) expect(read(folder, name)).not.toContain(API_SECRET);
    expect(stdout).not.toContain(API_SECRET);
  });

  it.each(PRESET_NAMES)('The command init makes a client of the kind %s', async (kind) => {
    const folder = within(folderWith());
    const { code } = await caught(
      init,
      '--yes',
      '--environment',
      'simulator',
      '--client',
      'a',
      '--for',
      kind,
    );
    expect(code).toBe(0);
    expect(settingsOf(folder).clients.get('a')?.permissions.has('spot-margin-trade')).toBe(
      kind !== 'dashboard',
    );
  });

  it('The command init makes several clients, each of its kind', async () => {
    const folder = within(folderWith());
    const clients = ['--client', 'one', '--client', 'two', '--for', 'agent', '--for', 'dashboard'];
    expect((await caught(init, '--yes', '--environment', 'simulator', ...clients)).code).toBe(0);
    const { clients: made, clientsByKeyDigest } = settingsOf(folder);
    expect([made.get('one')?.symbols?.size, made.get('two')?.symbols, clientsByKeyDigest.size]).toEqual([
      2,
      undefined,
      2,
    ]);
  });

  it('The command init puts secrets into files of their own when told', async () => {
    const folder = within(folderWith());
    const { code, stdout } = await caught(init, '--yes', '--environment', 'simulator', '--store', 'files');
    expect(code).toBe(0);
    const names = ['binance_api_key', 'binance_api_secret', 'my_app_client_key', 'my_app_client_secret'];
    expect(readdirSync(join(folder, 'secrets')).sort()).toEqual(names);
    expect(modeOf(folder, 'secrets')).toBe(0o700);
    for (const name of names) {
      expect([name, modeOf(folder, `secrets/${name}`)]).toEqual([name, 0o600]);
      expect(read(folder, '.env')).not.toContain(read(folder, `secrets/${name}`).trim());
      expect(stdout).not.toContain(read(folder, `secrets/${name}`).trim());
    }
    expect(settingsOf(folder).warnings).toEqual([]);
  });

  it('The command init takes a private key, and reads it as the proxy will', async () => {
    const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
    const folder = within(folderWith({ ...KEY_FILES, 'binance.pem': String(pem) }));
    const options = ['--api-key-file', 'key.txt', '--secret-file', 'binance.pem'];
    expect((await caught(init, '--yes', '--offline', ...options)).code).toBe(0);
    expect(settingsOf(folder).accounts.get('main')?.algorithm).toBe('ED25519');
  });

  it('The command init leaves in the environment what is there', async () => {
    const folder = within(folderWith());
    vi.stubEnv('BINANCE_API_KEY', API_KEY);
    vi.stubEnv('BINANCE_API_SECRET', API_SECRET);
    onTestFinished(() => void vi.unstubAllEnvs());
    expect((await caught(init, '--yes', '--offline')).code).toBe(0);
    expect(parseDotenv(read(folder, '.env')).BINANCE_API_SECRET).toBeUndefined();
    expect(read(folder, '.env')).not.toContain(API_SECRET);
  });

  it.each([...LIBRARIES])(
    'The command init prints the lines for %s with the address and the issued pair',
    async (name, { lines }) => {
      const folder = within(folderWith());
      const { stdout } = await caught(init, '--yes', '--environment', 'simulator', '--library', name);
      const env = parseDotenv(read(folder, '.env'));
      const expected = lines
        .replaceAll('ISSUED_KEY', env.MY_APP_CLIENT_KEY ?? '')
        .replaceAll('ISSUED_SECRET', env.MY_APP_CLIENT_SECRET ?? '');
      expect(stdout).toContain(expected);
      expect(expected).not.toContain('ISSUED');
      expect(settingsOf(folder).clients.get('my-app')?.requireSignature).toBe(name !== 'curl');
    },
  );
});

describe('init refuses', () => {
  const written = (folder: string) => readdirSync(folder, { recursive: true }).sort();

  it.each([
    ['.env', { '.env': 'MINE=1\n' }],
    ['config/proxy.yaml', { 'config/proxy.yaml': 'environment: live\n' }],
  ])('The command init never overwrites %s without --force', async (name, files: Files) => {
    const folder = within(folderWith({ ...KEY_FILES, ...files }));
    const before = written(folder);
    const { code, stderr } = await caught(init, '--yes', '--offline', ...KEY_OPTIONS);
    expect([code, stderr]).toEqual([1, expect.stringMatching(`^${name} stay as they are, .*--force`)]);
    expect([written(folder), read(folder, name)]).toEqual([before, files[name]]);
    expect((await caught(init, '--yes', '--offline', '--force', ...KEY_OPTIONS)).code).toBe(0);
    expect([modeOf(folder, name), read(folder, name)]).toEqual([0o600, expect.not.stringContaining('MINE')]);
  });

  it('The command init never overwrites a file with a secret without --force', async () => {
    const folder = within(folderWith({ 'secrets/binance_api_key': 'mine' }));
    const options = ['--yes', '--environment', 'simulator', '--store', 'files'];
    expect(await caught(init, ...options)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('--force'),
    });
    expect([existsSync(join(folder, '.env')), read(folder, 'secrets/binance_api_key')]).toEqual([
      false,
      'mine',
    ]);
  });

  it.each(['.env', 'config', 'config/proxy.yaml', 'secrets'])(
    'The command init never writes through a link at %s, also with --force',
    async (name) => {
      const outside = folderWith({ file: 'outside' });
      const folder = within(folderWith());
      if (name === 'config/proxy.yaml') mkdirSync(join(folder, 'config'));
      symlinkSync(
        name === 'config' || name === 'secrets' ? outside : join(outside, 'file'),
        join(folder, name),
      );
      const options = ['--yes', '--force', '--environment', 'simulator', '--store', 'files'];
      expect(await caught(init, ...options)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('is a symbolic link, which is not followed'),
      });
      expect(lstatSync(join(folder, name)).isSymbolicLink()).toBe(true);
      expect([readdirSync(outside), read(outside, 'file')]).toEqual([['file'], 'outside']);
    },
  );

  it('The command init says without a terminal and without answers what it needs, and does not wait', async () => {
    const { code, stdout, stderr } = await runToEnd([MAIN, 'init'], { cwd: folderWith() });
    expect([code, stdout]).toEqual([64, '']);
    expect(stderr).toMatch(/^init asks on a terminal, and this is none: say --yes, .*\.\n/);
  });

  it.each<[options: string[], code: number, sentence: string]>([
    [['--yes'], 64, 'The key of Binance is not known: give --api-key-file PATH'],
    [['--yes', '--environment', 'prod'], 64, '--environment takes one of: live, testnet, demo, simulator.'],
    [['--yes', '--library', 'perl'], 64, '--library takes one of: curl'],
    [['--yes', '--for', 'bot'], 64, '--for belongs to a --client'],
    [
      ['--yes', '--client', 'a', '--client', 'b', '--client', 'c', '--for', 'bot', '--for', 'agent'],
      64,
      'Each --client needs its --for',
    ],
    [['--yes', '--client', 'a/b', '--for', 'bot'], 64, 'NAME must be'],
    [
      ['--yes', '--environment', 'simulator', '--client', 'a-b', '--client', 'a.b', '--for', 'bot'],
      64,
      'would share the variables A_B_…',
    ],
    [
      ['--yes', '--api-key-file', 'no-such', '--secret-file', 'secret.txt'],
      78,
      'BINANCE_API_KEY_FILE names a file that cannot be read (ENOENT)',
    ],
    [
      ['--yes', '--api-key-file', 'key.txt', '--secret-file', 'spaced.txt'],
      78,
      'BINANCE_API_SECRET_FILE contains a space',
    ],
  ])('The command init says of %j what is wrong, and writes nothing', async (options, code, sentence) => {
    const folder = within(folderWith({ ...KEY_FILES, 'spaced.txt': 'two words' }));
    const before = written(folder);
    const ran = await caught(init, ...options);
    expect([ran.code, ran.stdout, ran.stderr]).toEqual([code, '', expect.stringContaining(sentence)]);
    expect(written(folder)).toEqual(before);
  });
});

describe('the simulator and a proxy after init', () => {
  it('A call of the app is answered: the simulator takes the key that init made up', async () => {
    const cwd = folderWith();
    const made = await runToEnd([MAIN, 'init', '--yes', '--environment', 'simulator', '--library', 'curl'], {
      cwd,
    });
    expect([made.code, made.stderr]).toEqual([0, '']);
    const simulator = startChild([MAIN, 'simulator', '--port', '0'], { cwd });
    const url = await simulator.line(/serves on (\S+), for the key that is configured here/);
    const port = {
      BINANCE_PROXY_PORT: '0',
      BINANCE_PROXY_OPERATOR_PORT: '0',
      BINANCE_PROXY_UPSTREAM_SPOT: url,
    };
    const proxy = startChild([MAIN, 'serve'], { cwd, env: port });
    const { url: address } = await addressesOf(proxy);
    const key = parseDotenv(read(cwd, '.env')).MY_APP_CLIENT_KEY ?? '';
    const reply = await send(Number(new URL(address).port), '/api/v3/account', {
      headers: { 'x-mbx-apikey': key },
    });
    expect([reply.status, reply.headers['x-proxy-outcome']]).toEqual([200, 'answered']);
  });
});

describe.runIf(hasTerminal)('init on a terminal', () => {
  it('The command init asks, shows no secret, and writes what was answered', async () => {
    const cwd = folderWith();
    const terminal = onTerminal([MAIN, 'init', '--offline'], { cwd });
    const answer = async (question: RegExp, keys: string) => {
      await terminal.sees(question);
      terminal.type(keys);
    };
    await answer(/Which Binance\?[\s\S]*live/, '\r');
    await answer(/Which kind of key[\s\S]*rsa/, '\r');
    await answer(/The API key:[\s\S]*in a file/, '\r');
    await answer(/The API key \(not shown\)/, `${API_KEY}\r`);
    await answer(/The secret key:[\s\S]*in a file/, '\r');
    await answer(/The secret key \(not shown\)/, `${API_SECRET}\r`);
    await answer(/The name of an app/, 'my-agent\r');
    await answer(/What is my-agent\?[\s\S]*dashboard/, '\r');
    await answer(/The symbols that it may trade/, 'SOLUSDT\r');
    await answer(/Another app\?/, '\r');
    await answer(/Where are the secrets put\?[\s\S]*files/, '\r');
    await answer(/What does the app use\?[\s\S]*none of these/, '\r');
    expect(await terminal.ended).toBe(0);
    const { BINANCE_API_KEY, BINANCE_API_SECRET } = parseDotenv(read(cwd, '.env'));
    expect([BINANCE_API_KEY, BINANCE_API_SECRET]).toEqual([API_KEY, API_SECRET]);
    for (const secret of [API_KEY, API_SECRET]) expect(terminal.raw).not.toContain(secret.slice(0, 8));
    const settings = settingsOf(cwd);
    expect([settings.environment, [...(settings.clients.get('my-agent')?.symbols ?? [])]]).toEqual([
      'testnet',
      ['SOLUSDT'],
    ]);
  });

  it('The command init writes nothing when it is given up', async () => {
    const cwd = folderWith();
    const terminal = onTerminal([MAIN, 'init'], { cwd });
    await terminal.sees(/Which Binance\?/);
    terminal.type('\u0003');
    expect(await terminal.ended).toBe(1);
    expect([readdirSync(cwd), terminal.seen]).toEqual([[], expect.stringContaining('nothing was written')]);
  });

  it('The command init asks before it overwrites, and does not unless told', async () => {
    const cwd = folderWith();
    writeFileSync(join(cwd, '.env'), 'MINE=1\n');
    const terminal = onTerminal([MAIN, 'init'], { cwd });
    await terminal.sees(/\.env will be written anew/);
    terminal.type('\r');
    expect(await terminal.ended).toBe(1);
    expect(read(cwd, '.env')).toBe('MINE=1\n');
  });
});
