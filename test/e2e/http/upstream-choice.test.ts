import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { send } from '../../support/clients/http.ts';
import { type FaultServer, startFaultServer } from '../../support/servers/fault-server.ts';
import { startTestProxy, type TestProxy } from '../../support/servers/proxy.ts';
import { startUpstream, type Upstream } from '../../support/servers/upstream.ts';

const ORDER = '/api/v3/order?symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1';
const READ = '/api/v3/depth?symbol=BTCUSDT';

let first: FaultServer;
let second: Upstream;
let proxy: TestProxy;
beforeEach(async () => {
  first = await startFaultServer();
  second = await startUpstream();
  // Nothing is to be known of the first origin when a test begins: the second one answers the proxy's own questions.
  await first.plan({ at: 'before-accept' });
  proxy = await startTestProxy({
    upstream: second.url,
    env: {
      BINANCE_PROXY_UPSTREAM_SPOT: `${first.url},${second.url}`,
      BINANCE_PROXY_ALLOW_LOOSENING: '1',
    },
    timeouts: { headersTimeoutMs: 300, resolutionPausesMs: [600_000] },
  });
});
afterEach(async () => {
  await proxy.close();
  await first.close();
  await second.close();
});

/** Configures both origins anew, so that nothing is known of either. */
function forget(): void {
  const slash = (url: string) => `${url}/`.replace('127.0.0.1', 'localhost');
  proxy.reload({ BINANCE_PROXY_UPSTREAM_SPOT: `${slash(first.url)},${slash(second.url)}` });
}

describe('with two origins for /api', () => {
  it('The first origin is asked while it lives', async () => {
    await first.plan([]);
    forget();
    const reply = await send(proxy.port, ORDER, { method: 'POST' });
    expect([reply.headers['x-proxy-outcome'], first.requests.length, second.received.length]).toEqual([
      'answered',
      1,
      0,
    ]);
  });

  it.each(['GET', 'POST', 'DELETE'])(
    'A %s that cannot connect goes to the second origin at once',
    async (method) => {
      forget();
      const reply = await send(proxy.port, method === 'GET' ? READ : ORDER, { method });
      expect([reply.status, reply.headers['x-proxy-outcome']]).toEqual([200, 'answered']);
      expect(second.received).toHaveLength(1);
      expect(proxy.records('call.signed')).toHaveLength(method === 'GET' ? 0 : 1);
    },
  );

  it('An order is not sent to the second origin once a byte was written to the first', async () => {
    await first.plan([{ at: 'after-request', how: 'reset' }]);
    forget();
    const reply = await send(proxy.port, ORDER, { method: 'POST' });
    expect([reply.status, reply.headers['x-proxy-outcome']]).toEqual([504, 'unknown']);
    expect([first.requests.length, second.received.length]).toEqual([1, 0]);
  });

  it('A read whose connection broke is repeated at the second origin, and what follows goes there too', async () => {
    await first.plan({ at: 'after-request', how: 'reset' });
    forget();
    const reply = await send(proxy.port, READ);
    expect([reply.status, first.requests.length, second.received.length]).toEqual([200, 1, 1]);
    const order = await send(proxy.port, ORDER, { method: 'POST' });
    expect([order.status, first.requests.length, second.received.length]).toEqual([200, 1, 2]);
  });

  it('An answer that is an error is an answer: no origin is left for it', async () => {
    await first.plan({ at: 'nowhere', answer: { status: 503, body: '{"code":-1008,"msg":"busy"}' } });
    forget();
    for (const count of [1, 2]) {
      const reply = await send(proxy.port, ORDER, { method: 'POST' });
      expect([reply.status, first.requests.length, second.received.length]).toEqual([503, count, 0]);
    }
  });

  it('The first origin alone serves /sapi', async () => {
    forget();
    const reply = await send(
      proxy.port,
      '/sapi/v1/margin/order?symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1',
      {
        method: 'POST',
      },
    );
    expect([reply.status, reply.headers['x-proxy-error'], second.received.length]).toEqual([
      502,
      'PROXY_UPSTREAM_UNREACHABLE',
      0,
    ]);
  });

  it('An order is not sent when both origins are gone', async () => {
    forget();
    await second.close();
    const reply = await send(proxy.port, ORDER, { method: 'POST' });
    expect([reply.status, reply.headers['x-proxy-outcome']]).toEqual([502, 'not-sent']);
  });
});
