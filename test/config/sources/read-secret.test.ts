import { generateKeyPairSync, verify } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadSettings } from '../../../src/config/load-settings.ts';
import type { Credential } from '../../../src/core/signing/credential.ts';
import {
  ACCOUNT,
  folderWith,
  messagesOf,
  problemsIn,
  type Variables,
} from '../../support/fixtures/config-folder.ts';

const PKCS8 = { type: 'pkcs8', format: 'pem' } as const;
const LOCKED = { ...PKCS8, cipher: 'aes-256-cbc', passphrase: 'open sesame' } as const;
const ed25519 = generateKeyPairSync('ed25519');
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });

function credentialOf(env: Variables, cwd = folderWith()): Credential {
  return loadSettings({ env, cwd }).accounts.get('main')!;
}

function pemOf(
  key: { export(options: typeof PKCS8 | typeof LOCKED): string | Buffer },
  locked = false,
): string {
  return key.export(locked ? LOCKED : PKCS8).toString();
}

describe('a secret', () => {
  const names = [
    'BINANCE_API_KEY',
    'BINANCE_API_SECRET',
    'BINANCE_PROXY_CLIENT_KEY',
    'BINANCE_PROXY_CLIENT_SECRET',
    'BINANCE_PROXY_AUDIT_KEY',
    'BINANCE_PROXY_REDIS_URL',
  ];
  const values: Variables = {
    ...ACCOUNT,
    BINANCE_PROXY_CLIENT_KEY: 'client-key',
    BINANCE_PROXY_CLIENT_SECRET: 'client-secret',
    BINANCE_PROXY_AUDIT_KEY: 'audit-key',
    BINANCE_PROXY_REDIS_URL: 'rediss://user:password@redis.test:6379/0',
  };

  it('A secret is read from a variable', () => {
    const settings = loadSettings({ env: values, cwd: folderWith() });
    expect(settings.accounts.get('main')?.apiKey).toBe('account-key');
    expect(settings.clients.get('default')?.secret?.export().toString()).toBe('client-secret');
    expect(settings.audit.key?.export().toString()).toBe('audit-key');
    expect(settings.redisUrl?.reveal()).toBe('rediss://user:password@redis.test:6379/0');
  });

  it.each(['', '\n', '\r\n', '\n\n'])('A secret file that ends in %j is read without its end', (end) => {
    const cwd = folderWith(
      Object.fromEntries(names.map((name) => [`secrets/${name}`, `${values[name]}${end}`])),
    );
    const env = Object.fromEntries(names.map((name) => [`${name}_FILE`, `secrets/${name}`]));
    const settings = loadSettings({ env, cwd });
    expect(settings.accounts.get('main')?.apiKey).toBe('account-key');
    expect(settings.accounts.get('main')?.sign('x')).toBe(credentialOf(ACCOUNT).sign('x'));
    expect(settings.clients.get('default')?.secret?.export().toString()).toBe('client-secret');
    expect(settings.audit.key?.export().toString()).toBe('audit-key');
    expect(settings.redisUrl?.reveal()).toBe('rediss://user:password@redis.test:6379/0');
  });

  it.each(names)('The secret %s must not be given as a value and as a file', (name) => {
    const cwd = folderWith({ file: 'from-a-file' });
    expect(problemsIn(cwd, { ...values, [`${name}_FILE`]: 'file' })).toEqual([
      { message: `${name} and ${name}_FILE are both set: set one of them.`, source: name },
    ]);
  });

  it.each(names)('The variable %s_FILE must name a file that can be read and is not empty', (name) => {
    const variable = `${name}_FILE`;
    const cwd = folderWith({ empty: '\n' });
    const env = { ...values, [name]: undefined };
    expect(problemsIn(cwd, { ...env, [variable]: 'none' })).toEqual([
      {
        message: `${variable} names a file that cannot be read (ENOENT): set it to the path of a readable file.`,
        source: variable,
      },
    ]);
    expect(problemsIn(cwd, { ...env, [variable]: '.' })[0]?.message).toContain('(EISDIR)');
    expect(problemsIn(cwd, { ...env, [variable]: 'empty' })).toEqual([
      { message: `${variable} names an empty file: write the secret into it.`, source: variable },
    ]);
  });

  it('A secret may be a systemd credential, which a variable overrules', () => {
    const cwd = folderWith({
      'credentials/BINANCE_API_KEY': 'unit-key\n',
      'credentials/BINANCE_API_SECRET': 'unit-secret\n',
    });
    const env = { CREDENTIALS_DIRECTORY: join(cwd, 'credentials') };
    expect(credentialOf(env, cwd).apiKey).toBe('unit-key');
    expect(credentialOf({ ...env, BINANCE_API_KEY: 'own-key' }, cwd).apiKey).toBe('own-key');
  });

  it('A secret that is an unreadable systemd credential is reported', () => {
    const cwd = folderWith();
    mkdirSync(join(cwd, 'BINANCE_PROXY_AUDIT_KEY'));
    expect(problemsIn(cwd, { ...ACCOUNT, CREDENTIALS_DIRECTORY: cwd })).toEqual([
      { message: expect.stringContaining('(EISDIR)'), source: 'BINANCE_PROXY_AUDIT_KEY' },
    ]);
  });

  it.each([
    ['two words', 'contains a space or a line break'],
    ['two\nlines', 'contains a space or a line break'],
    ['"quoted"', 'stands in quotation marks'],
    ["'quoted'", 'stands in quotation marks'],
    ['schlüssel', 'contains characters that are not printable ASCII'],
    ['zero\u200bwidth', 'contains characters that are not printable ASCII'],
    ['\ufeffmarked', 'contains a space or a line break'],
    ['bell\u0007', 'contains characters that are not printable ASCII'],
    [pemOf(ed25519.privateKey), 'holds a PEM text'],
  ])('The secret %j is refused without being repeated', (value, reason) => {
    for (const name of names.slice(0, 5)) {
      const messages = messagesOf({ ...values, [name]: value });
      expect(messages).toEqual([expect.stringContaining(`${name} ${reason}`)]);
      expect(messages.join()).not.toContain(value);
    }
  });

  it('A secret of one client must not be used by another client or by an account', () => {
    const yaml = 'clients: { a: { envPrefix: A }, b: { envPrefix: B } }';
    const env = {
      ...ACCOUNT,
      A_CLIENT_KEY: 'same-key',
      B_CLIENT_KEY: 'same-key',
      A_CLIENT_SECRET: 'account-secret',
    };
    expect(messagesOf(env, { 'config/proxy.yaml': yaml })).toEqual([
      'A_CLIENT_SECRET holds the same as BINANCE_API_SECRET: each client needs a key and a secret of its own, which `client new` creates.',
      'B_CLIENT_KEY holds the same as A_CLIENT_KEY: each client needs a key and a secret of its own, which `client new` creates.',
    ]);
  });

  it('Two accounts must not have the same API key', () => {
    const yaml = 'accounts: { a: { envPrefix: BINANCE }, b: { envPrefix: B } }';
    const env = { ...ACCOUNT, B_API_KEY: 'account-key', B_API_SECRET: 'other-secret' };
    expect(messagesOf(env, { 'config/proxy.yaml': yaml })).toEqual([
      'B_API_KEY holds the same as BINANCE_API_KEY: two accounts must not share an API key, so name the account once.',
    ]);
  });
});

