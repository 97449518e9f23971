import { describe, expect, it } from 'vitest';
import type { Client, OrderRules } from '../../src/core/access/client.ts';
import { ProxyError } from '../../src/core/errors.ts';
import { toFrameCall } from '../../src/core/frames/frame-call.ts';
import { jsonMembers } from '../../src/core/json.ts';
import { sentOrders } from '../../src/core/records/sent-orders.ts';
import type { OrderOutcome, OrderRoom } from '../../src/orders/limits/order-room.ts';
import { type OrderEnding, RefusalStop } from '../../src/orders/limits/refusal-stop.ts';
import { createMemoryNotionalLedger } from '../../src/orders/memory-ledger.ts';
import { createOrderLimits, type OrderLimits } from '../../src/orders/order-limits.ts';
import { createPriceBook } from '../../src/orders/price-book.ts';
import { catalogueEndpoint } from '../support/fixtures/catalogue-endpoints.ts';
import {
  callOf,
  clientWith,
  DOOR_SAMPLES,
  type Form,
  MARKET_ANSWERS,
} from '../support/fixtures/order-fixtures.ts';
import { admitOrders } from './admit-orders.ts';

const ANSWERS: Readonly<Record<string, unknown>> = {
  ...MARKET_ANSWERS,
  '/dapi/v1/ticker/bookTicker?symbol=BTCUSD_PERP': [
    { symbol: 'BTCUSD_PERP', bidPrice: '90000', askPrice: '90100', bidQty: '1000', askQty: '1000' },
  ],
  '/fapi/v1/depth?symbol=BTCUSDT&limit=50': {
    bids: ['99800', '94811', '94809'].map((price) => [price, '1']),
    asks: ['100050', '105052', '105053'].map((price) => [price, '1']),
  },
};

interface Stage {
  readonly limits: OrderLimits;
  readonly asked: string[];
  readonly reports: string[];
  nowMs: number;
}

function stage(): Stage {
  const made: Stage = {
    limits: createOrderLimits({
      priceBook: createPriceBook({
        fetchJson: async (_upstream, path) => {
          made.asked.push(path);
          const answer = ANSWERS[path];
          if (answer === undefined) throw new Error('status 400');
          return structuredClone(answer);
        },
        now: () => 0,
      }),
      ledger: createMemoryNotionalLedger(),
      onReport: (_client, _endpoint, rule) => made.reports.push(rule),
      monotonicNow: () => made.nowMs,
    }),
    asked: [],
    reports: [],
    nowMs: 0,
  };
  return made;
}

/** The rule that refuses a call, or the room that it got. */
async function admit({ limits, nowMs }: Stage, client: Client, path: string, form: Form, method = 'POST') {
  const endpoint = catalogueEndpoint(method, path);
  try {
    return await admitOrders(limits, client, endpoint, callOf(endpoint, form), nowMs);
  } catch (error) {
    if (!(error instanceof ProxyError)) throw error;
    expect([error.name, error.outcome]).toEqual(['PROXY_ORDER_REFUSED', 'not-sent']);
    return error.rule ?? 'no rule';
  }
}

async function ruleOf(rules: OrderRules, path: string, form: Form, method = 'POST'): Promise<string> {
  const answer = await admit(stage(), clientWith(rules), path, form, method);
  return typeof answer === 'string' ? answer : 'passed';
}

const LIMIT: Form = { symbol: 'BTCUSDT', side: 'BUY', type: 'LIMIT', quantity: '0.001', price: '99000' };
const MARKET: Form = { symbol: 'BTCUSDT', side: 'BUY', type: 'MARKET', quantity: '0.001' };
const SPOT = '/api/v3/order';

