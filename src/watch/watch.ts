import type { NamedCall } from '../audit/reading/earlier-calls.ts';
import type { AuditTrail } from '../audit/trail.ts';
import type { Settings } from '../config/schema/settings.ts';
import { ANONYMOUS } from '../core/access/client.ts';
import { pauseAfter } from '../core/errors.ts';
import { MINUTE_MS, SECOND_MS } from '../core/intervals.ts';
import type { SocketFamily } from '../core/upstream.ts';
import type { RealisedResults } from '../orders/resting/realised-results.ts';
import type { RestingOrders } from '../orders/resting/resting-orders.ts';
import { AccountStream, type OpenedStream } from './account-stream.ts';
import { type AskOrders, MissedOrders } from './missed-orders.ts';
import type { OwnBook } from './own-book.ts';
import type { OwnOrders } from './own-orders.ts';
import { type ForeignOrder, ReportJudge } from './report-judge.ts';
import type { OrderReport, WatchEvent } from './watch-event.ts';

export interface WatchDeps {
  readonly settings: () => Settings;
  readonly own: OwnOrders;
  readonly book: OwnBook;
  readonly resting: RestingOrders;
  readonly realised: Pick<RealisedResults, 'of'>;
  readonly open: (account: string, family: SocketFamily, signal: AbortSignal) => Promise<OpenedStream>;
  readonly ask: AskOrders;
  readonly trail: Pick<AuditTrail, 'note'>;
  /** Lets an account cancel only, for this reason. */
  readonly enter: (account: string, reason: string) => void;
  readonly wallNow: () => number;
  readonly monotonicNow: () => number;
}

/** The orders of a client on a watched account. */
export interface OwnOrdersState {
  readonly client: string;
  readonly account: string;
  /** How many rest, or are on their way. */
  readonly open: number;
  /** What its fills of this day of UTC made, by asset; without fees. */
  readonly realised: Readonly<Record<string, string>>;
}

/** How the watch over one product of an account is. */
export interface WatchState {
  readonly account: string;
  readonly family: SocketFamily;
  /** A stream is open, and what was missed before it was asked for. */
  readonly watching: boolean;
  readonly foreign: number;
  /** Since when nothing was missed, ms. */
  readonly seenSinceMs: number | undefined;
}

interface Watched {
  readonly account: string;
  readonly family: SocketFamily;
  readonly stream: AccountStream;
  readonly symbols: Set<string>;
  foreign: number;
  isBlind: boolean;
  seenSinceMs: number | undefined;
  /** Where the time begins of which nobody was asked yet, ms. */
  missedSinceMs: number | undefined;
  /** Counts what changes what is seen: an answer to an earlier question tells of the time before it. */
  changes: number;
}

/** After a gap at most so many symbols are asked for. */
const MOST_SYMBOLS = 50;
/** The clocks of two machines may differ by so much. */
const OVERLAP_MS = 10_000;
const FIRST_PAUSE_MS = SECOND_MS;

/** Watches over what happens on the accounts, and tells of orders that did not come from here. */
export class Watch {
  readonly #deps: WatchDeps;
  readonly #judge: ReportJudge;
  readonly #missed: MissedOrders;
  readonly #watched: Watched[] = [];
  readonly #stop = new AbortController();
  #earlierMs: number | undefined;

