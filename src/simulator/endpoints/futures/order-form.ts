import { ExchangeError, mandatoryParameter, notRequired } from '../../base/exchange-error.ts';
import { isMultipleOf, type Money, ZERO } from '../../base/money.ts';
import { CONDITIONAL_TYPES } from '../../futures/conditional-order.ts';
import type { FuturesRequest } from '../../futures/order.ts';
import { DECIMAL, type Parameters, type Rules } from '../../http/parameters.ts';
import type { SpotMarket } from '../../spot/market.ts';
import { readSide, SYMBOL_RULE } from '../spot/order-form.ts';
import { MIN_FUTURES_NOTIONAL } from './symbols.ts';

export const FUTURES_CLIENT_ID = { legal: /^[.A-Z:/a-z0-9_-]{1,36}$/, range: '^[\\.A-Z\\:/a-z0-9_-]{1,36}$' };
const NUMBER_RULE = { legal: DECIMAL };
export const BOOLEAN_RULE = { legal: /^(true|false)$/i };

/** What `POST /fapi/v1/order` takes. */
export const FUTURES_ORDER_RULES: Rules = {
  symbol: SYMBOL_RULE,
  side: { mandatory: true },
  type: { mandatory: true },
  positionSide: { legal: /^(BOTH|LONG|SHORT)$/ },
  timeInForce: { legal: /^(GTC|IOC|FOK|GTX|GTD)$/ },
  quantity: NUMBER_RULE,
  reduceOnly: BOOLEAN_RULE,
  price: NUMBER_RULE,
  newClientOrderId: FUTURES_CLIENT_ID,
  stopPrice: NUMBER_RULE,
  closePosition: BOOLEAN_RULE,
  activationPrice: NUMBER_RULE,
  callbackRate: NUMBER_RULE,
  workingType: { legal: /^(MARK_PRICE|CONTRACT_PRICE)$/ },
  priceProtect: BOOLEAN_RULE,
  newOrderRespType: { legal: /^(ACK|RESULT)$/ },
  priceMatch: {},
  selfTradePreventionMode: {},
  goodTillDate: { legal: /^[0-9]{1,20}$/ },
};

/**
 * Reads and checks one USD-M order.
 * @throws ExchangeError -1102, -1106, -1111, -1116, -4014, -4061, -4120, -4164
 */
export function readFuturesOrder(parameters: Parameters, market: SpotMarket): FuturesRequest {
  const type = parameters.need('type');
  // Conditional orders moved to the algo service on 2025-12-09.
  if (CONDITIONAL_TYPES.some((each) => each === type))
    throw new ExchangeError(
      -4120,
      'Order type not supported for this endpoint. Please use the Algo Order API endpoints instead.',
    );
  if (type !== 'LIMIT' && type !== 'MARKET') throw new ExchangeError(-1116, 'Invalid orderType.');
  if (!/^(BOTH|)$/.test(parameters.get('positionSide') ?? ''))
    throw new ExchangeError(-4061, "Order's position side does not match user's setting.");
  const quantity = parameters.decimal('quantity');
  const price = parameters.decimal('price');
  if (quantity === undefined) throw mandatoryParameter('quantity');
  if (type === 'LIMIT' && price === undefined) throw mandatoryParameter('price');
  if (type === 'LIMIT') parameters.need('timeInForce');
  if (type === 'MARKET' && parameters.has('timeInForce')) throw notRequired('timeInForce');
  if (type === 'MARKET' && price !== undefined) throw notRequired('price');
  const reduceOnly = parameters.get('reduceOnly')?.toLowerCase() === 'true';
  checkAmounts(price, quantity, market, reduceOnly);
  return {
    symbol: market.rules.symbol,
    side: readSide(parameters),
    type,
    timeInForce: (parameters.get('timeInForce') ?? 'GTC') as FuturesRequest['timeInForce'],
    quantity,
    price,
    reduceOnly,
    clientOrderId: parameters.get('newClientOrderId'),
  };
}

export function checkAmounts(
  price: Money | undefined,
  quantity: Money,
  { rules, lastPrice }: SpotMarket,
  reduceOnly: boolean,
): void {
  if (quantity.lte(ZERO)) throw new ExchangeError(-4003, 'Quantity less than or equal to zero.');
  if (!isMultipleOf(quantity, rules.stepSize))
    throw new ExchangeError(-1111, 'Precision is over the maximum defined for this asset.');
  if (price !== undefined && !isMultipleOf(price, rules.tickSize))
    throw new ExchangeError(-4014, 'Price not increased by tick size.');
  if (!reduceOnly && quantity.mul(price ?? lastPrice).lt(MIN_FUTURES_NOTIONAL))
    throw new ExchangeError(
      -4164,
      `Order's notional must be no smaller than ${MIN_FUTURES_NOTIONAL} (unless you choose reduce only).`,
    );
}
