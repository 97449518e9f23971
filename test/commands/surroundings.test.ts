import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { folderWith } from '../support/fixtures/config-folder.ts';
import { freePort } from '../support/free-port.ts';
import {
  addressesOf,
  type Child,
  type Ended,
  MAIN,
  runToEnd,
  startChild,
} from '../support/processes/child.ts';
import { TEST_KEY, TEST_SECRET, upstreamsAt } from '../support/servers/proxy.ts';

const NEVER = 78;
const NOT_NOW = 75;
const isRoot = process.getuid?.() === 0;
const FIRST_FREE_PORT = Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'));
/** A user who owns nothing here. */
const NOBODY = 65_534;

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator({ accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET }] });
});
afterAll(() => simulator.close());

type Variables = Readonly<Record<string, string>>;

function environment(more: Variables = {}): Variables {
  return {
    BINANCE_API_KEY: TEST_KEY,
    BINANCE_API_SECRET: TEST_SECRET,
    BINANCE_PROXY_ENVIRONMENT: 'simulator',
    BINANCE_PROXY_PORT: '0',
    BINANCE_PROXY_OPERATOR_PORT: '0',
    ...upstreamsAt(simulator.url),
    ...more,
  };
}

function serve(more: Variables = {}, cwd = folderWith()): Child {
  return startChild([MAIN, 'serve'], { cwd, env: environment(more) });
}

/** A start under Node's permission model, as the image has it, with these folders to write in. */
function serveConfined(more: Variables, writable: string, cwd = folderWith()): Promise<Ended> {
  const root = join(MAIN, '../..');
  const reads = [root, writable].map((path) => `--allow-fs-read=${path}`);
  const flags = [
    '--permission',
    '--allow-net',
    ...reads,
    `--allow-fs-read=${cwd}`,
    `--allow-fs-write=${writable}`,
  ];
  const args = [...flags, '--disable-warning=ExperimentalWarning', MAIN, 'serve'];
  return runToEnd(args, { cwd, env: environment(more) });
}

/** A start that ended with one sentence, and no stack trace. */
function sentenceOf({ code, stdout, stderr }: Ended, exitCode: number): string {
  expect([code, stderr]).toEqual([exitCode, expect.stringMatching(/^[^\n]+\.\n$/)]);
  expect(stdout).not.toMatch(/"event":"proxy\.started"/);
  return stderr.trim();
}

async function takenPort(): Promise<number> {
  const server = createServer();
  onTestFinished(() => void server.close());
  const port = await freePort();
  await new Promise<void>((resolve) => void server.listen(port, '127.0.0.1', resolve));
  return port;
}

/** A file system of its own, which only root can make. */
function mounted(options: string): string {
  const folder = folderWith();
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder]);
  onTestFinished(() => void execFileSync('umount', ['-l', folder]));
  return folder;
}

describe('an address that cannot be listened on', () => {
  it.each(['BINANCE_PROXY_PORT', 'BINANCE_PROXY_OPERATOR_PORT'])(
    'A port that is taken is named with its variable, and ends with 75: %s',
    async (variable) => {
      const port = await takenPort();
      const sentence = sentenceOf(await serve({ [variable]: String(port) }).ended, NOT_NOW);
      expect(sentence).toMatch(
        new RegExp(
          `^Port ${port} on (?:localhost|127\\.0\\.0\\.1) is taken .*\\(EADDRINUSE\\): .*set ${variable} to`,
        ),
      );
    },
  );

  it.each([
    ['192.0.2.7', 'EADDRNOTAVAIL'],
    ['no-such-host.invalid', 'E\\w+'],
  ])('An address that this machine does not have ends with 78: %s', async (host, code) => {
    const more = { BINANCE_PROXY_HOST: host, BINANCE_PROXY_CLIENT_KEY: 'k'.repeat(64) };
    const ended = await serve(more).ended;
    expect(ended.stderr).toMatch(
      new RegExp(`^${host} is no .*\\(${code}\\): set BINANCE_PROXY_HOST to localhost`),
    );
    expect([NEVER, NOT_NOW]).toContain(ended.code);
    sentenceOf(ended, code === 'EADDRNOTAVAIL' ? NEVER : (ended.code ?? 0));
  });

  it.skipIf(!isRoot || FIRST_FREE_PORT <= 80)(
    'A port that is for root alone is named with what to set',
    async () => {
      const cwd = folderWith();
      chmodSync(cwd, 0o755);
      const [command = '', ...args] = asNobody([MAIN, 'serve']);
      const ended = await runToEnd(args, { cwd, command, env: environment({ BINANCE_PROXY_PORT: '80' }) });
      expect(sentenceOf(ended, NEVER)).toBe(
        'Port 80 is not for this user (EACCES): set BINANCE_PROXY_PORT to one from 1024 on.',
      );
    },
  );

  it('A socket that another proxy serves ends with 75', async () => {
    const socket = join(folderWith(), 'p.sock');
    await addressesOf(serve({ BINANCE_PROXY_SOCKET: socket }));
    expect(sentenceOf(await serve({ BINANCE_PROXY_SOCKET: socket }).ended, NOT_NOW)).toBe(
      `Another process serves the socket ${socket} (EADDRINUSE): stop that one, or set BINANCE_PROXY_SOCKET to another path.`,
    );
  });

  it('A socket in a folder that is not there names the folder', async () => {
    const folder = join(folderWith(), 'missing');
    expect(sentenceOf(await serve({ BINANCE_PROXY_SOCKET: join(folder, 's') }).ended, NEVER)).toBe(
      `The folder ${folder} of the socket does not exist: make it, or set BINANCE_PROXY_SOCKET to a path in one that does.`,
    );
  });

  it.skipIf(!isRoot)('A socket on a read-only file system names the remedy', async () => {
    const folder = mounted('ro');
    const sentence = sentenceOf(await serve({ BINANCE_PROXY_SOCKET: join(folder, 's') }).ended, NEVER);
    expect(sentence).toMatch(/^The socket .* read-only file system \(EROFS\): set BINANCE_PROXY_SOCKET to/);
  });

  it('The name of a socket’s group under the permission model is answered with the number that it takes', async () => {
    const folder = folderWith();
    const more = { BINANCE_PROXY_SOCKET: join(folder, 's'), BINANCE_PROXY_SOCKET_GROUP: 'daemon' };
    expect(sentenceOf(await serveConfined(more, folder), NEVER)).toBe(
      'BINANCE_PROXY_SOCKET_GROUP is a name, but the names in /etc/group cannot be read here (ERR_ACCESS_DENIED): set it to the number of the group.',
    );
  });

  it('A socket outside of what the permission model lets the program write names the remedy', async () => {
    const socket = join(folderWith(), 's');
    const sentence = sentenceOf(await serveConfined({ BINANCE_PROXY_SOCKET: socket }, folderWith()), NEVER);
    expect(sentence).toMatch(
      /^Node’s permission model keeps this process from the socket .*--allow-fs-write/,
    );
  });

  it('The simulator names the port that is taken, and ends with 75', async () => {
    const port = await takenPort();
    const ended = await runToEnd([MAIN, 'simulator', '--port', String(port)], { cwd: folderWith() });
    expect(sentenceOf(ended, NOT_NOW)).toMatch(
      new RegExp(
        `^The simulator cannot listen on port ${port} of 127\\.0\\.0\\.1 \\(EADDRINUSE\\): .*--port`,
      ),
    );
  });
});

