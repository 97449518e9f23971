import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { send } from '../../support/clients/http.ts';
import { startTestProxy, type TestProxy } from '../../support/servers/proxy.ts';
import { startUpstream, type Upstream } from '../../support/servers/upstream.ts';

const TRADE = 'market-data, read, spot-margin-trade, futures-trade, options-trade, portfolio-margin-trade';
const KEY = 'issued-key-of-the-bot-0123456789abcdefghijklmnopqrstuvwxyz';

type Sent = readonly [what: string, method: string, path: string, body: string];

let upstream: Upstream;
let proxy: TestProxy;
let before = 0;

/** A proxy with one client, `bot`, of which the rest is this YAML; without YAML the client is `default`. */
function withClient(rest?: string): void {
  beforeAll(async () => {
    upstream = await startUpstream();
    proxy = await startTestProxy({
      upstream: upstream.url,
      ...(rest === undefined
        ? { env: { BINANCE_PROXY_CLIENT_KEY: KEY } }
        : {
            env: { BOT_CLIENT_KEY: KEY },
            yaml: `clients: { bot: { account: main, envPrefix: BOT, ${rest} } }`,
          }),
    });
  });
  afterAll(async () => {
    await proxy.close();
    await upstream.close();
  });
  beforeEach(() => {
    before = upstream.received.length;
  });
}

/** Sends it in the query of a GET or DELETE, in the body of everything else. */
function call(method: string, path: string, parameters: string) {
  const inQuery = method === 'GET' || method === 'DELETE';
  return send(proxy.port, inQuery && parameters !== '' ? `${path}?${parameters}` : path, {
    method,
    headers: { 'x-mbx-apikey': KEY },
    ...(inQuery ? {} : { body: parameters }),
  });
}

async function expectRefused(
  [, method, path, body]: Sent,
  [status, code, error]: readonly [number, number, string],
  rule: string,
): Promise<void> {
  const reply = await call(method, path, body);
  expect([reply.status, reply.json?.code, reply.headers['x-proxy-error']]).toEqual([status, code, error]);
  expect(reply.headers['x-proxy-outcome']).toBe('not-sent');
  expect(upstream.received.length, 'something left').toBe(before);
  expect(proxy.records('call.refused').at(-1)).toMatchObject({ error, rule });
}

const ORDER_REFUSED = [400, -2010, 'PROXY_ORDER_REFUSED'] as const;
const DENIED = [403, -1002, 'PROXY_PERMISSION_DENIED'] as const;

async function expectSent(method: string, path: string, body: string): Promise<void> {
  const reply = await call(method, path, body);
  expect([reply.status, reply.headers['x-proxy-error']]).toEqual([200, undefined]);
  expect(upstream.received.length).toBe(before + 1);
  expect(upstream.received.at(-1)).toMatchObject({ method });
}

const ISOLATED = 'type=ISOLATEDMARGIN_MARGIN&asset=USDT&amount=1';

