import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import {
  closeDoors,
  type Door,
  type DoorCall,
  describeEveryDoor,
  FRAME_DOOR,
  HTTP_DOOR,
} from '../support/clients/doors.ts';
import { send } from '../support/clients/http.ts';
import { openWsStage, type WsStage } from '../support/servers/ws-stage.ts';
import { wsEnv } from '../support/servers/ws-upstream.ts';

const APPS = [HTTP_DOOR, FRAME_DOOR];
/** A client for each door and limit: what one counts is no other's. */
const LIMITS = {
  banded: 'order: { priceBand: 5% }',
  // Made narrower once the book is known.
  spread: 'order: { maxSpread: 50% }',
  minute: 'order: { perMinute: 2 }',
  second: 'order: { perSecond: 1 }',
  equal: 'order: { repeats: { max: 2, withinMs: 3600000 } }',
  streak: 'stopAfterRefusals: 3',
  ended: 'expires: 2026-11-01',
  wider: 'order: { maxSpread: 50% }',
  pair: 'order: { perSecond: 2 }',
  lever: 'order: { maxLeverage: 5 }',
  lasting: `expires: ${new Date(Date.now() + 2 * 86_400_000).toISOString().slice(0, 10)}`,
  trying: 'order: { perMinute: 1, priceBand: 5% }, policy: { mode: report }',
} as const;
type Limit = keyof typeof LIMITS;

const doorNumber = (door: Door) => APPS.indexOf(door);
const clientOf = (limit: Limit, door: Door) => `${limit}-${doorNumber(door)}`;
const keyOf = (limit: Limit, door: Door) => `${clientOf(limit, door)}-`.repeat(10).slice(0, 64);
const prefixOf = (limit: Limit, door: Door) => clientOf(limit, door).toUpperCase().replace('-', '_');
const all = (Object.keys(LIMITS) as Limit[]).flatMap((limit) => APPS.map((door) => [limit, door] as const));
const ENV = Object.fromEntries(
  all.map(([limit, door]) => [`${prefixOf(limit, door)}_CLIENT_KEY`, keyOf(limit, door)]),
);
const ALL = '[market-data, read, spot-margin-trade, futures-trade]';
const yamlOf = (limits: Readonly<Record<Limit, string>>) =>
  `clients:\n${all
    .map(
      ([limit, door]) =>
        `  ${clientOf(limit, door)}: { account: main, envPrefix: ${prefixOf(limit, door)}, permissions: ${ALL}, ${limits[limit]} }\n`,
    )
    .join('')}`;

const PLACE = { rest: ['POST', '/api/v3/order'], frame: 'order.place' } as const;
const FUTURES = { rest: ['POST', '/fapi/v1/order'], frame: 'order.place', api: '/ws-fapi/v1' } as const;
const LEVERAGE = { rest: ['POST', '/fapi/v1/leverage'], frame: 'no such method' } as const;
const CANCEL = { rest: ['DELETE', '/api/v3/order'], frame: 'order.cancel' } as const;
const READ = { rest: ['GET', '/api/v3/account'], frame: 'account.status' } as const;
const OCO = { rest: ['POST', '/api/v3/orderList/oco'], frame: 'orderList.place.oco' } as const;
const MARKET = { symbol: 'BTCUSDT', side: 'BUY', type: 'MARKET', quantity: '0.001' };
const LIMIT = { ...MARKET, type: 'LIMIT', timeInForce: 'GTC' };

let stage: WsStage;
let book: { readonly bid: number; readonly ask: number };
let futuresBook: typeof book;
const readBook = async (path: string) => {
  const { json } = await send(stage.proxy.port, `${path}?symbol=BTCUSDT`);
  return { bid: Number(json?.bidPrice), ask: Number(json?.askPrice) };
};
beforeAll(async () => {
  stage = await openWsStage('HMAC', { env: ENV, yaml: yamlOf(LIMITS) });
  book = await readBook('/api/v3/ticker/bookTicker');
  futuresBook = await readBook('/fapi/v1/ticker/bookTicker');
  // The narrowest that is still as wide as the book, and the widest that is not.
  const spread = Math.floor((book.ask / book.bid - 1) * 1e8);
  const written = (count: number) => `order: { maxSpread: ${(count / 1e8).toFixed(8)} }`;
  stage.proxy.reload(
    { ...ENV, ...wsEnv({ wsUrl: stage.simulator.url.replace('http', 'ws') }) },
    yamlOf({ ...LIMITS, spread: written(spread), wider: written(spread + 1) }),
  );
});
afterAll(async () => {
  await closeDoors();
  await stage.close();
});

/** What reached the exchange so far, but for the look-ups of prices, which are no client's. */
const arrived = () =>
  stage.simulator.requests.filter(({ method, path }) => method !== 'GET' || path === '/api/v3/account')
    .length + stage.simulator.frames.length;
