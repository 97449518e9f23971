import { generateKeyPairSync } from 'node:crypto';
import {
  chmodSync,
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
import { client } from '../../../src/commands/client.ts';
import { loadSettings } from '../../../src/config/load-settings.ts';
import { type Files, folderWith } from '../../support/fixtures/config-folder.ts';
import { caught } from '../../support/processes/caught.ts';
import { within } from '../../support/processes/working-folder.ts';

const OLD = {
  grid: 'gridKEYgridKEYgridKEYgridKEYgridKEYgridKEYgridKEYgridKEYgridKEY1',
  gridSecret: 'gridSECRETgridSECRETgridSECRETgridSECRETgridSECRETgridSECRETgri1',
  dash: 'dashKEYdashKEYdashKEYdashKEYdashKEYdashKEYdashKEYdashKEYdashKEY1',
};

const YAML = `# who may call
environment: testnet # not live
clients:
  # the bot of the grid
  grid-bot:
    account: main
    envPrefix: GRID_BOT # its pair
    requireSignature: true
    permissions: [market-data, read, spot-margin-trade]
    symbols: [BTCUSDT]
    order: { maxNotional: { USDT: "500" }, maxPerDay: 200 }
  # it looks
  dashboard: { account: main, envPrefix: DASHBOARD, permissions: [market-data, read] } # only looks
`;

const ENV = `# the real key
BINANCE_API_KEY=real-key
BINANCE_API_SECRET=realsecret

# client grid-bot
export GRID_BOT_CLIENT_KEY=${OLD.grid}
GRID_BOT_CLIENT_SECRET='${OLD.gridSecret}' # issued
DASHBOARD_CLIENT_KEY=${OLD.dash}
`;

/** A working folder with two clients, gone when the test ends. */
function workplace(files: Files = {}): string {
  const folder = within(folderWith({ 'config/proxy.yaml': YAML, '.env': ENV, ...files }));
  chmodSync(join(folder, '.env'), 0o600);
  return folder;
}

const read = (folder: string, name: string) => readFileSync(join(folder, name), 'utf8');
const settingsOf = (folder: string) =>
  loadSettings({ cwd: folder, env: parseDotenv(readFileSync(join(folder, '.env'))) });

describe('client list', () => {
  it('The command client list shows names, permissions, limits and whether a key is set, and never a key', async () => {
    workplace();
    const { code, stdout, stderr } = await caught(client, 'list');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^client +account +key +secret +permissions +symbols +orders$/m);
    expect(stdout).toMatch(
      /^grid-bot +main +in \.env +in \.env, required +market-data read spot-margin-trade +BTCUSDT +maxNotional 500 USDT, maxPerDay 200$/m,
    );
    expect(stdout).toMatch(/^dashboard +main +in \.env +none +market-data read +all +no limits$/m);
    for (const secret of [...Object.values(OLD), 'realsecret', 'real-key'])
      expect(stdout).not.toContain(secret);
  });

  it('The command client list --json prints one client a line', async () => {
    workplace();
    const { stdout } = await caught(client, 'list', '--json');
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([
      expect.objectContaining({
        client: 'grid-bot',
        key: 'in .env',
        order: { maxNotional: { USDT: '500' }, maxPerDay: 200 },
      }),
      expect.objectContaining({ client: 'dashboard', secret: 'none' }),
    ]);
  });

  it('The command client list shows also a client without a key, without the keys of Binance, and the single client', async () => {
    workplace({ '.env': 'DASHBOARD_CLIENT_KEY_FILE=key\n' });
    const { code, stdout } = await caught(client, 'list');
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^grid-bot +main +none/m)]);
    expect(stdout).toMatch(/^dashboard +main +in a file/m);
    within(folderWith());
    expect((await caught(client, 'list')).stdout).toMatch(/^default +main +none +none/m);
  });

  it('The command client list says with line and column what is wrong in the file', async () => {
    within(folderWith({ 'config/proxy.yaml': 'clients:\n  bot: { envPrefix: BOT, permisions: [read] }\n' }));
    const { code, stderr } = await caught(client, 'list');
    expect([code, stderr]).toEqual([78, expect.stringMatching(/proxy\.yaml:2:\d+.*permisions/)]);
  });
});