/** Each names a symbol that a client of BTCUSDT and BTCUSD_PERP may not touch. */
const FOREIGN: readonly Sent[] = [
  ['the leverage of USD-M', 'POST', '/fapi/v1/leverage', 'symbol=ETHUSDT&leverage=2'],
  ['the leverage of COIN-M', 'POST', '/dapi/v1/leverage', 'symbol=ETHUSD_PERP&leverage=2'],
  ['the leverage under portfolio margin', 'POST', '/papi/v1/um/leverage', 'symbol=ETHUSDT&leverage=2'],
  [
    'the COIN-M leverage under portfolio margin',
    'POST',
    '/papi/v1/cm/leverage',
    'symbol=ETHUSD_PERP&leverage=2',
  ],
  ['the leverage in a JSON body', 'POST', '/fapi/v1/leverage', '{"symbol":"ETHUSDT","leverage":2}'],
  ['the margin type of USD-M', 'POST', '/fapi/v1/marginType', 'symbol=ETHUSDT&marginType=CROSSED'],
  ['the margin type of COIN-M', 'POST', '/dapi/v1/marginType', 'symbol=ETHUSD_PERP&marginType=CROSSED'],
  ['the margin of a position', 'POST', '/fapi/v1/positionMargin', 'symbol=ETHUSDT&amount=100&type=2'],
  [
    'the margin of a COIN-M position',
    'POST',
    '/dapi/v1/positionMargin',
    'symbol=ETHUSD_PERP&amount=1&type=2',
  ],
  ['an isolated account that opens', 'POST', '/sapi/v1/margin/isolated/account', 'symbol=ETHUSDT'],
  ['an isolated account that closes', 'DELETE', '/sapi/v1/margin/isolated/account', 'symbol=ETHUSDT'],
  ['a countdown that is disarmed', 'POST', '/fapi/v1/countdownCancelAll', 'symbol=ETHUSDT&countdownTime=0'],
  ['a countdown that is armed', 'POST', '/fapi/v1/countdownCancelAll', 'symbol=ETHUSDT&countdownTime=9000'],
  ['a COIN-M countdown', 'POST', '/dapi/v1/countdownCancelAll', 'symbol=ETHUSD_PERP&countdownTime=0'],
  ['an options countdown', 'POST', '/eapi/v1/countdownCancelAll', 'underlying=ETHUSDT&countdownTime=0'],
  ['one of two beats', 'POST', '/eapi/v1/countdownCancelAllHeartBeat', 'underlyings=BTCUSDT,ETHUSDT'],
  ['a market maker protection', 'POST', '/eapi/v1/mmpSet', 'underlying=ETHUSDT&qtyLimit=1'],
  ['a reset of such protection', 'POST', '/eapi/v1/mmpReset', 'underlying=ETHUSDT'],
  ['money out of an isolated account', 'POST', '/sapi/v1/asset/transfer', `${ISOLATED}&fromSymbol=ETHUSDT`],
  ['money into an isolated account', 'POST', '/sapi/v1/asset/transfer', `${ISOLATED}&toSymbol=ETHUSDT`],
  [
    'a loan in an isolated account',
    'POST',
    '/sapi/v1/margin/borrow-repay',
    'asset=USDT&isIsolated=TRUE&symbol=ETHUSDT&amount=1&type=BORROW',
  ],
  [
    'the liquidation of an isolated account',
    'POST',
    '/sapi/v1/margin/manual-liquidation',
    'type=ISOLATED&symbol=ETHUSDT',
  ],
  [
    'one of two moved positions',
    'POST',
    '/sapi/v1/sub-account/futures/move-position',
    `orderArgs=${encodeURIComponent('[{"symbol":"BTCUSDT","quantity":1},{"symbol":"ETHUSDT","quantity":1}]')}`,
  ],
  [
    'a symbol in another letter case',
    'POST',
    '/fapi/v1/leverage',
    'symbol=BTCUSDT&Symbol=ETHUSDT&leverage=2',
  ],
  ['a second name for the symbol', 'POST', '/fapi/v1/marginType', 'symbol=BTCUSDT&pair=ETHUSD'],
  ['a pair that only begins like a symbol', 'POST', '/dapi/v1/leverage', 'pair=BTCU&leverage=2'],
  [
    'a JSON list of symbols',
    'POST',
    '/fapi/v1/marginType',
    `symbols=${encodeURIComponent('["BTCUSDT","ETHUSDT"]')}`,
  ],
  ['a symbol written small', 'POST', '/fapi/v1/leverage', 'symbol=btcusdt&leverage=2'],
  [
    'an order that names two',
    'POST',
    '/api/v3/order',
    'symbol=BTCUSDT&pair=ETHUSDT&side=BUY&type=MARKET&quantity=1',
  ],
];

const NAMELESS: readonly Sent[] = [
  ['leverage', 'POST', '/fapi/v1/leverage', 'leverage=2'],
  ['leverage of an empty symbol', 'POST', '/papi/v1/um/leverage', 'symbol=&leverage=2'],
  ['a margin type', 'POST', '/dapi/v1/marginType', 'marginType=ISOLATED'],
  ['a countdown', 'POST', '/fapi/v1/countdownCancelAll', 'countdownTime=0'],
  ['an options countdown', 'POST', '/eapi/v1/countdownCancelAll', 'countdownTime=0'],
  ['an isolated account', 'DELETE', '/sapi/v1/margin/isolated/account', ''],
];