let before = 0;
beforeEach(() => {
  before = arrived();
});

async function expectRefused(door: Door, call: DoorCall, rule: string) {
  const count = arrived();
  const answer = await door.call(stage, call);
  expect(answer).toMatchObject({ error: 'PROXY_ORDER_REFUSED', code: -2010, outcome: 'not-sent' });
  expect(arrived()).toBe(count);
  expect(stage.proxy.records('call.refused').at(-1)).toMatchObject({ rule });
}

async function expectSent(door: Door, call: DoorCall) {
  const count = arrived();
  expect(await door.call(stage, call)).toMatchObject({ error: undefined, outcome: 'answered' });
  expect(arrived()).toBe(count + 1);
}

const cents = (price: number) => price.toFixed(2);

describeEveryDoor('the price band', APPS, (door) => {
  const params = (side: string, price: number) => ({ ...LIMIT, side, price: cents(price) });

  it.each([PLACE, FUTURES])('A price beyond it does not leave, one within it does (%j)', async (call) => {
    const key = keyOf('banded', door);
    await expectRefused(door, { ...call, key, params: params('BUY', book.ask * 1.06) }, 'order.priceBand');
    await expectRefused(door, { ...call, key, params: params('SELL', book.bid * 0.94) }, 'order.priceBand');
    await expectSent(door, { ...call, key, params: params('BUY', book.bid * 0.97) });
  });

  it('The exits of futures are free of it', async () => {
    const exit = { ...params('SELL', book.bid * 0.9), reduceOnly: 'true' };
    const { error } = await door.call(stage, { ...FUTURES, key: keyOf('banded', door), params: exit });
    expect(error).toBeUndefined();
    expect(arrived()).toBe(before + 1);
  });
});

describeEveryDoor('the edges of the price band', APPS, (door) => {
  it.each([
    ['spot', PLACE],
    ['futures', FUTURES],
  ] as const)('Of %s the last price within it leaves, the next one does not', async (market, call) => {
    const { bid, ask } = market === 'spot' ? book : futuresBook;
    const key = keyOf('banded', door);
    const tick = market === 'spot' ? 0.01 : 0.1;
    const highest = Math.floor((ask * 1.05) / tick + 1e-6) * tick;
    const lowest = Math.ceil((bid * 0.95) / tick - 1e-6) * tick;
    const at = (side: string, price: number) => ({
      ...call,
      key,
      params: { ...LIMIT, side, price: cents(price) },
    });
    await expectSent(door, at('BUY', highest));
    await expectRefused(door, at('BUY', highest + tick), 'order.priceBand');
    await expectSent(door, at('SELL', lowest));
    await expectRefused(door, at('SELL', lowest - tick), 'order.priceBand');
  });
});

describeEveryDoor('the spread', APPS, (door) => {
  it('A book that is as wide as it may be is no hindrance, one that is wider is', async () => {
    await expectSent(door, { ...PLACE, key: keyOf('wider', door), params: MARKET });
    await expectRefused(door, { ...PLACE, key: keyOf('spread', door), params: MARKET }, 'order.maxSpread');
  });

  it('A market order into a wider book does not leave, a limit order does', async () => {
    const key = keyOf('spread', door);
    for (const call of [PLACE, FUTURES]) {
      await expectRefused(door, { ...call, key, params: MARKET }, 'order.maxSpread');
      await expectSent(door, { ...call, key, params: { ...LIMIT, price: cents(book.bid * 0.97) } });
    }
  });
});