describe.each([...DOOR_SAMPLES])('%s under the counted limits', (name, { form, values }) => {
  const [method = '', path = ''] = name.split(' ');
  const count = values?.length ?? 1;
  const least = path.endsWith('/test') ? 'passed' : undefined;

  it.each(['perSecond', 'perMinute'])(
    'The rule order.%s passes as many orders as it has, and refuses below',
    async (rule) => {
      expect(await ruleOf({ [rule]: count }, path, form, method)).toBe('passed');
      if (count > 1)
        expect(await ruleOf({ [rule]: count - 1 }, path, form, method)).toBe(least ?? `order.${rule}`);
      const once = stage();
      const client = clientWith({ [rule]: count });
      await admit(once, client, path, form, method);
      const again = await admit(once, client, path, form, method);
      expect(typeof again === 'string' ? again : 'passed').toBe(least ?? `order.${rule}`);
    },
  );
});

describe('the price band on every market', () => {
  it.each([
    ['POST', SPOT, LIMIT, 'BUY', '105000.525', '105000.5250001'],
    ['POST', SPOT, LIMIT, 'SELL', '95000', '94999.9999999'],
    ['POST', '/api/v3/order/test', LIMIT, 'SELL', '95000', '94999.99'],
    ['POST', '/api/v3/order/cancelReplace', LIMIT, 'BUY', '105000.525', '105000.53'],
    ['POST', '/sapi/v1/margin/order', LIMIT, 'BUY', '105000.525', '105000.53'],
    ['POST', '/papi/v1/margin/order', LIMIT, 'BUY', '105000.525', '105000.53'],
    ['POST', '/fapi/v1/order', LIMIT, 'SELL', '94810', '94809.99'],
    ['PUT', '/fapi/v1/order', { ...LIMIT, orderId: '1' }, 'BUY', '105052.5', '105052.51'],
    ['POST', '/papi/v1/um/order', LIMIT, 'BUY', '105052.5', '105052.51'],
    ['POST', '/dapi/v1/order', { ...LIMIT, symbol: 'BTCUSD_PERP' }, 'BUY', '94605', '94605.1'],
    ['POST', '/papi/v1/cm/order', { ...LIMIT, symbol: 'BTCUSD_PERP' }, 'SELL', '85500', '85499.9'],
    ['POST', '/eapi/v1/order', { ...LIMIT, symbol: 'BTC-270129-90000-C' }, 'BUY', '1260', '1260.01'],
    [
      'POST',
      '/sapi/v1/equity/order/place',
      { symbol: 'AAPL', orderType: 'LIMIT', quantity: '1' },
      'SELL',
      '190',
      '189.99',
    ],
    [
      'POST',
      '/sapi/v1/algo/spot/newOrderTwap',
      { symbol: 'BTCUSDT', quantity: '1', duration: '300' },
      'BUY',
      '105000',
      '105001',
    ],
    [
      'POST',
      '/sapi/v1/convert/limit/placeOrder',
      { baseAsset: 'BTC', quoteAsset: 'USDT', baseAmount: '1', expiredType: '1_D' },
      ...['SELL', '95000', '94999'],
    ],
  ] as const)(
    '%s %s (%j %s) passes at %s and not at %s',
    async (method, path, form, side, inside, outside) => {
      const name = /Twap|convert/.test(path) ? 'limitPrice' : 'price';
      const rules = { priceBand: '0.05' };
      expect(await ruleOf(rules, path, { ...form, side, [name]: inside }, method)).toBe('passed');
      expect(await ruleOf(rules, path, { ...form, side, [name]: outside }, method)).toBe('order.priceBand');
    },
  );

  it('The most that the band lets through is refused by a narrower one', async () => {
    expect(await ruleOf({ priceBand: '0.0499' }, SPOT, { ...LIMIT, price: '105000.525' })).toBe(
      'order.priceBand',
    );
  });

  it('One order of a batch beyond the band refuses the whole call', async () => {
    const batchOrders = JSON.stringify([LIMIT, { ...LIMIT, price: '106000' }, LIMIT]);
    expect(await ruleOf({ priceBand: '0.05' }, '/fapi/v1/batchOrders', { batchOrders })).toBe(
      'order.priceBand',
    );
  });

  it('A frame is judged as its twin of REST is', async () => {
    const endpoint = catalogueEndpoint('POST', SPOT);
    const { call } = toFrameCall(endpoint, jsonMembers(JSON.stringify({ ...LIMIT, price: '106000' })));
    const judged = stage().limits.judge(
      clientWith({ priceBand: '0.05' }),
      endpoint,
      call,
      sentOrders(endpoint, call),
    );
    await expect(judged).rejects.toMatchObject({ rule: 'order.priceBand' });
  });

  it.each([
    ['OPPONENT_2', 'BUY', 'passed'],
    ['OPPONENT_3', 'BUY', 'order.priceBand'],
    ['OPPONENT_2', 'SELL', 'passed'],
    ['OPPONENT_3', 'SELL', 'order.priceBand'],
    ['OPPONENT_20', 'BUY', 'order.priceBand'],
  ])(
    'A price that is left to the book (%s, %s) counts at its level: %s',
    async (priceMatch, side, expected) => {
      const form = { symbol: 'BTCUSDT', side, type: 'LIMIT', quantity: '1', priceMatch };
      expect(await ruleOf({ priceBand: '0.05' }, '/fapi/v1/order', form)).toBe(expected);
    },
  );

  it('What cannot be compared is refused', async () => {
    expect(await ruleOf({ priceBand: '0.05' }, SPOT, { ...LIMIT, symbol: 'NOTHING' })).toBe('unvaluable');
    expect(await ruleOf({ maxSpread: '0.05' }, SPOT, { ...MARKET, symbol: 'NOTHING' })).toBe('unvaluable');
  });

  it('A stop needs no market, and one look serves the value and the price', async () => {
    const stop = { ...LIMIT, type: 'STOP_LOSS_LIMIT', stopPrice: '500000', price: '525000' };
    const alone = stage();
    await admit(alone, clientWith({ priceBand: '0.05' }), SPOT, stop);
    expect(alone.asked).toEqual([]);
    const both = stage();
    await admit(
      both,
      clientWith({ priceBand: '0.05', maxNotional: new Map([['USDT', '500']]) }),
      SPOT,
      LIMIT,
    );
    expect(both.asked.filter((path) => path.includes('bookTicker'))).toHaveLength(1);
  });
});

