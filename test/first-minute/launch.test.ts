import { chmodSync, cpSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { folderWith } from '../support/fixtures/config-folder.ts';
import { addressesOf, type Child, runToEnd, startChild } from '../support/processes/child.ts';
import { olderNode } from '../support/processes/older-node.ts';
import { TEST_KEY, TEST_SECRET, upstreamsAt } from '../support/servers/proxy.ts';

const BIN = fileURLToPath(new URL('../../bin/', import.meta.url));
const COMMAND = join(BIN, 'binance-signing-proxy.mjs');
const OLD = olderNode();
const NODES: readonly [string, string][] = [['the right Node', process.execPath]];
const CALLERS = OLD === undefined ? NODES : [...NODES, ['an older Node', OLD] as [string, string]];

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator({ accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET }] });
});
afterAll(() => simulator.close());

function serveBy(command: string): Child {
  const env = {
    BINANCE_API_KEY: TEST_KEY,
    BINANCE_API_SECRET: TEST_SECRET,
    BINANCE_PROXY_ENVIRONMENT: 'simulator',
    BINANCE_PROXY_PORT: '0',
    BINANCE_PROXY_OPERATOR_PORT: '0',
    ...upstreamsAt(simulator.url),
  };
  return startChild([COMMAND, 'serve'], { cwd: folderWith(), env, command });
}

/** A copy of bin/ beside a Node of one's own making, as npm would have put it there. */
function checkoutWith(node?: string): string {
  const folder = folderWith();
  cpSync(BIN, join(folder, 'bin'), { recursive: true });
  if (node !== undefined) {
    const home = join(folder, 'node_modules', `node-${process.platform}-${process.arch}`);
    mkdirSync(join(home, 'bin'), { recursive: true });
    mkdirSync(join(folder, 'node_modules', '.bin'));
    writeFileSync(join(home, 'package.json'), '{}');
    writeFileSync(join(home, 'bin', 'node'), node);
    chmodSync(join(home, 'bin', 'node'), 0o755);
  }
  return folder;
}

describe.each(CALLERS)('bin/ called by %s', (_name, command) => {
  it('The command line does what it is asked for', async () => {
    const { code, stdout } = await runToEnd([COMMAND, 'client', 'new', 'default'], {
      cwd: folderWith(),
      command,
    });
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^BINANCE_PROXY_CLIENT_KEY=[A-Za-z0-9]{64}\nBINANCE_PROXY_CLIENT_SECRET=[A-Za-z0-9]{64}\n$/m,
    );
  });

  it('The command line works under another name, through a link', async () => {
    const cwd = folderWith();
    symlinkSync(COMMAND, join(cwd, 'proxy'));
    const { code, stdout } = await runToEnd([join(cwd, 'proxy'), '--help'], { cwd, command });
    expect([code, stdout]).toEqual([0, expect.stringContaining('Usage: binance-signing-proxy')]);
  });

  it.each([
    ['a missing credential', ['serve'], 78],
    ['an unknown command', ['withdraw'], 64],
  ])('The exit code of %s comes through', async (_what, args, expected) => {
    const { code, stderr } = await runToEnd([COMMAND, ...args], { cwd: folderWith(), command });
    expect([code, stderr]).toEqual([expected, expect.stringMatching(/\.\n/)]);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('A %s ends what it serves in good order', async (signal) => {
    const child = serveBy(command);
    await addressesOf(child);
    child.kill(signal);
    const { code, stdout } = await child.ended;
    expect([code, stdout]).toEqual([0, expect.stringContaining('"event":"proxy.stopping"')]);
  });

  it('A SIGHUP reads the configuration again', async () => {
    const child = serveBy(command);
    await addressesOf(child);
    child.kill('SIGHUP');
    expect(await child.record('config.loaded')).toBeDefined();
    child.kill('SIGTERM');
    expect((await child.ended).code).toBe(0);
  });
});

it.runIf(process.platform === 'linux')(
  'The program takes the place of the process that was started, and no debugger can be opened in it',
  async () => {
    const child = serveBy(process.execPath);
    await addressesOf(child);
    const words = readFileSync(`/proc/${child.pid}/cmdline`, 'utf8').split('\0');
    expect(words).toContain('--disable-sigusr1');
    expect(words).toContain('serve');
    child.kill('SIGTERM');
    await child.ended;
  },
);

describe('what is missing is said in one sentence', () => {
  it.skipIf(OLD === undefined)('A Node that is too old, without the one of npm beside it', async () => {
    const cwd = checkoutWith();
    const args = [join(cwd, 'bin', 'binance-signing-proxy.mjs'), 'serve'];
    const { code, stderr } = await runToEnd(args, { cwd, ...(OLD === undefined ? {} : { command: OLD }) });
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^binance-signing-proxy needs Node 26\.10 or later, this is \S+, .*run "npm ci".*\.\n$/,
    );
  });

  it('A library that the system does not have is named after the install, with its package', async () => {
    const loader =
      'error while loading shared libraries: libatomic.so.1: cannot open shared object file: No such file or directory';
    const cwd = checkoutWith(`#!/bin/sh\necho "node: ${loader}" >&2\nexit 127\n`);
    const { code, stderr } = await runToEnd([join(cwd, 'bin', 'after-install.mjs')], { cwd });
    expect(code).toBe(1);
    expect(stderr).toMatch(/needs libatomic\.so\.1, .*"apt-get install libatomic1" on Debian.*\.\n/);
  });

  it('Another fault of that Node is told by its own first line', async () => {
    const cwd = checkoutWith('#!/bin/sh\necho "bad CPU" >&2\nexit 1\n');
    const { code, stderr } = await runToEnd([join(cwd, 'bin', 'after-install.mjs')], { cwd });
    expect([code, stderr]).toEqual([1, expect.stringMatching(/does not start: bad CPU\.\n/)]);
  });

  it('An install that is in order says nothing and gives the Node its name for the scripts', async () => {
    const cwd = checkoutWith('#!/bin/sh\necho v26.10.0\n');
    const { code, stdout, stderr } = await runToEnd([join(cwd, 'bin', 'after-install.mjs')], { cwd });
    expect([code, stdout, stderr]).toEqual([0, '', '']);
    expect(readFileSync(join(cwd, 'node_modules', '.bin', 'node'), 'utf8')).toContain('v26.10.0');
  });
});

it('The file that npx starts in a clone may be executed: older npm does not see to that', () => {
  expect(statSync(COMMAND).mode & 0o111).toBe(0o111);
});
