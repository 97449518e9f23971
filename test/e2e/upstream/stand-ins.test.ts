import { describe, expect, it, onTestFinished } from 'vitest';
import { send } from '../../support/clients/http.ts';
import { startFaultServer } from '../../support/servers/fault-server.ts';
import { startTestProxy } from '../../support/servers/proxy.ts';
import { startUpstream } from '../../support/servers/upstream.ts';
import { startWsUpstream } from '../../support/servers/ws-upstream.ts';

interface StandIn {
  readonly url: string;
  close(): Promise<void>;
}

/** How many orders at once a proxy in front of this stand-in refuses by its own limits. */
async function refusedOf(orders: number, standIn: StandIn): Promise<number> {
  const proxy = await startTestProxy({ upstream: standIn.url });
  onTestFinished(async () => {
    await proxy.close();
    await standIn.close();
  });
  const order = () => send(proxy.port, '/api/v3/order?symbol=BTCUSDT', { method: 'POST' });
  const replies = await Promise.all(Array.from({ length: orders }, order));
  const errors = replies.flatMap(({ headers }) => headers['x-proxy-error'] ?? []);
  expect(new Set(errors).difference(new Set(['PROXY_ORDERS_EXHAUSTED']))).toEqual(new Set());
  return errors.length;
}

describe('a stand-in for Binance', () => {
  it.each([
    ['an upstream', () => startUpstream()],
    ['an upstream that fails', () => startFaultServer()],
    ['an upstream with sockets', () => startWsUpstream()],
  ])('states limits that no test meets (%s)', async (_what, start) => {
    expect(await refusedOf(200, await start())).toBe(0);
  });

  it('states none for a test that wants those which the proxy has of its own', async () => {
    expect(await refusedOf(200, await startUpstream({ limits: 'fallback' }))).toBeGreaterThan(50);
  });
});