describe('the spread', () => {
  it.each([
    [SPOT, MARKET, '0.000005', '0.00000499'],
    ['/fapi/v1/order', MARKET, '0.0026', '0.0025'],
    ['/dapi/v1/order', { ...MARKET, symbol: 'BTCUSD_PERP' }, '0.0012', '0.0011'],
    ['/papi/v1/margin/order', MARKET, '0.000005', '0.000001'],
  ] as const)('%s %j passes a spread of %s', async (path, form, inside, outside) => {
    expect(await ruleOf({ maxSpread: inside }, path, form)).toBe('passed');
    expect(await ruleOf({ maxSpread: outside }, path, form)).toBe('order.maxSpread');
    expect(await ruleOf({ maxSpread: '0.01' }, path, form)).toBe('passed');
    expect(await ruleOf({ maxSpread: outside }, path, { ...form, type: 'LIMIT', price: '90000' })).toBe(
      'passed',
    );
  });
});

describe('exits, trials and cancels', () => {
  const tight: OrderRules = { priceBand: '0.0001', maxSpread: '0.0001' };
  it.each([
    [{ ...LIMIT, side: 'SELL', price: '1', reduceOnly: 'true' }, 'passed'],
    [{ ...MARKET, side: 'SELL', reduceOnly: 'true' }, 'passed'],
    [{ ...MARKET, side: 'SELL', positionSide: 'LONG' }, 'passed'],
    [{ ...LIMIT, side: 'BUY', price: '200000', positionSide: 'SHORT' }, 'passed'],
    [{ symbol: 'BTCUSDT', side: 'SELL', type: 'MARKET', closePosition: 'true' }, 'passed'],
    [{ ...LIMIT, side: 'SELL', price: '1', reduceOnly: 'TRUE' }, 'order.priceBand'],
    [{ ...LIMIT, side: 'SELL', price: '1', positionSide: 'SHORT', reduceOnly: 'true' }, 'order.priceBand'],
    [{ ...MARKET, side: 'SELL', positionSide: 'SHORT' }, 'order.maxSpread'],
  ])('On futures the price of an exit is free (%j): %s', async (form, expected) => {
    expect(await ruleOf(tight, '/fapi/v1/order', form as Form)).toBe(expected);
  });

  it('A sale on spot is no exit', async () => {
    const form = { ...LIMIT, side: 'SELL', price: '1', reduceOnly: 'true' };
    expect(await ruleOf(tight, SPOT, form)).toBe('order.priceBand');
  });

  it('Exits count in the rates and as equal orders', async () => {
    const exit = { ...MARKET, side: 'SELL', reduceOnly: 'true' };
    for (const [rules, rule] of [
      [{ perMinute: 1 }, 'order.perMinute'],
      [{ repeats: { max: 1, withinMs: 1_000 } }, 'order.repeats'],
    ] as const) {
      const one = stage();
      expect(await admit(one, clientWith(rules), '/fapi/v1/order', exit)).toBeTypeOf('object');
      expect(await admit(one, clientWith(rules), '/fapi/v1/order', exit)).toBe(rule);
    }
  });

  it('A trial counts nothing, and a cancel is held to nothing', async () => {
    const one = stage();
    const client = clientWith({ perMinute: 1, repeats: { max: 1, withinMs: 1_000 } });
    for (let time = 0; time < 3; time++)
      expect(await admit(one, client, '/api/v3/order/test', LIMIT)).toBeUndefined();
    expect(await admit(one, client, SPOT, LIMIT)).toBeTypeOf('object');
    const cancel = catalogueEndpoint('DELETE', SPOT);
    const call = callOf(cancel, { symbol: 'BTCUSDT', orderId: '1' });
    expect(one.limits.judge(client, cancel, call, [])).toBeUndefined();
  });
});

