import { Money, ZERO } from '../base/money.ts';

export interface Balance {
  readonly free: Money;
  readonly locked: Money;
}

const NOTHING: Balance = { free: ZERO, locked: ZERO };

/** The counterparty of every fill that is not between two accounts. Only its balance may be negative. */
export const STREET = 'street';
/** Where commissions go. */
export const FEES = 'fees';

/** The balances of all owners. Only deposit and withdraw change the total of an asset. */
export class Ledger {
  readonly #balances = new Map<string, Map<string, Balance>>();

  balance(owner: string, asset: string): Balance {
    return this.#balances.get(owner)?.get(asset) ?? NOTHING;
  }

  balances(owner: string): ReadonlyMap<string, Balance> {
    return this.#balances.get(owner) ?? new Map();
  }

  deposit(owner: string, asset: string, quantity: Money): void {
    this.#change(owner, asset, quantity, ZERO);
  }

  withdraw(owner: string, asset: string, quantity: Money): void {
    this.#change(owner, asset, quantity.neg(), ZERO);
  }

  lock(owner: string, asset: string, quantity: Money): void {
    this.#change(owner, asset, quantity.neg(), quantity);
  }

  unlock(owner: string, asset: string, quantity: Money): void {
    this.#change(owner, asset, quantity, quantity.neg());
  }

  /** Pays out of the locked balance; the street pays without one. */
  pay(from: string, to: string, asset: string, quantity: Money): void {
    if (from === STREET) this.#change(from, asset, quantity.neg(), ZERO);
    else this.#change(from, asset, ZERO, quantity.neg());
    this.#change(to, asset, quantity, ZERO);
  }

  /** Pays out of the free balance. */
  payFree(from: string, to: string, asset: string, quantity: Money): void {
    this.#change(from, asset, quantity.neg(), ZERO);
    this.#change(to, asset, quantity, ZERO);
  }

  /** The sum of all balances of an asset, the negative one of the street included. */
  total(asset: string): Money {
    let total = ZERO;
    for (const balances of this.#balances.values()) {
      const { free, locked } = balances.get(asset) ?? NOTHING;
      total = total.add(free).add(locked);
    }
    return total;
  }

  #change(owner: string, asset: string, free: Money, locked: Money): void {
    const before = this.balance(owner, asset);
    const after = { free: before.free.add(free), locked: before.locked.add(locked) };
    if (owner !== STREET && (after.free.lt(ZERO) || after.locked.lt(ZERO)))
      throw new Error(`the ledger would go below zero: ${owner} ${asset}`);
    let balances = this.#balances.get(owner);
    if (balances === undefined) {
      balances = new Map();
      this.#balances.set(owner, balances);
    }
    balances.set(asset, { free: new Money(after.free), locked: new Money(after.locked) });
  }
}
