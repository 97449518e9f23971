import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadSettings } from '../../../src/config/load-settings.ts';
import { ConfigError } from '../../../src/config/problems/config-error.ts';
import { readEnvironment } from '../../../src/config/sources/read-environment.ts';
import { ACCOUNT, folderWith, messagesOf, problemsOf } from '../../support/fixtures/config-folder.ts';

const { privateKey } = generateKeyPairSync('ed25519');
const PEM = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
const KEY_ONLY = { BINANCE_API_KEY: 'account-key' };

function utf16(text: string, mark: 'little' | 'big'): Buffer {
  const bytes = Buffer.from(`\uFEFF${text}`, 'utf16le');
  return mark === 'little' ? bytes : bytes.swap16();
}

function dotenvProblem(bytes: Buffer): string {
  const cwd = folderWith();
  writeFileSync(join(cwd, '.env'), bytes);
  try {
    readEnvironment(cwd, {});
    return '';
  } catch (error) {
    return error instanceof ConfigError ? error.message : 'a bug';
  }
}

describe('files in UTF-16', () => {
  it.each(['little', 'big'] as const)('A .env in UTF-16 is called so (%s-endian)', (mark) => {
    expect(dotenvProblem(utf16('BINANCE_API_KEY=abc\n', mark))).toBe(
      '.env exists but is UTF-16: save it as UTF-8.',
    );
  });

  it('A .env in UTF-16 without its mark is called so', () => {
    expect(dotenvProblem(Buffer.from('BINANCE_API_KEY=abc\n', 'utf16le'))).toMatch(
      /is UTF-16: save it as UTF-8/,
    );
  });

  it('A secret file and a YAML file in UTF-16 are called so', () => {
    const cwd = folderWith();
    writeFileSync(join(cwd, 'secret'), utf16('the-secret', 'little'));
    expect(messagesOf({ ...KEY_ONLY, BINANCE_API_SECRET_FILE: join(cwd, 'secret') })).toEqual([
      'BINANCE_API_SECRET_FILE names a file that is UTF-16: save it as UTF-8.',
    ]);
    writeFileSync(join(cwd, 'proxy.yaml'), utf16('environment: live\n', 'little'));
    const path = join(cwd, 'proxy.yaml');
    expect(messagesOf({ ...ACCOUNT, BINANCE_PROXY_CONFIG: path })).toEqual([
      `BINANCE_PROXY_CONFIG names ${path}, a file that is UTF-16: save it as UTF-8.`,
    ]);
  });

  it('The byte order mark of UTF-8 is no part of a secret', () => {
    const cwd = folderWith({ secret: '\uFEFFaccount-secret\r\n' });
    const env = { ...KEY_ONLY, BINANCE_API_SECRET_FILE: join(cwd, 'secret') };
    expect(loadSettings({ env, cwd }).accounts.get('main')?.algorithm).toBe('HMAC');
  });
});

describe('files that cannot be read', () => {
  it('A missing YAML file is named by its path', () => {
    expect(messagesOf({ ...ACCOUNT, BINANCE_PROXY_CONFIG: '/nowhere/proxy.yaml' })).toEqual([
      'BINANCE_PROXY_CONFIG names /nowhere/proxy.yaml, a file that cannot be read (ENOENT): a readable YAML file is needed there.',
    ]);
  });

  it('A folder in the place of a file is called one', () => {
    expect(messagesOf({ ...KEY_ONLY, BINANCE_API_SECRET_FILE: folderWith() })).toEqual([
      'BINANCE_API_SECRET_FILE names a file that cannot be read (EISDIR): set it to the path of a readable file.',
    ]);
  });

  it('The path of X_FILE is not repeated, because people paste the secret itself there', () => {
    const [message = ''] = messagesOf({ ...KEY_ONLY, BINANCE_API_SECRET_FILE: 'PASTEDsecretPASTEDsecret' });
    expect(message).toContain('BINANCE_API_SECRET_FILE names a file that cannot be read (ENOENT)');
    expect(message).not.toContain('PASTED');
  });

  it('A file of the credentials folder is named by its path', () => {
    const cwd = folderWith();
    mkdirSync(join(cwd, 'BINANCE_API_SECRET'));
    expect(messagesOf({ ...KEY_ONLY, CREDENTIALS_DIRECTORY: cwd })[0]).toBe(
      `The credential ${join(cwd, 'BINANCE_API_SECRET')} cannot be read (EISDIR): set it to the path of a readable file.`,
    );
  });
});

