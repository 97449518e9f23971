import type { Catalogue } from '../../core/catalogue/catalogue.ts';
import type { Decimal } from '../../core/decimal.ts';
import type { AuditRecord } from '../../core/records/record.ts';
import { orderedNotional } from './ordered-notional.ts';

export interface Latency {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** What one client did on one day (UTC). */
export interface ClientDay {
  readonly day: string;
  readonly client: string;
  readonly calls: number;
  readonly answered: number;
  readonly refused: number;
  readonly unknown: number;
  /** Calls that were signed and have no end in the records that were read. */
  readonly unfinished: number;
  /** Refusals by `error` and `rule`. */
  readonly refusals: Readonly<Record<string, number>>;
  /** Orders in calls that Binance answered with 2xx. */
  readonly orders: number;
  /** What these orders asked for, by quote asset: price times quantity, or quoteOrderQty. Fills are not counted. */
  readonly notional: Readonly<Record<string, string>>;
  /** How many of these orders the records cannot value. */
  readonly unvaluedOrders: number;
  readonly weight: number;
  /** Of answered calls, in ms; undefined when there are none. */
  readonly durationMs: Latency | undefined;
  readonly upstreamMs: Latency | undefined;
}

/** Sums up the records of calls by client and day. They are added in their order. */
export class TrailReport {
  readonly #catalogue: Catalogue;
  readonly #days = new Map<string, Tally>();
  /** Signed calls whose end was not added yet, by request id. */
  readonly #open = new Map<string, AuditRecord>();

  constructor(catalogue: Catalogue) {
    this.#catalogue = catalogue;
  }

  add(record: AuditRecord): void {
    const { event, requestId } = record;
    if (event === 'call.signed') {
      if (requestId !== undefined) this.#open.set(requestId, record);
    } else if (event === 'call.completed' || event === 'call.refused') {
      const signed = requestId === undefined ? undefined : this.#open.get(requestId);
      if (requestId !== undefined) this.#open.delete(requestId);
      const whole = signed === undefined ? record : mergeEnd(signed, record);
      this.#tallyOf(whole).end(whole);
    }
  }

  /** The sums, by day and then client. */
  results(): ClientDay[] {
    for (const record of this.#open.values()) this.#tallyOf(record).leaveOpen();
    this.#open.clear();
    return [...this.#days.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, tally]) => tally.result());
  }

  #tallyOf(record: AuditRecord): Tally {
    const day = record.time.slice(0, 10);
    const client = record.client ?? '(unknown)';
    const key = `${day} ${client}`;
    const tally = this.#days.get(key) ?? new Tally(day, client, this.#catalogue);
    this.#days.set(key, tally);
    return tally;
  }
}

/** The record of a call's end does not repeat the members of its beginning. */
function mergeEnd(signed: AuditRecord, end: AuditRecord): AuditRecord {
  return { ...signed, ...end };
}

class Tally {
  readonly #day: string;
  readonly #client: string;
  readonly #catalogue: Catalogue;
  #answered = 0;
  #refused = 0;
  #unknown = 0;
  #unfinished = 0;
  #orders = 0;
  #unvalued = 0;
  #weight = 0;
  readonly #refusals = new Map<string, number>();
  readonly #notional = new Map<string, Decimal>();
  readonly #durations: number[] = [];
  readonly #upstreams: number[] = [];

  constructor(day: string, client: string, catalogue: Catalogue) {
    this.#day = day;
    this.#client = client;
    this.#catalogue = catalogue;
  }

  leaveOpen(): void {
    this.#unfinished++;
  }

  end(record: AuditRecord): void {
    const isRefused = record.event === 'call.refused' || record.outcome === 'not-sent';
    if (record.event === 'call.completed') this.#weight += record.weight ?? 0;
    if (isRefused) this.#refuse(record);
    else if (record.outcome === 'unknown') this.#unknown++;
    else this.#answer(record);
  }

  result(): ClientDay {
    return {
      day: this.#day,
      client: this.#client,
      calls: this.#answered + this.#refused + this.#unknown + this.#unfinished,
      answered: this.#answered,
      refused: this.#refused,
      unknown: this.#unknown,
      unfinished: this.#unfinished,
      refusals: Object.fromEntries([...this.#refusals].sort((a, b) => b[1] - a[1])),
      orders: this.#orders,
      notional: Object.fromEntries([...this.#notional].map(([quote, sum]) => [quote, sum.toFixed()])),
      unvaluedOrders: this.#unvalued,
      weight: this.#weight,
      durationMs: percentiles(this.#durations),
      upstreamMs: percentiles(this.#upstreams),
    };
  }

  #answer(record: AuditRecord): void {
    this.#answered++;
    if (record.durationMs !== undefined) this.#durations.push(record.durationMs);
    if (record.upstreamMs !== undefined) this.#upstreams.push(record.upstreamMs);
    const { status = 0 } = record;
    if (status >= 200 && status < 300) this.#countOrders(record);
  }

  #refuse({ error, rule }: AuditRecord): void {
    this.#refused++;
    const reason = [error, rule].filter((part) => part !== undefined).join(': ') || 'unnamed';
    this.#refusals.set(reason, (this.#refusals.get(reason) ?? 0) + 1);
  }

  #countOrders(record: AuditRecord): void {
    const ordered = orderedNotional(record, this.#catalogue);
    if (ordered === undefined) return;
    this.#orders += ordered.orders;
    this.#unvalued += ordered.unvalued;
    for (const [quote, notional] of ordered.byQuote) {
      this.#notional.set(quote, notional.plus(this.#notional.get(quote) ?? 0));
    }
  }
}

/** Percentiles by the nearest-rank method. */
function percentiles(values: number[]): Latency | undefined {
  if (values.length === 0) return undefined;
  const sorted = Float64Array.from(values).sort();
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}
