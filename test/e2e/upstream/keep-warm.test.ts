import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { send } from '../../support/clients/http.ts';
import { type Answer, type FaultServer, startFaultServer } from '../../support/servers/fault-server.ts';
import { startTestProxy, type TestProxy } from '../../support/servers/proxy.ts';

/** Twenty seconds into a minute: no window turns during a test. No exchangeInfo: the proxy keeps its own limits. */
const TIME: Answer = { body: '{"serverTime":1700000000000}' };
/** Many times the refresh: a pause of the event loop must not let a connection grow idle. */
const IDLE_MS = 4_000;
const LONGER_THAN_IDLE_MS = 5_500;
const REFRESH_MS = 1_000;
const SOME_ROUNDS_MS = 2_200;

let server: FaultServer;
let proxy: TestProxy;

beforeEach(async () => {
  server = await startFaultServer();
  await server.plan({ at: 'nowhere', answer: TIME });
  proxy = await startTestProxy({
    upstream: server.url,
    timeouts: { idleConnectionMs: IDLE_MS, refreshConnectionMs: REFRESH_MS },
  });
});
afterEach(async () => {
  await proxy.close();
  await server.close();
});

const pings = (target: string) => server.requests.filter((request) => request.target === target).length;
const spotWeight = () =>
  proxy.parts.app.budgets.state.buckets.find(
    ({ scope, kind, upstream }) => scope === 'ip' && kind === 'weight' && upstream === 'spot',
  )?.used ?? 0;

/** Waits until nothing has come for a while: the proxy does not use its connections just now. */
async function betweenRounds(): Promise<void> {
  for (let seen = -1; seen !== server.requests.length; await pause(REFRESH_MS / 10))
    seen = server.requests.length;
}

describe('connections to Binance', () => {
  it('The connections to Binance are not used while Binance wants silence', async () => {
    await server.plan({
      at: 'nowhere',
      answer: { status: 418, headers: { 'retry-after': '60' }, body: '{}' },
    });
    expect((await send(proxy.port, '/api/v3/depth?symbol=BTCUSDT')).status).toBe(418);
    const before = pings('/api/v3/ping');
    await pause(SOME_ROUNDS_MS);
    expect(pings('/api/v3/ping')).toBe(before);
  });

  it('The connections to Binance are not used when the weight of the minute gets scarce', async () => {
    const headers = { 'x-mbx-used-weight-1m': '3500' };
    await server.plan({ at: 'nowhere', answer: { ...TIME, headers } });
    expect((await send(proxy.port, '/api/v3/depth?symbol=BTCUSDT')).status).toBe(200);
    const before = pings('/api/v3/ping');
    await pause(SOME_ROUNDS_MS);
    expect(pings('/api/v3/ping')).toBe(before);
  });

  it('The connections to Binance are not used after the end', async () => {
    await expect.poll(() => pings('/api/v3/ping')).toBeGreaterThan(0);
    await proxy.close();
    // What was on its way has arrived once its connection is at its end.
    await expect.poll(() => server.openConnections).toBe(0);
    const before = server.requests.length;
    await pause(SOME_ROUNDS_MS);
    expect(server.requests).toHaveLength(before);
  });

  it('The connections to Binance are open before the first call, however late it comes', async () => {
    await pause(LONGER_THAN_IDLE_MS);
    await betweenRounds();
    const opened = server.connections;
    for (const path of ['/api/v3/depth', '/fapi/v1/depth', '/dapi/v1/depth', '/eapi/v1/depth']) {
      expect((await send(proxy.port, `${path}?symbol=BTCUSDT`)).status).toBe(200);
    }
    const calls = server.requests.filter(({ headers }) => headers.has('user-agent'));
    expect(calls.map(({ connection }) => connection > opened)).toEqual(Array(4).fill(false));
  });

  it('The connections to Binance cost the weight of the calls that keep them open, and tell no record', async () => {
    const [weight, count] = [spotWeight(), pings('/api/v3/ping')];
    await expect.poll(() => pings('/api/v3/ping')).toBeGreaterThan(count + 2);
    await expect.poll(() => spotWeight() - weight - (pings('/api/v3/ping') - count)).toBe(0);
    expect(proxy.lines.filter((line) => line.includes('/ping'))).toEqual([]);
  });
});