describe('the room of the counted limits', () => {
  it.each([
    ['accepted', 'order.perMinute'],
    ['refused', 'order.perMinute'],
    ['unknown', 'order.perMinute'],
    ['not-sent', 'passed'],
  ] as const)('When a call ends %s, the next order is %s', async (ending: OrderOutcome, expected) => {
    const one = stage();
    const client = clientWith({ perMinute: 1, repeats: { max: 5, withinMs: 60_000 } });
    const room = await admit(one, client, SPOT, LIMIT);
    one.limits.settle(room as OrderRoom, ending);
    const next = await admit(one, client, SPOT, LIMIT);
    expect(typeof next === 'string' ? next : 'passed').toBe(expected);
  });

  it('An order that the day has no room for takes none in the rates', async () => {
    const one = stage();
    const rules = { perMinute: 2, maxPerDay: 1 };
    await admit(one, clientWith(rules), SPOT, LIMIT);
    expect(await admit(one, clientWith(rules), SPOT, LIMIT)).toBe('order.maxPerDay');
    expect(await admit(one, clientWith({ ...rules, maxPerDay: 5 }), SPOT, LIMIT)).toBeTypeOf('object');
    expect(await admit(one, clientWith({ ...rules, maxPerDay: 5 }), SPOT, LIMIT)).toBe('order.perMinute');
  });

  it('In report mode every limit is reported, passes, and takes no room', async () => {
    const one = stage();
    const rules = { priceBand: '0.05', perSecond: 1, perMinute: 1, repeats: { max: 1, withinMs: 1_000 } };
    const client = clientWith({ ...rules, maxSpread: '0.000001' }, { policyMode: 'report' });
    const dear = { ...LIMIT, price: '200000' };
    for (const form of [dear, dear, MARKET])
      expect(await admit(one, client, SPOT, form)).toBeTypeOf('object');
    const counted = ['order.perSecond', 'order.perMinute'];
    expect(one.reports).toEqual([
      'order.priceBand',
      ...['order.priceBand', ...counted, 'order.repeats'],
      ...['order.maxSpread', ...counted],
    ]);
    one.nowMs = 60_000;
    expect(await admit(one, clientWith({ ...rules }), SPOT, LIMIT)).toBeTypeOf('object');
  });

  it('The use of every counted limit is told as a part of it', async () => {
    const one = stage();
    const client = clientWith({
      ...{ perSecond: 2, perMinute: 4, repeats: { max: 2, withinMs: 1_000 }, maxPerDay: 10 },
      maxNotionalPerDay: new Map([['USDT', '1000.005']]),
    });
    await admit(one, client, SPOT, LIMIT);
    const use = Object.fromEntries(one.limits.use(client, 0));
    expect(use).toEqual({
      'order.perSecond': 0.5,
      'order.perMinute': 0.25,
      'order.repeats': 0.5,
      'order.maxPerDay': 0.1,
      'order.maxNotionalPerDay': 0.1,
    });
    expect(one.limits.use(clientWith({ types: new Set(['LIMIT']) }), 0)).toEqual([]);
  });
});

