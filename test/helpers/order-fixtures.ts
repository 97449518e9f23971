import { type Call, encodeComponent, readCall } from '../../src/core/call.ts';
import type { Client, OrderRules } from '../../src/core/client.ts';
import type { Endpoint } from '../../src/core/endpoint.ts';
import { ProxyError } from '../../src/core/errors.ts';

export type Form = Readonly<Record<string, string>>;

/** A call as an app sends it, its parameters in the body. */
export function callOf(endpoint: Pick<Endpoint, 'method' | 'path'>, form: Form): Call {
  const body = Object.entries(form).map(([name, value]) => `${name}=${encodeComponent(value)}`);
  return readCall(endpoint.method, endpoint.path, Buffer.from(body.join('&')));
}

export function clientWith(
  order: OrderRules | undefined,
  more: Partial<Pick<Client, 'name' | 'symbols' | 'policyMode' | 'permissions'>> = {},
): Client {
  return {
    name: 'grid-bot',
    account: 'main',
    secret: undefined,
    requireSignature: false,
    permissions: new Set(['market-data', 'read', 'spot-margin-trade']),
    symbols: undefined,
    order,
    weightPerMinute: undefined,
    requestsPerSecond: undefined,
    policyMode: 'enforce',
    ...more,
  };
}

/** The refusal that something ends in; undefined when it does not end in one. */
export function refusalOf(attempt: () => unknown): ProxyError | undefined {
  try {
    attempt();
  } catch (error) {
    if (error instanceof ProxyError) return error;
    throw error;
  }
  return undefined;
}

/** One order on every door of the catalogue that places or amends, by method and path. */
export interface DoorSample {
  readonly form: Form;
  readonly symbol: string | undefined;
  readonly types: readonly string[];
  /** Values of the orders one by one; undefined where nobody can tell. */
  readonly values: readonly string[] | undefined;
  readonly asset: string;
  /** What the call takes out of the day; the sum of the values unless orders exclude each other. */
  readonly dayValue?: string;
}

const SPOT = { symbol: 'BTCUSDT', side: 'BUY' };
const LIMIT = { ...SPOT, type: 'LIMIT', timeInForce: 'GTC', quantity: '0.005', price: '90000.01' };
/** Own price below the book: the ask of 100000.5 counts. */
const limit: DoorSample = {
  form: LIMIT,
  symbol: 'BTCUSDT',
  types: ['LIMIT'],
  values: ['500.0025'],
  asset: 'USDT',
};
const legacyOco: DoorSample = {
  ...limit,
  form: {
    ...SPOT,
    side: 'SELL',
    quantity: '0.01',
    price: '120000',
    stopPrice: '80000',
    stopLimitPrice: '79000',
  },
  types: ['LIMIT_MAKER', 'STOP_LOSS_LIMIT'],
  values: ['1200', '1000'],
  dayValue: '1200',
};
const chain = {
  symbol: 'BTCUSDT',
  workingType: 'LIMIT',
  workingSide: 'BUY',
  workingPrice: '99000',
  workingQuantity: '0.01',
};
const pendingPair = {
  pendingSide: 'SELL',
  pendingAboveType: 'TAKE_PROFIT_LIMIT',
  pendingAbovePrice: '130000',
  pendingAboveStopPrice: '131000',
  pendingBelowType: 'STOP_LOSS',
  pendingBelowStopPrice: '90000',
};
const oto: DoorSample = {
  ...limit,
  form: {
    ...chain,
    pendingType: 'LIMIT_MAKER',
    pendingSide: 'SELL',
    pendingPrice: '110000',
    pendingQuantity: '0.02',
  },
  types: ['LIMIT', 'LIMIT_MAKER'],
  values: ['1000.005', '2200'],
};
const otoco: DoorSample = {
  ...limit,
  form: { ...chain, ...pendingPair, pendingQuantity: '0.02' },
  types: ['LIMIT', 'TAKE_PROFIT_LIMIT', 'STOP_LOSS'],
  values: ['1000.005', '2620', '2000'],
  dayValue: '3620.005',
};
const usdm: DoorSample = { ...limit, form: { ...LIMIT, side: 'SELL' }, values: ['499'] };
const coinm: DoorSample = {
  form: { symbol: 'BTCUSD_PERP', side: 'BUY', type: 'MARKET', quantity: '7' },
  symbol: 'BTCUSD_PERP',
  types: ['MARKET'],
  values: ['700'],
  asset: 'USD',
};
const usdmAmend: DoorSample = {
  ...usdm,
  form: { symbol: 'BTCUSDT', orderId: '1', side: 'BUY', quantity: '0.01', price: '110000' },
  values: ['1100'],
};
const coinmAmend: DoorSample = {
  ...coinm,
  types: ['LIMIT'],
  form: { symbol: 'BTCUSD_PERP', orderId: '1', side: 'BUY', quantity: '7', price: '1' },
};
const usdmConditional = { symbol: 'BTCUSDT', side: 'BUY', quantity: '0.01' };
const nameless: DoorSample = {
  form: { quoteId: '12415572564' },
  symbol: undefined,
  types: ['CONVERT'],
  values: undefined,
  asset: 'USDT',
};
const option = { symbol: 'BTC-270129-90000-C', side: 'BUY', type: 'LIMIT', quantity: '0.5', price: '1000' };

