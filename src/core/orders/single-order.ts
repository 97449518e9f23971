import { CONVERT, CONVERT_LIMIT, type IntendedOrder, type Market } from './intended-order.ts';
import {
  optionalDecimal,
  optionalText,
  type ParameterReader,
  readLeg,
  requiredSide,
  requiredText,
} from './order-parameters.ts';

/** Where an order says its type: under one of these names, or nowhere because the orderShape has only one. */
export type TypeSource =
  | { readonly name: 'type' | 'strategyType' | 'orderType' }
  | { readonly always: string };

/** Orders, the new leg of a cancelReplace, conditional and algorithmic orders, orders on stocks. */
export function singleOrder(market: Market, type: TypeSource, read: ParameterReader): IntendedOrder {
  return readLeg(read, '', {
    market,
    symbol: requiredText(read, 'symbol'),
    side: requiredSide(read, 'side'),
    type: 'always' in type ? type.always : requiredText(read, type.name),
    quantity: optionalDecimal(read, 'quantity'),
    quoteQuantity: optionalDecimal(read, market === 'equity' ? 'notional' : 'quoteOrderQty'),
  });
}

/**
 * An amendment. Spot's keepPriority says neither side nor type; the derivatives amend LIMIT orders only.
 * @see https://developers.binance.com/docs/derivatives/usds-margined-futures/trade/rest-api/Modify-Order
 */
export function amendedOrder(market: Market, read: ParameterReader): IntendedOrder {
  const order = readLeg(read, '', {
    market,
    symbol: requiredText(read, 'symbol'),
    side: optionalText(read, 'side') === undefined ? undefined : requiredSide(read, 'side'),
    type: market === 'spot' ? undefined : 'LIMIT',
    quantity: optionalDecimal(read, market === 'spot' ? 'newQty' : 'quantity'),
  });
  return { ...order, isAmendment: true };
}

/** A convert limit order: by an amount of the base or of the quote asset. */
export function convertLimitOrder(read: ParameterReader): IntendedOrder {
  const base = requiredText(read, 'baseAsset');
  const quote = requiredText(read, 'quoteAsset');
  const order = readLeg(read, '', {
    market: 'spot',
    symbol: `${base}${quote}`,
    side: requiredSide(read, 'side'),
    type: CONVERT_LIMIT,
    quantity: optionalDecimal(read, 'baseAmount'),
    quoteQuantity: optionalDecimal(read, 'quoteAmount'),
  });
  return { ...order, assets: { base, quote } };
}

/** A conversion that names neither symbol nor price (a quote is accepted by its id): it can be counted, not valued. */
export function namelessConversion(): IntendedOrder {
  return {
    market: 'spot',
    symbol: undefined,
    side: undefined,
    type: CONVERT,
    quantity: undefined,
    quoteQuantity: undefined,
    prices: [],
    ownPrices: [],
    triggerPrices: [],
    entersAt: undefined,
    trail: undefined,
    followsBook: false,
    followedLevel: 1,
    closesPosition: false,
    surelyCloses: false,
    reduceOnly: false,
    positionSide: undefined,
    isAmendment: false,
    exclusive: undefined,
    assets: undefined,
  };
}
