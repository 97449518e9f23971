import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WHOLE_PROXY } from '../../../src/stops/trading-state.ts';
import { send } from '../../support/clients/http.ts';
import { connectApp, eventually } from '../../support/clients/ws-app.ts';
import { makeThrowAwayCertificate } from '../../support/fixtures/throw-away-certificate.ts';
import { startFront } from '../../support/servers/front.ts';
import { startTestProxy, type TestProxy } from '../../support/servers/proxy.ts';
import { startUpstream, type Upstream } from '../../support/servers/upstream.ts';
import { startWsUpstream, type WsUpstream, wsEnv } from '../../support/servers/ws-upstream.ts';

const LIMIT = {
  symbol: 'BTCUSDT',
  side: 'BUY',
  type: 'LIMIT',
  timeInForce: 'GTC',
  quantity: '1',
  price: '1',
};
const ORDER = `/api/v3/order?${new URLSearchParams(LIMIT)}`;
const STALE = { code: -1021, msg: 'Timestamp for this request is outside of the recvWindow.' };

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});
const halt = (proxy: TestProxy) =>
  proxy.parts.stops.enter({
    ...{ state: 'halt', scope: WHOLE_PROXY, reason: 'a test', cancel: 'none' },
    ...{ operator: 'alice', channel: 'test' },
  });
const place = (proxy: TestProxy) =>
  send(proxy.port, ORDER, { method: 'POST', headers: { 'user-agent': 'an app' } });

/** Binance refuses a stamp, and the state is entered while the clock is measured anew. */
describe('a call that would be stamped anew', () => {
  let upstream: Upstream;
  let frames: WsUpstream;
  let proxy: TestProxy;
  let isHolding = false;
  const held: ServerResponse[] = [];
  beforeEach(async () => {
    isHolding = false;
    held.splice(0);
    upstream = await startUpstream({
      ownQuestion(target, response) {
        if (!isHolding || !target.startsWith('/api/v3/time')) return false;
        held.push(response);
        return true;
      },
    });
    closing.push(() => upstream.close());
    frames = await startWsUpstream();
    closing.push(() => frames.close());
    proxy = await startTestProxy({ upstream: upstream.url, env: wsEnv(frames) });
    closing.push(() => proxy.close());
    upstream.respond((_received, response) => {
      response.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify(STALE));
    });
    frames.respond(({ id }, socket) => socket.send(JSON.stringify({ id, status: 400, error: STALE })));
  });

  async function haltWhileMeasuring(): Promise<void> {
    await eventually(() => held.length > 0);
    const entering = halt(proxy);
    isHolding = false;
    for (const response of held)
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ serverTime: Date.now() }));
    await entering;
  }

  it('A request does not leave again', async () => {
    isHolding = true;
    const placed = place(proxy);
    await haltWhileMeasuring();
    expect((await placed).json).toEqual(STALE);
    expect(upstream.received).toHaveLength(1);
  });

  it('A frame does not leave again', async () => {
    const app = await connectApp(`${proxy.url}/ws-api/v3`);
    closing.push(() => app.close());
    isHolding = true;
    const placed = app.ask('order.place', LIMIT);
    await haltWhileMeasuring();
    expect((await placed).error?.code).toBe(-1021);
    expect(frames.frames.filter(({ method }) => method === 'order.place')).toHaveLength(1);
  });
});

describe('a call that waits for its connection', () => {
  it('It does not leave when the connection stands after the answer', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'last-moment-'));
    closing.push(async () => rmSync(folder, { recursive: true, force: true }));
    const tls = makeThrowAwayCertificate();
    const caFile = join(folder, 'ca.pem');
    writeFileSync(caFile, tls.cert);
    const upstream = await startUpstream({ tls });
    closing.push(() => upstream.close());
    const front = await startFront(Number(new URL(upstream.url).port));
    closing.push(() => front.shut());
    const proxy = await startTestProxy({
      upstream: front.url.replace('http:', 'https:'),
      env: { BINANCE_PROXY_UPSTREAM_CA_FILE: caFile },
    });
    closing.push(() => proxy.close());
    await front.shut();
    front.hold();
    await front.open();
    const placed = place(proxy);
    await eventually(() => front.held > 0);
    // The answer waits for what is on its way, and comes when that takes too long.
    await halt(proxy);
    front.release();
    const { headers } = await placed;
    expect(headers).toMatchObject({ 'x-proxy-error': 'PROXY_STOPPED', 'x-proxy-outcome': 'not-sent' });
    expect(upstream.received).toEqual([]);
  });
});
