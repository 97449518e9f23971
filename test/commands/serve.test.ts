import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { send } from '../support/clients/http.ts';
import { folderWith } from '../support/fixtures/config-folder.ts';
import { addressesOf, type Child, MAIN, runToEnd, startChild } from '../support/processes/child.ts';
import { TEST_KEY, TEST_SECRET, upstreamsAt } from '../support/servers/proxy.ts';

const BIN = fileURLToPath(new URL('../../bin/binance-signing-proxy.mjs', import.meta.url));
const FIRST_KEY = 'firstKEYfirstKEYfirstKEYfirstKEYfirstKEYfirstKEYfirstKEYfirstKEY';
const SECOND_KEY = 'secondKEYsecondKEYsecondKEYsecondKEYsecondKEYsecondKEYsecondKEY1';

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator({ accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET }] });
});
afterAll(() => simulator.close());

function dotenv(values: Readonly<Record<string, string>>): string {
  return Object.entries({
    BINANCE_API_KEY: TEST_KEY,
    BINANCE_API_SECRET: TEST_SECRET,
    BINANCE_PROXY_ENVIRONMENT: 'simulator',
    BINANCE_PROXY_PORT: '0',
    BINANCE_PROXY_OPERATOR_PORT: '0',
    ...upstreamsAt(simulator.url),
    ...values,
  })
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

function serve(values: Readonly<Record<string, string>> = {}): { child: Child; cwd: string } {
  simulator.reset();
  const cwd = folderWith({ '.env': dotenv(values) });
  return { child: startChild([MAIN, 'serve'], { cwd }), cwd };
}

async function portOf(child: Child): Promise<number> {
  return Number(new URL((await addressesOf(child)).url).port);
}

async function statusWith(port: number, key: string): Promise<number> {
  return (await send(port, '/api/v3/account', { headers: { 'x-mbx-apikey': key } })).status;
}

describe('serve refuses to start with exit code 78', () => {
  it.each([
    [
      'no credential',
      {},
      [/^BINANCE_API_KEY .*\.$/, /^Neither BINANCE_API_SECRET nor BINANCE_PRIVATE_KEY is set: set .*\.$/],
    ],
    [
      'several mistakes',
      {
        BINANCE_API_KEY: TEST_KEY,
        BINANCE_API_SECRET: TEST_SECRET,
        BINANCE_PROXY_PORT: 'x',
        BINANCE_PROXY_HOTS: 'y',
      },
      [
        /^BINANCE_PROXY_PORT must be/,
        /^BINANCE_PROXY_HOTS is not a known variable: did you mean BINANCE_PROXY_HOST\?$/,
      ],
    ],
  ])('The proxy exits with 78 and one sentence for each problem: %s', async (_what, env, sentences) => {
    const { code, stdout, stderr } = await runToEnd([MAIN, 'serve'], { cwd: folderWith(), env });
    expect([code, stdout]).toEqual([78, '']);
    const lines = stderr.trim().split('\n');
    expect(lines).toHaveLength(sentences.length);
    for (const [at, sentence] of sentences.entries()) expect(lines[at]).toMatch(sentence);
  });

  it.each(['0.0.0.0', '::'])(
    'The proxy exits with 78 when other machines could reach it on %s without a client key',
    async (host) => {
      const env = { BINANCE_API_KEY: TEST_KEY, BINANCE_API_SECRET: TEST_SECRET, BINANCE_PROXY_HOST: host };
      const { code, stderr } = await runToEnd([MAIN, 'serve'], { cwd: folderWith(), env });
      expect(code).toBe(78);
      expect(stderr).toMatch(
        /^BINANCE_PROXY_HOST opens the proxy to other machines, but no client key .*\.\n$/,
      );
      expect(stderr).not.toContain(TEST_SECRET);
    },
  );

  it('The proxy exits with 78 and the name of the switch when the key can withdraw', async () => {
    const { child } = serve({ BINANCE_PROXY_KEY_PREFLIGHT: 'enforce' });
    simulator.setRestrictions(TEST_KEY, { enableWithdrawals: true });
    const { code, stderr } = await child.ended;
    expect(code).toBe(78);
    expect(stderr).toMatch(
      /^Account main: The key has "Enable Withdrawals" \(enableWithdrawals\) switched on.*\n$/,
    );
  });

  it('The proxy exits with 75, a sentence and no stack when a port is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { code, stderr } = await serve({
      BINANCE_PROXY_PORT: String((taken.address() as AddressInfo).port),
      BINANCE_PROXY_HOST: '127.0.0.1',
    }).child.ended;
    taken.close();
    expect(code).toBe(75);
    expect(stderr.trim().split('\n')).toEqual([expect.stringContaining('EADDRINUSE')]);
  });

  it('The proxy exits with 75 when a Unix socket is served already, and with 78 when its group does not exist', async () => {
    const socket = join(folderWith(), 'p.sock');
    const { child } = serve({ BINANCE_PROXY_SOCKET: socket });
    await addressesOf(child);
    const second = await serve({ BINANCE_PROXY_SOCKET: socket }).child.ended;
    expect([second.code, second.stderr]).toEqual([
      75,
      expect.stringContaining('Another process serves the socket'),
    ]);
    expect(existsSync(socket)).toBe(true);
    const other = { BINANCE_PROXY_SOCKET: `${socket}2`, BINANCE_PROXY_SOCKET_GROUP: 'no-such-group' };
    const third = await serve(other).child.ended;
    expect([third.code, third.stderr]).toEqual([
      78,
      expect.stringMatching(/^BINANCE_PROXY_SOCKET_GROUP names no group/),
    ]);
  });
});