function batch(carrier: string, samples: readonly DoorSample[]): DoorSample {
  const [first] = samples;
  return {
    ...(first as DoorSample),
    form: { [carrier]: JSON.stringify(samples.map((sample) => sample.form)) },
    types: samples.flatMap((sample) => sample.types),
    values: samples.flatMap((sample) => sample.values ?? []),
  };
}

export const DOOR_SAMPLES: ReadonlyMap<string, DoorSample> = new Map([
  ['POST /api/v3/order', limit],
  ['POST /api/v3/order/test', limit],
  ['POST /api/v3/sor/order', limit],
  ['POST /api/v3/sor/order/test', limit],
  [
    'POST /api/v3/order/cancelReplace',
    { ...limit, form: { ...LIMIT, cancelReplaceMode: 'STOP_ON_FAILURE', cancelOrderId: '5' } },
  ],
  [
    'PUT /api/v3/order/amend/keepPriority',
    { ...limit, form: { symbol: 'BTCUSDT', orderId: '5', newQty: '0.005' }, types: [] },
  ],
  ['POST /api/v3/order/oco', legacyOco],
  ['POST /sapi/v1/margin/order/oco', legacyOco],
  ['POST /papi/v1/margin/order/oco', legacyOco],
  [
    'POST /api/v3/orderList/oco',
    {
      ...legacyOco,
      form: {
        ...SPOT,
        side: 'SELL',
        quantity: '0.01',
        aboveType: 'LIMIT_MAKER',
        abovePrice: '120000',
        belowType: 'STOP_LOSS',
        belowStopPrice: '80000',
      },
      types: ['LIMIT_MAKER', 'STOP_LOSS'],
    },
  ],
  ['POST /api/v3/orderList/oto', oto],
  ['POST /sapi/v1/margin/order/oto', oto],
  ['POST /api/v3/orderList/otoco', otoco],
  ['POST /sapi/v1/margin/order/otoco', otoco],
  [
    'POST /api/v3/orderList/opo',
    {
      ...oto,
      form: { ...chain, pendingType: 'LIMIT_MAKER', pendingSide: 'SELL', pendingPrice: '110000' },
      values: ['1000.005', '1100'],
    },
  ],
  [
    'POST /api/v3/orderList/opoco',
    {
      ...otoco,
      form: { ...chain, ...pendingPair },
      values: ['1000.005', '1310', '1000'],
      dayValue: '2310.005',
    },
  ],
  ['POST /sapi/v1/margin/order', limit],
  [
    'POST /papi/v1/margin/order',
    { ...limit, form: { ...SPOT, type: 'MARKET', quoteOrderQty: '500.0025' }, types: ['MARKET'] },
  ],
  [
    'POST /sapi/v1/algo/spot/newOrderTwap',
    { ...limit, form: { ...SPOT, quantity: '0.005', duration: '3600' }, types: ['TWAP'] },
  ],
  [
    'POST /sapi/v1/algo/futures/newOrderTwap',
    { ...usdm, form: { ...SPOT, side: 'SELL', quantity: '0.005', duration: '3600' }, types: ['TWAP'] },
  ],
  [
    'POST /sapi/v1/algo/futures/newOrderVp',
    { ...usdm, form: { ...SPOT, side: 'SELL', quantity: '0.005', urgency: 'LOW' }, types: ['VP'] },
  ],
  ['POST /sapi/v1/convert/acceptQuote', nameless],
  ['POST /fapi/v1/convert/acceptQuote', nameless],
  [
    'POST /sapi/v1/convert/limit/placeOrder',
    {
      ...limit,
      form: {
        baseAsset: 'BTC',
        quoteAsset: 'USDT',
        side: 'SELL',
        limitPrice: '50000',
        quoteAmount: '250',
        expiredType: '1_D',
      },
      types: ['CONVERT_LIMIT'],
      values: ['500'],
    },
  ],
  [
    'POST /sapi/v1/equity/order/place',
    {
      form: {
        symbol: 'AAPL',
        side: 'BUY',
        orderType: 'LIMIT',
        quantity: '2',
        price: '180.5',
        tradingSession: 'RTH',
      },
      symbol: 'AAPL',
      types: ['LIMIT'],
      values: ['402'],
      asset: 'USDC',
    },
  ],
  ['POST /fapi/v1/order', usdm],
  ['POST /fapi/v1/order/test', usdm],
  ['PUT /fapi/v1/order', usdmAmend],
  [
    'POST /fapi/v1/batchOrders',
    batch('batchOrders', [usdm, { ...usdm, form: { ...usdm.form, quantity: '0.003' }, values: ['299.4'] }]),
  ],
  ['PUT /fapi/v1/batchOrders', batch('batchOrders', [usdmAmend, usdmAmend])],
  [
    'POST /fapi/v1/algoOrder',
    {
      ...usdm,
      form: { ...usdmConditional, algoType: 'CONDITIONAL', type: 'STOP_MARKET', triggerPrice: '110000' },
      types: ['STOP_MARKET'],
      values: ['1100'],
    },
  ],
  ['POST /papi/v1/um/order', usdm],
  ['PUT /papi/v1/um/order', usdmAmend],
  [
    'POST /papi/v1/um/algo/order',
    {
      ...usdm,
      form: { ...usdmConditional, algoType: 'CONDITIONAL', type: 'TRAILING_STOP_MARKET', callbackRate: '10' },
      types: ['TRAILING_STOP_MARKET'],
      values: ['1100.55'],
    },
  ],
  [
    'POST /papi/v1/um/conditional/order',
    {
      ...usdm,
      form: { ...usdmConditional, strategyType: 'STOP', stopPrice: '110000', price: '111000' },
      types: ['STOP'],
      values: ['1110'],
    },
  ],
  ['POST /dapi/v1/order', coinm],
  ['PUT /dapi/v1/order', coinmAmend],
  ['POST /dapi/v1/batchOrders', batch('batchOrders', [coinm, coinm, coinm])],
  ['PUT /dapi/v1/batchOrders', batch('batchOrders', [coinmAmend])],
  ['POST /papi/v1/cm/order', coinm],
  ['PUT /papi/v1/cm/order', coinmAmend],
  [
    'POST /papi/v1/cm/conditional/order',
    {
      ...coinm,
      form: {
        symbol: 'BTCUSD_PERP',
        side: 'BUY',
        strategyType: 'STOP_MARKET',
        quantity: '7',
        stopPrice: '1',
      },
      types: ['STOP_MARKET'],
    },
  ],
  [
    'POST /eapi/v1/order',
    { form: option, symbol: option.symbol, types: ['LIMIT'], values: ['600'], asset: 'USDT' },
  ],
  [
    'POST /eapi/v1/batchOrders',
    batch('orders', [
      {
        form: { ...option, side: 'SELL' },
        symbol: option.symbol,
        types: ['LIMIT'],
        values: ['45550'],
        asset: 'USDT',
      },
    ]),
  ],
]);

