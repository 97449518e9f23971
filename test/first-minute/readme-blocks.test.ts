import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { freshCheckout, pathOfNewcomer } from '../support/processes/checkout.ts';
import { addressesOf, type Ended, runToEnd, startChild } from '../support/processes/child.ts';
import { TEST_KEY, TEST_SECRET, upstreamsAt } from '../support/servers/proxy.ts';

const LONG_MS = 240_000;

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator({
    accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET, balances: { USDT: '1000' } }],
  });
});
afterAll(() => simulator.close());

/** The lines of the README's shell blocks, in their order; a line that goes on with `\` is one. */
function commandsOfReadme(): readonly string[] {
  const page = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  return [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)]
    .flatMap(([, lines = '']) => lines.replaceAll(/\\\n\s*/g, ' ').split('\n'))
    .map((line) => line.replace(/\s+#.*$/, '').trim())
    .filter((line) => line !== '');
}

/** A newcomer's shell in a fresh folder. What npm has installed is there already, and these tests are what it tests. */
function newcomer(cwd: string) {
  const tools = join(cwd, '.tools');
  mkdirSync(tools);
  writeFileSync(
    join(tools, 'npm'),
    `#!/bin/sh\ncase "$1" in ci|test) exit 0;; esac\nPATH="\${PATH#*:}"\nexec npm "$@"\n`,
  );
  chmodSync(join(tools, 'npm'), 0o755);
  const env = {
    PATH: [tools, pathOfNewcomer()].join(delimiter),
    HOME: cwd,
    npm_config_offline: 'true',
    npm_config_update_notifier: 'false',
    BINANCE_PROXY_ENVIRONMENT: 'simulator',
    BINANCE_PROXY_PORT: '0',
    BINANCE_PROXY_OPERATOR_PORT: '0',
    ...upstreamsAt(simulator.url),
  };
  return {
    run: (line: string): Promise<Ended> => runToEnd(['-c', line], { cwd, env, command: 'sh' }),
    start: (line: string) => startChild(['-c', `exec ${line}`], { cwd, env, command: 'sh' }),
  };
}

it(
  'The README read aloud: every shell line does what it says, in its order, in a fresh folder',
  async () => {
    const cwd = freshCheckout();
    const shell = newcomer(cwd);
    const file = join(cwd, '.env');
    const lines = commandsOfReadme();
    expect(lines.length).toBeGreaterThan(7);
    const answers: unknown[] = [];
    let serving: ReturnType<typeof shell.start> | undefined;
    let url = '';
    for (const line of lines) {
      if (line === 'npm start') {
        serving = shell.start(line);
        ({ url } = await addressesOf(serving));
        continue;
      }
      const issued = /^BINANCE_PROXY_CLIENT_KEY=(\w+)$/m.exec(
        line.startsWith('curl') ? readFileSync(file, 'utf8') : '',
      )?.[1];
      const asked = line.replace('http://localhost:8080', url).replace('ISSUED_KEY', issued ?? '');
      // Another newcomer lets it ask, in a folder where nothing is written yet.
      const who = line.includes(' init ') ? newcomer(freshCheckout()) : shell;
      const { code, stdout, stderr } = await who.run(asked);
      expect([line, code, stderr]).toEqual([line, 0, expect.not.stringMatching(/warn|error/i)]);
      if (line.startsWith('curl')) answers.push(JSON.parse(stdout));
      if (line.includes('npm run demo')) expect(stdout).toContain('withdrawals there: 0.');
      if (line.startsWith('install')) fillIn(file);
    }
    expect(answers).toEqual([
      { serverTime: expect.any(Number) },
      expect.objectContaining({ accountType: 'SPOT' }),
      {},
    ]);
    const paths = simulator.requests.map(({ path }) => path);
    expect(paths).toContain('/api/v3/order/test');
    expect(paths).not.toContain('/api/v3/order');
    serving?.kill('SIGTERM');
    expect((await serving?.ended)?.stdout).toContain('"event":"proxy.stopping"');
  },
  LONG_MS,
);

/** As the comment in the README asks. */
function fillIn(file: string): void {
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const text = readFileSync(file, 'utf8')
    .replace(/^BINANCE_API_KEY=$/m, `BINANCE_API_KEY=${TEST_KEY}`)
    .replace(/^BINANCE_API_SECRET=$/m, `BINANCE_API_SECRET=${TEST_SECRET}`);
  expect(text).toContain(TEST_SECRET);
  writeFileSync(file, text);
}
