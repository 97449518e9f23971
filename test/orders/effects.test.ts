import { describe, expect, it } from 'vitest';
import type { Client } from '../../src/core/access/client.ts';
import type { Endpoint } from '../../src/core/catalogue/endpoint.ts';
import { ProxyError } from '../../src/core/errors.ts';
import { createMemoryNotionalLedger } from '../../src/orders/memory-ledger.ts';
import { createOrderLimits } from '../../src/orders/order-limits.ts';
import { createPriceBook } from '../../src/orders/price-book.ts';
import { catalogueEndpoint, catalogueEndpoints } from '../support/fixtures/catalogue-endpoints.ts';
import { callOf, clientWith, type Form } from '../support/fixtures/order-fixtures.ts';
import { admitOrders } from './admit-orders.ts';

const NOON = 1_800_000_000_000;

function guarded() {
  const reports: string[] = [];
  const guard = createOrderLimits({
    monotonicNow: () => 0,
    priceBook: createPriceBook({ fetchJson: () => Promise.reject(new Error('asked')), now: () => 0 }),
    ledger: createMemoryNotionalLedger(),
    onReport: (_client, endpoint, rule) => reports.push(`${endpoint.path} ${rule}`),
  });
  return { guard, reports };
}

/** The refusal of a call; undefined when it passes. */
async function refusalOf(
  client: Client,
  endpoint: Endpoint,
  form: Form,
  guard = guarded().guard,
): Promise<ProxyError | undefined> {
  try {
    // A GET of the catalogue is judged by what a POST would carry: only the parameters count.
    await admitOrders(guard, client, endpoint, callOf({ ...endpoint, method: 'POST' }, form), NOON);
    return undefined;
  } catch (error) {
    if (error instanceof ProxyError) return error;
    throw error;
  }
}

const LEVERAGE = catalogueEndpoint('POST', '/fapi/v1/leverage');
const ORDER = catalogueEndpoint('POST', '/api/v3/order');
const bot = clientWith({ maxLeverage: 5 }, { symbols: new Set(['BTCUSDT']) });

describe('calls that are no orders under the rules of a client', () => {
  it('Every call that touches one symbol is refused on another, and without any', async () => {
    const touching = catalogueEndpoints().filter(({ touches }) => touches === 'symbol');
    expect(touching.length).toBeGreaterThan(15);
    for (const endpoint of touching) {
      expect((await refusalOf(bot, endpoint, { symbol: 'ETHUSDT' }))?.rule, endpoint.path).toBe('symbols');
      expect((await refusalOf(bot, endpoint, {}))?.rule, endpoint.path).toBe('symbols');
    }
  });

  it('Every call that touches the account is refused where it names another symbol, and passes where it names none', async () => {
    const touching = catalogueEndpoints().filter(({ touches }) => touches === 'account');
    expect(touching.length).toBeGreaterThan(80);
    const symbolOnly = clientWith(undefined, { symbols: new Set(['BTCUSDT']) });
    for (const endpoint of touching) {
      expect((await refusalOf(symbolOnly, endpoint, { symbol: 'ETHUSDT' }))?.rule, endpoint.path).toBe(
        'symbols',
      );
      expect(await refusalOf(symbolOnly, endpoint, {}), endpoint.path).toBeUndefined();
    }
  });

  it('A refusal of such a call names client, endpoint and rule, and speaks of no order', async () => {
    const refusal = await refusalOf(bot, LEVERAGE, { symbol: 'BTCUSDT', leverage: '20' });
    expect(refusal).toMatchObject({
      name: 'PROXY_ORDER_REFUSED',
      status: 400,
      code: -2010,
      outcome: 'not-sent',
    });
    expect(refusal?.message).toBe(
      'Call refused for client grid-bot on POST /fapi/v1/leverage: its leverage is above 5 (rule order.maxLeverage).',
    );
  });

  it('In report mode each rule that a call breaks is reported once, an order’s too', async () => {
    const { guard, reports } = guarded();
    const trying = { ...bot, policyMode: 'report' } as const;
    const leverage = { symbol: 'ETHUSDT', leverage: '20' };
    expect(await refusalOf(trying, LEVERAGE, leverage, guard)).toBeUndefined();
    const order = { symbol: 'ETHUSDT', side: 'BUY', type: 'MARKET', quantity: '1' };
    expect(await refusalOf(trying, ORDER, order, guard)).toBeUndefined();
    expect(reports).toEqual([
      '/fapi/v1/leverage symbols',
      '/fapi/v1/leverage order.maxLeverage',
      '/api/v3/order symbols',
    ]);
  });

  it('A call that passes takes no room in the day', async () => {
    const { guard } = guarded();
    const counted = clientWith({ maxPerDay: 1, maxLeverage: 5 }, { symbols: new Set(['BTCUSDT']) });
    const leverage = { symbol: 'BTCUSDT', leverage: '5' };
    for (let sent = 0; sent < 3; sent++)
      expect(await refusalOf(counted, LEVERAGE, leverage, guard)).toBeUndefined();
    const order = { symbol: 'BTCUSDT', side: 'BUY', type: 'MARKET', quantity: '1' };
    expect(await refusalOf(counted, ORDER, order, guard)).toBeUndefined();
  });
});
