import { type Money, ZERO } from '../base/money.ts';
import type { OrderType } from './symbols.ts';

export type Side = 'BUY' | 'SELL';
export type TimeInForce = 'GTC' | 'IOC' | 'FOK';
export type OrderStatus = 'NEW' | 'PARTIALLY_FILLED' | 'FILLED' | 'CANCELED' | 'EXPIRED' | 'EXPIRED_IN_MATCH';
export type SelfTradeMode = 'NONE' | 'EXPIRE_TAKER' | 'EXPIRE_MAKER' | 'EXPIRE_BOTH';

/** The checked request of an order. */
export interface OrderRequest {
  readonly symbol: string;
  readonly side: Side;
  readonly type: OrderType;
  readonly timeInForce: TimeInForce;
  readonly quantity: Money | undefined;
  readonly quoteQuantity: Money | undefined;
  readonly price: Money | undefined;
  readonly stopPrice: Money | undefined;
  readonly clientOrderId: string | undefined;
  readonly selfTradeMode: SelfTradeMode;
}

export interface Fill {
  readonly tradeId: number;
  readonly price: Money;
  readonly quantity: Money;
  readonly quote: Money;
  readonly commission: Money;
  readonly commissionAsset: string;
  readonly timeMs: number;
  readonly isMaker: boolean;
}

export interface OrderList {
  readonly orderListId: number;
  readonly listClientOrderId: string;
  readonly symbol: string;
  readonly owner: string;
  readonly orders: SpotOrder[];
  readonly timeMs: number;
}

/** One order of one account, from its acceptance to its end. */
export class SpotOrder {
  readonly orderId: number;
  readonly owner: string;
  readonly request: OrderRequest;
  readonly clientOrderId: string;
  readonly timeMs: number;
  readonly list: OrderList | undefined;
  readonly fills: Fill[] = [];
  status: OrderStatus = 'NEW';
  updateTimeMs: number;
  /** When it came into the book; undefined while it waits for its stop price. */
  workingTimeMs: number | undefined;
  executed: Money = ZERO;
  executedQuote: Money = ZERO;
  /** How much of the asset that it pays with is locked. */
  locked: Money = ZERO;

  constructor(
    orderId: number,
    owner: string,
    request: OrderRequest,
    clientOrderId: string,
    timeMs: number,
    list?: OrderList,
  ) {
    this.orderId = orderId;
    this.owner = owner;
    this.request = request;
    this.clientOrderId = clientOrderId;
    this.timeMs = timeMs;
    this.updateTimeMs = timeMs;
    this.list = list;
  }

  get isOpen(): boolean {
    return this.status === 'NEW' || this.status === 'PARTIALLY_FILLED';
  }

  /** Base quantity still to be traded; zero for an order by quote quantity. */
  get remaining(): Money {
    return this.request.quantity === undefined ? ZERO : this.request.quantity.sub(this.executed);
  }

  /** Executes at any price. */
  get isMarket(): boolean {
    return ['MARKET', 'STOP_LOSS', 'TAKE_PROFIT'].includes(this.request.type);
  }

  get waitsForStop(): boolean {
    return this.isOpen && this.workingTimeMs === undefined;
  }
}