describe('brackets that are not closed', () => {
  it.each([
    ['server: §{ host: localhost\n', '{', '}'],
    ['server: §{ host: localhost\noperator:\n  port: 1\n', '{', '}'],
    ['server:\n  allowedHosts: §[a, b\n', '[', ']'],
    ['a: {b: 1, c: §[1,2}\n', '[', ']'],
    ['clients:\n  bot: §{ account: main, order: { types: [LIMIT] }\n  web: { account: main }\n', '{', '}'],
    ['a: §{', '{', '}'],
  ])('One sentence names the bracket and where it stands: %j', (marked, bracket, closing) => {
    const before = marked.slice(0, marked.indexOf('§')).split('\n');
    expect(problemsOf(ACCOUNT, { 'config/proxy.yaml': marked.replace('§', '') })).toEqual([
      {
        message: `This ${bracket} is not closed: add the ${closing} that belongs to it.`,
        source: 'config/proxy.yaml',
        line: before.length,
        column: (before.at(-1)?.length ?? 0) + 1,
      },
    ]);
  });

  it('Wrong indentation is still called so', () => {
    expect(messagesOf(ACCOUNT, { 'config/proxy.yaml': 'server:\n  host: x\n port: 3\n' })[0]).toMatch(
      /^The indentation is wrong/,
    );
  });
});

describe('private keys that lost their line breaks', () => {
  it.each([
    ['spaces', PEM.replaceAll('\n', ' ')],
    ['nothing', PEM.replaceAll('\n', '')],
  ])('A key on one line, with %s in their place, is answered with what to write there', (_what, text) => {
    expect(messagesOf({ ...KEY_ONLY, BINANCE_PRIVATE_KEY: text })).toEqual([
      'BINANCE_PRIVATE_KEY has lost its line breaks: write \\n in the place of each, or put the path of the file into the variable that ends in _FILE.',
    ]);
  });

  it('The first line alone, as .env gives it without quotes, is answered with the quotes', () => {
    expect(messagesOf({ ...KEY_ONLY, BINANCE_PRIVATE_KEY: PEM.split('\n')[0] })).toEqual([
      'BINANCE_PRIVATE_KEY ends before its line -----END PRIVATE KEY-----: put the whole text in double quotes, or its path into the variable that ends in _FILE.',
    ]);
  });

  it('Escaped line breaks are understood', () => {
    const env = { ...KEY_ONLY, BINANCE_PRIVATE_KEY: PEM.replaceAll('\n', '\\n') };
    expect(loadSettings({ env, cwd: folderWith() }).accounts.get('main')?.algorithm).toBe('ED25519');
  });
});

describe('misspelt names of account variables', () => {
  it.each([
    ['BINANCE_APIKEY', 'BINANCE_API_KEY'],
    ['BINANCE_API_KYE', 'BINANCE_API_KEY'],
    ['BINANCE_KEY', 'BINANCE_API_KEY'],
    ['BINANCE_API_KEYFILE', 'BINANCE_API_KEY_FILE'],
  ])('%s is asked about when BINANCE_API_KEY is not set', (set, meant) => {
    const [message = ''] = messagesOf({ [set]: 'the-key', BINANCE_API_SECRET: 'the-secret' });
    expect(message).toMatch(/^BINANCE_API_KEY is not set: /);
    expect(message.endsWith(` ${set} is set: did you mean ${meant}?`)).toBe(true);
    expect(message).not.toContain('the-key');
  });

  it.each([
    ['BINANCE_SECRET', 'BINANCE_API_SECRET'],
    ['BINANCE_SECRET_KEY', 'BINANCE_API_SECRET'],
    ['BINANCE_API_SECRET_KEY', 'BINANCE_API_SECRET'],
    ['BINANCE_API_SECERT', 'BINANCE_API_SECRET'],
    ['BINANCE_PRIVATEKEY', 'BINANCE_PRIVATE_KEY'],
  ])('%s is asked about when neither secret nor private key is set', (set, meant) => {
    const [message = ''] = messagesOf({ ...KEY_ONLY, [set]: 'the-secret' });
    expect(message.endsWith(` ${set} is set: did you mean ${meant}?`)).toBe(true);
  });

  it('Nothing is guessed when nothing looks like it', () => {
    expect(messagesOf({ BINANCE_API_SECRET: 's', BINANCE_COLOUR: 'red', OTHER_API_KEY: 'k' })[0]).toMatch(
      /to a file that holds it\.$/,
    );
  });
});
