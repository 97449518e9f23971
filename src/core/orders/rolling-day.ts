import type { OrderRules } from '../access/client.ts';
import { type Decimal, ExactDecimal } from '../decimal.ts';
import { DAY_MS } from '../intervals.ts';
import type { DayClaim } from './order-rules.ts';

export type DayLimits = Pick<OrderRules, 'maxPerDay' | 'maxNotionalPerDay'>;
export type DayRule = 'order.maxPerDay' | 'order.maxNotionalPerDay';

/** A claim that was granted: it counts for 24 h from `atMs`, unless it is given back. */
export interface DayEntry extends DayClaim {
  readonly id: number;
  readonly atMs: number;
}

/** What a client's orders of the last 24 h come to. */
export interface DayUse {
  readonly orders: number;
  readonly amounts: ReadonlyMap<string, Decimal>;
}

interface ClientDay {
  readonly entries: Map<number, DayEntry>;
  readonly sums: Map<string, Decimal>;
  orders: number;
}

/**
 * Orders and their value over the last 24 h by client. Checking and counting are one step, so that callers who come
 * at the same time cannot both take the last room.
 */
export class RollingDay {
  readonly #accounts = new Map<string, ClientDay>();
  #nextId = 1;

  /** Grants the claim and counts it, or names the rule that it would break. */
  take(claim: DayClaim, limits: DayLimits, nowMs: number): DayEntry | DayRule {
    const account = this.#account(claim.client);
    expire(account, nowMs);
    const { maxPerDay, maxNotionalPerDay } = limits;
    if (maxPerDay !== undefined && account.orders + claim.orders > maxPerDay) return 'order.maxPerDay';
    if (maxNotionalPerDay !== undefined) {
      for (const [asset, amount] of claim.amounts) {
        const limit = maxNotionalPerDay.get(asset);
        if (limit === undefined) return 'order.maxNotionalPerDay';
        if (amount.plus(account.sums.get(asset) ?? 0).gt(new ExactDecimal(limit)))
          return 'order.maxNotionalPerDay';
      }
    }
    const entry = { ...claim, id: this.#nextId, atMs: nowMs };
    this.restore(entry);
    return entry;
  }

  /** Counts an entry that was granted before (read back from a file). */
  restore(entry: DayEntry): void {
    const account = this.#account(entry.client);
    account.entries.set(entry.id, entry);
    account.orders += entry.orders;
    for (const [asset, amount] of entry.amounts) {
      account.sums.set(asset, amount.plus(account.sums.get(asset) ?? 0));
    }
    this.skipTo(entry.id + 1);
  }

  /** The number that the next entry gets. */
  get nextId(): number {
    return this.#nextId;
  }

  /** Leaves out numbers that were given before: a late giving back must never meet another entry. */
  skipTo(id: number): void {
    if (id > this.#nextId) this.#nextId = id;
  }

  /** Stops counting an entry; false when it does not count any more anyway. */
  refund(entry: Pick<DayEntry, 'client' | 'id'>): boolean {
    const account = this.#accounts.get(entry.client);
    const counted = account?.entries.get(entry.id);
    if (account === undefined || counted === undefined) return false;
    remove(account, counted);
    return true;
  }

  /** Which part of each limit a client uses, 0 to 1; of sums, of the asset that is used most. */
  use(client: string, { maxPerDay, maxNotionalPerDay }: DayLimits, nowMs: number) {
    const account = this.#accounts.get(client);
    if (account !== undefined) expire(account, nowMs);
    const uses: (readonly [rule: DayRule, part: number])[] = [];
    if (maxPerDay !== undefined) uses.push(['order.maxPerDay', (account?.orders ?? 0) / maxPerDay]);
    if (maxNotionalPerDay !== undefined) {
      const parts = Array.from(maxNotionalPerDay, ([asset, limit]) =>
        (account?.sums.get(asset) ?? new ExactDecimal(0)).div(limit).toNumber(),
      );
      uses.push(['order.maxNotionalPerDay', Math.max(0, ...parts)]);
    }
    return uses;
  }

  /** What its orders of the last 24 h come to. */
  sums(client: string, nowMs: number): DayUse {
    const account = this.#accounts.get(client);
    if (account === undefined) return { orders: 0, amounts: new Map() };
    expire(account, nowMs);
    return { orders: account.orders, amounts: new Map([...account.sums].filter(([, sum]) => !sum.isZero())) };
  }

  /** Everything that still counts. */
  entries(nowMs: number): DayEntry[] {
    const all: DayEntry[] = [];
    for (const account of this.#accounts.values()) {
      expire(account, nowMs);
      all.push(...account.entries.values());
    }
    return all.sort((one, other) => one.id - other.id);
  }

  #account(client: string): ClientDay {
    const known = this.#accounts.get(client);
    if (known !== undefined) return known;
    const account: ClientDay = { entries: new Map(), sums: new Map(), orders: 0 };
    this.#accounts.set(client, account);
    return account;
  }
}

/** Entries stand in the order in which they were granted; one behind a younger one merely counts a little longer. */
function expire(account: ClientDay, nowMs: number): void {
  for (const entry of account.entries.values()) {
    if (nowMs - entry.atMs < DAY_MS) return;
    remove(account, entry);
  }
}

function remove(account: ClientDay, entry: DayEntry): void {
  account.entries.delete(entry.id);
  account.orders -= entry.orders;
  for (const [asset, amount] of entry.amounts) {
    account.sums.set(asset, (account.sums.get(asset) ?? new ExactDecimal(0)).minus(amount));
  }
}
