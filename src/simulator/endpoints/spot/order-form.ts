import { ExchangeError, filterFailure, mandatoryParameter, notRequired } from '../../base/exchange-error.ts';
import { isMultipleOf, type Money, ZERO } from '../../base/money.ts';
import { DECIMAL, type Parameters, type Rules } from '../../http/parameters.ts';
import type { SpotMarket } from '../../spot/market.ts';
import type { OrderRequest, SelfTradeMode, Side, TimeInForce } from '../../spot/order.ts';
import { ORDER_TYPES, type OrderType } from '../../spot/symbols.ts';

export const CLIENT_ORDER_ID = /^[a-zA-Z0-9-_.:/]{1,36}$/;
/** Letters of any script, but no lower-case Latin ones. */
export const SYMBOL = /^(?!.*[a-z])[\p{L}\p{N}_.-]{1,50}$/u;
export const SYMBOL_RULE = { mandatory: true, legal: SYMBOL, range: '^[\\w\\-._&&[^a-z]]{1,50}$' } as const;
export const OPTIONAL_SYMBOL_RULE = { legal: SYMBOL, range: SYMBOL_RULE.range };
const ID_RULE = { legal: CLIENT_ORDER_ID };
const NUMBER_RULE = { legal: DECIMAL };

/** What `POST /api/v3/order` takes. */
export const ORDER_RULES: Rules = {
  symbol: SYMBOL_RULE,
  side: { mandatory: true },
  type: { mandatory: true },
  timeInForce: {},
  quantity: NUMBER_RULE,
  quoteOrderQty: NUMBER_RULE,
  price: NUMBER_RULE,
  newClientOrderId: ID_RULE,
  strategyId: { legal: /^[0-9]{1,20}$/ },
  strategyType: { legal: /^[0-9]{1,20}$/ },
  stopPrice: NUMBER_RULE,
  trailingDelta: { legal: /^[0-9]{1,20}$/ },
  icebergQty: NUMBER_RULE,
  newOrderRespType: {},
  selfTradePreventionMode: {},
};

/** The mandatory and the optional parameters of each type. */
const FIELDS: Readonly<Record<OrderType, { must: readonly string[]; may: readonly string[] }>> = {
  LIMIT: { must: ['timeInForce', 'quantity', 'price'], may: ['icebergQty'] },
  LIMIT_MAKER: { must: ['quantity', 'price'], may: ['icebergQty'] },
  MARKET: { must: [], may: ['quantity', 'quoteOrderQty'] },
  STOP_LOSS: { must: ['quantity', 'stopPrice'], may: [] },
  STOP_LOSS_LIMIT: { must: ['timeInForce', 'quantity', 'price', 'stopPrice'], may: ['icebergQty'] },
  TAKE_PROFIT: { must: ['quantity', 'stopPrice'], may: [] },
  TAKE_PROFIT_LIMIT: { must: ['timeInForce', 'quantity', 'price', 'stopPrice'], may: ['icebergQty'] },
};
const CONDITIONAL_FIELDS = ['timeInForce', 'quantity', 'quoteOrderQty', 'price', 'stopPrice', 'icebergQty'];

/**
 * Reads and checks one order.
 * @throws ExchangeError -1013, -1102, -1106, -1111, -1115, -1116, -1117
 */
export function readOrder(parameters: Parameters, market: SpotMarket): OrderRequest {
  const type = oneOf(ORDER_TYPES, parameters.need('type'), -1116, 'Invalid orderType.');
  const side = readSide(parameters);
  if (parameters.has('trailingDelta')) throw filterFailure('TRAILING_DELTA');
  const { must, may } = FIELDS[type];
  for (const name of must) parameters.need(name);
  for (const name of CONDITIONAL_FIELDS) {
    if (parameters.has(name) && !must.includes(name) && !may.includes(name)) throw notRequired(name);
  }
  const quantity = parameters.decimal('quantity');
  const quoteQuantity = parameters.decimal('quoteOrderQty');
  if (type === 'MARKET') {
    if (quantity === undefined && quoteQuantity === undefined) throw mandatoryParameter('quantity');
    if (quantity !== undefined && quoteQuantity !== undefined) throw notRequired('quoteOrderQty');
  }
  const request: OrderRequest = {
    symbol: market.rules.symbol,
    side,
    type,
    timeInForce: readTimeInForce(parameters),
    quantity,
    quoteQuantity,
    price: parameters.decimal('price'),
    stopPrice: parameters.decimal('stopPrice'),
    clientOrderId: parameters.get('newClientOrderId'),
    selfTradeMode: readSelfTradeMode(parameters),
  };
  checkFilters(request, market);
  return request;
}

export function readSide(parameters: Parameters): Side {
  return oneOf(['BUY', 'SELL'] as const, parameters.need('side'), -1117, 'Invalid side.');
}

export function readTimeInForce(parameters: Parameters, name = 'timeInForce'): TimeInForce {
  return oneOf(['GTC', 'IOC', 'FOK'] as const, parameters.get(name) ?? 'GTC', -1115, 'Invalid timeInForce.');
}

export function readSelfTradeMode(parameters: Parameters): SelfTradeMode {
  const modes = ['NONE', 'EXPIRE_TAKER', 'EXPIRE_MAKER', 'EXPIRE_BOTH'] as const;
  const mode = parameters.get('selfTradePreventionMode') ?? 'EXPIRE_MAKER';
  return oneOf(modes, mode, -1013, 'This symbol does not permit the specified self-trade prevention mode.');
}

/**
 * Checks PRICE_FILTER, LOT_SIZE and NOTIONAL.
 * @throws ExchangeError -1013, -1111
 */
export function checkFilters(request: OrderRequest, market: SpotMarket): void {
  const { rules } = market;
  const { price, stopPrice, quantity, quoteQuantity } = request;
  for (const limit of [price, stopPrice]) {
    if (limit === undefined) continue;
    refusePrecision(limit, price === limit ? 'price' : 'stopPrice');
    if (limit.lte(ZERO)) throw new ExchangeError(-1013, 'Invalid price.');
    if (limit.gt(rules.maxPrice) || !isMultipleOf(limit, rules.tickSize)) throw filterFailure('PRICE_FILTER');
  }
  if (quantity !== undefined) {
    refusePrecision(quantity, 'quantity');
    if (quantity.lte(ZERO)) throw new ExchangeError(-1013, 'Invalid quantity.');
    if (quantity.gt(rules.maxQuantity) || !isMultipleOf(quantity, rules.stepSize))
      throw filterFailure('LOT_SIZE');
  }
  if (quoteQuantity !== undefined) {
    refusePrecision(quoteQuantity, 'quoteOrderQty');
    if (quoteQuantity.lte(ZERO)) throw new ExchangeError(-1013, 'Invalid quoteOrderQty.');
  }
  const notional = quoteQuantity ?? (quantity ?? ZERO).mul(price ?? stopPrice ?? market.lastPrice);
  if (notional.lt(rules.minNotional)) throw filterFailure('NOTIONAL');
  if (price !== undefined && notional.gt(rules.maxNotional)) throw filterFailure('NOTIONAL');
}

function refusePrecision(value: Money, name: string): void {
  if (value.decimalPlaces() > 8)
    throw new ExchangeError(-1111, `Parameter '${name}' has too much precision.`);
}

function oneOf<Name extends string>(
  names: readonly Name[],
  text: string,
  code: number,
  message: string,
): Name {
  const found = names.find((name) => name === text);
  if (found === undefined) throw new ExchangeError(code, message);
  return found;
}
