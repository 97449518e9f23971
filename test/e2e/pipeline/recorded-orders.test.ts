import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import { type Reply, send } from '../../support/clients/http.ts';
import { connectApp, type WsApp } from '../../support/clients/ws-app.ts';
import { runs } from '../../support/properties.ts';
import {
  askOperator,
  type LogRecord,
  startTestProxy,
  TEST_KEY,
  TEST_SECRET,
  type TestProxy,
} from '../../support/servers/proxy.ts';
import { wsEnv } from '../../support/servers/ws-upstream.ts';

type Order = Readonly<Record<string, string>>;

const CLIENT_KEY = 'issued.KEY.of.an.app.issued.KEY.01';
const HEADERS = { 'x-mbx-apikey': CLIENT_KEY };
const BATCH = '/fapi/v1/batchOrders';
const LIMIT: Order = { symbol: 'BTCUSDT', side: 'BUY', type: 'LIMIT', timeInForce: 'GTC', quantity: '0.010' };
const ONE: Order = { ...LIMIT, price: '20000.0', newClientOrderId: 'one' };
const TWO: Order = { ...LIMIT, price: '19999.9', newClientOrderId: 'two' };

let simulator: Simulator;
let proxy: TestProxy;
beforeAll(async () => {
  simulator = await startSimulator({
    accounts: [
      {
        ...{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET, futuresBalance: '1000000000' },
        balances: { USDT: '1000000000', BTC: '10000' },
      },
    ],
    marketStepMs: 0,
    limits: {
      weightPerMinute: { spot: 10_000_000, usdm: 10_000_000 },
      ...{ ordersPer10Seconds: 1_000_000, ordersPerDay: 10_000_000 },
      ...{ futuresOrdersPer10Seconds: 1_000_000, futuresOrdersPerMinute: 10_000_000 },
    },
  });
  proxy = await startTestProxy({
    upstream: simulator.url,
    env: {
      ...wsEnv({ wsUrl: simulator.url.replace('http', 'ws') }),
      BINANCE_PROXY_CLIENT_KEY: CLIENT_KEY,
    },
  });
});
afterAll(async () => {
  await proxy.close();
  await simulator.close();
});

/** The last record of a signed call. */
function lastSigned(): LogRecord {
  const line = proxy.lines.findLast((each) => each.includes('"event":"call.signed"'));
  return JSON.parse(line ?? '{}') as LogRecord;
}

/** Sends a call of an app as a form; what arrived at the exchange must be one request more, or none. */
async function call(method: string, path: string, body: string): Promise<{ reply: Reply; arrived: number }> {
  const before = simulator.requests.length;
  const reply = await send(proxy.port, path, { method, headers: HEADERS, body });
  return { reply, arrived: simulator.requests.length - before };
}

/** What the exchange read of the last request that came: the oracle, which knows nothing of the proxy. */
function arrivedParameters(): URLSearchParams {
  const { target, body } = simulator.requests.at(-1)!;
  return new URLSearchParams(`${target.split('?')[1] ?? ''}&${body.toString('latin1')}`);
}

/** The orders of a batch as the exchange received them, numbers by their own text. */
function arrivedBatch(name = 'batchOrders'): Record<string, string>[] {
  const lexeme = (_: string, value: unknown, context?: { readonly source?: string }): unknown =>
    typeof value === 'number' || typeof value === 'boolean' ? context?.source : value;
  return JSON.parse(arrivedParameters().get(name) ?? '[]', lexeme);
}

const encode = (orders: unknown): string => encodeURIComponent(JSON.stringify(orders));

