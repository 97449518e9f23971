import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import { type Reply, send } from '../../support/clients/http.ts';
import { connectApp } from '../../support/clients/ws-app.ts';
import { startTestProxy, TEST_KEY, TEST_SECRET, type TestProxy } from '../../support/servers/proxy.ts';
import { wsEnv } from '../../support/servers/ws-upstream.ts';

const KEYS = { A: 'a'.repeat(64), B: 'b'.repeat(64), C: 'c'.repeat(64), R: 'r'.repeat(64) };
type Who = keyof typeof KEYS;
const YAML = `
clients:
  a: { account: main, envPrefix: A, permissions: [market-data, read] }
  b: { account: main, envPrefix: B, permissions: [market-data, read] }
  c: { account: main, envPrefix: C, permissions: [market-data, read] }
  r: { account: main, envPrefix: R, permissions: [market-data] }
`;
const FAMILIES = ['/fapi/v1/listenKey', '/dapi/v1/listenKey', '/eapi/v1/listenKey', '/papi/v1/listenKey'];

let simulator: Simulator;
let proxy: TestProxy;
beforeEach(async () => {
  simulator = await startSimulator({
    accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET, balances: { USDT: '1000' } }],
    marketStepMs: 0,
  });
  const env = Object.fromEntries(Object.entries(KEYS).map(([name, key]) => [`${name}_CLIENT_KEY`, key]));
  proxy = await startTestProxy({
    upstream: simulator.url,
    env: { ...wsEnv({ wsUrl: simulator.url.replace('http', 'ws') }), ...env },
    yaml: YAML,
  });
});
afterEach(async () => {
  await proxy.close();
  await simulator.close();
});

const call = (method: string, who: Who, path = '/fapi/v1/listenKey'): Promise<Reply> =>
  send(proxy.port, path, { method, headers: { 'x-mbx-apikey': KEYS[who] } });
const ended = (path = '/fapi/v1/listenKey') =>
  simulator.requests.filter((request) => request.method === 'DELETE' && request.path === path).length;

function expectKept(reply: Reply): void {
  expect([
    reply.status,
    reply.text,
    reply.headers['x-proxy-outcome'],
    reply.headers['x-proxy-error'],
  ]).toEqual([200, '{}', 'not-sent', undefined]);
}

describe('the one listen key of an account', () => {
  it.each(FAMILIES)(
    'The last of those who asked for %s ends it at Binance, the others end it here',
    async (path) => {
      for (const who of ['A', 'B'] as const) await call('POST', who, path);
      expectKept(await call('DELETE', 'A', path));
      expectKept(await call('DELETE', 'A', path));
      expect(ended(path)).toBe(0);
      expect(proxy.records('call.completed').at(-1)).toMatchObject({
        client: 'a',
        outcome: 'not-sent',
        status: 200,
        rule: 'listen-key-shared',
      });
      expect((await call('DELETE', 'B', path)).headers['x-proxy-outcome']).toBe('answered');
      expect(ended(path)).toBe(1);
    },
  );

  it('Who never asked for it cannot end it for those who did', async () => {
    await call('POST', 'A');
    expectKept(await call('DELETE', 'C'));
    expect(ended()).toBe(0);
    expect((await call('DELETE', 'R')).headers['x-proxy-error']).toBe('PROXY_PERMISSION_DENIED');
    await call('DELETE', 'A');
    expect(ended()).toBe(1);
  });

  it('A key of an earlier run ends with the last client that may read', async () => {
    for (const who of ['A', 'B', 'A'] as const) expectKept(await call('DELETE', who));
    expect(ended()).toBe(0);
    expect((await call('DELETE', 'C')).headers['x-proxy-outcome']).toBe('answered');
    expect(ended()).toBe(1);
  });

  it('One who asks again uses it again, and requests and frames count together', async () => {
    const app = await connectApp(`ws://127.0.0.1:${proxy.port}/ws-fapi/v1`);
    await call('POST', 'A');
    expect((await app.ask('userDataStream.start', { apiKey: KEYS.B })).status).toBe(200);
    expect(await app.ask('userDataStream.stop', { apiKey: KEYS.B })).toMatchObject({
      status: 200,
      result: {},
    });
    expect((await app.ask('userDataStream.start', { apiKey: KEYS.B })).status).toBe(200);
    expectKept(await call('DELETE', 'A'));
    expect(ended()).toBe(0);
    const stops = () => simulator.frames.filter(({ text }) => text.includes('userDataStream.stop')).length;
    expect(stops()).toBe(0);
    await app.ask('userDataStream.stop', { apiKey: KEYS.B });
    expect(stops()).toBe(1);
    await app.close();
  });

  it('A client that a reload took the right to read from does not keep the key', async () => {
    for (const who of ['A', 'B'] as const) await call('POST', who);
    const env = Object.fromEntries(Object.entries(KEYS).map(([name, key]) => [`${name}_CLIENT_KEY`, key]));
    const wsOf = wsEnv({ wsUrl: simulator.url.replace('http', 'ws') });
    proxy.reload(
      { ...wsOf, ...env },
      YAML.replace(
        'envPrefix: B, permissions: [market-data, read]',
        'envPrefix: B, permissions: [market-data]',
      ),
    );
    expect((await call('DELETE', 'A')).headers['x-proxy-outcome']).toBe('answered');
    expect(ended()).toBe(1);
  });
});
