import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { loadSettings } from '../../src/config/load-settings.ts';
import { ConfigError, formatProblems } from '../../src/config/problems/config-error.ts';
import type { Settings } from '../../src/config/schema/settings.ts';
import { SECRET_VARIABLES, VARIABLES } from '../../src/config/schema/variables.ts';
import { folderWith, type Variables } from '../support/fixtures/config-folder.ts';
import { portion, runs } from '../support/properties.ts';

/** Everything that a program may do to show a value. */
function printed(value: unknown): string {
  return [
    inspect(value, { depth: Number.POSITIVE_INFINITY, showHidden: true, getters: true }),
    inspect(value),
    JSON.stringify(value),
    format('%s %o %O %j', value, value, value, value),
    String(value),
  ].join('\n');
}

/** The printings of everything within, Maps included, which JSON leaves out. */
function printedWhole(settings: Settings): string {
  const parts: unknown[] = [settings, ...settings.accounts.values(), ...settings.clients.values()];
  parts.push(...settings.clientsByKeyDigest.entries(), settings.audit.key, settings.redisUrl);
  return parts.map(printed).join('\n');
}

/** The lines of a PEM, and the text in one piece. */
function piecesOf(pem: string): string[] {
  const lines = pem.trim().split('\n').slice(1, -1);
  return [...lines, lines.join('').slice(0, 40)];
}

describe('settings', () => {
  const rsa = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: {
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'correct horse battery',
    },
  });
  const ed25519 = generateKeyPairSync('ed25519', {
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const yaml = `
accounts: { hmac: { envPrefix: HMAC }, rsa: { envPrefix: RSA }, ed: { envPrefix: ED } }
clients: { bot: { account: rsa, envPrefix: BOT } }
`;
  const env: Variables = {
    HMAC_API_KEY: 'hmac-api-key-0123456789',
    HMAC_API_SECRET: 'hmac-api-secret-0123456789',
    RSA_API_KEY: 'rsa-api-key-0123456789',
    RSA_PRIVATE_KEY: rsa.privateKey,
    RSA_PRIVATE_KEY_PASSPHRASE: 'correct horse battery',
    ED_API_KEY: 'ed-api-key-0123456789',
    ED_PRIVATE_KEY: ed25519.privateKey,
    BOT_CLIENT_KEY: 'bot-client-key-0123456789',
    BOT_CLIENT_SECRET: 'bot-client-secret-0123456789',
    BINANCE_PROXY_AUDIT_KEY: 'audit-key-0123456789',
    BINANCE_PROXY_REDIS_URL: 'redis://proxy:redis-password-0123456789@redis.test:6379',
  };
  const pieces = [
    ...Object.entries(env).flatMap(([name, value]) => (name.endsWith('PRIVATE_KEY') ? [] : [value ?? ''])),
    'redis-password-0123456789',
    ...piecesOf(rsa.privateKey),
    ...piecesOf(ed25519.privateKey),
  ];

  it('Settings print no secret in any way', () => {
    const cwd = folderWith({ 'config/proxy.yaml': yaml });
    const text = printedWhole(loadSettings({ env, cwd }));
    expect(text).toContain('recvWindowMs');
    expect(text).toContain('RSA');
    for (const piece of pieces) {
      expect(piece.length).toBeGreaterThan(15);
      expect(text).not.toContain(piece);
    }
  });

  it('Settings know how to take each secret out of a text', () => {
    const { secretMask } = loadSettings({ env, cwd: folderWith({ 'config/proxy.yaml': yaml }) });
    for (const piece of pieces) {
      if (
        piece.length > 15 &&
        !rsa.privateKey.includes(piece.slice(0, 40)) &&
        !ed25519.privateKey.includes(piece)
      ) {
        expect(secretMask.maskLine(`before ${piece} after`)).toBe('before *** after');
      }
    }
    expect(secretMask.maskLine(rsa.privateKey)).not.toContain(piecesOf(rsa.privateKey)[0]);
  });

  it('Settings that are refused print no secret either', () => {
    const cwd = folderWith({ 'config/proxy.yaml': yaml });
    for (const name of Object.keys(env)) {
      for (const spoilt of [`${env[name]} §`, `"${env[name]}"`, `§${env[name]}\n`]) {
        try {
          loadSettings({ env: { ...env, [name]: spoilt, BINANCE_PROXY_PORT: 'x' }, cwd });
          expect.unreachable();
        } catch (error) {
          if (!(error instanceof ConfigError)) throw error;
          const text = `${printed(error)}\n${printed(error.problems)}\n${formatProblems(error)}\n${error.stack}`;
          for (const piece of pieces) expect(text).not.toContain(piece);
        }
      }
    }
  });

  it('A secret that someone wrote into the file is not repeated', () => {
    const secret = 'Zx81'.repeat(16);
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    onTestFinished(() => warned.mockRestore());
    for (const text of [
      `apiKey: ${secret}`,
      `${secret}: x`,
      `server: { host: ${secret}:80 }`,
      `environment: ${secret}`,
      `accounts: { ${secret}x: { envPrefix: BINANCE } }`,
      `upstreams: { spot: "https://user:${secret}@x.test/" }`,
      `accounts: &${secret} [`,
      `accounts: *${secret}`,
      `accounts: !${secret} x`,
      `accounts: { main: { envPrefix: ${secret} } }`,
      `clients: { bot: { envPrefix: BOT, account: ${secret}, permissions: [${secret}], symbols: [${secret}] } }`,
      `denylist: ${secret}`,
      `${secret}`,
      `? [${secret}]\n: ${secret}`,
      `"${secret}`,
      `- ${secret}: ${secret}: x`,
    ]) {
      const env = { BINANCE_API_KEY: 'k', BINANCE_API_SECRET: 's', BOT_CLIENT_KEY: 'c' };
      try {
        loadSettings({ env, cwd: folderWith({ 'config/proxy.yaml': text }) });
        expect.unreachable();
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        expect(`${printed(error)}\n${formatProblems(error)}`).not.toContain(secret);
      }
    }
    expect(warned).not.toHaveBeenCalled();
  });
});

