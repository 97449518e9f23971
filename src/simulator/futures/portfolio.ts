import { Money, ZERO } from '../base/money.ts';
import type { FuturesOrder } from './order.ts';

interface Position {
  /** Negative when short. */
  amount: Money;
  entryPrice: Money;
}

/** What one account has in USD-M. */
export interface Portfolio {
  wallet: Money;
  readonly positions: Map<string, Position>;
  readonly leverage: Map<string, number>;
  readonly orders: FuturesOrder[];
}

export const FUTURES_COMMISSION_RATE: Money = new Money('0.0004');
const DEFAULT_LEVERAGE = 20;

interface Fill {
  /** Quantity; negative for a sale. */
  readonly signed: Money;
  readonly price: Money;
}

export function leverageIn(portfolio: Portfolio, symbol: string): number {
  return portfolio.leverage.get(symbol) ?? DEFAULT_LEVERAGE;
}

/** Books a fill: the position, the profit of what it closes, and the commission. Returns that profit. */
export function settleFill(portfolio: Portfolio, symbol: string, { signed, price }: Fill): Money {
  const held = portfolio.positions.get(symbol) ?? { amount: ZERO, entryPrice: ZERO };
  const after = held.amount.add(signed);
  let profit = ZERO;
  const growing = held.amount.isZero() || held.amount.isPositive() === signed.isPositive();
  if (growing) {
    const value = held.amount.mul(held.entryPrice).add(signed.mul(price));
    held.entryPrice = value.div(after);
  } else {
    const closed = Money.min(held.amount.abs(), signed.abs());
    const gain = held.amount.isPositive() ? price.sub(held.entryPrice) : held.entryPrice.sub(price);
    profit = closed.mul(gain);
    portfolio.wallet = portfolio.wallet.add(profit);
    if (!after.isZero() && after.isPositive() !== held.amount.isPositive()) held.entryPrice = price;
  }
  held.amount = after;
  portfolio.positions.set(symbol, held);
  if (after.isZero()) portfolio.positions.delete(symbol);
  portfolio.wallet = portfolio.wallet.sub(signed.abs().mul(price).mul(FUTURES_COMMISSION_RATE));
  return profit;
}