  constructor(deps: WatchDeps) {
    this.#deps = deps;
    this.#missed = new MissedOrders(deps.ask);
    this.#judge = new ReportJudge({
      own: deps.own,
      onForeign: (order) => this.#tell(order),
      onOwn: deps.book.note,
    });
  }

  /**
   * @param placed records of orders of earlier runs
   * @param earlierMs when the last of their records was made; undefined where there is none
   */
  start(placed: Iterable<NamedCall>, earlierMs: number | undefined): void {
    const { settings, own, open, wallNow } = this.#deps;
    for (const record of placed) own.take(record);
    this.#earlierMs = earlierMs;
    for (const [account, { streams }] of settings().accountWatches) {
      for (const family of streams) {
        const watched: Watched = {
          ...{ account, family, symbols: new Set<string>(), foreign: 0, isBlind: false, changes: 0 },
          ...{ seenSinceMs: undefined, missedSinceMs: undefined },
          stream: new AccountStream({
            ...{ account, family, wallNow },
            open: (signal) => open(account, family, signal),
            onEvent: (event) => this.#hear(watched, event),
            onOpened: (sinceMs) => {
              const since = sinceMs ?? this.#earlierMs;
              watched.missedSinceMs = earliest(watched.missedSinceMs, since);
              void this.#catchUp(watched);
            },
            onBlind: (why) => {
              watched.changes++;
              this.#blind(watched, why);
            },
          }),
        };
        this.#watched.push(watched);
        watched.stream.start();
      }
    }
  }

  get states(): readonly WatchState[] {
    return this.#watched.map(({ account, family, stream, foreign, seenSinceMs, isBlind }) => ({
      ...{ account, family, foreign, seenSinceMs },
      watching: stream.isOpen && !isBlind,
    }));
  }

  /** The orders of every client whose account is watched. */
  get ownOrders(): readonly OwnOrdersState[] {
    const { settings, resting, realised, wallNow, monotonicNow } = this.#deps;
    const accounts = new Set(this.#watched.map(({ account }) => account));
    return [...settings().clients.values()]
      .filter(({ name, account }) => accounts.has(account) && name !== ANONYMOUS)
      .map(({ name, account }) => {
        const open = resting.open(name, monotonicNow());
        return { client: name, account, open, realised: realised.of(name, wallNow()) };
      });
  }

  close(): void {
    this.#stop.abort();
    for (const { stream } of this.#watched) stream.close();
    this.#judge.close();
  }

  #hear(watched: Watched, event: WatchEvent): void {
    const { account, family } = watched;
    if (event.kind === 'order') watched.symbols.add(event.report.symbol);
    this.#judge.hear(account, event, family);
    if (event.kind === 'child' && event.conditional !== undefined)
      this.#deps.book.noteConditional(account, family, event.conditional);
  }

  /** Asks for what nobody may have told of, until there is an answer to all of it. */
  async #catchUp(watched: Watched): Promise<void> {
    const changes = ++watched.changes;
    const { signal } = this.#stop;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, MINUTE_MS)) {
      let nextMs = pauseMs;
      try {
        await this.#look(watched, () => watched.changes === changes && !signal.aborted);
        return;
      } catch (error) {
        if (signal.aborted || watched.changes !== changes) return;
        const why = error instanceof Error ? error.message : 'the orders of the gap could not be read';
        this.#blind(watched, why);
        nextMs = pauseAfter(error, pauseMs, MINUTE_MS);
      }
      await new Promise<void>((resolve) => setTimeout(resolve, nextMs).unref());
      if (signal.aborted || watched.changes !== changes) return;
    }
  }

  /** The orders on the books, and those of symbols that were traded, since the time that was missed. */
  async #look(watched: Watched, isOfNow: () => boolean): Promise<void> {
    const { account, family, missedSinceMs } = watched;
    const { book, resting } = this.#deps;
    const sinceMs = missedSinceMs === undefined ? undefined : missedSinceMs - OVERLAP_MS;
    const askedAt = resting.asking();
    const standing = await this.#missed.standing(account, family);
    const conditional = await this.#missed.conditional(account, family);
    for (const { symbol } of standing) watched.symbols.add(symbol);
    for (const report of standing) this.#judgeMissed(account, report, sinceMs);
    if (sinceMs !== undefined) {
      const symbols = new Set([...this.#deps.own.symbolsOf(account, family), ...watched.symbols]);
      for (const symbol of [...symbols].slice(-MOST_SYMBOLS))
        for await (const report of this.#missed.since(account, family, symbol, sinceMs))
          this.#judgeMissed(account, report, sinceMs);
    }
    if (!isOfNow()) return;
    watched.missedSinceMs = undefined;
    this.#seeing(watched, sinceMs);
    await book.listed(account, family, standing, conditional, askedAt);
  }

  /** What was placed before anybody watched is known from now on. */
  #judgeMissed(account: string, report: OrderReport, sinceMs: number | undefined): void {
    const isOld = sinceMs === undefined || (report.placedMs ?? Number.POSITIVE_INFINITY) < sinceMs;
    if (isOld) this.#judge.takeAsKnown(account, report);
    else this.#judge.judge(account, report);
  }

  #seeing(watched: Watched, sinceMs: number | undefined): void {
    if (watched.isBlind || watched.seenSinceMs === undefined) watched.seenSinceMs = this.#deps.wallNow();
    watched.isBlind = false;
    const { account, family } = watched;
    const since = sinceMs === undefined ? undefined : new Date(sinceMs).toISOString();
    this.#deps.trail.note({ event: 'watch.began', account, upstream: family, detail: { since } });
  }

  #blind(watched: Watched, why: string): void {
    const { account, family } = watched;
    this.#deps.resting.blind(account, family);
    if (watched.isBlind) return;
    watched.isBlind = true;
    this.#deps.trail.note({ event: 'watch.blind', account, upstream: family, msg: why });
  }

  #tell({ account, report, origin }: ForeignOrder): void {
    const { settings, trail, enter } = this.#deps;
    const { family, symbol, orderId, clientOrderIds, side, type, quantity, price } = report;
    const watched = this.#watched.find((each) => each.account === account && each.family === family);
    if (watched !== undefined) watched.foreign++;
    const envPrefix = settings().accountWatches.get(account)?.envPrefix ?? account;
    const isToStop =
      origin === 'foreign' && settings().accountWatches.get(account)?.onForeign === 'cancel-only';
    const begin = `An order on ${symbol} (${family}) did not come through this proxy`;
    const msg =
      origin === 'exchange'
        ? `${begin}: by its name and type the exchange placed it.`
        : origin === 'ui'
          ? `${begin}: by its name it was placed on a page or in an app of Binance. Was it you?`
          : `${begin}: somebody else has the key of account ${account}. Revoke the one of ${envPrefix}_API_KEY at Binance if it was not you.`;
    trail.note({
      ...{ event: 'order.foreign', account, upstream: family, msg, orderId },
      clientOrderId: clientOrderIds.length === 1 ? clientOrderIds[0] : clientOrderIds,
      level: origin === 'exchange' ? 'info' : 'warn',
      detail: {
        origin,
        symbol,
        side,
        type,
        quantity,
        price,
        answer: isToStop ? 'cancel-only' : undefined,
      },
    });
    if (isToStop) enter(account, msg);
  }
}

function earliest(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return Math.min(one, other);
}