describe('the symbols of a client', () => {
  withClient(
    `permissions: [${TRADE}, loan, universal-transfer, internal-transfer], symbols: [BTCUSDT, BTCUSD_PERP]`,
  );

  it.each(FOREIGN)('A client of other symbols cannot touch %s (%s %s)', async (...sent) => {
    await expectRefused(sent, ORDER_REFUSED, 'symbols');
  });

  it.each(NAMELESS)('A call about one symbol that names none is refused: %s', async (...sent) => {
    await expectRefused(sent, ORDER_REFUSED, 'symbols');
  });

  it('A list of symbols that cannot be read is refused', async () => {
    const body = `orderArgs=${encodeURIComponent('[{"symbol":"BTCUSDT","symbol":"ETHUSDT"}]')}`;
    const sent = ['', 'POST', '/sapi/v1/sub-account/futures/move-position', body] as const;
    await expectRefused(sent, ORDER_REFUSED, 'unreadable');
  });

  it.each([
    ['POST', '/fapi/v1/leverage', 'symbol=BTCUSDT&leverage=2'],
    ['POST', '/dapi/v1/marginType', 'symbol=BTCUSD_PERP&marginType=CROSSED'],
    ['POST', '/dapi/v1/marginType', 'pair=BTCUSD&marginType=CROSSED'],
    ['POST', '/fapi/v1/countdownCancelAll', 'symbol=BTCUSDT&countdownTime=0'],
    ['POST', '/eapi/v1/countdownCancelAllHeartBeat', 'underlyings=BTCUSDT'],
    ['POST', '/sapi/v1/margin/isolated/account', 'symbol=BTCUSDT'],
    ['POST', '/sapi/v1/asset/transfer', `${ISOLATED}&fromSymbol=BTCUSDT`],
    ['POST', '/sapi/v1/asset/transfer', 'type=MAIN_UMFUTURE&asset=USDT&amount=1'],
  ])('A client of these symbols may send %s %s %s', (...sent) => expectSent(...sent));

  it.each([
    ['DELETE', '/api/v3/order', 'symbol=ETHUSDT&orderId=1'],
    ['DELETE', '/api/v3/openOrders', 'symbol=ETHUSDT'],
    ['DELETE', '/fapi/v1/allOpenOrders', 'symbol=ETHUSDT'],
    ['DELETE', '/eapi/v1/allOpenOrdersByUnderlying', 'underlying=ETHUSDT'],
    ['DELETE', '/sapi/v1/algo/futures/order', 'algoId=1'],
  ])('A cancel passes on any symbol and without one: %s %s %s', (...sent) => expectSent(...sent));

  it.each([
    ['GET', '/api/v3/openOrders', 'symbol=ETHUSDT'],
    ['GET', '/fapi/v1/symbolConfig', 'symbol=ETHUSDT'],
    ['POST', '/fapi/v1/listenKey', ''],
  ])('A read passes on any symbol: %s %s %s', (...sent) => expectSent(...sent));
});

describe('a client in report mode', () => {
  withClient(
    `permissions: [${TRADE}], symbols: [BTCUSDT], order: { maxLeverage: 5 }, policy: { mode: report }`,
  );

  it('What a client in report mode touches beyond its rules is logged by each rule and passes', async () => {
    await expectSent('POST', '/fapi/v1/leverage', 'symbol=ETHUSDT&leverage=20');
    const rules = proxy.records('policy.reported').map(({ rule }) => rule);
    expect(rules).toEqual(['symbols', 'order.maxLeverage']);
  });
});

const HIGH: readonly Sent[] = [
  ['USD-M', 'POST', '/fapi/v1/leverage', 'symbol=BTCUSDT&leverage=6'],
  ['COIN-M', 'POST', '/dapi/v1/leverage', 'symbol=BTCUSD_PERP&leverage=125'],
  ['USD-M under portfolio margin', 'POST', '/papi/v1/um/leverage', 'symbol=BTCUSDT&leverage=20'],
  ['COIN-M under portfolio margin', 'POST', '/papi/v1/cm/leverage', 'symbol=BTCUSD_PERP&leverage=20'],
  ['cross margin', 'POST', '/sapi/v1/margin/max-leverage', 'maxLeverage=10'],
  ['a JSON body', 'POST', '/fapi/v1/leverage', '{"symbol":"BTCUSDT","leverage":20}'],
  ['another letter case', 'POST', '/fapi/v1/leverage', 'symbol=BTCUSDT&leverage=2&Leverage=20'],
  ['a fraction', 'POST', '/fapi/v1/leverage', 'symbol=BTCUSDT&leverage=2.5'],
  ['an exponent', 'POST', '/fapi/v1/leverage', '{"symbol":"BTCUSDT","leverage":1e2}'],
  ['an empty value', 'POST', '/dapi/v1/leverage', 'symbol=BTCUSD_PERP&leverage='],
  ['a sign', 'POST', '/papi/v1/um/leverage', 'symbol=BTCUSDT&leverage=%2B2'],
  ['no value', 'POST', '/sapi/v1/margin/max-leverage', ''],
];

describe('the largest leverage of a client', () => {
  withClient(`permissions: [${TRADE}, loan], order: { maxLeverage: 5 }`);

  it.each(HIGH)('Leverage above the largest, or unreadable, is refused: %s (%s %s %s)', async (...sent) => {
    await expectRefused(sent, ORDER_REFUSED, 'order.maxLeverage');
  });

  it.each([
    ['POST', '/fapi/v1/leverage', 'symbol=ETHUSDT&leverage=5'],
    ['POST', '/dapi/v1/leverage', '{"symbol":"BTCUSD_PERP","leverage":1}'],
    ['POST', '/sapi/v1/margin/max-leverage', 'maxLeverage=3'],
    ['POST', '/fapi/v1/marginType', 'symbol=ETHUSDT&marginType=ISOLATED'],
    ['DELETE', '/fapi/v1/allOpenOrders', 'symbol=ETHUSDT'],
  ])('A client with a largest leverage may send %s %s %s', (...sent) => expectSent(...sent));
});

