import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadSettings } from '../../../src/config/load-settings.ts';
import { ConfigError, formatProblems } from '../../../src/config/problems/config-error.ts';
import { ACCOUNT, folderWith, messagesOf, type Variables } from '../../support/fixtures/config-folder.ts';

const ed25519 = generateKeyPairSync('ed25519');
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const publicPem = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' }).toString();
const privatePem = (key: KeyObject, passphrase?: string) =>
  key
    .export({
      type: 'pkcs8',
      format: 'pem',
      ...(passphrase !== undefined && { cipher: 'aes-256-cbc', passphrase }),
    })
    .toString();
const PEM = publicPem(ed25519.publicKey);
const NAME = 'BINANCE_PROXY_CLIENT_PUBLIC_KEY';
const ENV: Variables = { ...ACCOUNT, BINANCE_PROXY_CLIENT_KEY: 'issued-key-'.repeat(4) };

function keyOf(env: Variables, cwd = folderWith()): KeyObject | undefined {
  return loadSettings({ env: { ...ENV, ...env }, cwd }).clients.get('default')?.publicKey;
}

describe('an app’s own public key', () => {
  it.each([
    ['plain', (pem: string) => pem],
    ['with escaped line breaks', (pem: string) => pem.replaceAll('\n', '\\n')],
    ['in quotation marks that its reader kept', (pem: string) => `'${pem.trim().replaceAll('\n', '\\n')}'`],
    ['with Windows line breaks', (pem: string) => pem.replaceAll('\n', '\r\n')],
  ])('An app’s own public key is read from its variable: %s', (_what, spell) => {
    for (const { publicKey } of [ed25519, rsa])
      expect(keyOf({ [NAME]: spell(publicPem(publicKey)) })?.equals(publicKey)).toBe(true);
  });

  it('An app’s own public key may have the older PKCS#1 form', () => {
    const pem = rsa.publicKey.export({ type: 'pkcs1', format: 'pem' }).toString();
    expect(keyOf({ [NAME]: pem })?.equals(rsa.publicKey)).toBe(true);
  });

  it('An app’s own public key is read from a file, which others may read', () => {
    const cwd = folderWith({ 'app.pub': PEM });
    chmodSync(join(cwd, 'app.pub'), 0o644);
    const settings = loadSettings({ env: { ...ENV, [`${NAME}_FILE`]: 'app.pub' }, cwd });
    expect(settings.clients.get('default')?.publicKey?.equals(ed25519.publicKey)).toBe(true);
    expect(settings.warnings.filter((warning) => warning.includes('PUBLIC_KEY'))).toEqual([]);
  });

  it('An app’s own public key stands beside its secret, or instead of it, also where signatures are required', () => {
    const yaml = 'clients: { bot: { envPrefix: BOT, requireSignature: true } }';
    const env = { ...ACCOUNT, BOT_CLIENT_KEY: 'k'.repeat(40), BOT_CLIENT_PUBLIC_KEY: PEM };
    const load = (more: Variables) =>
      loadSettings({ env: { ...env, ...more }, cwd: folderWith({ 'config/proxy.yaml': yaml }) });
    for (const more of [{}, { BOT_CLIENT_SECRET: 's'.repeat(40) }]) {
      const bot = load(more).clients.get('bot');
      expect(bot).toMatchObject({ requireSignature: true });
      expect(bot?.publicKey?.equals(ed25519.publicKey)).toBe(true);
      expect(bot?.secret === undefined).toBe(Object.keys(more).length === 0);
    }
  });

  it.each([
    ['plain', privatePem(ed25519.privateKey)],
    ['of RSA', privatePem(rsa.privateKey)],
    ['of the older form', rsa.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString()],
    ['encrypted', privatePem(rsa.privateKey, 'open sesame')],
    ['with escaped line breaks', privatePem(ed25519.privateKey).replaceAll('\n', '\\n')],
    ['behind its public half', `${PEM}${privatePem(ed25519.privateKey)}`],
    [
      'of OpenSSH',
      '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAAsecretsecret\n-----END OPENSSH PRIVATE KEY-----',
    ],
  ])('A private key in its place is refused and never printed: %s', (_what, pem) => {
    for (const env of [{ [NAME]: pem }, { [`${NAME}_FILE`]: 'app.pem' }]) {
      try {
        loadSettings({ env: { ...ENV, ...env }, cwd: folderWith({ 'app.pem': pem }) });
        expect.unreachable();
      } catch (error) {
        const text = formatProblems(error as ConfigError);
        expect(error).toBeInstanceOf(ConfigError);
        expect(text).toMatch(
          /^BINANCE_PROXY_CLIENT_PUBLIC_KEY\w* holds a private key, which belongs to the app alone/,
        );
        for (const line of pem.split(/\\n|\n/).filter((each) => each.length > 9 && !each.includes('KEY')))
          expect(text).not.toContain(line);
      }
    }
  });

  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const small = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const pss = generateKeyPairSync('rsa-pss', { modulusLength: 2048 });
  it.each([
    ['no PEM', 'MCowBQYDK2VwAyEA', 'is not a PEM text'],
    ['a key of ssh', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA app@host', 'is not a PEM text'],
    ['a certificate', '-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----', 'holds a certificate'],
    ['two keys', `${PEM}${publicPem(rsa.publicKey)}`, 'holds more than one PEM block'],
    ['an EC key', publicPem(ec.publicKey), 'holds an EC key, which Binance does not know'],
    ['an RSA-PSS key', publicPem(pss.publicKey), 'holds an RSA-PSS key'],
    ['a short RSA key', publicPem(small.publicKey), 'holds an RSA key of 1024 bits'],
    ['a torn key', PEM.replace(/\n.{20}/, '\n'), 'cannot be read as a public key'],
    ['a key without its end', PEM.slice(0, 60), 'cannot be read as a public key'],
  ])('An app’s own public key is refused for %s', (_what, text, reason) => {
    expect(messagesOf({ ...ENV, [NAME]: text })).toEqual([expect.stringContaining(`${NAME} ${reason}`)]);
  });

  it('An app’s own public key without an issued key is an error', () => {
    expect(messagesOf({ ...ACCOUNT, [NAME]: PEM })).toEqual([
      expect.stringContaining(`${NAME} is set, but BINANCE_PROXY_CLIENT_KEY is not`),
    ]);
  });

  it('A public key that two clients have is an error, however it is written', () => {
    const yaml = 'clients: { a: { envPrefix: A }, b: { envPrefix: B } }';
    const env = {
      ...{ ...ACCOUNT, A_CLIENT_KEY: 'a'.repeat(40), B_CLIENT_KEY: 'b'.repeat(40) },
      ...{ A_CLIENT_PUBLIC_KEY: PEM, B_CLIENT_PUBLIC_KEY: PEM.trim().replaceAll('\n', '\\n') },
    };
    expect(messagesOf(env, { 'config/proxy.yaml': yaml })).toEqual([
      expect.stringMatching(
        /^B_CLIENT_PUBLIC_KEY holds the same as A_CLIENT_PUBLIC_KEY: each client needs a key pair/,
      ),
    ]);
  });

  it('The public half of the account’s own key is an error: the app would hold the real key', () => {
    const account = { BINANCE_API_KEY: 'account-key', BINANCE_PRIVATE_KEY: privatePem(ed25519.privateKey) };
    const issued = { BINANCE_PROXY_CLIENT_KEY: 'issued-key-'.repeat(4) };
    const half = publicPem(createPublicKey(ed25519.privateKey));
    expect(messagesOf({ ...account, ...issued, [NAME]: half })).toEqual([
      expect.stringMatching(/^BINANCE_PROXY_CLIENT_PUBLIC_KEY holds the same as BINANCE_PRIVATE_KEY/),
    ]);
  });

  it('Two accounts may go on signing with one private key', () => {
    const yaml = 'accounts: { a: { envPrefix: A }, b: { envPrefix: B } }';
    const pem = privatePem(ed25519.privateKey);
    const env = { A_API_KEY: 'a', A_PRIVATE_KEY: pem, B_API_KEY: 'b', B_PRIVATE_KEY: pem };
    expect(messagesOf(env, { 'config/proxy.yaml': yaml })).toEqual([]);
  });
});