describe('SIGTERM', () => {
  it('SIGTERM lets the order that is in flight finish, refuses what comes now, and ends the proxy with 0', async () => {
    const { child } = serve();
    const port = await portOf(child);
    simulator.inject({ kind: 'delay', ms: 700, match: { path: '/api/v3/order' } });
    const body = 'symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=10';
    const order = send(port, '/api/v3/order', { method: 'POST', body });
    await expect.poll(() => simulator.requests.some(({ path }) => path === '/api/v3/order')).toBe(true);
    child.kill('SIGTERM');
    await child.record('proxy.stopping');
    // Nobody listens any more, or who still does refuses; what was arriving when it began is served.
    const late = async () => (await send(port, '/api/v3/account').catch(() => undefined))?.status;
    await expect.poll(async () => [undefined, 503].includes(await late())).toBe(true);
    expect((await order).headers['x-proxy-outcome']).toBe('answered');
    const { code, stdout, stderr } = await child.ended;
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/"event":"call.completed".*"path":"\/api\/v3\/order"/);
  });

  it('SIGTERM ends a program that has not finished its start', async () => {
    const { child } = serve({ BINANCE_PROXY_KEY_PREFLIGHT: 'enforce' });
    simulator.inject({ kind: 'stall', match: { path: '/api/v3/time' }, times: 99 });
    await expect.poll(() => simulator.requests.some(({ path }) => path === '/api/v3/time')).toBe(true);
    child.kill('SIGTERM');
    expect((await child.ended).code).toBe(0);
  });
});

describe('SIGHUP', () => {
  it('SIGHUP puts new secrets and configuration in place without dropping the listener', async () => {
    const { child, cwd } = serve({ BINANCE_PROXY_CLIENT_KEY: FIRST_KEY });
    const port = await portOf(child);
    expect([await statusWith(port, FIRST_KEY), await statusWith(port, SECOND_KEY)]).toEqual([200, 401]);
    writeFileSync(join(cwd, '.env'), dotenv({ BINANCE_PROXY_CLIENT_KEY: SECOND_KEY }));
    child.kill('SIGHUP');
    await child.record('config.loaded');
    expect([await statusWith(port, FIRST_KEY), await statusWith(port, SECOND_KEY)]).toEqual([401, 200]);
  });

  it('SIGHUP with a bad configuration is refused with what is wrong, and the old configuration stays', async () => {
    const { child, cwd } = serve({ BINANCE_PROXY_CLIENT_KEY: FIRST_KEY });
    const port = await portOf(child);
    writeFileSync(
      join(cwd, '.env'),
      dotenv({ BINANCE_PROXY_CLIENT_KEY: SECOND_KEY, BINANCE_PROXY_RECV_WINDOW_MS: '-1' }),
    );
    child.kill('SIGHUP');
    const refused = await child.record('config.refused');
    expect(refused).toMatchObject({
      level: 50,
      msg: expect.stringContaining('BINANCE_PROXY_RECV_WINDOW_MS must be'),
    });
    expect([await statusWith(port, FIRST_KEY), await statusWith(port, SECOND_KEY)]).toEqual([200, 401]);
    child.kill('SIGTERM');
    const { code, stdout } = await child.ended;
    expect(code).toBe(0);
    for (const secret of [FIRST_KEY, SECOND_KEY, TEST_KEY, TEST_SECRET]) expect(stdout).not.toContain(secret);
  });
});

describe('SIGUSR1', () => {
  it('SIGUSR1 opens no inspector when Node is told so, as the image and the unit do', async () => {
    simulator.reset();
    const child = startChild(['--disable-sigusr1', MAIN, 'serve'], {
      cwd: folderWith({ '.env': dotenv({}) }),
    });
    await addressesOf(child);
    child.kill('SIGUSR1');
    child.kill('SIGTERM');
    const { code, signal, stderr } = await child.ended;
    // The signal is left with its usual effect, or without any: what it must not do is open a debugger.
    expect([code === 0 || signal === 'SIGUSR1', /Debugger listening/.test(stderr)]).toEqual([true, false]);
  });
});

/** The first `node` on the PATH that is too old for the program. */
describe('the package’s bin', () => {
  it('The package’s bin runs the command line on this Node', async () => {
    const { code, stdout } = await runToEnd([BIN, '--help'], { cwd: folderWith() });
    expect([code, stdout.includes('healthcheck')]).toEqual([0, true]);
  });
});

describe('healthcheck', () => {
  it('The healthcheck ends with 0 while the proxy is ready, with 1 while it is not and when it is gone', async () => {
    const { child, cwd } = serve({ BINANCE_PROXY_OPERATOR_PORT: '0' });
    const { operatorUrl } = await addressesOf(child);
    const env = { BINANCE_PROXY_OPERATOR_PORT: new URL(operatorUrl).port };
    const ready = await runToEnd([MAIN, 'healthcheck'], { cwd, env });
    expect([ready.code, (JSON.parse(ready.stdout) as { ready: boolean }).ready]).toEqual([0, true]);
    child.kill('SIGTERM');
    await child.ended;
    const gone = await runToEnd([MAIN, 'healthcheck'], { cwd, env });
    expect([gone.code, gone.stderr]).toEqual([1, expect.stringContaining('does not answer: ECONNREFUSED')]);
  });

  it('The healthcheck ends with 1 and the reasons while the time of the exchange is not known', async () => {
    const gone = await startSimulator({ accounts: [] });
    await gone.close();
    const { child, cwd } = serve({ BINANCE_PROXY_UPSTREAM_SPOT: gone.url });
    const env = { BINANCE_PROXY_OPERATOR_PORT: new URL((await addressesOf(child)).operatorUrl).port };
    const { code, stdout } = await runToEnd([MAIN, 'healthcheck'], { cwd, env });
    expect([code, stdout]).toEqual([1, expect.stringContaining('"clock"')]);
  });
});
