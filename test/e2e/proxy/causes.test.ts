import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import { folderWith } from '../../support/fixtures/config-folder.ts';
import { makeThrowAwayCertificate } from '../../support/fixtures/throw-away-certificate.ts';
import { freePort } from '../../support/free-port.ts';
import { MAIN, startChild } from '../../support/processes/child.ts';
import { startTestProxy, TEST_KEY, TEST_SECRET, upstreamsAt } from '../../support/servers/proxy.ts';
import { hasRedisServer, sayWhatIsLeftOut, startRedisServer } from '../../support/servers/redis-server.ts';
import { startUpstream } from '../../support/servers/upstream.ts';

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator({ accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET }] });
});
afterAll(() => simulator.close());

sayWhatIsLeftOut('what the log says of a Redis that refuses');

describe('why the time of the exchange could not be read', () => {
  async function lostBy(upstream: string) {
    const proxy = await startTestProxy({ upstream });
    const records = proxy.records('clock.lost');
    await proxy.close();
    expect(records.map(({ level }) => level)).toEqual([40]);
    return records[0];
  }

  it('A refused connection stands in the record with its code', async () => {
    const record = await lostBy(`http://127.0.0.1:${await freePort()}`);
    expect(record).toMatchObject({
      msg: expect.stringMatching(/^The time of the exchange could not be read, trying again: nobody accepts/),
      detail: { code: 'ECONNREFUSED' },
    });
  });

  it('A certificate that this machine does not trust names the variable for its authority', async () => {
    const upstream = await startUpstream({ tls: makeThrowAwayCertificate() });
    onTestFinished(() => upstream.close());
    const record = await lostBy(upstream.url);
    expect(record?.msg).toMatch(
      /authority that this machine does not trust .*BINANCE_PROXY_UPSTREAM_CA_FILE/,
    );
  });

  it('An answer that is no time stands in the record with its status', async () => {
    const upstream = await startUpstream({ answers: { '/api/v3/time': { hello: 1 } } });
    onTestFinished(() => upstream.close());
    expect((await lostBy(upstream.url))?.msg).toContain('the exchange does not tell its time (HTTP 200)');
  });
});

/** Refuses like a Redis in protected mode: every Redis does so to callers from other machines when it has no password. */
async function protectedRedis(): Promise<number> {
  const refusal =
    '-DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the default user.\r\n';
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.end(refusal);
  });
  onTestFinished(() => void server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const PASSWORD = 'sekret-password-of-redis';

describe('why Redis is not used', () => {
  async function degradedBy(url: string) {
    const proxy = await startTestProxy({ upstream: simulator.url, env: { BINANCE_PROXY_REDIS_URL: url } });
    onTestFinished(() => proxy.close());
    const told = () => proxy.records('budget.degraded').at(-1);
    // A busy machine may give up waiting before Redis has refused.
    await expect
      .poll(() => told() !== undefined && !JSON.stringify(told()).includes('not connected yet'))
      .toBe(true);
    const record = told();
    expect(proxy.lines.join('\n')).not.toContain(PASSWORD);
    return JSON.stringify(record?.detail);
  }

  it.skipIf(!hasRedisServer)('A missing password and a wrong one are named', async () => {
    const redis = await startRedisServer({ password: 'another' });
    onTestFinished(() => redis.stop());
    expect(await degradedBy(`redis://127.0.0.1:${redis.port}`)).toMatch(/asks for a password \(NOAUTH\)/);
    expect(await degradedBy(`redis://:${PASSWORD}@127.0.0.1:${redis.port}`)).toMatch(/\(WRONGPASS\)/);
  });

  it('Protected mode is named', async () => {
    expect(await degradedBy(`redis://127.0.0.1:${await protectedRedis()}`)).toMatch(
      /protected mode .*\(DENIED\)/,
    );
  });

  it('An address where nobody is is named', async () => {
    expect(await degradedBy(`redis://127.0.0.1:${await freePort()}`)).toMatch(/\(ECONNREFUSED\)/);
  });

  it('What the client of Redis prints on the console is one record, and nothing stands beside the log', async () => {
    const child = startChild([MAIN, 'serve'], {
      cwd: folderWith(),
      env: {
        BINANCE_API_KEY: TEST_KEY,
        BINANCE_API_SECRET: TEST_SECRET,
        BINANCE_PROXY_ENVIRONMENT: 'simulator',
        BINANCE_PROXY_PORT: '0',
        BINANCE_PROXY_OPERATOR_PORT: '0',
        BINANCE_PROXY_REDIS_URL: `redis://:${PASSWORD}@127.0.0.1:${await protectedRedis()}`,
        ...upstreamsAt(simulator.url),
      },
    });
    expect(await child.record('library.printed')).toMatchObject({
      level: 40,
      msg: expect.stringContaining('a password was supplied'),
    });
    await child.record('proxy.started');
    child.kill('SIGTERM');
    const { code, stdout, stderr } = await child.ended;
    expect([code, stderr]).toEqual([0, '']);
    const lines = stdout.trim().split('\n');
    expect(lines.filter((line) => !line.startsWith('{"time"'))).toEqual([]);
    expect(lines.filter((line) => line.includes('library.printed'))).toHaveLength(1);
    expect(stdout).not.toContain(PASSWORD);
  });
});