describe('a placing call that its record could not name whole', () => {
  const order = new URLSearchParams(ONE).toString();
  it.each<[string, string, string, string, string]>([
    [
      'an id that is the real key',
      'POST',
      '/api/v3/order',
      `${order.replace('=one', `=${TEST_KEY}`)}`,
      'unrecordable',
    ],
    [
      'an id that is the key of an app',
      'POST',
      '/api/v3/order',
      order.replace('=one', `=${CLIENT_KEY}`),
      'unrecordable',
    ],
    [
      'an id that hides the key of an app',
      'POST',
      '/api/v3/order',
      order.replace('=one', `=${CLIENT_KEY.replaceAll('.', '%252E')}`),
      'unrecordable',
    ],
    [
      'an id in a batch that is the real secret',
      'POST',
      BATCH,
      `batchOrders=${encode([{ ...ONE, newClientOrderId: TEST_SECRET }])}`,
      'unrecordable',
    ],
    [
      'a price of 600 digits',
      'POST',
      '/api/v3/order',
      order.replace('20000.0', `1.${'0'.repeat(600)}`),
      'unrecordable',
    ],
    [
      'a batch of 1,000 orders',
      'POST',
      BATCH,
      `batchOrders=${encode(Array.from({ length: 1_000 }, () => ONE))}`,
      'unrecordable',
    ],
    [
      'an amendment with the key of an app',
      'PUT',
      '/fapi/v1/order',
      `symbol=BTCUSDT&side=BUY&quantity=1&price=1&origClientOrderId=${CLIENT_KEY}`,
      'unrecordable',
    ],
    ['a batch under another name', 'POST', BATCH, `orders=${encode([ONE])}`, 'unreadable'],
  ])(
    'A call with %s is refused for a client without order rules, and nothing leaves',
    async (_, method, path, body, rule) => {
      const { reply, arrived } = await call(method, path, body);
      expect([reply.status, reply.json?.code, reply.headers['x-proxy-error']]).toEqual([
        400,
        -2010,
        'PROXY_ORDER_REFUSED',
      ]);
      expect([reply.headers['x-proxy-outcome'], arrived]).toEqual(['not-sent', 0]);
      const refused = proxy.records('call.refused').at(-1)!;
      expect(refused).toMatchObject({ rule, outcome: 'not-sent' });
      for (const secret of [TEST_KEY, TEST_SECRET, CLIENT_KEY])
        expect(proxy.lines.filter((line) => line.includes(secret))).toEqual([]);
    },
  );

  it('A frame whose order holds the key of an app is refused, and nothing leaves', async () => {
    const app = await connectApp(`${proxy.url}/ws-api/v3`, { headers: HEADERS });
    onTestFinished(() => app.close());
    const before = simulator.frames.length;
    const reply = await app.ask('order.place', { ...ONE, newClientOrderId: CLIENT_KEY });
    expect(reply.error).toMatchObject({ code: -2010 });
    expect(simulator.frames).toHaveLength(before);
    expect(proxy.lines.filter((line) => line.includes(CLIENT_KEY))).toEqual([]);
  });
});