describe('a client with a key pair of its own', () => {
  const publicKey = generateKeyPairSync('ed25519')
    .publicKey.export({ type: 'spki', format: 'pem' })
    .toString()
    .trim()
    .replaceAll('\n', String.raw`\n`);
  const env = `${ENV}DASHBOARD_CLIENT_PUBLIC_KEY='${publicKey}'\n`;

  it('Is listed as such, keeps its public key when its issued key is replaced, and loses it when it is taken away', async () => {
    const folder = workplace({ '.env': env });
    expect((await caught(client, 'list')).stdout).toMatch(
      /^dashboard +main +in \.env +own key pair in \.env +market-data/m,
    );
    const rotated = await caught(client, 'rotate', 'dashboard');
    expect([rotated.code, rotated.stderr]).toEqual([
      0,
      expect.stringContaining('DASHBOARD_CLIENT_PUBLIC_KEY stays'),
    ]);
    expect(settingsOf(folder).clients.get('dashboard')?.publicKey?.asymmetricKeyType).toBe('ed25519');
    expect(read(folder, '.env')).not.toContain(OLD.dash);
    expect((await caught(client, 'revoke', 'dashboard')).code).toBe(0);
    expect(read(folder, '.env')).not.toContain('DASHBOARD');
  });
});

describe('client rotate', () => {
  it('The command client rotate replaces the pair in .env, keeps every other byte, and prints the new one', async () => {
    const folder = workplace();
    const { code, stdout, stderr } = await caught(client, 'rotate', 'grid-bot');
    expect(code).toBe(0);
    const printed = parseDotenv(stdout);
    expect(Object.keys(printed)).toEqual(['GRID_BOT_CLIENT_KEY', 'GRID_BOT_CLIENT_SECRET']);
    expect(printed.GRID_BOT_CLIENT_KEY).toMatch(/^[A-Za-z0-9]{64}$/);
    expect(printed.GRID_BOT_CLIENT_KEY).not.toBe(OLD.grid);
    expect(read(folder, '.env')).toBe(
      ENV.replace(
        `export GRID_BOT_CLIENT_KEY=${OLD.grid}`,
        `GRID_BOT_CLIENT_KEY=${printed.GRID_BOT_CLIENT_KEY}`,
      ).replace(
        `GRID_BOT_CLIENT_SECRET='${OLD.gridSecret}' # issued`,
        `GRID_BOT_CLIENT_SECRET=${printed.GRID_BOT_CLIENT_SECRET}`,
      ),
    );
    expect(statSync(join(folder, '.env')).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder).sort()).toEqual(['.env', 'config']);
    expect(stderr).toContain('Changed: .env\n');
    expect(stderr).toContain('"binance-signing-proxy reload"');
    expect(settingsOf(folder).clientsByKeyDigest.size).toBe(2);
  });

  it('The command client rotate makes one of a key that stands in .env twice, and .env its owner’s alone', async () => {
    const folder = workplace({ '.env': `${ENV}DASHBOARD_CLIENT_KEY=second\n` });
    chmodSync(join(folder, '.env'), 0o644);
    expect((await caught(client, 'rotate', 'dashboard')).code).toBe(0);
    expect(read(folder, '.env').match(/DASHBOARD_CLIENT_KEY=/g)).toHaveLength(1);
    expect(statSync(join(folder, '.env')).mode & 0o777).toBe(0o600);
  });

  it('The command client rotate writes into the files that .env names, which keep their mode', async () => {
    const env = `${ENV.replaceAll(/^DASHBOARD.*\n/gm, '')}DASHBOARD_CLIENT_KEY_FILE=secrets/dash\n`;
    const folder = workplace({ '.env': env, 'secrets/dash': OLD.dash });
    chmodSync(join(folder, 'secrets/dash'), 0o440);
    const { code, stdout } = await caught(client, 'rotate', 'dashboard');
    expect(code).toBe(0);
    expect(read(folder, 'secrets/dash')).toBe(`${parseDotenv(stdout).DASHBOARD_CLIENT_KEY}\n`);
    expect(statSync(join(folder, 'secrets/dash')).mode & 0o777).toBe(0o440);
    expect(read(folder, '.env')).toBe(env);
  });

  it('The command client rotate changes no file for a pair from the environment, and says where to put the new one', async () => {
    const folder = workplace({ '.env': 'BINANCE_API_KEY=k\n' });
    vi.stubEnv('DASHBOARD_CLIENT_KEY', OLD.dash);
    onTestFinished(() => void vi.unstubAllEnvs());
    const { code, stdout, stderr } = await caught(client, 'rotate', 'dashboard');
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^DASHBOARD_CLIENT_KEY=\w{64}$/m)]);
    expect(stderr).toContain('DASHBOARD_CLIENT_KEY comes from the environment');
    expect(read(folder, '.env')).toBe('BINANCE_API_KEY=k\n');
  });

  it.each(['.env', 'secrets', 'secrets/dash'])(
    'The command client rotate never follows a link at %s',
    async (name) => {
      const outside = folderWith({ dash: OLD.dash, env: `DASHBOARD_CLIENT_KEY=${OLD.dash}\n` });
      const folder = within(folderWith({ 'config/proxy.yaml': YAML }));
      const write = (text: string) => symlinkSync(text, join(folder, name));
      if (name === '.env') write(join(outside, 'env'));
      else {
        writeFileSync(join(folder, '.env'), 'DASHBOARD_CLIENT_KEY_FILE=secrets/dash\n');
        if (name === 'secrets') write(outside);
        else {
          mkdirSync(join(folder, 'secrets'));
          write(join(outside, 'dash'));
        }
      }
      const { code, stdout, stderr } = await caught(client, 'rotate', 'dashboard');
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toContain('is a symbolic link, which is not followed');
      expect(lstatSync(join(folder, name)).isSymbolicLink()).toBe(true);
      expect([read(outside, 'dash'), read(outside, 'env')]).toEqual([
        OLD.dash,
        `DASHBOARD_CLIENT_KEY=${OLD.dash}\n`,
      ]);
    },
  );

  it('The command client rotate refuses an .env that it cannot change safely, and changes nothing', async () => {
    const env = `OTHER="first\nDASHBOARD_CLIENT_KEY=in the midst of another value"\nDASHBOARD_CLIENT_KEY=${OLD.dash}\n`;
    const folder = workplace({ '.env': env });
    const { code, stdout, stderr } = await caught(client, 'rotate', 'dashboard');
    expect([code, stdout, stderr]).toEqual([
      1,
      '',
      expect.stringContaining('edit DASHBOARD_CLIENT_KEY by hand'),
    ]);
    expect(read(folder, '.env')).toBe(env);
  });

  it.each([
    ['nobody', 64, 'There is no client "nobody": configured are grid-bot, dashboard.'],
    ['anonymous', 64, 'There is no client "anonymous"'],
  ])('The command client rotate refuses the name %s', async (name, code, sentence) => {
    workplace();
    expect(await caught(client, 'rotate', name)).toMatchObject({
      code,
      stderr: expect.stringContaining(sentence),
    });
  });
});

