import type { Decimal } from '../decimal.ts';
import type { IntendedOrder, Market } from './intended-order.ts';
import {
  optionalDecimal,
  optionalText,
  type ParameterReader,
  prefixed,
  readLeg,
  requiredSide,
  requiredText,
  unreadable,
} from './order-parameters.ts';

/** Marks the two legs of one OCO pair; a call holds one pair at the most. */
const PAIR = 1;

/** The old OCO (`order/oco`): a limit leg at `price`, a stop leg at `stopPrice` and perhaps `stopLimitPrice`. */
export function legacyOco(market: Market, read: ParameterReader): IntendedOrder[] {
  const frame = {
    market,
    symbol: requiredText(read, 'symbol'),
    side: requiredSide(read, 'side'),
    quantity: optionalDecimal(read, 'quantity'),
    exclusive: PAIR,
  };
  const stopLimit = optionalDecimal(read, 'stopLimitPrice');
  const both = readLeg(read, '', { ...frame, type: 'LIMIT_MAKER' });
  const limitPrices = present(optionalDecimal(read, 'price'));
  const triggerPrices = present(optionalDecimal(read, 'stopPrice'));
  const ownPrices = present(stopLimit);
  return [
    { ...both, prices: limitPrices, ownPrices: limitPrices, triggerPrices: [], trail: undefined },
    {
      ...both,
      type: stopLimit === undefined ? 'STOP_LOSS' : 'STOP_LOSS_LIMIT',
      prices: [...triggerPrices, ...ownPrices],
      ...{ ownPrices, triggerPrices },
    },
  ];
}

/** `orderList/oco`: one leg above the market, one below it, one quantity and side for both. */
export function orderListOco(market: Market, read: ParameterReader): IntendedOrder[] {
  const frame = {
    market,
    symbol: requiredText(read, 'symbol'),
    side: requiredSide(read, 'side'),
    quantity: optionalDecimal(read, 'quantity'),
    exclusive: PAIR,
  };
  return [
    readLeg(read, 'above', { ...frame, type: requiredText(read, 'aboveType') }),
    readLeg(read, 'below', { ...frame, type: requiredText(read, 'belowType') }),
  ];
}

/** What follows the working order: one pending order or a pair of them, with its own quantity or with what it bought. */
export interface Chain {
  readonly pending: 'one' | 'pair';
  readonly quantity: 'own' | 'received';
}

/** OTO, OTOCO, OPO, OPOCO: a working order and what is placed once it is filled. */
export function chainedOrders(market: Market, chain: Chain, read: ParameterReader): IntendedOrder[] {
  const symbol = requiredText(read, 'symbol');
  const working = readLeg(read, 'working', {
    market,
    symbol,
    side: requiredSide(read, 'workingSide'),
    type: requiredText(read, 'workingType'),
    quantity: optionalDecimal(read, 'workingQuantity'),
  });
  const side = requiredSide(read, 'pendingSide');
  // Binance takes OPO only as a purchase that pays a sale, so that what is received is the working quantity.
  // https://developers.binance.com/docs/binance-spot-api-docs/faqs/opo (2026-01-15)
  if (chain.quantity === 'received' && (working.side !== 'BUY' || side !== 'SELL'))
    throw unreadable('an order that pays the other must be a BUY followed by a SELL');
  const quantity =
    chain.quantity === 'received' ? working.quantity : optionalDecimal(read, 'pendingQuantity');
  const frame = { market, symbol, side, quantity, entersAt: working.ownPrices[0] };
  if (chain.pending === 'one') {
    const type = requiredText(read, 'pendingType');
    return [working, readLeg(read, 'pending', { ...frame, type })];
  }
  const above = requiredText(read, 'pendingAboveType');
  const legs = [working, readLeg(read, 'pendingAbove', { ...frame, type: above, exclusive: PAIR })];
  if (namesLeg(read, 'pendingBelow')) {
    const below = requiredText(read, 'pendingBelowType');
    legs.push(readLeg(read, 'pendingBelow', { ...frame, type: below, exclusive: PAIR }));
  }
  return legs;
}

function namesLeg(read: ParameterReader, prefix: string): boolean {
  const telling = ['type', 'price', 'stopPrice', 'trailingDelta', 'pegPriceType'];
  return telling.some((name) => optionalText(read, prefixed(prefix, name)) !== undefined);
}

function present(price: Decimal | undefined): Decimal[] {
  return price === undefined ? [] : [price];
}
