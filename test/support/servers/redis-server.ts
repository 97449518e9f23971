import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SecretText } from '../../../src/core/records/secret-text.ts';
import { freePort } from '../free-port.ts';

export interface RedisServer {
  readonly port: number;
  readonly url: SecretText;
  /** Kills the process as a crash does: nothing is saved. */
  kill(): Promise<void>;
  /** Makes it answer nothing, without closing anything. */
  pause(): void;
  resume(): void;
  /** Starts it again on the same port, empty. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Whether a real Redis server can be started here. */
export const hasRedisServer = spawnSync('redis-server', ['--version']).status === 0;

/** Says in the output of the run which tests a machine without Redis leaves out. */
export function sayWhatIsLeftOut(what: string): void {
  if (hasRedisServer) return;
  process.stderr.write(
    `\nLEFT OUT: ${what} (no redis-server is installed; "apt-get install redis-server" brings it)\n`,
  );
}

/**
 * A real Redis server on a free port of the loopback, without persistence.
 * @param password what it asks every client for
 */
export async function startRedisServer({ password = '' } = {}): Promise<RedisServer> {
  const port = await freePort();
  const dir = mkdtempSync(join(tmpdir(), 'budget-redis-'));
  let child: ChildProcess | undefined;

  async function start(): Promise<void> {
    if (child !== undefined) return;
    const args = [
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--save',
      '',
      '--appendonly',
      'no',
      '--dir',
      dir,
      '--requirepass',
      password,
    ];
    child = spawn('redis-server', args, { stdio: 'ignore' });
    await answers(port, child);
  }

  async function kill(): Promise<void> {
    const dying = child;
    child = undefined;
    if (dying === undefined || dying.exitCode !== null) return;
    const exit = once(dying, 'exit');
    dying.kill('SIGKILL');
    await exit;
  }

  await start();
  return {
    port,
    url: new SecretText(`redis://127.0.0.1:${port}`),
    kill,
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    start,
    async stop() {
      await kill();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function answers(port: number, child: ChildProcess): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error('redis-server did not start');
    if (await pings(port)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function pings(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', () => resolve(false));
    socket.once('data', (bytes) => {
      resolve(/^(?:\+PONG|-NOAUTH)/.test(bytes.toString()));
      socket.destroy();
    });
    socket.once('connect', () => socket.write('PING\r\n'));
  });
}
