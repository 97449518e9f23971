import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { send } from '../support/clients/http.ts';
import { freePort } from '../support/free-port.ts';
import { addressesOf, MAIN, startChild } from '../support/processes/child.ts';
import {
  OPERATOR_ENV,
  OPERATOR_TOKEN,
  TEST_KEY,
  TEST_SECRET,
  upstreamsAt,
} from '../support/servers/proxy.ts';

const NEW = { apiKey: `${TEST_KEY.slice(0, -2)}N1`, hmacSecret: `${TEST_SECRET.slice(0, -2)}N1` };
const page = readFileSync(new URL('../../docs/rotation.md', import.meta.url), 'utf8');
const lines = page.split('\n').filter((line) => /^\d+\. /.test(line));
/** The commands of the page in their order: what stands in code and begins with a program. */
const commands = [...page.matchAll(/`((?:npx|cp|mv|rm) [^`]+)`/g)].map(([, command = '']) => command);

let simulator: Simulator;
let cwd: string;
afterEach(async () => {
  await simulator.close();
  rmSync(cwd, { recursive: true, force: true });
});

it('The page of ten lines rotates a key without a failed call, and the old key signs nothing at the end', async () => {
  expect([lines.length, commands.length]).toEqual([10, 7]);
  simulator = await startSimulator({
    accounts: [
      { apiKey: TEST_KEY, hmacSecret: TEST_SECRET },
      { ...NEW, sameAccountAs: TEST_KEY },
    ],
  });
  cwd = mkdtempSync(join(tmpdir(), 'rotation-'));
  const port = await freePort();
  for (const folder of ['audit', 'bin', 'secrets']) mkdirSync(join(cwd, folder), { mode: 0o700 });
  writeFileSync(join(cwd, 'bin/npx'), `#!/bin/sh\nshift\nexec '${process.execPath}' '${MAIN}' "$@"\n`);
  chmodSync(join(cwd, 'bin/npx'), 0o755);
  const files = {
    'secrets/binance.key': TEST_KEY,
    'secrets/binance.secret': TEST_SECRET,
    'secrets/new.key': NEW.apiKey,
    'secrets/new.secret': NEW.hmacSecret,
    'operator.token': OPERATOR_TOKEN,
    '.env': Object.entries({
      BINANCE_API_KEY_FILE: 'secrets/binance.key',
      BINANCE_API_SECRET_FILE: 'secrets/binance.secret',
      ...Object.fromEntries(
        [...page.matchAll(/`(BINANCE_NEW_\w+)=([^`]+)`/g)].map(([, name, path]) => [name, path]),
      ),
      BINANCE_PROXY_ENVIRONMENT: 'simulator',
      BINANCE_PROXY_KEY_PREFLIGHT: 'enforce',
      BINANCE_PROXY_PORT: String(port),
      BINANCE_PROXY_OPERATOR_PORT: String(await freePort()),
      BINANCE_PROXY_AUDIT_DIR: 'audit',
      ...OPERATOR_ENV,
      ...upstreamsAt(simulator.url),
    })
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, name), text, { mode: 0o600 });
  const proxy = startChild([MAIN, 'serve'], { cwd });
  await addressesOf(proxy);
  const env = { PATH: `${join(cwd, 'bin')}${delimiter}${process.env.PATH}` };
  const outputs: string[] = [];
  for (const command of commands) {
    const { code, stdout, stderr } = await startChild(['-c', command], { cwd, env, command: 'sh' }).ended;
    expect([command, code, code === 0 ? '' : stdout + stderr]).toEqual([command, 0, '']);
    expect((await send(port, '/api/v3/account')).status).toBe(200);
    outputs.push(stdout);
  }
  expect(outputs[0]).toContain('It belongs to the same account.');
  const status = JSON.parse(outputs.find((text) => text.startsWith('{')) ?? '{}') as { newKeys: object };
  expect(status.newKeys).toEqual({});
  expect(existsSync(join(cwd, 'secrets/old.key'))).toBe(false);
  const last = simulator.requests.filter(({ path }) => path === '/api/v3/account').at(-1);
  expect(last?.headers['x-mbx-apikey']).toBe(NEW.apiKey);
  proxy.kill('SIGTERM');
  await proxy.ended;
  for (const secret of [TEST_KEY, TEST_SECRET, NEW.apiKey, NEW.hmacSecret])
    expect(outputs.join('')).not.toContain(secret);
});
