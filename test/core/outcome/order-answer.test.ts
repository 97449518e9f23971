import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  readElementCodes,
  readOrderAnswer,
  readOrderAnswers,
  readOrderRows,
} from '../../../src/core/outcome/order-answer.ts';
import { runs } from '../../support/properties.ts';

describe('the answer to an order', () => {
  it('The answer to an order keeps the digits of ids that no double can hold', () => {
    const body = '{"symbol":"BTCUSDT","orderId":9223372036854775807,"clientOrderId":"mine","status":"NEW"}';
    expect(readOrderAnswer(body)).toEqual({
      symbol: 'BTCUSDT',
      orderId: '9223372036854775807',
      clientOrderId: 'mine',
      status: 'NEW',
    });
  });

  it('The answer of a maintenance window has no member named code: its only name is the code', () => {
    expect(readOrderAnswer('{"239999":"System is under maintenance"}')).toMatchObject({ code: 239_999 });
    expect(readOrderAnswer('{"239999":"x","orderId":1}').code).toBeUndefined();
    expect(readOrderAnswer('{"12":"x"}').code).toBeUndefined();
    expect(readOrderAnswer('{"code":-1000}').code).toBe(-1000);
  });

  it('The answer to a list is the list with its own id and its first order', () => {
    const legs =
      '[{"symbol":"LTCBTC","orderId":9007199254740993,"clientOrderId":"a","status":"NEW"},{"orderId":3,"clientOrderId":"b"}]';
    const body = `{"orderListId":0,"listOrderStatus":"EXECUTING","listClientOrderId":"list","symbol":"LTCBTC","orders":[{"orderId":1}],"orderReports":${legs}}`;
    expect(readOrderAnswer(body)).toEqual({
      symbol: 'LTCBTC',
      orderId: '9007199254740993',
      clientOrderId: 'list',
      status: 'EXECUTING',
    });
    expect(readOrderAnswers(body).map(({ orderId, clientOrderId }) => [orderId, clientOrderId])).toEqual([
      ['9007199254740993', 'a'],
      ['3', 'b'],
    ]);
  });

  it('The answer to a cancel-replace is the new order', () => {
    const halves =
      '"cancelResponse":{"orderId":9,"status":"CANCELED"},"newOrderResponse":{"orderId":10,"clientOrderId":"new","status":"NEW"}';
    expect(readOrderAnswer(`{"cancelResult":"SUCCESS","newOrderResult":"SUCCESS",${halves}}`)).toEqual({
      orderId: '10',
      clientOrderId: 'new',
      status: 'NEW',
    });
  });

  it('The answer to a cancel-replace that was done by half has the code and both halves', () => {
    const body =
      '{"code":-2021,"msg":"Order cancel-replace partially failed.","data":{"cancelResult":"SUCCESS","newOrderResult":"FAILURE","cancelResponse":{"orderId":3,"origClientOrderId":"old","clientOrderId":"x","status":"CANCELED"},"newOrderResponse":{"code":-2010,"msg":"no"}}}';
    expect(readOrderAnswer(body)).toEqual({
      code: -2021,
      msg: 'Order cancel-replace partially failed.',
    });
    expect(readOrderAnswers(body)).toEqual([
      { orderId: '3', clientOrderId: 'old', status: 'CANCELED' },
      { code: -2010, msg: 'no' },
    ]);
    expect(readElementCodes(body)).toEqual([undefined, -2010]);
    expect(readElementCodes(body.replace(/\{"code":-2010,"msg":"no"\}/, 'null'))).toEqual([
      undefined,
      undefined,
    ]);
  });

  it('The answer to a batch is its first element, and each of them on demand', () => {
    const body = '[{"code":-2019,"msg":"Margin is insufficient."},{"orderId":22542179,"clientOrderId":"b"}]';
    expect(readOrderAnswer(body)).toEqual({ code: -2019, msg: 'Margin is insufficient.' });
    expect(readOrderAnswers(body)[1]).toEqual({ orderId: '22542179', clientOrderId: 'b' });
    expect(readElementCodes(body)).toEqual([-2019, undefined]);
    expect(readElementCodes('[{"code":200,"msg":"success"}]')).toEqual([undefined]);
    expect(readElementCodes('{"orderId":1}')).toBeUndefined();
  });

  it('The answer to algo, conditional, amend and stock orders is read by their own names', () => {
    expect(readOrderAnswer('{"algoId":2146760,"clientAlgoId":"c","algoStatus":"NEW"}')).toEqual({
      orderId: '2146760',
      clientOrderId: 'c',
      status: 'NEW',
    });
    expect(
      readOrderAnswer('{"strategyId":3645916,"newClientStrategyId":"s","strategyStatus":"NEW"}'),
    ).toEqual({ orderId: '3645916', clientOrderId: 's', status: 'NEW' });
    expect(
      readOrderAnswer(
        '{"transactTime":1,"amendedOrder":{"orderId":5,"origClientOrderId":"o","clientOrderId":"n"}}',
      ),
    ).toEqual({ orderId: '5', clientOrderId: 'n' });
    expect(readOrderAnswer('{"orderId":"uuid","status":"FILLED","filledQty":1.50}')).toEqual({
      orderId: 'uuid',
      status: 'FILLED',
      executedQty: '1.50',
    });
  });

  it('The answer to an order has its code read when that is a whole number, also as a text', () => {
    expect(readOrderAnswer('{"code":"-2010","message":"refused"}')).toEqual({ code: -2010, msg: 'refused' });
    expect(readOrderAnswer('{"code":1.5}')).toEqual({});
    expect(readOrderAnswer('{"code":"A1"}')).toEqual({});
  });

  it('The answer to an order has its message cut to 200 characters and stripped of control characters', () => {
    const msg = `a\n\u001b[31m\u2028${'x'.repeat(300)}`;
    const read = readOrderAnswer(JSON.stringify({ code: -1, msg })).msg;
    expect(read).toBe(`a[31m${'x'.repeat(195)}`);
    const cut = readOrderAnswer(JSON.stringify({ msg: `${'x'.repeat(199)}😀` })).msg;
    expect(cut?.isWellFormed()).toBe(true);
  });

  it('The answer to an order says nothing when it is no JSON object', () => {
    for (const body of ['', 'null', '1', '"x"', '[]', '[1,null]', '<html>', '{"orderId":', '\u0000'])
      expect(readOrderAnswer(body), body).toEqual({});
    expect(readOrderAnswers('<html>')).toEqual([]);
    expect(readElementCodes('<html>')).toBeUndefined();
    expect(readOrderRows('{"code":-1}')).toBeUndefined();
    expect(readOrderRows('{"orders":[{"orderId":1},2]}')).toEqual([{ orderId: '1' }]);
  });

  it('Reading the answer to an order never throws, whatever the bytes', () => {
    const names = fc.constantFrom(
      'orderId',
      'code',
      'msg',
      'data',
      'orders',
      'newOrderResponse',
      '__proto__',
    );
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        fc.jsonValue(),
        fc.array(tie('tree')),
        fc.dictionary(names, tie('tree')),
      ),
    }));
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          tree.map((value) => JSON.stringify(value) ?? ''),
        ),
        (body) => {
          readOrderAnswer(body);
          readOrderAnswers(body);
          readOrderRows(body);
          readElementCodes(body);
        },
      ),
      runs(1_000),
    );
  });
});
