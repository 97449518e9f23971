import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { send } from '../../support/clients/http.ts';
import { startTestProxy, type TestProxy } from '../../support/servers/proxy.ts';
import { startUpstream, type Upstream } from '../../support/servers/upstream.ts';

let upstream: Upstream;
let proxy: TestProxy;
beforeAll(async () => {
  upstream = await startUpstream();
  proxy = await startTestProxy({ upstream: upstream.url, timeouts: { resolutionPausesMs: [600_000] } });
});
afterAll(async () => {
  await proxy.close();
  await upstream.close();
});

const BATCH = `/fapi/v1/batchOrders?batchOrders=${encodeURIComponent(
  JSON.stringify([
    { symbol: 'BTCUSDT', side: 'BUY', type: 'MARKET', quantity: '1', newClientOrderId: 'b-1' },
    { symbol: 'BTCUSDT', side: 'BUY', type: 'MARKET', quantity: '1', newClientOrderId: 'b-2' },
  ]),
)}`;
const REPLACE =
  '/api/v3/order/cancelReplace?symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1&cancelReplaceMode=ALLOW_FAILURE&cancelOrderId=1&newClientOrderId=r-1';
const ok = (orderId: string) => `{"orderId":${orderId},"clientOrderId":"x","status":"NEW"}`;
const failed = (code: number) => `{"code":${code},"msg":"no"}`;
const halves = (code: number, cancel: string, order: string) =>
  `{"code":${code},"msg":"m","data":{"cancelResult":"A","newOrderResult":"B","cancelResponse":${cancel},"newOrderResponse":${order}}}`;

describe('an answer that speaks of more than one order', () => {
  it.each([
    [
      'a batch that was accepted',
      BATCH,
      200,
      `[${ok('11')},${ok('12')}]`,
      'answered',
      'executed',
      0,
      ['11', '12'],
    ],
    [
      'a batch of which half was refused',
      BATCH,
      200,
      `[${failed(-2010)},${ok('12')}]`,
      'answered',
      'partly',
      1,
      ['12'],
    ],
    [
      'a batch that was refused',
      BATCH,
      200,
      `[${failed(-2010)},${failed(-1102)}]`,
      'answered',
      'refused',
      2,
      undefined,
    ],
    [
      'a batch with an open element',
      BATCH,
      200,
      `[${ok('11')},${failed(-1007)}]`,
      'unknown',
      'unknown',
      1,
      ['11'],
    ],
    [
      'a replacement that was done',
      REPLACE,
      200,
      `{"cancelResult":"SUCCESS","newOrderResult":"SUCCESS","cancelResponse":${ok('1')},"newOrderResponse":${ok('9007199254740993')}}`,
      'answered',
      'executed',
      0,
      ['1', '9007199254740993'],
    ],
    [
      'a replacement of which only the cancel was done (409)',
      REPLACE,
      409,
      halves(-2021, ok('1'), failed(-2010)),
      'answered',
      'partly',
      1,
      ['1'],
    ],
    [
      'a replacement that was refused',
      REPLACE,
      400,
      halves(-2022, failed(-2011), failed(-2010)),
      'answered',
      'refused',
      2,
      undefined,
    ],
    [
      'a replacement with an open half',
      REPLACE,
      409,
      halves(-2021, ok('1'), failed(-1007)),
      'unknown',
      'unknown',
      1,
      ['1'],
    ],
    // The last one: it stops further orders for a moment.
    [
      'a replacement beyond the order limit (429)',
      // The fate of r-1 is open, so that it may not be used again.
      REPLACE.replace('r-1', 'r-2'),
      429,
      halves(-2021, ok('1'), failed(-1015)),
      'answered',
      'partly',
      1,
      ['1'],
    ],
  ])('The answer to %s is judged and recorded part by part', async (...row) => {
    const [, target, status, body, outcome, execution, refused, orderIds] = row;
    upstream.respond((_received, response) => {
      const headers = { 'content-type': 'application/json', 'retry-after': '0' };
      response.writeHead(status, headers).end(body);
    });
    const reply = await send(proxy.port, target, { method: 'POST' });
    expect([reply.status, reply.text, reply.headers['x-proxy-outcome']]).toEqual([status, body, outcome]);
    const record = proxy.records('call.completed').at(-1);
    expect(record).toMatchObject({ outcome, status, detail: { execution, parts: 2, failed: refused } });
    expect(record?.orderId).toEqual(orderIds);
    expect(record?.clientOrderId).toEqual(target === BATCH ? ['b-1', 'b-2'] : /r-\d/.exec(target)?.[0]);
    const open = proxy.parts.resolver.open().map(({ requestId }) => requestId);
    expect(open.includes(String(reply.headers['x-proxy-request-id']))).toBe(outcome === 'unknown');
  });
});
