import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { overviewLines } from '../../src/commands/watch/overview-lines.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { freePort } from '../support/free-port.ts';
import { HOSTILE_TEXTS } from '../support/hostile-texts.ts';
import { MAIN, runToEnd } from '../support/processes/child.ts';
import { hasTerminal, onTerminal } from '../support/processes/terminal.ts';
import {
  OPERATOR_TOKEN,
  startTestProxy,
  TEST_KEY,
  TEST_SECRET,
  type TestProxy,
} from '../support/servers/proxy.ts';

let simulator: Simulator;
let proxy: TestProxy;
let cwd: string;

beforeAll(async () => {
  simulator = await startSimulator({ accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET }] });
  proxy = await startTestProxy({ upstream: simulator.url });
  cwd = mkdtempSync(join(tmpdir(), 'watch-'));
  writeFileSync(join(cwd, 'right.token'), OPERATOR_TOKEN);
});

afterAll(async () => {
  await proxy.close();
  await simulator.close();
  rmSync(cwd, { recursive: true });
});

const args = (url: string, ...more: readonly string[]) => [
  MAIN,
  'watch',
  '--token-file',
  'right.token',
  '--url',
  url,
  ...more,
];

describe('watch', () => {
  it('Prints the overview as one line of JSON where there is no terminal', async () => {
    const { code, stdout } = await runToEnd(args(proxy.operatorUrl, '--once'), { cwd });
    expect([code, stdout.trim().split('\n').length]).toEqual([0, 1]);
    expect(JSON.parse(stdout)).toMatchObject({
      you: { name: 'default' },
      troubles: [],
      environment: 'simulator',
    });
  });

  it('Ends with 75 where no proxy is', async () => {
    const { code, stderr } = await runToEnd(args(`http://127.0.0.1:${await freePort()}`, '--once'), { cwd });
    expect([code, stderr]).toEqual([75, expect.stringContaining('There is no proxy at')]);
  });

  it.skipIf(!hasTerminal)('Is a table on a terminal, drawn anew', async () => {
    const terminal = onTerminal(args(proxy.operatorUrl), { cwd });
    await terminal.sees(/All is well\./);
    await terminal.sees(/ip:spot:weight/);
    await terminal.sees(/All is well\./);
  });

  it('What is not well comes first, and no text of others moves the cursor', async () => {
    const hostile = `${HOSTILE_TEXTS.join(' ')} \u001b[2J\u0007\r\n`;
    const overview = proxy.parts.operator.overview();
    const lines = overviewLines(
      {
        ...overview,
        troubles: [{ level: 'bad', what: hostile, advice: hostile }],
        states: [
          { scope: 'client', name: hostile, state: 'halt', operator: hostile, reason: hostile, sinceMs: 0 },
        ],
      },
      100,
    );
    expect(lines[2]).toMatch(/^BAD {3}/);
    expect(lines.filter((line) => /\p{C}/u.test(line) || line.length > 100)).toEqual([]);
  });
});