describe('junk around an order', () => {
  const junk = (count: number, value: string) =>
    Array.from({ length: count }, (_, index) => `junk${index}=${value}`).join('&');
  const order = new URLSearchParams(ONE).toString();
  const long = 'j'.repeat(61);
  const asJson = (members: Readonly<Record<string, unknown>>) => JSON.stringify(members);
  const manyMembers = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`junk${index}`, 'x']));
  const strange = `[${' '.repeat(4_200)}{"${long}":"x","symbol":"BTCUSDT"`;

  it.each<[string, string, string, readonly Order[]]>([
    ['100 parameters before it', '/fapi/v1/order', `${junk(100, 'x')}&${order}`, [ONE]],
    ['100 parameters behind it', '/fapi/v1/order', `${order}&${junk(100, 'x')}`, [ONE]],
    ['16 KB before symbol', '/fapi/v1/order', `${junk(40, 'v+'.repeat(256))}&${order}`, [ONE]],
    ['100 parameters before a spot order', '/api/v3/order', `${junk(100, 'x')}&${order}`, [ONE]],
    ['100 members before it in JSON', '/fapi/v1/order', asJson({ ...manyMembers, ...ONE }), [ONE]],
    [
      '100 members before a batch in JSON',
      BATCH,
      asJson({ ...manyMembers, batchOrders: [ONE, TWO] }),
      [ONE, TWO],
    ],
    [
      '4,200 spaces before the first order',
      BATCH,
      `batchOrders=[${'+'.repeat(4_200)}${encode([ONE, TWO]).slice(3)}`,
      [ONE, TWO],
    ],
    [
      '4,200 spaces between two orders',
      BATCH,
      `batchOrders=${encode([ONE, TWO]).replace('%2C%7B', `%2C${'%20'.repeat(4_200)}%7B`)}`,
      [ONE, TWO],
    ],
    [
      'a name of 61 letters',
      BATCH,
      `batchOrders=${encode([
        { [long]: 'x', ...ONE },
        { ...TWO, [long]: 'x' },
      ])}`,
      [ONE, TWO],
    ],
    [
      'a name that speaks of a key',
      BATCH,
      `batchOrders=${encode([{ ...ONE, apiKey: 'x' }, TWO])}`,
      [ONE, TWO],
    ],
    [
      'a value of 5,000 letters beside it',
      BATCH,
      `batchOrders=${encode([{ note: 'x'.repeat(5_000), ...ONE }, TWO])}`,
      [ONE, TWO],
    ],
    [
      'all of it at once',
      BATCH,
      `${junk(100, 'v+'.repeat(100))}&batchOrders=${encodeURIComponent(`${strange},"side":"SELL","newClientOrderId":"x"}]`)}`,
      [{ symbol: 'BTCUSDT', side: 'SELL', newClientOrderId: 'x' }],
    ],
  ])('The record names the order whole with %s', async (_, path, body, orders) => {
    const { arrived } = await call('POST', path, body);
    expect(arrived).toBe(1);
    const { orders: recorded } = lastSigned();
    expect(recorded).toEqual(orders);
    const sent = arrivedParameters();
    if (path !== BATCH)
      expect(recorded).toEqual([Object.fromEntries([...sent].filter(([name]) => name in ONE))]);
    else for (const [index, one] of orders.entries()) expect(arrivedBatch()[index]).toMatchObject(one);
  });

  it('The parameters of a batch beside a name that looks like a key stay readable', async () => {
    await call('POST', BATCH, `batchOrders=${encode([{ ...ONE, [long]: 'hidden', apiKey: 'hidden' }, TWO])}`);
    const { batchOrders } = lastSigned().params as { batchOrders: string };
    expect(JSON.parse(batchOrders)).toMatchObject([{ ...ONE, apiKey: '***' }, TWO]);
    expect(batchOrders).not.toContain('hidden');
    expect(batchOrders).not.toContain(long);
  });
});

const flag = fc.constantFrom('true', 'false');
const clientId = fc.stringMatching(/^[.A-Z:/a-z0-9_-]{8,36}$/);
const anOrder = fc.record(
  {
    symbol: fc.constantFrom('BTCUSDT', 'ETHUSDT'),
    side: fc.constantFrom('BUY', 'SELL'),
    type: fc.constant('LIMIT'),
    timeInForce: fc.constantFrom('GTC', 'IOC', 'FOK'),
    quantity: fc.integer({ min: 10, max: 99 }).map((n) => `0.0${n}`),
    price: fc.integer({ min: 20_000, max: 90_000 }).map((n) => `${n}.10`),
    positionSide: fc.constant('BOTH'),
    reduceOnly: flag,
    priceProtect: flag,
    workingType: fc.constantFrom('MARK_PRICE', 'CONTRACT_PRICE'),
    selfTradePreventionMode: fc.constantFrom('NONE', 'EXPIRE_MAKER'),
    newClientOrderId: clientId,
    newOrderRespType: fc.constantFrom('ACK', 'RESULT'),
  },
  { requiredKeys: ['symbol', 'side', 'type', 'timeInForce', 'quantity', 'price'] },
);
const junkName = fc.stringMatching(/^[A-Za-z]{1,61}$/).map((text) => `zz${text}`);

/** JSON as an app writes it: each number and flag now and then bare, spaces anywhere. */
function jsonOf(orders: readonly Order[], bare: boolean, space: string): string {
  const value = (text: string) =>
    bare && /^(?:\d+\.\d+|true|false)$/.test(text) ? text : JSON.stringify(text);
  const members = (order: Order) =>
    Object.entries(order).map(([name, text]) => `${space}${JSON.stringify(name)}:${space}${value(text)}`);
  return `[${orders.map((order) => `${space}{${members(order).join(',')}}`).join(',')}${space}]`;
}

/** What makes up an order: all that an app said of it but how it wants its answer, and the id that the proxy gave. */
function partsOf(arrived: Readonly<Record<string, string>>, said: Order): Order {
  const names = new Set([...Object.keys(said), 'newClientOrderId']);
  return Object.fromEntries(
    Object.entries(arrived).filter(
      ([name]) => names.has(name) && name !== 'newOrderRespType' && !name.startsWith('zz'),
    ),
  );
}

