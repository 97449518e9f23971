import { describe, expect, it } from 'vitest';
import { loadSettings } from '../../../src/config/load-settings.ts';
import { ConfigError } from '../../../src/config/problems/config-error.ts';
import { folderWith } from '../../support/fixtures/config-folder.ts';
import { TEST_KEY, TEST_SECRET } from '../../support/servers/proxy.ts';

const SECRET_PART = 'PARTofTHEaddressTHATisSECRET';

function problems(kind: string, env: Readonly<Record<string, string>>): readonly string[] {
  const cwd = folderWith({ 'config/proxy.yaml': `notices: [{ name: n, kind: ${kind}, envPrefix: N }]\n` });
  const account = { BINANCE_API_KEY: TEST_KEY, BINANCE_API_SECRET: TEST_SECRET };
  try {
    loadSettings({ cwd, env: { ...account, ...env } });
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ message }) => message);
  }
}

const url = `https://hooks.example/${SECRET_PART}`;

describe('where notices go', () => {
  it.each([
    ['webhook', { N_URL: url, N_SECRET: 'x'.repeat(32) }],
    ['webhook', { N_URL: `http://127.0.0.1:1/${SECRET_PART}`, N_SECRET: 'x'.repeat(32) }],
    ['ntfy', { N_URL: url }],
    [
      'telegram',
      { N_URL: `https://api.telegram.org/bot1:${SECRET_PART}/sendMessage`, N_CHAT_ID: '@channel' },
    ],
    ['slack', { N_URL: url }],
  ])('%s with what it needs is taken', (kind, env) => {
    expect(problems(kind, env)).toEqual([]);
  });

  it.each([
    ['webhook', {}, ['N_URL is not set', 'N_SECRET is not set']],
    ['webhook', { N_URL: url }, ['N_SECRET is not set']],
    ['slack', { N_URL: `http://hooks.example/${SECRET_PART}` }, ['N_URL must begin with https://']],
    ['slack', { N_URL: `ftp://hooks.example/${SECRET_PART}` }, ['N_URL must begin with https://']],
    ['slack', { N_URL: SECRET_PART }, ['N_URL must be an address']],
    ['slack', { N_URL: `${url}#part` }, ['N_URL must be an address without #']],
    ['telegram', { N_URL: url, N_CHAT_ID: '1' }, ['N_URL must end in /bot<token>/sendMessage']],
    ['telegram', { N_URL: url }, ['N_URL must end in', 'N_CHAT_ID must be the number of a chat']],
    ['ntfy', { N_URL: 'https://ntfy.sh' }, ['N_URL must end in the name of a topic']],
  ])('%s without it is a problem that repeats no part of the address', (kind, env, expected) => {
    const found = problems(kind, env);
    expect(found).toEqual(expected.map((begin) => expect.stringContaining(begin) as string));
    expect(found.join('\n')).not.toContain(SECRET_PART);
  });
});
