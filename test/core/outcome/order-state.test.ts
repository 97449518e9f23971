import { describe, expect, it } from 'vitest';
import type { OrderQuery } from '../../../src/core/outcome/order-query.ts';
import { readOrderState, stateOfList } from '../../../src/core/outcome/order-state.ts';

const order: OrderQuery = {
  clientOrderId: 'mine',
  symbol: 'X',
  paths: [],
  params: [],
  reading: 'order',
  legs: [],
};
const list: OrderQuery = { ...order, reading: 'list' };
const scan: OrderQuery = { ...order, reading: 'scan' };

function state(status: string, executedQty?: string): string {
  const reading = readOrderState(order, 200, JSON.stringify({ orderId: 1, status, executedQty }));
  return reading.kind === 'found' ? reading.state : reading.kind;
}

describe('the state of an order', () => {
  it.each([
    ['NEW', undefined, 'resting'],
    ['PENDING_NEW', '0', 'resting'],
    ['PARTIALLY_FILLED', '0.1', 'resting'],
    ['ACCEPTED', undefined, 'resting'],
    ['A_WORD_OF_TOMORROW', undefined, 'resting'],
    ['FILLED', '1.00000000', 'executed'],
    ['EXPIRED', '0.10000000', 'executed'],
    ['EXPIRED', '0.00000000', 'ended'],
    ['EXPIRED', '0E-8', 'ended'],
    ['CANCELED', undefined, 'ended'],
    ['CANCELLED', '0.00000001', 'executed'],
    ['EXPIRED_IN_MATCH', '0', 'ended'],
    ['TRIGGERED', undefined, 'executed'],
    ['FINISHED', undefined, 'executed'],
    ['REJECTED', '0', 'rejected'],
  ])('An order whose status is %s with %s filled is %s', (status, executedQty, expected) => {
    expect(state(status, executedQty)).toBe(expected);
  });

  it('The state of an order keeps the lexeme of its id', () => {
    const reading = readOrderState(order, 200, '{"orderId":9223372036854775807,"status":"NEW"}');
    expect(reading).toMatchObject({ kind: 'found', order: { orderId: '9223372036854775807' } });
  });

  it('An order is missing only when Binance says so in as many words', () => {
    expect(readOrderState(order, 400, '{"code":-2013,"msg":"Order does not exist."}').kind).toBe('missing');
    expect(readOrderState(list, 400, '{"code":-2018,"msg":"Order list does not exist."}').kind).toBe(
      'missing',
    );
    expect(readOrderState(order, 400, '{"code":497304,"msg":"Order not found"}').kind).toBe('missing');
    for (const [status, body] of [
      [404, '<html>not found</html>'],
      [404, '{"error":"Not Found"}'],
      [429, '{"code":-1003,"msg":"Too many requests."}'],
      [503, '{"code":-2013,"msg":"Order does not exist."}'],
      [400, '{"code":-1021,"msg":"Timestamp for this request is outside of the recvWindow."}'],
      [200, '<html>'],
      [200, '{}'],
    ] as const)
      expect(readOrderState(order, status, body).kind, body).toBe('inconclusive');
    expect(readOrderState(order, 400, '{"code":-1121,"msg":"Invalid symbol."}')).toEqual({
      kind: 'inconclusive',
      code: -1121,
    });
  });

  it('A list is open while it executes, and known only by its orders when it is over', () => {
    const body = (status: string) => `{"orderListId":1,"listOrderStatus":"${status}","orders":[]}`;
    expect(readOrderState(list, 200, body('EXECUTING'))).toMatchObject({ kind: 'found', state: 'resting' });
    expect(readOrderState(list, 200, body('REJECT'))).toMatchObject({ kind: 'found', state: 'rejected' });
    expect(readOrderState(list, 200, body('ALL_DONE')).kind).toBe('done');
    expect(stateOfList(['ended', 'executed', 'ended'])).toBe('executed');
    expect(stateOfList(['ended', 'rejected'])).toBe('ended');
    expect(stateOfList(['rejected'])).toBe('rejected');
  });

  it('A TWAP order is found among the others, by its id alone', () => {
    const rows =
      '{"total":2,"orders":[{"clientAlgoId":"other","algoStatus":"WORKING"},{"clientAlgoId":"mine","algoId":7,"algoStatus":"WORKING"}]}';
    expect(readOrderState(scan, 200, rows)).toMatchObject({ kind: 'found', order: { orderId: '7' } });
    expect(readOrderState(scan, 200, '{"total":0,"orders":[]}').kind).toBe('missing');
    expect(readOrderState(scan, 200, '{"code":-1000,"msg":"x"}').kind).toBe('inconclusive');
  });
});
