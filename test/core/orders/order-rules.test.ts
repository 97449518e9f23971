import { describe, expect, it } from 'vitest';
import { ExactDecimal } from '../../../src/core/decimal.ts';
import type { Notional } from '../../../src/core/orders/notional.ts';
import { dayClaim, hasOrderRules, judgeOrders, judgeValues } from '../../../src/core/orders/order-rules.ts';
import { catalogueEndpoint } from '../../support/fixtures/catalogue-endpoints.ts';
import { callOf, clientWith, DOOR_SAMPLES, intendedOrders } from '../../support/fixtures/order-fixtures.ts';

function usdt(amount: string): Notional {
  return { asset: 'USDT', amount: new ExactDecimal(amount) };
}

function sampleOrders(method: string, path: string) {
  const endpoint = catalogueEndpoint(method, path);
  return intendedOrders(endpoint, callOf(endpoint, DOOR_SAMPLES.get(`${method} ${path}`)?.form ?? {}));
}

const otoco = sampleOrders('POST', '/api/v3/orderList/otoco');

describe('order rules', () => {
  it('A client has order rules only where something is limited', () => {
    expect(hasOrderRules(clientWith(undefined))).toBe(false);
    expect(hasOrderRules(clientWith({}))).toBe(false);
    expect(hasOrderRules(clientWith(undefined, { symbols: new Set() }))).toBe(true);
    expect(hasOrderRules(clientWith({ maxPerDay: 0 }))).toBe(true);
    expect(hasOrderRules(clientWith({ types: new Set() }))).toBe(true);
    expect(hasOrderRules(clientWith({ maxNotional: new Map() }))).toBe(true);
    expect(hasOrderRules(clientWith({ maxNotionalPerDay: new Map() }))).toBe(true);
  });

  it('Order rules compare symbols and types letter by letter', () => {
    const [order] = sampleOrders('POST', '/api/v3/order');
    const judged = (symbol: string, type: string) =>
      judgeOrders(
        clientWith({ types: new Set([type]) }, { symbols: new Set([symbol]) }),
        order ? [order] : [],
      );
    expect(judged('BTCUSDT', 'LIMIT')).toEqual([]);
    expect(judged('btcusdt', 'Limit').map(({ rule }) => rule)).toEqual(['symbols', 'order.types']);
  });

  it('Order rules tell which order of several they mean, without what the client wrote', () => {
    const client = clientWith({ types: new Set(['LIMIT', 'STOP_LOSS']) });
    expect(judgeOrders(client, otoco)).toEqual([
      {
        rule: 'order.types',
        why: 'the order type of order 2 of 3 is not among those that this client may use',
      },
    ]);
  });

  it('Order rules refuse an order that names no symbol when symbols are limited', () => {
    const accept = sampleOrders('POST', '/sapi/v1/convert/acceptQuote');
    const client = clientWith(undefined, { symbols: new Set(['BTCUSDT']) });
    expect(judgeOrders(client, accept).map(({ rule }) => rule)).toEqual(['symbols']);
  });

  it('Order rules let a value pass that equals the limit and none that is above it by anything', () => {
    const rules = { maxNotional: new Map([['USDT', '500']]) };
    expect(judgeValues(rules, [usdt('500.000')])).toEqual([]);
    expect(judgeValues(rules, [usdt('500.00000000000000000000000001')])).toMatchObject([
      { rule: 'order.maxNotional' },
    ]);
  });

  it('Order rules refuse a quote asset that has no limit', () => {
    const rules = { maxNotional: new Map([['USDT', '500']]) };
    const [violation] = judgeValues(rules, [{ asset: 'BTC', amount: new ExactDecimal('0.0001') }]);
    expect(violation?.rule).toBe('order.maxNotional');
    expect(violation?.why).toContain('BTC');
  });

  it('A day claim counts every order, but only the dearer value of two orders that exclude each other', () => {
    const claim = dayClaim('grid-bot', otoco, [usdt('10'), usdt('7'), usdt('8.5')]);
    expect(claim.orders).toBe(3);
    expect([...claim.amounts].map(([asset, amount]) => [asset, amount.toFixed()])).toEqual([
      ['USDT', '18.5'],
    ]);
  });

  it('A day claim keeps quote assets apart', () => {
    const batch = sampleOrders('POST', '/fapi/v1/batchOrders');
    const claim = dayClaim('grid-bot', batch, [usdt('10'), { asset: 'USDC', amount: new ExactDecimal('3') }]);
    expect([...claim.amounts.keys()]).toEqual(['USDT', 'USDC']);
  });

  it('Order rules use no word that ccxt takes for a fault of the order itself', () => {
    const client = clientWith({ types: new Set() }, { symbols: new Set() });
    const texts = [...judgeOrders(client, otoco), ...judgeValues({ maxNotional: new Map() }, [usdt('1')])];
    for (const { why } of texts) expect(why).not.toMatch(/LOT_SIZE|PRICE_FILTER|Price \* QTY/i);
  });
});