describeEveryDoor('the rates', APPS, (door) => {
  const at = (percent: number) => ({ ...LIMIT, price: cents(book.bid * (percent / 100)) });

  it('As many orders leave as a minute has, refused ones count, and cancels and reads go on', async () => {
    const key = keyOf('minute', door);
    await expectSent(door, { ...PLACE, key, params: at(97) });
    // Binance refuses what costs more than there is.
    await expectAnswered(door, { ...PLACE, key, params: { ...at(96), quantity: '90' } }, -2010);
    await expectRefused(door, { ...PLACE, key, params: at(95) }, 'order.perMinute');
    await expectRefused(door, { ...FUTURES, key, params: at(95) }, 'order.perMinute');
    const cancel = { ...CANCEL, key, params: { symbol: 'BTCUSDT', orderId: '987654' } };
    for (let time = 0; time < 3; time++) await expectAnswered(door, cancel, -2011);
    await expectSent(door, { ...READ, key });
  });

  it('A list with more orders than a second has does not leave, one with as many does', async () => {
    const legs = { aboveType: 'LIMIT_MAKER', abovePrice: cents(book.ask * 1.1), belowType: 'STOP_LOSS' };
    const params = {
      ...{ symbol: 'BTCUSDT', side: 'SELL', quantity: '0.001', ...legs },
      belowStopPrice: cents(book.bid * 0.9),
    };
    await expectRefused(door, { ...OCO, key: keyOf('second', door), params }, 'order.perSecond');
    await expectSent(door, { ...OCO, key: keyOf('pair', door), params });
  });

  it('As many equal orders leave as there may be, and others go on', async () => {
    const key = keyOf('equal', door);
    const call = { ...PLACE, key, params: at(97) };
    await expectSent(door, call);
    await expectSent(door, { ...call, params: { ...at(97), newClientOrderId: `own-${doorNumber(door)}` } });
    await expectRefused(door, call, 'order.repeats');
    await expectSent(door, { ...call, params: at(96) });
  });

  it('In report mode the limits are recorded, and the order leaves', async () => {
    const key = keyOf('trying', door);
    for (let time = 0; time < 2; time++)
      await door.call(stage, { ...PLACE, key, params: { ...LIMIT, price: cents(book.ask * 1.06 + time) } });
    expect(arrived()).toBe(before + 2);
    const rules = stage.proxy
      .records('policy.reported')
      .filter(({ client }) => client === clientOf('trying', door))
      .map(({ rule }) => rule);
    expect(rules).toEqual(['order.priceBand', 'order.priceBand', 'order.perMinute']);
  });
});

/** A call that Binance answers, and refuses with its own code. */
async function expectAnswered(door: Door, call: DoorCall, code: number) {
  const count = arrived();
  expect(await door.call(stage, call)).toMatchObject({ error: undefined, outcome: 'answered', code });
  expect(arrived()).toBe(count + 1);
}

describeEveryDoor('refusals by Binance in a row', APPS, (door) => {
  it('They are told with the last one that is allowed, and an accepted order begins the row anew', async () => {
    const key = keyOf('streak', door);
    const dear = (price: number) => ({
      ...PLACE,
      key,
      params: { ...LIMIT, quantity: '90', price: cents(price) },
    });
    const told = () =>
      stage.proxy.records('refusals.streak').filter(({ client }) => client === clientOf('streak', door));
    const fall = async (times: number) => {
      for (let time = 0; time < times; time++)
        await expectAnswered(door, dear(book.bid * 0.96 + time), -2010);
    };
    await fall(2);
    await expectSent(door, { ...PLACE, key, params: { ...LIMIT, price: cents(book.bid * 0.97) } });
    await fall(2);
    expect(told()).toEqual([]);
    await fall(1);
    expect(told()).toMatchObject([{ rule: 'stopAfterRefusals', level: 40 }]);
    const sent = arrived();
    expect(await door.call(stage, dear(book.bid * 0.95))).toMatchObject({
      error: 'PROXY_STOPPED',
      code: -2010,
    });
    expect(arrived()).toBe(sent);
    await expectAnswered(door, { ...CANCEL, key, params: { symbol: 'BTCUSDT', orderId: '987654' } }, -2011);
  });
});

// No signed API sets leverage.
describeEveryDoor('leverage', [HTTP_DOOR], (door) => {
  it('The most that there may be is set, more does not leave', async () => {
    const key = keyOf('lever', door);
    const params = (leverage: string) => ({ symbol: 'BTCUSDT', leverage });
    await expectSent(door, { ...LEVERAGE, key, params: params('5') });
    await expectRefused(door, { ...LEVERAGE, key, params: params('6') }, 'order.maxLeverage');
  });
});

describeEveryDoor('a key that ends later', APPS, (door) => {
  it('It is one like any other', async () => {
    const key = keyOf('lasting', door);
    await expectSent(door, { ...READ, key });
    await expectSent(door, { ...PLACE, key, params: { ...LIMIT, price: cents(book.bid * 0.97) } });
  });
});

describeEveryDoor('a key that has ended', APPS, (door) => {
  it('Nothing leaves with it but cancels, as many as there are', async () => {
    const key = keyOf('ended', door);
    const params = { ...LIMIT, price: cents(book.bid * 0.97) };
    for (let time = 0; time < 40; time++) {
      for (const call of [
        { ...READ, key },
        { ...PLACE, key, params },
        { ...FUTURES, key, params },
      ])
        expect(await door.call(stage, call)).toMatchObject({
          ...{ error: 'PROXY_UNKNOWN_CLIENT', code: -2014, outcome: 'not-sent' },
        });
    }
    expect(arrived()).toBe(before);
    expect(stage.proxy.records('call.refused').at(-1)).toMatchObject({ rule: 'expires' });
    await expectAnswered(door, { ...CANCEL, key, params: { symbol: 'BTCUSDT', orderId: '987654' } }, -2011);
  });
});
