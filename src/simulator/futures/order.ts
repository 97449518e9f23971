import type { Money } from '../base/money.ts';
import type { Side } from '../spot/order.ts';

export interface FuturesRequest {
  readonly symbol: string;
  readonly side: Side;
  readonly type: 'LIMIT' | 'MARKET';
  readonly timeInForce: 'GTC' | 'IOC' | 'FOK' | 'GTX' | 'GTD';
  readonly quantity: Money;
  readonly price: Money | undefined;
  readonly reduceOnly: boolean;
  readonly clientOrderId: string | undefined;
}

/** One USD-M order; `price` and `quantity` change when it is modified. */
export interface FuturesOrder {
  readonly orderId: number;
  readonly owner: string;
  readonly request: FuturesRequest;
  readonly clientOrderId: string;
  readonly timeMs: number;
  price: Money | undefined;
  quantity: Money;
  executed: Money;
  averagePrice: Money;
  /** What its fill made of what it closed. */
  profit: Money;
  status: 'NEW' | 'FILLED' | 'CANCELED' | 'EXPIRED';
  updateTimeMs: number;
}