describe('refusals by Binance in a row', () => {
  const REFUSED: OrderEnding = { outcome: 'answered', execution: 'refused', status: 400 };
  const order = catalogueEndpoint('POST', SPOT);

  function stop(stopAfterRefusals: number | undefined = 3) {
    const told: (readonly [string, number])[] = [];
    const refusals = new RefusalStop(({ name }, count) => told.push([name, count]));
    const client = clientWith(undefined, { stopAfterRefusals });
    return {
      told,
      refusals,
      client,
      refuse: (ending = REFUSED, endpoint = order) => refusals.note(client, endpoint, ending),
    };
  }

  it('It is told once, with the last of as many as are allowed, and the row begins anew', () => {
    const { told, refuse, refusals, client } = stop();
    refuse();
    refuse();
    expect([told, refusals.use(client)]).toEqual([[], [['stopAfterRefusals', 2 / 3]]]);
    refuse();
    expect([told, refusals.use(client)]).toEqual([[['grid-bot', 3]], [['stopAfterRefusals', 0]]]);
    refuse();
    expect(told).toHaveLength(1);
  });

  it.each([
    [{ outcome: 'answered', execution: 'executed', status: 200 }, 'ends the row', false],
    [{ outcome: 'answered', execution: 'partly', status: 200 }, 'ends the row', false],
    [{ outcome: 'unknown', execution: 'unknown', status: 503 }, 'says nothing', true],
    [{ outcome: 'not-sent', execution: 'refused', status: undefined }, 'says nothing', true],
    [{ outcome: 'answered', execution: 'refused', status: 429 }, 'says nothing', true],
    [{ outcome: 'answered', execution: 'refused', status: 418 }, 'says nothing', true],
    [{ outcome: 'answered', execution: 'refused', status: 403 }, 'says nothing', true],
  ] as const)('An order that ended %j %s', (ending, _what, goesOn) => {
    const { told, refuse } = stop();
    refuse();
    refuse();
    refuse(ending);
    refuse();
    expect(told.length === 1).toBe(goesOn);
  });

  it('Tests, cancels and reads say nothing, amendments count, and without the limit nobody is told', () => {
    const { told, refuse } = stop(1);
    for (const [method, path] of [
      ['POST', '/api/v3/order/test'],
      ['DELETE', SPOT],
      ['GET', SPOT],
      ['POST', '/fapi/v1/leverage'],
    ] as const)
      refuse(REFUSED, catalogueEndpoint(method, path));
    expect(told).toEqual([]);
    refuse(REFUSED, catalogueEndpoint('PUT', '/fapi/v1/order'));
    expect(told).toHaveLength(1);
    const free = stop(undefined);
    free.refusals.note(clientWith(undefined), order, REFUSED);
    expect([free.told, free.refusals.use(clientWith(undefined))]).toEqual([[], []]);
  });
});
