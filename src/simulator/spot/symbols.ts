import { Money } from '../base/money.ts';

export interface SymbolRules {
  readonly symbol: string;
  readonly baseAsset: string;
  readonly quoteAsset: string;
  readonly tickSize: Money;
  readonly stepSize: Money;
  readonly maxQuantity: Money;
  readonly maxPrice: Money;
  readonly minNotional: Money;
  readonly maxNotional: Money;
  /** Where its price starts; the market stays within half a percent of it. */
  readonly startPrice: Money;
  /** Ticks between two levels of the street's book. */
  readonly levelGap: number;
  /** Steps in the largest level of the street's book. */
  readonly levelSteps: number;
}

function spotSymbol(
  baseAsset: string,
  startPrice: string,
  tickSize: string,
  stepSize: string,
  levelGap: number,
  levelSteps: number,
): SymbolRules {
  return {
    symbol: `${baseAsset}USDT`,
    baseAsset,
    quoteAsset: 'USDT',
    tickSize: new Money(tickSize),
    stepSize: new Money(stepSize),
    maxQuantity: new Money(stepSize).mul(900_000_000),
    maxPrice: new Money(tickSize).mul(100_000_000),
    minNotional: new Money(5),
    maxNotional: new Money(9_000_000),
    startPrice: new Money(startPrice),
    levelGap,
    levelSteps,
  };
}

/** What can be traded. One symbol is written in Chinese, as real ones are since 2025-12. */
export const SPOT_SYMBOLS: readonly SymbolRules[] = [
  spotSymbol('BTC', '60000', '0.01', '0.00001', 50, 200_000),
  spotSymbol('ETH', '3000', '0.01', '0.0001', 5, 300_000),
  spotSymbol('BNB', '600', '0.01', '0.001', 2, 200_000),
  spotSymbol('币安人生', '0.2', '0.0001', '0.1', 1, 900_000),
];

export const ORDER_TYPES = [
  'LIMIT',
  'LIMIT_MAKER',
  'MARKET',
  'STOP_LOSS',
  'STOP_LOSS_LIMIT',
  'TAKE_PROFIT',
  'TAKE_PROFIT_LIMIT',
] as const;
export type OrderType = (typeof ORDER_TYPES)[number];
