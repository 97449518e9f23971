import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import type { ProxyError } from '../../core/errors.ts';
import { MINUTE_MS } from '../../core/intervals.ts';
import type { CallContext } from '../../pipeline/call-context.ts';
import type { CallMetrics } from '../call-metrics.ts';

/** What was counted of one client. */
interface ClientCount {
  calls: number;
  refused: number;
  unknown: number;
}

interface ClientTally extends ClientCount {
  readonly client: string;
  /** When its last call came, ms since the epoch. */
  lastSeenMs: number;
  /** Of the last minutes. */
  readonly recent: Readonly<ClientCount>;
}

interface RefusalTally {
  readonly error: string;
  readonly rule: string | undefined;
  readonly count: number;
}

interface Quantiles {
  readonly calls: number;
  /** In ms; undefined without calls. */
  readonly p50Ms?: number;
  readonly p99Ms?: number;
}

export interface CallTallies {
  readonly recentMinutes: number;
  readonly clients: readonly ClientTally[];
  /** Refusals of the last minutes, the most frequent first. */
  readonly refusals: readonly RefusalTally[];
  /** What the proxy added to a call, and what Binance took. */
  readonly added: Quantiles;
  readonly upstream: Quantiles;
}

interface Span {
  readonly number: number;
  readonly clients: Map<string, ClientCount>;
  readonly refusals: Map<string, number>;
  readonly added: RecordableHistogram;
  readonly upstream: RecordableHistogram;
}

/** The recent past is this many spans: the present one and those before it. */
const SPANS = 3;
const SPAN_MS = 5 * MINUTE_MS;
const UNITS = { lowest: 1, highest: 120_000_000, figures: 2 } as const;
/** Rules are constants of the program; the bound holds if one day they are not. */
const MOST_REFUSALS = 200;
const NOBODY = 'none';

/** Counts calls for people who look: by client, by refusal, and how long they take, over the last 15 minutes. */
export class CallTally {
  readonly #wallNow: () => number;
  readonly #monotonicNow: () => number;
  readonly #totals = new Map<string, ClientCount & { lastSeenMs: number }>();
  #spans: Span[] = [];

  constructor(wallNow: () => number, monotonicNow: () => number) {
    this.#wallNow = wallNow;
    this.#monotonicNow = monotonicNow;
  }

  /** The same metrics, which count here as well. */
  beside(metrics: CallMetrics): CallMetrics {
    return {
      expect: (settings) => metrics.expect(settings),
      signed: (context) => metrics.signed(context),
      reported: (context) => metrics.reported(context),
      completed: (context, end, durationMs) => {
        metrics.completed(context, end, durationMs);
        this.#count(clientOf(context), end.outcome === 'unknown' ? 'unknown' : undefined);
        const { waitMs = 0, upstreamMs } = context;
        const span = this.#span();
        if (upstreamMs !== undefined) span.upstream.record(microseconds(upstreamMs));
        span.added.record(microseconds(durationMs - waitMs - (upstreamMs ?? 0)));
      },
      refused: (context, error) => {
        metrics.refused(context, error);
        this.#count(clientOf(context), 'refused');
        this.#countRefusal(error);
      },
    };
  }

  read(): CallTallies {
    const spans = this.#recent();
    const recentOf = (client: string) => sumOf(spans.flatMap(({ clients }) => clients.get(client) ?? []));
    return {
      recentMinutes: (SPANS * SPAN_MS) / MINUTE_MS,
      clients: [...this.#totals].map(([client, total]) => ({ client, ...total, recent: recentOf(client) })),
      refusals: refusalsOf(spans),
      added: quantiles(spans.map(({ added }) => added)),
      upstream: quantiles(spans.map(({ upstream }) => upstream)),
    };
  }

  #count(client: string, what: 'refused' | 'unknown' | undefined): void {
    const total = entryOf(this.#totals, client, () => ({ ...NONE, lastSeenMs: 0 }));
    total.lastSeenMs = this.#wallNow();
    const recent = entryOf(this.#span().clients, client, () => ({ ...NONE }));
    for (const each of [total, recent]) {
      each.calls++;
      if (what !== undefined) each[what]++;
    }
  }

  #countRefusal(error: ProxyError): void {
    const { refusals } = this.#span();
    const rule = error.name === 'PROXY_INTERNAL' ? undefined : error.rule;
    const key = rule === undefined ? error.name : `${error.name} ${rule}`;
    if (refusals.has(key) || refusals.size < MOST_REFUSALS) refusals.set(key, (refusals.get(key) ?? 0) + 1);
  }

  #span(): Span {
    const number = Math.floor(this.#monotonicNow() / SPAN_MS);
    const last = this.#spans.at(-1);
    if (last?.number === number) return last;
    const span: Span = {
      number,
      clients: new Map(),
      refusals: new Map(),
      added: createHistogram(UNITS),
      upstream: createHistogram(UNITS),
    };
    this.#spans = [...this.#recent(), span];
    return span;
  }

  #recent(): Span[] {
    const number = Math.floor(this.#monotonicNow() / SPAN_MS);
    return this.#spans.filter((span) => span.number > number - SPANS);
  }
}

const NONE: Readonly<ClientCount> = { calls: 0, refused: 0, unknown: 0 };

function clientOf(context: CallContext | undefined): string {
  return (context?.client ?? context?.identified)?.name ?? NOBODY;
}

function microseconds(ms: number): number {
  return Math.min(UNITS.highest, Math.max(UNITS.lowest, Math.round(ms * 1_000)));
}

function entryOf<V>(map: Map<string, V>, key: string, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

function sumOf(counts: readonly ClientCount[]): ClientCount {
  const sum = { ...NONE };
  for (const { calls, refused, unknown } of counts) {
    sum.calls += calls;
    sum.refused += refused;
    sum.unknown += unknown;
  }
  return sum;
}

function refusalsOf(spans: readonly Span[]): readonly RefusalTally[] {
  const sums = new Map<string, number>();
  for (const { refusals } of spans)
    for (const [key, count] of refusals) sums.set(key, (sums.get(key) ?? 0) + count);
  return [...sums]
    .sort(([, one], [, other]) => other - one)
    .map(([key, count]) => {
      const [error = '', ...rule] = key.split(' ');
      return { error, rule: rule.length === 0 ? undefined : rule.join(' '), count };
    });
}

function quantiles(histograms: readonly RecordableHistogram[]): Quantiles {
  const all = createHistogram(UNITS);
  for (const each of histograms) if (each.count > 0) all.add(each);
  if (all.count === 0) return { calls: 0 };
  return { calls: all.count, p50Ms: all.percentile(50) / 1_000, p99Ms: all.percentile(99) / 1_000 };
}