describe('a credential', () => {
  const key = { BINANCE_API_KEY: 'account-key' };

  it('A credential signs with an HMAC secret', () => {
    const secret = 'NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j';
    const payload =
      'symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559';
    const credential = credentialOf({ ...key, BINANCE_API_SECRET: secret });
    expect(credential.algorithm).toBe('HMAC');
    expect(credential.sign(payload)).toBe('c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71');
  });

  it.each([
    ['plain', (pem: string) => pem],
    ['with escaped line breaks', (pem: string) => pem.replaceAll('\n', '\\n')],
    ['with escaped Windows line breaks', (pem: string) => pem.replaceAll('\n', '\\r\\n')],
    ['with Windows line breaks', (pem: string) => pem.replaceAll('\n', '\r\n')],
    ['with a text before it', (pem: string) => `Bag Attributes\n${pem}`],
  ])('A credential signs with an Ed25519 and an RSA key in PEM, %s', (_, spell) => {
    for (const [algorithm, pair] of [
      ['ED25519', ed25519],
      ['RSA', rsa],
    ] as const) {
      const credential = credentialOf({ ...key, BINANCE_PRIVATE_KEY: spell(pemOf(pair.privateKey)) });
      const signature = Buffer.from(credential.sign('payload'), 'base64');
      expect(credential.algorithm).toBe(algorithm);
      expect(
        verify(algorithm === 'RSA' ? 'sha256' : null, Buffer.from('payload'), pair.publicKey, signature),
      ).toBe(true);
    }
  });

  it('A credential signs with an encrypted key, PEM and passphrase from files', () => {
    const cwd = folderWith({ 'key.pem': pemOf(rsa.privateKey, true), passphrase: 'open sesame\n' });
    const env = {
      ...key,
      BINANCE_PRIVATE_KEY_FILE: 'key.pem',
      BINANCE_PRIVATE_KEY_PASSPHRASE_FILE: 'passphrase',
    };
    expect(credentialOf(env, cwd).algorithm).toBe('RSA');
  });

  it('A credential may have an RSA key in the older PKCS#1 form, as openssl genrsa wrote it', () => {
    const pem = rsa.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
    expect(credentialOf({ ...key, BINANCE_PRIVATE_KEY: pem }).algorithm).toBe('RSA');
  });

  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const small = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const pss = generateKeyPairSync('rsa-pss', { modulusLength: 2048 });
  const x25519 = generateKeyPairSync('x25519');
  const pem = pemOf(ed25519.privateKey);
  it.each([
    ['no PEM', 'c2VjcmV0LWJ5dGVz', 'is not a PEM text'],
    ['an EC key', pemOf(ec.privateKey), 'holds an EC key, which Binance does not know'],
    [
      'an EC key in SEC 1',
      ec.privateKey.export({ type: 'sec1', format: 'pem' }).toString(),
      'holds an EC key',
    ],
    ['an RSA-PSS key', pemOf(pss.privateKey), 'holds an RSA-PSS key, which Binance does not know'],
    ['an X25519 key', pemOf(x25519.privateKey), 'holds a x25519 key'],
    [
      'a short RSA key',
      pemOf(small.privateKey),
      'holds an RSA key of 1024 bits: Binance asks for at least 2048',
    ],
    [
      'a public key',
      rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      'holds a public key or certificate',
    ],
    [
      'an OpenSSH key',
      '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----',
      'holds an OpenSSH key',
    ],
    ['a torn key', `${pem.slice(0, 60)}\n-----END PRIVATE KEY-----`, 'cannot be read as a private key'],
    ['a key without its end', pem.slice(0, 80), 'ends before its line'],
    [
      'an encrypted key',
      pemOf(ed25519.privateKey, true),
      'holds an encrypted private key, but its passphrase is not set: set BINANCE_PRIVATE_KEY_PASSPHRASE',
    ],
  ])('A credential is refused for %s', (_, text, reason) => {
    expect(messagesOf({ ...key, BINANCE_PRIVATE_KEY: text })).toEqual([
      expect.stringContaining(`BINANCE_PRIVATE_KEY ${reason}`),
    ]);
  });

  it('A credential is refused for a wrong passphrase', () => {
    const env = {
      ...key,
      BINANCE_PRIVATE_KEY: pemOf(rsa.privateKey, true),
      BINANCE_PRIVATE_KEY_PASSPHRASE: 'open says me',
    };
    expect(messagesOf(env)).toEqual([
      'BINANCE_PRIVATE_KEY cannot be opened with the passphrase that is set: set BINANCE_PRIVATE_KEY_PASSPHRASE to the right one.',
    ]);
  });

  it.each([
    [{}, ['BINANCE_API_KEY is not set', 'Neither BINANCE_API_SECRET nor BINANCE_PRIVATE_KEY is set']],
    [{ BINANCE_API_SECRET: 's' }, ['BINANCE_API_KEY is not set']],
    [key, ['Neither BINANCE_API_SECRET nor BINANCE_PRIVATE_KEY is set']],
    [{ ...ACCOUNT, BINANCE_PRIVATE_KEY: pem }, ['BINANCE_API_SECRET and BINANCE_PRIVATE_KEY are both set']],
    [
      { ...ACCOUNT, BINANCE_PRIVATE_KEY_PASSPHRASE: 'p' },
      ['BINANCE_PRIVATE_KEY_PASSPHRASE is set, but BINANCE_PRIVATE_KEY is not'],
    ],
    [{ ...ACCOUNT, BINANCE_API_KEY: ' ' }, ['BINANCE_API_KEY contains a space']],
  ])('A credential has one sentence for each thing that is missing or too much (%#)', (env, beginnings) => {
    expect(messagesOf(env)).toEqual(beginnings.map((text) => expect.stringMatching(new RegExp(`^${text}`))));
  });

  it('A credential is read for every account under its own prefix', () => {
    const yaml = 'accounts: { main: { envPrefix: BINANCE }, hedge: { envPrefix: BINANCE_HEDGE } }';
    expect(messagesOf(ACCOUNT, { 'config/proxy.yaml': yaml })).toEqual([
      expect.stringMatching(/^BINANCE_HEDGE_API_KEY is not set/),
      expect.stringMatching(/^Neither BINANCE_HEDGE_API_SECRET nor BINANCE_HEDGE_PRIVATE_KEY is set/),
    ]);
  });
});