const SETTINGS: readonly Sent[] = [
  ['the position mode of USD-M', 'POST', '/fapi/v1/positionSide/dual', 'dualSidePosition=true'],
  ['the position mode of COIN-M', 'POST', '/dapi/v1/positionSide/dual', 'dualSidePosition=true'],
  [
    'the position mode under portfolio margin',
    'POST',
    '/papi/v1/um/positionSide/dual',
    'dualSidePosition=true',
  ],
  [
    'the COIN-M mode under portfolio margin',
    'POST',
    '/papi/v1/cm/positionSide/dual',
    'dualSidePosition=true',
  ],
  ['the multi-assets mode', 'POST', '/fapi/v1/multiAssetsMargin', 'multiAssetsMargin=true'],
  ['the fee burn of futures', 'POST', '/fapi/v1/feeBurn', 'feeBurn=true'],
  ['the fee burn under portfolio margin', 'POST', '/papi/v1/um/feeBurn', 'feeBurn=true'],
  ['the BNB burn', 'POST', '/sapi/v1/bnbBurn', 'spotBNBBurn=true'],
  ['the delta mode', 'POST', '/sapi/v1/portfolio/delta-mode', 'deltaEnabled=true'],
  ['the level of margin calls', 'POST', '/sapi/v1/portfolio/margin-call-level', 'marginCallLevel=2'],
  ['the end of that level', 'DELETE', '/sapi/v1/portfolio/margin-call-level', ''],
];
const STOCKS: readonly Sent[] = [
  [
    'an order',
    'POST',
    '/sapi/v1/equity/order/place',
    'symbol=AAPL&side=BUY&orderType=MARKET&notional=10&clientOrderId=a1',
  ],
  ['a cancel', 'POST', '/sapi/v1/equity/order/cancel', 'orderId=1'],
  ['a cancel of all', 'POST', '/sapi/v1/equity/order/cancel-all', ''],
];
const PERSONAL: readonly Sent[] = [
  '/sapi/v1/capital/withdraw/address/list',
  '/sapi/v1/addressVerify/list',
  '/sapi/v1/fiat/orders',
  '/sapi/v1/fiat/payments',
  '/sapi/v1/c2c/orderMatch/listUserOrderHistory',
  '/sapi/v1/pay/transactions',
  '/sapi/v1/sub-account/list',
  '/sapi/v1/managed-subaccount/info',
  '/sapi/v1/margin/loan-groups/activated',
  '/fapi/v1/income/asyn',
  '/fapi/v1/income/asyn/id',
  '/dapi/v1/order/asyn',
  '/papi/v1/um/trade/asyn',
].map((path) => ['what is personal', 'GET', path, ''] as const);

describe('a client of the file to which nothing more was granted', () => {
  withClient('requestsPerSecond: 1000');

  it.each(SETTINGS)('A client cannot set %s without account-settings (%s %s)', async (...sent) => {
    await expectRefused(sent, DENIED, 'permission:account-settings');
  });

  it.each(STOCKS)('A client cannot trade stocks without equity-trade: %s (%s %s)', async (...sent) => {
    await expectRefused(sent, DENIED, 'permission:equity-trade');
  });

  it.each(PERSONAL)('A client cannot read %s without read-personal (%s %s)', async (...sent) => {
    await expectRefused(sent, DENIED, 'permission:read-personal');
  });

  it.each([
    ['GET', '/fapi/v1/positionSide/dual', ''],
    ['GET', '/sapi/v1/bnbBurn', ''],
    ['GET', '/sapi/v1/capital/withdraw/history', ''],
    ['GET', '/sapi/v1/capital/deposit/address', 'coin=BTC'],
    ['GET', '/fapi/v1/income', ''],
    ['POST', '/fapi/v1/leverage', 'symbol=ETHUSDT&leverage=20'],
  ])('What the client could do before it still can: %s %s %s', (...sent) => expectSent(...sent));
});

describe('a client of the file to which the further permissions were granted', () => {
  withClient('permissions: [account-settings, equity-trade, read-personal], symbols: [BTCUSDT, AAPL]');

  it.each([...SETTINGS, ...STOCKS, ...PERSONAL])('A granted client may send %s (%s %s)', (_, ...sent) =>
    expectSent(...sent),
  );
});

describe('the single client of a proxy whose file names none', () => {
  withClient();

  it.each(SETTINGS)('The single client may set %s (%s %s)', (_, ...sent) => expectSent(...sent));

  it.each([...STOCKS, ...PERSONAL])('The single client cannot send %s (%s %s)', async (...sent) => {
    const rule = sent[2].includes('/equity/') ? 'permission:equity-trade' : 'permission:read-personal';
    await expectRefused(sent, DENIED, rule);
  });
});
