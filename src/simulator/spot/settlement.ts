import { FEES, type Ledger, STREET } from '../accounts/ledger.ts';
import { cut, Money, ZERO } from '../base/money.ts';
import { limitOf, type SpotMarket } from './market.ts';
import type { OrderRequest, Side, SpotOrder } from './order.ts';
import type { SymbolRules } from './symbols.ts';

/** 0.1 % of what is received, maker and taker alike. */
export const COMMISSION_RATE: Money = new Money('0.001');

/** The asset that an order pays with. */
export function spentAsset(rules: SymbolRules, side: Side): string {
  return side === 'BUY' ? rules.quoteAsset : rules.baseAsset;
}

/** What a request locks when it is accepted, by its limit or else its stop price. */
export function requiredFunds(request: OrderRequest): Money {
  const quantity = request.quantity ?? ZERO;
  if (request.side === 'SELL') return quantity;
  return quantity.mul(request.price ?? request.stopPrice ?? ZERO);
}

/** Moves the assets of fills, and locks the funds of orders. */
export class Settlement {
  readonly #ledger: Ledger;
  readonly #onFirstFill: (owner: string, isMaker: boolean) => void;

  constructor(ledger: Ledger, onFirstFill: (owner: string, isMaker: boolean) => void) {
    this.#ledger = ledger;
    this.#onFirstFill = onFirstFill;
  }

  canPay(owner: string, asset: string, quantity: Money): boolean {
    return this.#ledger.balance(owner, asset).free.gte(quantity);
  }

  lock(market: SpotMarket, order: SpotOrder, quantity: Money): void {
    this.#ledger.lock(order.owner, spentAsset(market.rules, order.request.side), quantity);
    order.locked = order.locked.add(quantity);
  }

  /** Unlocks what the order has locked above `needed`. */
  release(market: SpotMarket, order: SpotOrder, needed: Money = ZERO): void {
    const surplus = order.locked.sub(needed);
    if (surplus.lte(ZERO)) return;
    this.#ledger.unlock(order.owner, spentAsset(market.rules, order.request.side), surplus);
    order.locked = needed;
  }

  /** One fill between a taker and a resting order; one of the two may be the street (undefined). */
  fill(
    market: SpotMarket,
    taker: SpotOrder | undefined,
    maker: SpotOrder | undefined,
    takerSide: Side,
    price: Money,
    quantity: Money,
    nowMs: number,
  ): void {
    const { baseAsset, quoteAsset } = market.rules;
    const quote = price.mul(quantity);
    const buyer = takerSide === 'BUY' ? taker : maker;
    const seller = takerSide === 'BUY' ? maker : taker;
    const buyerName = buyer?.owner ?? STREET;
    const sellerName = seller?.owner ?? STREET;
    this.#ledger.pay(sellerName, buyerName, baseAsset, quantity);
    this.#ledger.pay(buyerName, sellerName, quoteAsset, quote);
    const tradeId = market.print(price, quantity, nowMs, takerSide === 'SELL');
    const sides = [
      { order: buyer, spent: quote, received: quantity, asset: baseAsset },
      { order: seller, spent: quantity, received: quote, asset: quoteAsset },
    ];
    for (const { order, spent, received, asset } of sides) {
      if (order === undefined) continue;
      const isMaker = order === maker;
      const commission = cut(received.mul(COMMISSION_RATE));
      this.#ledger.payFree(order.owner, FEES, asset, commission);
      if (order.fills.length === 0) this.#onFirstFill(order.owner, isMaker);
      order.fills.push({
        tradeId,
        price,
        quantity,
        quote,
        commission,
        commissionAsset: asset,
        timeMs: nowMs,
        isMaker,
      });
      order.executed = order.executed.add(quantity);
      order.executedQuote = order.executedQuote.add(quote);
      order.locked = order.locked.sub(spent);
      order.updateTimeMs = nowMs;
      order.status = 'PARTIALLY_FILLED';
      if (order.isMarket) continue;
      const { side } = order.request;
      this.release(market, order, side === 'SELL' ? order.remaining : order.remaining.mul(limitOf(order)));
    }
  }
}
