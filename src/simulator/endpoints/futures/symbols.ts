import type { JsonObject } from '../../base/json-value.ts';
import type { Money } from '../../base/money.ts';
import { CONDITIONAL_TYPES } from '../../futures/conditional-order.ts';
import type { SpotMarket } from '../../spot/market.ts';

const PERPETUAL_DELIVERY_MS = 4_133_404_800_000;
const ORDER_TYPES = ['LIMIT', 'MARKET', ...CONDITIONAL_TYPES];
const ONBOARD_MS = 1_569_398_400_000;

/** Smallest value of a USD-M order, in USDT. */
export const MIN_FUTURES_NOTIONAL = 5;

/** A perpetual USD-M contract as exchangeInfo shows it; it trades at the price of its spot market. */
export function linearContract({ rules }: SpotMarket): JsonObject {
  const tick = rules.tickSize.toFixed();
  const step = rules.stepSize.toFixed();
  return {
    symbol: rules.symbol,
    pair: rules.symbol,
    contractType: 'PERPETUAL',
    deliveryDate: PERPETUAL_DELIVERY_MS,
    onboardDate: ONBOARD_MS,
    status: 'TRADING',
    maintMarginPercent: '2.5000',
    requiredMarginPercent: '5.0000',
    baseAsset: rules.baseAsset,
    quoteAsset: rules.quoteAsset,
    marginAsset: rules.quoteAsset,
    pricePrecision: rules.tickSize.decimalPlaces(),
    quantityPrecision: rules.stepSize.decimalPlaces(),
    baseAssetPrecision: 8,
    quotePrecision: 8,
    underlyingType: 'COIN',
    underlyingSubType: ['PoW'],
    triggerProtect: '0.0500',
    liquidationFee: '0.012500',
    marketTakeBound: '0.05',
    maxMoveOrderLimit: 10_000,
    filters: contractFilters(tick, step, rules.maxPrice, rules.maxQuantity),
    orderTypes: ORDER_TYPES,
    timeInForce: ['GTC', 'IOC', 'FOK', 'GTX', 'GTD'],
    permissionSets: ['GRID', 'COPY', 'DCA'],
  };
}

/** A perpetual COIN-M contract of 100 (BTC) or 10 USD. */
export function inverseContract({ rules }: SpotMarket): JsonObject {
  const pair = `${rules.baseAsset}USD`;
  return {
    symbol: `${pair}_PERP`,
    pair,
    contractType: 'PERPETUAL',
    deliveryDate: PERPETUAL_DELIVERY_MS,
    onboardDate: ONBOARD_MS,
    contractStatus: 'TRADING',
    contractSize: rules.baseAsset === 'BTC' ? 100 : 10,
    marginAsset: rules.baseAsset,
    maintMarginPercent: '2.5000',
    requiredMarginPercent: '5.0000',
    baseAsset: rules.baseAsset,
    quoteAsset: 'USD',
    pricePrecision: rules.tickSize.decimalPlaces(),
    quantityPrecision: 0,
    baseAssetPrecision: 8,
    quotePrecision: 8,
    equalQtyPrecision: 4,
    underlyingType: 'COIN',
    underlyingSubType: ['PoW'],
    triggerProtect: '0.0500',
    liquidationFee: '0.015000',
    marketTakeBound: '0.05',
    maxMoveOrderLimit: 10_000,
    filters: contractFilters(rules.tickSize.toFixed(), '1', rules.maxPrice, rules.maxQuantity.floor()),
    orderTypes: ORDER_TYPES,
    timeInForce: ['GTC', 'IOC', 'FOK', 'GTX'],
  };
}

function contractFilters(tick: string, step: string, maxPrice: Money, maxQuantity: Money): JsonObject[] {
  return [
    { filterType: 'PRICE_FILTER', minPrice: tick, maxPrice: maxPrice.toFixed(), tickSize: tick },
    { filterType: 'LOT_SIZE', minQty: step, maxQty: maxQuantity.toFixed(), stepSize: step },
    { filterType: 'MARKET_LOT_SIZE', minQty: step, maxQty: maxQuantity.toFixed(), stepSize: step },
    { filterType: 'MAX_NUM_ORDERS', limit: 200 },
    { filterType: 'MIN_NOTIONAL', notional: String(MIN_FUTURES_NOTIONAL) },
    { filterType: 'PERCENT_PRICE', multiplierUp: '1.0500', multiplierDown: '0.9500', multiplierDecimal: '4' },
  ];
}
