import type { Money } from '../base/money.ts';
import type { Side } from '../spot/order.ts';
import type { FuturesOrder, FuturesRequest } from './order.ts';

export const CONDITIONAL_TYPES = [
  'STOP',
  'STOP_MARKET',
  'TAKE_PROFIT',
  'TAKE_PROFIT_MARKET',
  'TRAILING_STOP_MARKET',
] as const;

export interface ConditionalRequest {
  readonly family: 'usdm' | 'coinm';
  readonly symbol: string;
  readonly side: Side;
  readonly type: (typeof CONDITIONAL_TYPES)[number];
  readonly timeInForce: FuturesRequest['timeInForce'];
  /** Undefined where the whole position is closed. */
  readonly quantity: Money | undefined;
  readonly price: Money | undefined;
  /** Undefined for a trailing stop. */
  readonly triggerPrice: Money | undefined;
  readonly activatePrice: Money | undefined;
  /** Percent; defined for a trailing stop. */
  readonly callbackRate: Money | undefined;
  readonly reduceOnly: boolean;
  readonly closePosition: boolean;
  readonly priceProtect: boolean;
  readonly workingType: string;
  readonly clientAlgoId: string | undefined;
}

/** One order of the algo service, which waits for its price. */
export interface ConditionalOrder {
  readonly algoId: number;
  readonly owner: string;
  readonly request: ConditionalRequest;
  readonly clientAlgoId: string;
  readonly timeMs: number;
  updateTimeMs: number;
  triggerTimeMs: number;
  status: 'NEW' | 'CANCELED' | 'FINISHED' | 'REJECTED';
  /** The best price since a trailing stop became active. */
  extreme: Money | undefined;
  /** The order that its price brought. */
  placed: FuturesOrder | undefined;
}