describe('whatever orders an app sends', () => {
  it('The record of a batch over HTTP says, field by field, what the exchange received and carried out', async () => {
    let carriedOut = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(anOrder, { minLength: 1, maxLength: 5 }),
        fc.dictionary(junkName, fc.string({ unit: 'grapheme', maxLength: 30 }), { maxKeys: 2 }),
        fc.boolean(),
        fc.constantFrom('', ' ', '\n\t'),
        fc.constantFrom('query', 'form', 'json'),
        fc.boolean(),
        async (orders, junk, bare, space, way, isInside) => {
          const text = jsonOf(
            isInside ? orders.map((order) => ({ ...junk, ...order })) : orders,
            bare,
            space,
          );
          const beside = isInside ? {} : junk;
          const form = new URLSearchParams({ ...beside, batchOrders: text }).toString();
          const body =
            way === 'json'
              ? `{${[...Object.entries(beside).map(([n, v]) => `${JSON.stringify(n)}:${JSON.stringify(v)}`), `"batchOrders":${text}`].join(',')}}`
              : form;
          const before = simulator.requests.length;
          const reply = await send(proxy.port, way === 'query' ? `${BATCH}?${form}` : BATCH, {
            method: 'POST',
            headers: HEADERS,
            ...(way === 'query' ? {} : { body }),
          });
          expect(simulator.requests).toHaveLength(before + 1);
          const arrived = arrivedBatch();
          const recorded = lastSigned().orders as Order[];
          expect(recorded).toEqual(arrived.map((order, index) => partsOf(order, orders[index]!)));
          const answers = JSON.parse(reply.text) as unknown;
          for (const [index, answer] of (Array.isArray(answers) ? (answers as Order[]) : []).entries()) {
            if (answer.orderId === undefined) continue;
            carriedOut++;
            const { newClientOrderId, symbol, side, type, quantity, price } = recorded[index]!;
            expect(answer).toMatchObject({ clientOrderId: newClientOrderId, symbol, side, type });
            expect([Number(answer.origQty), Number(answer.price)]).toEqual([Number(quantity), Number(price)]);
          }
        },
      ),
      runs(1_000),
    );
    expect(carriedOut).toBeGreaterThan(0);
  });

  it('The record of an order in a frame says, field by field, what the exchange received', async () => {
    const spot = await connectApp(`${proxy.url}/ws-api/v3`, { headers: HEADERS });
    const futures = await connectApp(`${proxy.url}/ws-fapi/v1`, { headers: HEADERS });
    onTestFinished(async () => {
      await Promise.all([spot.close(), futures.close()]);
    });
    const doors: readonly (readonly [WsApp, string, (order: Order) => readonly Order[]])[] = [
      [futures, 'order.place', (order) => [order]],
      [spot, 'order.place', (order) => [order]],
      [spot, 'sor.order.place', (order) => [order]],
      [spot, 'orderList.place.oco', ocoOf],
    ];
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...doors),
        anOrder,
        junkName,
        async ([app, method, dealt], order, name) => {
          const legs = dealt(order);
          await app.ask(method, { ...Object.assign({}, ...legs), [name]: 'x' });
          const { params } = JSON.parse(simulator.frames.at(-1)!.text) as { params: Record<string, string> };
          const recorded = lastSigned().orders as Order[];
          const ids = Object.keys(params).filter((each) => /ClientOrderId$/.test(each));
          for (const [index, leg] of legs.entries()) {
            const own = ids.filter(
              (id) => legs.length === 1 || id.startsWith('list') || id.startsWith(LEGS[index]!),
            );
            const names = [...Object.keys(leg), ...own].filter((each) => each !== 'newOrderRespType');
            expect(recorded[index]).toEqual(Object.fromEntries(names.map((each) => [each, params[each]])));
          }
          expect(recorded).toHaveLength(legs.length);
        },
      ),
      runs(1_000),
    );
  });
});

const LEGS = ['above', 'below'];

/** The two orders of a list, as an app names them. */
function ocoOf({
  symbol = '',
  side = '',
  quantity = '',
  price = '',
  timeInForce = '',
}: Order): readonly Order[] {
  const shared = { symbol, side, quantity };
  return [
    {
      ...shared,
      aboveType: 'TAKE_PROFIT_LIMIT',
      abovePrice: price,
      aboveStopPrice: price,
      aboveTimeInForce: timeInForce,
    },
    { ...shared, belowType: 'STOP_LOSS', belowStopPrice: '10.5', belowIcebergQty: '0.01' },
  ];
}