describe('any configuration', () => {
  const SECRET = 'S3cr3t';
  const secretNames = [
    ...SECRET_VARIABLES,
    'BINANCE_API_KEY',
    'BINANCE_API_SECRET',
    'BINANCE_PRIVATE_KEY',
    'BINANCE_PRIVATE_KEY_PASSPHRASE',
    'BOT_CLIENT_KEY',
    'BOT_CLIENT_SECRET',
  ];
  const wrapped = fc.tuple(fc.string({ maxLength: 12, unit: 'binary' }), fc.string({ maxLength: 12 }));
  const secret = wrapped.map(([before, after]) => `${before}${SECRET}${after}`);
  const pem = secret.map((text) => `-----BEGIN PRIVATE KEY-----\n${text}\n-----END PRIVATE KEY-----`);
  const secrets = fc.dictionary(fc.constantFrom(...secretNames), fc.oneof(secret, pem), { maxKeys: 12 });
  const plain = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.constantFrom(
      '8080',
      'localhost',
      '0.0.0.0',
      'live',
      'demo',
      'https://x.test',
      'http://127.0.0.1:1',
      '.',
      'disk',
    ),
  );
  const variables = fc.dictionary(fc.constantFrom(...VARIABLES.keys()), plain, { maxKeys: 10 });
  const key = fc.oneof(
    fc.constantFrom(
      'environment',
      'server',
      'host',
      'port',
      'accounts',
      'main',
      'clients',
      'bot',
      'anonymous',
      'envPrefix',
    ),
    fc.constantFrom(
      'permissions',
      'symbols',
      'order',
      'maxNotional',
      'USDT',
      'upstreams',
      'spot',
      'denylist',
      '__proto__',
      'constructor',
    ),
    fc.string({ unit: 'binary', maxLength: 8 }),
  );
  const tree = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'medium' },
      fc.oneof(
        fc.constantFrom('BOT', 'BINANCE', 'read', 'withdraw', 'main', 1, -1, 0.5, true, null),
        fc.string(),
      ),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(key, tie('value'), { maxKeys: 5, noNullPrototype: true }),
    ),
  })).value;
  const yaml = fc.oneof(
    tree.map((value) => JSON.stringify(value)),
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc
      .array(
        fc.constantFrom(
          'server:',
          '  ',
          '\n',
          '- ',
          '{',
          '}',
          '[',
          ']',
          '&a ',
          '*a',
          '!t ',
          '"',
          '|',
          '---',
          ': ',
          'x',
        ),
        { maxLength: 30 },
      )
      .map((parts) => parts.join('')),
  );

  it('Any configuration loads or is refused with sentences, and never repeats a secret', () => {
    const cwd = folderWith({ 'config/proxy.yaml': '' });
    let refused = 0;
    fc.assert(
      fc.property(secrets, variables, yaml, (secretValues, plainValues, text) => {
        writeFileSync(join(cwd, 'config/proxy.yaml'), text);
        try {
          expect(printedWhole(loadSettings({ env: { ...plainValues, ...secretValues }, cwd }))).not.toContain(
            SECRET,
          );
        } catch (error) {
          if (!(error instanceof ConfigError)) throw error;
          refused++;
          expect(`${printed(error)}\n${formatProblems(error)}`).not.toContain(SECRET);
          expect(error.problems.length).toBeGreaterThan(0);
          for (const { message, line, column } of error.problems) {
            expect(message).toMatch(/^[^\n]{10,}[.?]$/);
            if (line !== undefined) expect(Math.min(line, column ?? 0)).toBeGreaterThan(0);
          }
        }
      }),
      runs(1_500),
    );
    expect(refused).toBeGreaterThan(portion(1_500) / 2);
  });

  it('Any configuration with sound secrets loads, and never repeats one', () => {
    const token = fc.stringMatching(/^[A-Za-z0-9]{4,40}$/).map((text) => SECRET + text);
    fc.assert(
      fc.property(
        fc.uniqueArray(token, { minLength: 5, maxLength: 5 }),
        ([key, secretText, clientKey, clientSecret, auditKey]) => {
          const env = {
            BINANCE_API_KEY: key,
            BINANCE_API_SECRET: secretText,
            BINANCE_PROXY_CLIENT_KEY: clientKey,
            BINANCE_PROXY_CLIENT_SECRET: clientSecret,
            BINANCE_PROXY_AUDIT_KEY: auditKey,
          };
          expect(printedWhole(loadSettings({ env, cwd: '/nowhere' }))).not.toContain(SECRET);
        },
      ),
      runs(400, 40),
    );
  });
});
