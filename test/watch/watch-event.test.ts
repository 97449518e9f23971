import { describe, expect, it } from 'vitest';
import { originOf } from '../../src/watch/order-origin.ts';
import { type OrderReport, readOrderList, readWatchEvent } from '../../src/watch/watch-event.ts';

const REPORT: OrderReport = {
  family: 'usdm',
  symbol: 'BTCUSDT',
  orderId: '1',
  clientOrderIds: ['x'],
  side: 'BUY',
  type: 'LIMIT',
  execution: 'NEW',
  quantity: '1',
  price: '1',
};

describe('what a stream says', () => {
  it('Reads an execution report in its envelope, with every digit of a long id, and both names of a cancelled order', () => {
    const text =
      '{"subscriptionId":0,"event":{"e":"executionReport","s":"BTCUSDT","c":"cancel-1","C":"mine","S":"BUY","o":"LIMIT","q":"1","p":"2","x":"CANCELED","i":8389765519993908929,"O":1499405658657}}';
    expect(readWatchEvent('spot', text)).toMatchObject({
      kind: 'order',
      report: {
        orderId: '8389765519993908929',
        clientOrderIds: ['mine', 'cancel-1'],
        placedMs: 1_499_405_658_657,
      },
    });
  });

  it('Reads orders of futures, what a conditional order became, and the end of a stream', () => {
    const order = '{"e":"ORDER_TRADE_UPDATE","o":{"s":"BTCUSDT","c":"mine","i":5,"x":"TRADE"}}';
    expect(readWatchEvent('usdm', order)).toMatchObject({ report: { orderId: '5', execution: 'TRADE' } });
    const child = '{"stream":"k","data":{"e":"ALGO_UPDATE","o":{"caid":"mine","ai":"8389765519993908929"}}}';
    expect(readWatchEvent('usdm', child)).toEqual({
      kind: 'child',
      orderId: '8389765519993908929',
      clientOrderId: 'mine',
    });
    expect(readWatchEvent('usdm', '{"e":"ALGO_UPDATE","o":{"caid":"mine","ai":""}}')).toBeUndefined();
    expect(readWatchEvent('usdm', '{"e":"listenKeyExpired"}')).toEqual({ kind: 'over' });
    for (const other of ['{"e":"ACCOUNT_UPDATE"}', '{"id":1,"status":200}', 'no JSON', 'null', '[1]'])
      expect(readWatchEvent('spot', other)).toBeUndefined();
  });

  it('Reads a list of orders, and of anything else none', () => {
    const list = '[{"symbol":"BTCUSDT","orderId":8389765519993908929,"clientOrderId":"mine","time":7}]';
    expect(readOrderList('spot', list)).toMatchObject([{ orderId: '8389765519993908929', placedMs: 7 }]);
    expect(readOrderList('spot', '{"code":-1}')).toEqual([]);
  });
});

describe('where an order came from', () => {
  it.each<readonly [string, Partial<OrderReport>, string]>([
    ['a page', { clientOrderIds: ['web_abc'] }, 'ui'],
    ['an app', { clientOrderIds: ['ios_abc'] }, 'ui'],
    ['a liquidation', { clientOrderIds: ['autoclose-1'], type: 'LIQUIDATION' }, 'exchange'],
    ['auto-deleveraging', { clientOrderIds: ['adl_autoclose'], execution: 'CALCULATED' }, 'exchange'],
    ['a name of a liquidation on an order that is none', { clientOrderIds: ['autoclose-1'] }, 'foreign'],
    ['the same on spot', { family: 'spot', clientOrderIds: ['autoclose-1'], type: 'LIQUIDATION' }, 'foreign'],
    ['anything else', { clientOrderIds: ['bot-7'] }, 'foreign'],
    ['no name', { clientOrderIds: [] }, 'foreign'],
  ])('%s', (_, more, origin) => {
    expect(originOf({ ...REPORT, ...more })).toBe(origin);
  });
});
