import { stringify } from 'yaml';
import type { Catalogue } from '../../core/catalogue/catalogue.ts';
import { PERMISSIONS } from '../../core/catalogue/permission.ts';
import { type Decimal, ExactDecimal } from '../../core/decimal.ts';
import { DAY_MS, MINUTE_MS, SECOND_MS } from '../../core/intervals.ts';
import type { AuditRecord } from '../../core/records/record.ts';
import { orderedNotional } from '../reading/ordered-notional.ts';

const ZERO = new ExactDecimal(0);
/** So many entries that count no more are kept before they are let go. */
const MOST_PAST = 10_000;

/** A sum over a rolling span, and the largest that it ever was. */
class Peak {
  readonly #spanMs: number;
  readonly #entries: { readonly atMs: number; readonly amount: Decimal }[] = [];
  #sum: Decimal = ZERO;
  #from = 0;
  most: Decimal = ZERO;

  constructor(spanMs: number) {
    this.#spanMs = spanMs;
  }

  add(atMs: number, amount: Decimal): void {
    this.#entries.push({ atMs, amount });
    this.#sum = this.#sum.plus(amount);
    for (let first = this.#entries[this.#from]; first !== undefined && first.atMs <= atMs - this.#spanMs; ) {
      this.#sum = this.#sum.minus(first.amount);
      first = this.#entries[++this.#from];
    }
    if (this.#from > MOST_PAST) {
      this.#entries.splice(0, this.#from);
      this.#from = 0;
    }
    if (this.#sum.gt(this.most)) this.most = this.#sum;
  }
}

/**
 * The least rules with which everything that a client did would have passed, from its own records. They are added in
 * their order.
 */
export class PolicySuggestion {
  readonly #client: string;
  readonly #catalogue: Catalogue;
  readonly #permissions = new Set<string>();
  readonly #symbols = new Set<string>();
  readonly #types = new Set<string>();
  readonly #largest = new Map<string, Decimal>();
  readonly #days = new Map<string, Peak>();
  readonly #orders = new Peak(DAY_MS);
  readonly #calls = new Peak(SECOND_MS);
  readonly #weight = new Peak(MINUTE_MS);
  readonly #refusals = new Map<string, number>();
  #signed = 0;
  #unvalued = 0;
  #nameless = 0;
  #first: string | undefined;
  #last: string | undefined;

  constructor(client: string, catalogue: Catalogue) {
    this.#client = client;
    this.#catalogue = catalogue;
  }

  add(record: AuditRecord): void {
    if (record.client !== this.#client) return;
    const { event, error, rule } = record;
    if (event === 'call.refused' || event === 'policy.reported') {
      const why = [event === 'call.refused' ? error : 'only reported:', rule]
        .filter((one) => one !== undefined)
        .join(' ');
      this.#refusals.set(why, (this.#refusals.get(why) ?? 0) + 1);
    }
    if (event === 'call.signed') this.#addSigned(record);
  }

  #addSigned(record: AuditRecord): void {
    const { time, permission, weight = 0 } = record;
    const atMs = Date.parse(time);
    this.#first ??= time;
    this.#last = time;
    this.#signed++;
    if (permission !== undefined) this.#permissions.add(permission);
    this.#calls.add(atMs, new ExactDecimal(1));
    this.#weight.add(atMs, new ExactDecimal(weight));
    if (changes(record)) this.#addSymbols(record);
    const notional = orderedNotional(record, this.#catalogue);
    if (notional === undefined) return;
    for (const { type } of record.orders ?? [record.params ?? {}])
      if (typeof type === 'string') this.#types.add(type);
    this.#unvalued += notional.unvalued;
    this.#orders.add(atMs, new ExactDecimal(notional.orders));
    for (const [asset, amount] of notional.byQuote) {
      if (amount.gt(this.#largest.get(asset) ?? ZERO)) this.#largest.set(asset, amount);
      const day = this.#days.get(asset) ?? new Peak(DAY_MS);
      this.#days.set(asset, day);
      day.add(atMs, amount);
    }
  }

  #addSymbols({ orders, params = {} }: AuditRecord): void {
    const named = (orders ?? [params]).flatMap(({ symbol }) => (typeof symbol === 'string' ? symbol : []));
    for (const symbol of named) this.#symbols.add(symbol.toUpperCase());
    if (named.length === 0) this.#nameless++;
  }

  /** The rules as YAML, with what they rest on as comments. */
  print(): string {
    const { order, ...rest } = this.#rules();
    const rules = Object.keys(order).length === 0 ? rest : { ...rest, order };
    const yaml = stringify(
      { clients: { [this.#client]: rules } },
      { lineWidth: 110, flowCollectionPadding: false },
    );
    return `${this.#comments()}${yaml}`;
  }

  #rules() {
    const texts = (amounts: Iterable<readonly [string, Decimal]>) =>
      Object.fromEntries([...amounts].map(([asset, amount]) => [asset, amount.toFixed()]));
    const order = {
      ...(this.#types.size === 0 ? {} : { types: [...this.#types].sort() }),
      ...(this.#largest.size === 0 || this.#unvalued > 0
        ? {}
        : {
            maxNotional: texts(this.#largest),
            maxNotionalPerDay: texts([...this.#days].map(([asset, { most }]) => [asset, most] as const)),
          }),
      ...(this.#orders.most.isZero() ? {} : { maxPerDay: this.#orders.most.toNumber() }),
    };
    return {
      permissions: PERMISSIONS.filter((permission) => this.#permissions.has(permission)),
      ...(this.#symbols.size === 0 ? {} : { symbols: [...this.#symbols].sort() }),
      ...(this.#signed === 0
        ? {}
        : {
            requestsPerSecond: this.#calls.most.toNumber(),
            weightPerMinute: Math.max(1, this.#weight.most.toNumber()),
          }),
      order,
    };
  }

  #comments(): string {
    const lines = [
      this.#signed === 0
        ? `Nothing of ${this.#client} was signed in these records: it needs no permission.`
        : `${this.#signed} signed calls of ${this.#client}, ${this.#first} to ${this.#last}. Beside what its entry has already:`,
      ...(this.#unvalued > 0
        ? [
            `${this.#unvalued} orders have no price of their own, so no value is suggested: set maxNotional by hand.`,
          ]
        : []),
      ...(this.#nameless > 0
        ? [
            `${this.#nameless} changing calls name no symbol; those that are no cancel are outside of any list.`,
          ]
        : []),
      ...[...this.#refusals].map(([why, times]) => `Refused then, and still: ${times} × ${why}`),
    ];
    return lines.map((line) => `# ${line.replace(/[\p{C}\u2028\u2029]/gu, ' ')}\n`).join('');
  }
}

function changes({ method, orders, permission }: AuditRecord): boolean {
  return orders !== undefined || (permission !== 'read' && permission !== 'market-data' && method !== 'GET');
}