/** The arguments of a shell that become a start as a user who owns nothing. */
function asNobody(args: readonly string[]): readonly string[] {
  const drop = `process.setgid(${NOBODY});process.setuid(${NOBODY})`;
  return [process.execPath, '--import', `data:text/javascript,${encodeURIComponent(drop)}`, ...args];
}

describe.each([
  ['audit folder', 'BINANCE_PROXY_AUDIT_DIR'],
  ['state folder', 'BINANCE_PROXY_STATE_DIR'],
])('an %s that cannot be used', (what, variable) => {
  it.skipIf(!isRoot)('It names the user and the remedy when that user may not write', async () => {
    const parent = folderWith();
    chmodSync(parent, 0o755);
    const folder = join(parent, 'own');
    const [command = '', ...args] = asNobody([MAIN, 'serve']);
    const cwd = folderWith();
    chmodSync(cwd, 0o755);
    const ended = await runToEnd(args, { cwd, command, env: environment({ [variable]: folder }) });
    expect(sentenceOf(ended, NEVER)).toBe(
      `The ${what} ${folder} cannot be used (EACCES): this user (uid ${NOBODY}) may not write in ${parent}; run chown ${NOBODY} ${parent}, or set ${variable} to another folder.`,
    );
  });

  it.skipIf(!isRoot)('It says that its file system is read-only', async () => {
    const folder = join(mounted('ro'), 'own');
    expect(sentenceOf(await serve({ [variable]: folder }).ended, NEVER)).toMatch(
      new RegExp(`^The ${what} ${folder} cannot be used \\(EROFS\\): .*set ${variable} to`),
    );
  });

  it.skipIf(!isRoot)('It says that there is no room, and ends with 75', async () => {
    const disk = mounted('size=16k');
    try {
      writeFileSync(join(disk, 'filler'), Buffer.alloc(32_768));
    } catch {
      // Full is what it should be.
    }
    const folder = join(disk, 'own');
    mkdirSync(folder, { mode: 0o700 });
    expect(sentenceOf(await serve({ [variable]: folder }).ended, NOT_NOW)).toMatch(
      new RegExp(`^The ${what} ${folder} cannot be used \\(ENOSPC\\): there is no room`),
    );
  });

  it('It says that a file stands in its way', async () => {
    const folder = join(folderWith({ taken: '' }), 'taken');
    expect(sentenceOf(await serve({ [variable]: folder }).ended, NEVER)).toMatch(
      new RegExp(`^The ${what} ${folder} cannot be used \\(EEXIST\\): a file stands in its way`),
    );
  });

  it('The process ends although it has begun to talk to Redis', async () => {
    const folder = join(folderWith({ taken: '' }), 'taken');
    const redis = createServer();
    onTestFinished(() => void redis.close());
    redis.listen(0, '127.0.0.1');
    await once(redis, 'listening');
    const { port } = redis.address() as AddressInfo;
    const more = { [variable]: folder, BINANCE_PROXY_REDIS_URL: `redis://127.0.0.1:${port}` };
    expect(sentenceOf(await serve(more).ended, NEVER)).toContain('a file stands in its way');
  });

  it('It names the permission model when that keeps the program out', async () => {
    const folder = join(folderWith(), 'own');
    expect(sentenceOf(await serveConfined({ [variable]: folder }, folderWith()), NEVER)).toMatch(
      new RegExp(`^The ${what} ${folder} cannot be used \\(ERR_ACCESS_DENIED\\): Node’s permission model`),
    );
  });

  it('A second start on it ends with 75 and says that another process has it', async () => {
    const folder = join(folderWith(), 'own');
    await addressesOf(serve({ [variable]: folder }));
    expect(sentenceOf(await serve({ [variable]: folder }).ended, NOT_NOW)).toMatch(
      new RegExp(`^Another process .* ${folder}: give each process a folder of its own\\.$`),
    );
  });
});