/** What the exchange answers to the look-ups of the samples; anything else is an unknown symbol. */
export const MARKET_ANSWERS: Readonly<Record<string, unknown>> = {
  '/api/v3/exchangeInfo?symbol=BTCUSDT': {
    symbols: [{ symbol: 'BTCUSDT', baseAsset: 'BTC', quoteAsset: 'USDT' }],
  },
  '/api/v3/exchangeInfo?symbol=ETHBTC': {
    symbols: [{ symbol: 'ETHBTC', baseAsset: 'ETH', quoteAsset: 'BTC' }],
  },
  '/api/v3/ticker/bookTicker?symbol=BTCUSDT': { symbol: 'BTCUSDT', bidPrice: '100000', askPrice: '100000.5' },
  '/api/v3/ticker/bookTicker?symbol=ETHBTC': { symbol: 'ETHBTC', bidPrice: '0.03', askPrice: '0.04' },
  '/fapi/v1/exchangeInfo': {
    symbols: [{ symbol: 'BTCUSDT', baseAsset: 'BTC', quoteAsset: 'USDT', marginAsset: 'USDT' }],
  },
  '/fapi/v1/ticker/bookTicker?symbol=BTCUSDT': { symbol: 'BTCUSDT', bidPrice: '99800', askPrice: '100050' },
  '/dapi/v1/exchangeInfo': {
    symbols: [
      { symbol: 'BTCUSD_PERP', baseAsset: 'BTC', quoteAsset: 'USD', marginAsset: 'BTC', contractSize: 100 },
    ],
  },
  '/eapi/v1/exchangeInfo': {
    optionSymbols: [
      {
        symbol: 'BTC-270129-90000-C',
        underlying: 'BTCUSDT',
        quoteAsset: 'USDT',
        unit: 1,
        strikePrice: '90000.00',
      },
    ],
  },
  '/eapi/v1/ticker?symbol=BTC-270129-90000-C': [
    { symbol: 'BTC-270129-90000-C', bidPrice: '1100', askPrice: '1200' },
  ],
  '/sapi/v1/equity/market/quote?symbol=AAPL': { symbol: 'AAPL', bidPrice: '200.00', askPrice: '201.00' },
};