describe('a restart', () => {
  const ids = Array.from({ length: 5 }, (_, index) => `a-client-order-id-of-36-characters-${index}`);
  const waiting = { resolutionPausesMs: [600_000] };

  function start(folder: string, timeouts: { resolutionPausesMs: number[] }): Promise<TestProxy> {
    return startTestProxy({
      upstream: simulator.url,
      env: { BINANCE_PROXY_AUDIT_DIR: join(folder, 'audit') },
      timeouts,
    });
  }
  async function unresolved(of: TestProxy): Promise<unknown[]> {
    const { json } = await askOperator(of.operatorUrl, '/orders/unresolved');
    return json?.orders as unknown[];
  }
  function temporaryFolder(): string {
    const folder = mkdtempSync(join(tmpdir(), 'signing-proxy-recorded-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    return folder;
  }
  /** Loses the answer to a batch of five, stops, and starts a second proxy on the same folder. */
  async function afterRestart(path: string, form: string, timeouts = waiting): Promise<TestProxy> {
    const folder = temporaryFolder();
    const first = await start(folder, waiting);
    simulator.inject({ kind: 'execute-then-drop', match: { method: 'POST', path } });
    const reply = await send(first.port, path, { method: 'POST', body: form });
    expect(reply.headers['x-proxy-outcome']).toBe('unknown');
    await first.close();
    const second = await start(folder, timeouts);
    onTestFinished(() => second.close());
    return second;
  }

  it.each<[string, string, string, string]>([
    [BATCH, 'batchOrders', 'newClientOrderId', 'BTCUSDT'],
    ['/dapi/v1/batchOrders', 'batchOrders', 'newClientOrderId', 'BTCUSD_PERP'],
    ['/eapi/v1/batchOrders', 'orders', 'clientOrderId', 'BTC-270129-90000-C'],
  ])(
    'A restart takes up each order of a lost batch of five on %s, however long the batch was',
    async (path, carrier, id, symbol) => {
      const orders = ids.map((each) => ({
        ...LIMIT,
        price: '20000.0',
        reduceOnly: 'false',
        note1: 'n'.repeat(400),
        note2: 'n'.repeat(400),
        note3: 'n'.repeat(400),
        symbol,
        [id]: each,
      }));
      const second = await afterRestart(path, `${carrier}=${encode(orders)}`);
      await expect.poll(() => unresolved(second)).toMatchObject([{ clientOrderIds: ids, symbols: [symbol] }]);
    },
  );

  it('A restart finds out what became of a lost batch of five', async () => {
    const orders = ids.map((newClientOrderId) => ({ ...LIMIT, price: '20000.0', newClientOrderId }));
    const text = `batchOrders=[${'%20'.repeat(4_200)}${encode(orders).slice(3)}`;
    const second = await afterRestart(BATCH, text, { resolutionPausesMs: [20, 20, 20] });
    await expect.poll(() => second.records('call.resolved')).toHaveLength(1);
    expect(second.records('call.resolved')[0]).toMatchObject({
      clientOrderId: ids,
      detail: { resolution: 'resting' },
    });
  });

  it('A restart takes up what an earlier version recorded, which named no orders', async () => {
    const folder = temporaryFolder();
    const first = await start(folder, waiting);
    simulator.inject({ kind: 'execute-then-drop', match: { method: 'POST', path: BATCH } });
    await send(first.port, BATCH, { method: 'POST', body: `batchOrders=${encode([ONE, TWO])}` });
    await first.close();
    const audit = join(folder, 'audit');
    for (const name of readdirSync(audit).filter((each) => each.endsWith('.ndjson'))) {
      const text = readFileSync(join(audit, name), 'utf8');
      expect(text).toContain('"orders":[');
      writeFileSync(join(audit, name), text.replaceAll(/"orders":\[.*?\],(?="params")/g, ''));
    }
    const second = await start(folder, waiting);
    onTestFinished(() => second.close());
    await expect.poll(() => unresolved(second)).toMatchObject([{ clientOrderIds: ['one', 'two'] }]);
  });
});
