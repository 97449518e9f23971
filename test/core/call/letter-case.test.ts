import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assertLetterCase } from '../../../src/core/call/letter-case.ts';
import { callOf, refusal } from '../../support/fixtures/call.ts';
import { catalogueEndpoint } from '../../support/fixtures/catalogue-endpoints.ts';
import { DOOR_SAMPLES, callOf as placingCall } from '../../support/fixtures/order-fixtures.ts';
import { runs } from '../../support/properties.ts';

const ORDER = 'symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.001';

describe('the letter case of an order’s parameters', () => {
  it.each([
    ...['Quantity=100', 'QUANTITY=100', 'quantitY=100', 'SYMBOL=ETHUSDT', 'Symbol=ETHUSDT', 'Side=SELL'],
    ...['SideEffectType=MARGIN_BUY', 'sideeffecttype=MARGIN_BUY', 'QuoteOrderQty=1', 'reduceonly=false'],
    ...[
      'ReduceOnly=true',
      'ClosePosition=true',
      'PositionSide=LONG',
      'pricematch=OPPONENT',
      'NewClientOrderID=x',
    ],
    ...[
      'workingpegoffsetvalue=9',
      'RecvWindow=60000',
      'TIMESTAMP=1',
      'Signature=ff',
      'batchorders=[]',
      'Price=',
    ],
  ])('The letter case of %s is refused, in query, body and JSON', (pair) => {
    const [name = '', value = ''] = pair.split('=');
    const ways = [
      callOf('POST', `/api/v3/order?${ORDER}&${pair}`),
      callOf('POST', '/api/v3/order', `${pair}&${ORDER}`),
      callOf('POST', `/api/v3/order?${pair}`, ORDER),
      callOf('POST', '/api/v3/order', JSON.stringify({ symbol: 'BTCUSDT', [name]: value })),
    ];
    for (const call of ways) expect(refusal(() => assertLetterCase(call))).toBe('PROXY_MALFORMED_REQUEST');
  });

  it.each(['batchOrders', 'orders'])('The letter case inside the elements of %s is refused', (carrier) => {
    for (const name of ['Quantity', 'reduceonly', 'SYMBOL', 'closeposition']) {
      const elements = JSON.stringify([{ symbol: 'BTCUSDT' }, { symbol: 'BTCUSDT', [name]: '1' }]);
      const call = placingCall({ method: 'POST', path: '/fapi/v1/batchOrders' }, { [carrier]: elements });
      expect(refusal(() => assertLetterCase(call))).toBe('PROXY_MALFORMED_REQUEST');
    }
  });

  it.each([...DOOR_SAMPLES])('The letter case of %s is Binance’s own in every sample', (name, sample) => {
    const [method = '', path = ''] = name.split(' ');
    const endpoint = catalogueEndpoint(method, path);
    expect(() => assertLetterCase(placingCall(endpoint, sample.form))).not.toThrow();
    for (const own of Object.keys(sample.form)) {
      const otherwise = own.toUpperCase() === own ? own.toLowerCase() : own.toUpperCase();
      const call = placingCall(endpoint, { ...sample.form, [otherwise]: 'x' });
      expect(
        refusal(() => assertLetterCase(call)),
        own,
      ).toBe('PROXY_MALFORMED_REQUEST');
    }
  });

  it('The letter case is nobody’s matter in names that Binance does not have, and in values', () => {
    const call = callOf('POST', '/api/v3/order', `${ORDER}&Broker=x&x-y.z=1&newClientOrderId=Quantity`);
    expect(() => assertLetterCase(call)).not.toThrow();
  });

  it('The letter case of any mixture but Binance’s own is refused', () => {
    const names = ['symbol', 'quantity', 'quoteOrderQty', 'reduceOnly', 'closePosition', 'positionSide'];
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.infiniteStream(fc.boolean()), (name, upper) => {
        const mixed = Array.from(name, (letter) =>
          upper.next().value ? letter.toUpperCase() : letter.toLowerCase(),
        ).join('');
        const judge = () => assertLetterCase(callOf('POST', '/api/v3/order', `${mixed}=1`));
        if (mixed === name) expect(judge).not.toThrow();
        else expect(refusal(judge)).toBe('PROXY_MALFORMED_REQUEST');
      }),
      runs(2_000),
    );
  });
});