describe('a further certificate authority', () => {
  const certificate = `-----BEGIN CERTIFICATE-----
MIIBtjCCAVugAwIBAgITBmyf1XSXNmY/Owua2eiedgPySjAKBggqhkjOPQQDAjA5
MQswCQYDVQQGEwJVUzEPMA0GA1UEChMGQW1hem9uMRkwFwYDVQQDExBBbWF6b24g
Um9vdCBDQSAzMB4XDTE1MDUyNjAwMDAwMFoXDTQwMDUyNjAwMDAwMFowOTELMAkG
A1UEBhMCVVMxDzANBgNVBAoTBkFtYXpvbjEZMBcGA1UEAxMQQW1hem9uIFJvb3Qg
Q0EgMzBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABCmXp8ZBf8ANm+gBG1bG8lKl
ui2yEujSLtf6ycXYqm0fc4E7O5hrOXwzpcVOho6AF2hiRVd9RFgdszflZwjrZt6j
QjBAMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQDAgGGMB0GA1UdDgQWBBSr
ttvXBp43rDCGB5Fwx5zEGbF4wDAKBggqhkjOPQQDAgNJADBGAiEA4IWSoxe3jfkr
BqWTrBqYaGFy+uGh0PsceGCmQ5nFuMQCIQCcAu/xlJyzlvnrxir4tiz+OpAUFteM
YyRIHN8wfdVoOw==
-----END CERTIFICATE-----`;

  it('A further certificate authority is taken from the file, and nothing else that stands there', () => {
    const cwd = folderWith({ 'ca.pem': `# ours\n${certificate}\n${pemOf(ed25519.privateKey)}` });
    const env = { ...ACCOUNT, BINANCE_PROXY_UPSTREAM_CA_FILE: 'ca.pem' };
    expect(loadSettings({ env, cwd }).upstreamCa).toBe(`${certificate}\n`);
  });

  it('A further certificate authority must be whole', () => {
    const cwd = folderWith({ 'ca.pem': certificate.replace('MIIB', 'AAAA') });
    expect(problemsIn(cwd, { ...ACCOUNT, BINANCE_PROXY_UPSTREAM_CA_FILE: 'ca.pem' })).toHaveLength(1);
  });
});
