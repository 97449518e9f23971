import { hash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { folderWith } from '../support/fixtures/config-folder.ts';
import { freePort } from '../support/free-port.ts';
import { MAIN, runToEnd } from '../support/processes/child.ts';
import {
  OPERATOR_TOKEN,
  startTestProxy,
  TEST_KEY,
  TEST_SECRET,
  type TestProxy,
} from '../support/servers/proxy.ts';

const run = (cwd: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  runToEnd([MAIN, 'operator', ...args], { cwd, env });

describe('operator new', () => {
  it('Prints the token once, and the digest of exactly that token as the line for .env', async () => {
    const { code, stdout, stderr } = await run(folderWith(), ['new', 'alice']);
    const token = /^# ([A-Za-z0-9]{64})$/m.exec(stdout)?.[1] ?? '';
    expect([code, stdout.trim().split('\n').at(-1)]).toEqual([
      0,
      `ALICE_OPERATOR_TOKEN_SHA256=${hash('sha256', token)}`,
    ]);
    expect(stderr).toContain('operators:\n  alice: { envPrefix: ALICE }');
  });

  it('Writes the token into a new file of mode 0600, and says it nowhere', async () => {
    const cwd = folderWith();
    const { code, stdout, stderr } = await run(cwd, ['new', 'default', '--token-file', 'operator.token']);
    const token = readFileSync(join(cwd, 'operator.token'), 'utf8').trim();
    expect([code, stdout]).toEqual([0, `BINANCE_PROXY_OPERATOR_TOKEN_SHA256=${hash('sha256', token)}\n`]);
    expect(stderr).not.toContain(token);
    expect(statSync(join(cwd, 'operator.token')).mode & 0o777).toBe(0o600);
    const again = await run(cwd, ['new', 'default', '--token-file', 'operator.token']);
    expect([again.code, again.stdout, again.stderr]).toEqual([
      1,
      '',
      expect.stringContaining('is there already'),
    ]);
    expect(readFileSync(join(cwd, 'operator.token'), 'utf8').trim()).toBe(token);
  });

  it('A name that is none makes nothing', async () => {
    const cwd = folderWith();
    const { code, stdout } = await run(cwd, ['new', 'a b', '--token-file', 'x.token']);
    expect([code, stdout, existsSync(join(cwd, 'x.token'))]).toEqual([64, '', false]);
  });
});

describe('operator status', () => {
  let simulator: Simulator;
  let proxy: TestProxy;
  let cwd: string;
  beforeAll(async () => {
    simulator = await startSimulator({ accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET }] });
    proxy = await startTestProxy({ upstream: simulator.url });
    cwd = mkdtempSync(join(tmpdir(), 'operator-'));
    writeFileSync(join(cwd, 'right.token'), `${OPERATOR_TOKEN}\n`);
    writeFileSync(join(cwd, 'wrong.token'), 'wrong-token-wrong-token-wrong-token-wrong');
  });
  afterAll(async () => {
    await proxy.close();
    await simulator.close();
    rmSync(cwd, { recursive: true });
  });

  it('Shows how the proxy is, by options and by variables', async () => {
    const byOptions = await run(cwd, ['status', '--token-file', 'right.token', '--url', proxy.operatorUrl]);
    expect([byOptions.code, JSON.parse(byOptions.stdout)]).toMatchObject([
      0,
      { ready: true, clock: { synced: true } },
    ]);
    const byVariables = await run(cwd, ['status'], {
      BINANCE_PROXY_OPERATOR_NAME: 'default',
      BINANCE_PROXY_OPERATOR_TOKEN_FILE: 'right.token',
      BINANCE_PROXY_OPERATOR_PORT: new URL(proxy.operatorUrl).port,
    });
    expect([byVariables.code, JSON.parse(byVariables.stdout)]).toMatchObject([0, { ready: true }]);
  });

  it.each([
    ['no token', 64, [], "An operator's token is needed"],
    ['a file that is not there', 1, ['--token-file', 'no.token'], 'no.token cannot be read (ENOENT)'],
    ['a wrong token', 1, ['--token-file', 'wrong.token'], 'No operator has this token.'],
    [
      'the token of another operator',
      1,
      ['--token-file', 'right.token', '--operator', 'alice'],
      'not the one of the operator',
    ],
  ])('%s is one sentence', async (_, expected, args, sentence) => {
    const { code, stdout, stderr } = await run(cwd, ['status', '--url', proxy.operatorUrl, ...args]);
    expect([code, stdout]).toEqual([expected, '']);
    expect(stderr).toContain(sentence);
    expect(stderr).not.toContain(OPERATOR_TOKEN);
  });

  it('No proxy there is one sentence and the code for not now', async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const { code, stderr } = await run(cwd, ['status', '--token-file', 'right.token', '--url', url]);
    expect([code, stderr]).toEqual([
      75,
      expect.stringContaining(`There is no proxy at ${url} (ECONNREFUSED)`),
    ]);
  });

  it('The listener for apps is not taken for the one for operators', async () => {
    const { code, stderr } = await run(cwd, ['status', '--token-file', 'right.token', '--url', proxy.url]);
    expect([code, stderr]).toEqual([1, expect.any(String)]);
    expect(stderr).not.toContain(OPERATOR_TOKEN);
  });
});
