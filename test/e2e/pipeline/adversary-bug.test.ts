import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { send } from '../../support/clients/http.ts';
import { connectApp } from '../../support/clients/ws-app.ts';
import { startTestProxy, type TestProxy } from '../../support/servers/proxy.ts';
import { startUpstream, type Upstream } from '../../support/servers/upstream.ts';
import { startWsUpstream, wsEnv } from '../../support/servers/ws-upstream.ts';

const ORDER = 'symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=1';

let upstream: Upstream;
let proxy: TestProxy;
beforeAll(async () => {
  upstream = await startUpstream();
  proxy = await startTestProxy({
    upstream: upstream.url,
    yaml: 'clients: { bot: { account: main, envPrefix: BOT, permissions: [spot-margin-trade], order: { maxPerDay: 1 } } }',
    env: { BOT_CLIENT_KEY: 'issued-key-of-the-bot-0123456789abcdefghijklmnopq' },
    timeouts: { resolutionPausesMs: [600_000] },
  });
});
afterAll(async () => {
  await proxy.close();
  await upstream.close();
});
let before = 0;
beforeEach(() => {
  before = upstream.received.length;
});

function order() {
  const headers = { 'x-mbx-apikey': 'issued-key-of-the-bot-0123456789abcdefghijklmnopq' };
  return send(proxy.port, '/api/v3/order', { method: 'POST', headers, body: ORDER });
}

describe('a bug of the proxy itself', () => {
  it('A bug of the proxy before an order was sent is said to be not sent, and takes nothing out of the day', async () => {
    const { limits } = proxy.parts;
    const { reserve } = limits;
    limits.reserve = () => {
      throw new Error('a bug that names REALSECRET');
    };
    const reply = await order().finally(() => {
      limits.reserve = reserve;
    });
    expect([reply.status, reply.json, reply.headers['x-proxy-outcome']]).toEqual([
      500,
      { code: -1000, msg: 'Internal error of the signing proxy.' },
      'not-sent',
    ]);
    expect(upstream.received.length).toBe(before);
    expect(proxy.records('call.refused').at(-1)).toMatchObject({
      outcome: 'not-sent',
      error: 'PROXY_INTERNAL',
    });
    expect(proxy.lines.join('\n')).not.toContain('REALSECRET');
  });

  it('A bug of the proxy after an order was sent is never said to be not sent: the order’s fate is open, and it counts', async () => {
    const { budgets } = proxy.parts.app;
    const reconcile = budgets.reconcile;
    budgets.reconcile = () => {
      throw new Error('a bug');
    };
    const reply = await order().finally(() => {
      budgets.reconcile = reconcile;
    });
    expect(upstream.received.length).toBe(before + 1);
    expect([reply.status, reply.headers['x-proxy-error'], reply.headers['x-proxy-outcome']]).toEqual([
      500,
      'PROXY_INTERNAL',
      'unknown',
    ]);
    expect(proxy.records('call.refused').at(-1)).toMatchObject({
      outcome: 'unknown',
      error: 'PROXY_INTERNAL',
    });
    expect(proxy.parts.resolver.open()).toHaveLength(1);
    expect(proxy.parts.underWay.total).toBe(0);
    expect((await order()).headers['x-proxy-error']).toBe('PROXY_ORDER_REFUSED');
  });

  it('A bug of the proxy after an order was sent in a frame is never said to be not sent either', async () => {
    const exchange = await startWsUpstream();
    onTestFinished(() => exchange.close());
    const other = await startTestProxy({
      upstream: exchange.url,
      env: wsEnv(exchange),
      timeouts: { resolutionPausesMs: [600_000] },
    });
    onTestFinished(() => other.close());
    const app = await connectApp(`${other.url}/ws-api/v3`);
    onTestFinished(() => app.socket.terminate());
    other.parts.app.budgets.reconcile = () => {
      throw new Error('a bug');
    };
    const reply = await app.ask('order.place', {
      symbol: 'BTCUSDT',
      side: 'BUY',
      type: 'MARKET',
      quantity: '1',
    });
    expect(exchange.frames).toHaveLength(1);
    expect([reply.status, reply.error?.data]).toMatchObject([
      500,
      { proxyError: 'PROXY_INTERNAL', proxyOutcome: 'unknown' },
    ]);
    expect(other.records('call.refused').at(-1)).toMatchObject({ outcome: 'unknown' });
    expect(other.parts.resolver.open()).toHaveLength(1);
    expect(other.parts.underWay.total).toBe(0);
  });
});
