import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import { send } from '../../support/clients/http.ts';
import { connectApp } from '../../support/clients/ws-app.ts';
import { startTestProxy, TEST_KEY, TEST_SECRET, type TestProxy } from '../../support/servers/proxy.ts';

let simulator: Simulator;
let proxy: TestProxy;
beforeAll(async () => {
  simulator = await startSimulator({ accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET }] });
  const env = { BINANCE_PROXY_UPSTREAM_SPOT_WS_API: simulator.url.replace('http', 'ws') };
  proxy = await startTestProxy({ upstream: simulator.url, env });
});
afterAll(async () => {
  await proxy.close();
  await simulator.close();
});

describe('what Binance has retired', () => {
  it.each([
    ['POST', '/api/v3/userDataStream', '2026-02-20', 'userDataStream.subscribe on the WebSocket API'],
    ['PUT', '/api/v3/userDataStream', '2026-02-20', 'userDataStream.subscribe on the WebSocket API'],
    ['POST', '/sapi/v1/userDataStream', '2026-02-20', 'POST /sapi/v1/userListenToken'],
    ['DELETE', '/sapi/v1/userDataStream/isolated', '2026-02-20', 'POST /sapi/v1/userListenToken'],
    ['GET', '/api/v1/depth', '2026-03-25', 'under /api/v3'],
    ['POST', '/sapi/v1/margin/loan', '2024-03-31', '/sapi/v1/margin/borrow-repay'],
  ])(
    'A retired endpoint is refused with its day and what to use: %s %s',
    async (method, path, date, instead) => {
      const before = simulator.requests.length;
      const { status, json, headers } = await send(proxy.port, path, { method });
      expect([status, json?.code, headers['x-proxy-error']]).toEqual([404, -1020, 'PROXY_UNKNOWN_ENDPOINT']);
      expect(json?.msg).toContain(`retired by Binance on ${date}, use `);
      expect(json?.msg).toContain(instead);
      expect(proxy.records('call.refused').at(-1)).toMatchObject({ path, rule: 'retired' });
      expect(simulator.requests.length).toBe(before);
    },
  );

  it.each(['userDataStream.start', 'v3/userDataStream.ping', 'userDataStream.stop'])(
    'A retired frame is refused with its day and what to use: %s',
    async (method) => {
      const app = await connectApp(`${proxy.url.replace('http', 'ws')}/ws-api/v3`);
      const before = simulator.frames.length;
      const { status, error } = await app.ask(method, { apiKey: 'mine' });
      expect([status, error?.code, error?.data?.proxyError]).toEqual([404, -1020, 'PROXY_UNKNOWN_ENDPOINT']);
      expect(error?.msg).toContain('retired by Binance on 2026-02-20, use userDataStream.subscribe');
      expect(simulator.frames.length).toBe(before);
      await app.close();
    },
  );

  it('What is only unknown is not called retired', async () => {
    const { json } = await send(proxy.port, '/api/v3/brandNew');
    expect(json?.msg).toBe('Unknown endpoint: it does not stand in the catalogue of this proxy.');
  });

  it('A retired endpoint that libraries still call passes, and its record says what to use', async () => {
    const path = '/papi/v1/um/conditional/openOrders';
    expect((await send(proxy.port, `${path}?symbol=BTCUSDT`)).headers['x-proxy-outcome']).toBe('answered');
    expect(simulator.requests.at(-1)?.path).toBe(path);
    expect(proxy.records('call.completed').at(-1)).toMatchObject({
      ...{ path, detail: { retired: '2026-04-28', instead: 'GET /papi/v1/um/algo/openAlgoOrders' } },
    });
  });
});
