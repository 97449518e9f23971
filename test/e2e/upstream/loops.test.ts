import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterEach, describe, expect, it } from 'vitest';
import { OwnAddresses } from '../../../src/upstream/connections/own-addresses.ts';
import { send } from '../../support/clients/http.ts';
import { refusedUpgrade } from '../../support/clients/ws-app.ts';
import { folderWith } from '../../support/fixtures/config-folder.ts';
import { MAIN, runToEnd } from '../../support/processes/child.ts';
import { startTestProxy, TEST_KEY, TEST_SECRET, type TestProxy } from '../../support/servers/proxy.ts';
import { startUpstream, type Upstream } from '../../support/servers/upstream.ts';

/** A port that is free at this moment. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

describe('a start whose upstream is the proxy itself', () => {
  it.each([
    ['a loopback address', 'localhost', '127.0.0.1', 'BINANCE_PROXY_UPSTREAM_SPOT', 'http', '127.0.0.1'],
    ['a name', '127.0.0.1', 'localhost', 'BINANCE_PROXY_UPSTREAM_USDM', 'http', '127.0.0.1'],
    ['an IPv6 address', 'localhost', '[::1]', 'BINANCE_PROXY_UPSTREAM_COINM', 'http', '[::1]'],
    ['an address of a wildcard', '0.0.0.0', '127.1.2.3', 'BINANCE_PROXY_UPSTREAM_SPOT', 'http', '127.1.2.3'],
    ['a stream', 'localhost', '127.0.0.1', 'BINANCE_PROXY_UPSTREAM_SPOT_STREAM', 'ws', '127.0.0.1'],
  ])(
    'A start whose upstream leads back to it by %s ends with 78 and says what to change',
    async (_how, host, called, variable, scheme, where) => {
      const port = await freePort();
      const ended = await runToEnd([MAIN, 'serve'], {
        cwd: folderWith(),
        env: {
          BINANCE_API_KEY: TEST_KEY,
          BINANCE_API_SECRET: TEST_SECRET,
          BINANCE_PROXY_ENVIRONMENT: 'simulator',
          BINANCE_PROXY_HOST: host,
          BINANCE_PROXY_PORT: String(port),
          BINANCE_PROXY_OPERATOR_PORT: '0',
          BINANCE_PROXY_CLIENT_KEY: 'K'.repeat(64),
          [variable]: `${scheme}://${called}:${port}`,
        },
      });
      expect(ended.code).toBe(78);
      expect(ended.stderr).toContain(`leads to ${where}:${port}, where this proxy itself listens`);
      expect(ended.stderr).toContain(`set ${variable} to another address`);
      expect(ended.stdout).not.toContain('proxy.started');
    },
  );
});

describe('a connection that would end at the proxy itself', () => {
  let proxy: TestProxy;
  let upstream: Upstream;
  afterEach(async () => {
    await proxy.close();
    await upstream.close();
  });

  /** A running proxy whose upstreams are turned to itself, as an entry in a hosts file would do it. */
  async function turnedToItself(host: string): Promise<void> {
    upstream = await startUpstream();
    proxy = await startTestProxy({
      upstream: upstream.url,
      env: { BINANCE_PROXY_ALLOW_LOOSENING: '1' },
    });
    proxy.reload({
      BINANCE_PROXY_UPSTREAM_SPOT: `http://${host}:${proxy.port}`,
      BINANCE_PROXY_UPSTREAM_SPOT_STREAM: `ws://${host}:${proxy.port}`,
    });
  }

  it.each(['127.0.0.1', 'localhost'])(
    'A call to %s at its own port is refused before a byte',
    async (host) => {
      await turnedToItself(host);
      const reply = await send(proxy.port, '/api/v3/account', { headers: { 'x-mbx-apikey': 'any' } });
      expect([reply.status, reply.json?.code]).toEqual([502, -1001]);
      expect(reply.headers).toMatchObject({
        'x-proxy-outcome': 'not-sent',
        'x-proxy-error': 'PROXY_UPSTREAM_UNREACHABLE',
      });
      expect(reply.json?.msg).toMatch(/leads back to the signing proxy itself: nothing was sent/);
      const ended = proxy
        .records('call.completed', 'call.refused')
        .filter(({ path }) => path === '/api/v3/account');
      // One call came in, and it did not come in again.
      expect(ended).toMatchObject([{ rule: 'loop', outcome: 'not-sent' }]);
    },
  );

  it.each(['127.0.0.1', 'localhost'])(
    'A socket to %s at its own port is refused before a byte',
    async (host) => {
      await turnedToItself(host);
      const refused = await refusedUpgrade(`ws://127.0.0.1:${proxy.port}/ws/${'k'.repeat(60)}`);
      expect([refused.status, JSON.parse(refused.body)]).toMatchObject([502, { code: -1001 }]);
      expect(refused.body).toMatch(/leads back to the signing proxy itself/);
      expect(proxy.records('call.refused').map(({ rule }) => rule)).toEqual(['loop']);
    },
  );

  it('The address of another port of this machine is no loop', async () => {
    await turnedToItself('127.0.0.1');
    proxy.reload({});
    const reply = await send(proxy.port, '/api/v3/account', { headers: { 'x-mbx-apikey': 'any' } });
    expect(reply.status).toBe(200);
    expect(upstream.received).toHaveLength(1);
  });
});

describe('what reaches a listener', () => {
  const own = (address: string) => {
    const addresses = new OwnAddresses();
    addresses.set([{ address, port: 8080 }]);
    return addresses;
  };

  it.each([
    ['127.0.0.1', ['127.0.0.1', '::ffff:127.0.0.1', '0.0.0.0'], ['127.0.0.2', '::1', '10.9.8.7', '::']],
    ['::1', ['::1', '0:0:0:0:0:0:0:1', '::'], ['127.0.0.1', '::2']],
    ['10.9.8.7', ['10.9.8.7', '::ffff:10.9.8.7'], ['127.0.0.1', '0.0.0.0']],
    ['0.0.0.0', ['127.0.0.1', '127.9.9.9', '0.0.0.0'], ['::1', '10.255.255.254']],
    ['::', ['127.0.0.1', '::1', '::', '0.0.0.0', '::ffff:127.0.0.1'], ['2001:db8::1']],
  ])('A listener on %s is reached by %j and not by %j', (address, reached, others) => {
    expect(reached.filter((each) => !own(address).has(each, 8080))).toEqual([]);
    expect(others.filter((each) => own(address).has(each, 8080))).toEqual([]);
    expect(reached.filter((each) => own(address).has(each, 8081))).toEqual([]);
  });

  it('A listener on every address is reached by each address of this machine', () => {
    const local = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
    expect(local.length).toBeGreaterThan(0);
    for (const { address } of local) expect([address, own('::').has(address, 8080)]).toEqual([address, true]);
  });
});