describe('client revoke', () => {
  it('The command client revoke takes the client out of the file and of .env, and keeps the comments', async () => {
    const folder = workplace();
    const { code, stdout } = await caught(client, 'revoke', 'dashboard');
    expect([code, stdout]).toEqual([0, '']);
    const yaml = read(folder, 'config/proxy.yaml');
    for (const comment of ['# who may call', '# not live', '# the bot of the grid', '# its pair'])
      expect(yaml).toContain(comment);
    expect(yaml).not.toContain('dashboard');
    expect(read(folder, '.env')).toBe(ENV.replace(`DASHBOARD_CLIENT_KEY=${OLD.dash}\n`, ''));
    expect([...settingsOf(folder).clients.keys()]).toEqual(['grid-bot', 'anonymous']);
  });

  it('The command client revoke gives the last client with a key one that nobody knows', async () => {
    const folder = workplace();
    await caught(client, 'revoke', 'dashboard');
    const before = read(folder, 'config/proxy.yaml');
    const { code, stdout, stderr } = await caught(client, 'revoke', 'grid-bot');
    expect([code, stdout]).toEqual([0, '']);
    expect(stderr).toContain('is the only client with a key');
    expect(read(folder, 'config/proxy.yaml')).toBe(before);
    const env = parseDotenv(read(folder, '.env'));
    expect(env.GRID_BOT_CLIENT_KEY).toMatch(/^[A-Za-z0-9]{64}$/);
    expect([env.GRID_BOT_CLIENT_KEY, env.GRID_BOT_CLIENT_SECRET]).not.toEqual([OLD.grid, OLD.gridSecret]);
    expect(stderr).not.toContain(env.GRID_BOT_CLIENT_KEY);
    expect(settingsOf(folder).clientsByKeyDigest.size).toBe(1);
  });

  it('The command client revoke does the same for the single client', async () => {
    const folder = within(folderWith({ '.env': `BINANCE_PROXY_CLIENT_KEY=${OLD.grid}\n` }));
    expect((await caught(client, 'revoke', 'default')).code).toBe(0);
    const key = parseDotenv(read(folder, '.env')).BINANCE_PROXY_CLIENT_KEY;
    expect([key === OLD.grid, key]).toEqual([false, expect.stringMatching(/^\w{64}$/)]);
  });

  it('The command client revoke says what to do when the last key comes from the environment', async () => {
    const folder = within(folderWith({ '.env': 'A=1\n' }));
    vi.stubEnv('BINANCE_PROXY_CLIENT_KEY', OLD.grid);
    onTestFinished(() => void vi.unstubAllEnvs());
    const { code, stderr } = await caught(client, 'revoke', 'default');
    expect([code, stderr]).toEqual([1, expect.stringContaining('put another key there yourself')]);
    expect(read(folder, '.env')).toBe('A=1\n');
  });

  it('The command client revoke leaves a secret file to its owner, and names it', async () => {
    const env = `${ENV.replaceAll(/^DASHBOARD.*\n/gm, '')}DASHBOARD_CLIENT_KEY_FILE=secrets/dash\n`;
    const folder = workplace({ '.env': env, 'secrets/dash': OLD.dash });
    const { code, stderr } = await caught(client, 'revoke', 'dashboard');
    expect([code, stderr]).toEqual([
      0,
      expect.stringContaining(`yours to delete: ${join(folder, 'secrets/dash')}`),
    ]);
    expect(read(folder, '.env')).not.toContain('DASHBOARD');
  });

  it('The command client revoke leaves a file alone whose other parts depend on the client', async () => {
    const yaml = YAML.replace(
      '[market-data, read, spot-margin-trade]',
      '&rights [market-data, read]',
    ).replace('permissions: [market-data, read] }', 'permissions: *rights }');
    const folder = workplace({ 'config/proxy.yaml': yaml });
    const { code, stderr } = await caught(client, 'revoke', 'grid-bot');
    expect([code, stderr]).toEqual([1, expect.stringContaining('take it out by hand')]);
    expect([read(folder, 'config/proxy.yaml'), read(folder, '.env')]).toEqual([yaml, ENV]);
  });
});
