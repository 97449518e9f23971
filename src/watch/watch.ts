import type { NamedCall } from '../audit/reading/earlier-calls.ts';
import type { AuditTrail } from '../audit/trail.ts';
import type { Settings } from '../config/schema/settings.ts';
import type { SocketFamily } from '../core/upstream.ts';
import { AccountStream, type OpenedStream } from './account-stream.ts';
import type { OwnOrders } from './own-orders.ts';
import { type ForeignOrder, ReportJudge } from './report-judge.ts';
import { type OrderReport, readOrderList } from './watch-event.ts';

export interface WatchDeps {
  readonly settings: () => Settings;
  readonly own: OwnOrders;
  readonly open: (account: string, family: SocketFamily, signal: AbortSignal) => Promise<OpenedStream>;
  /** One signed GET of the proxy's own; rejects when no whole answer came. */
  readonly ask: (
    account: string,
    family: SocketFamily,
    target: string,
  ) => Promise<{ readonly status: number; readonly text: string }>;
  readonly trail: Pick<AuditTrail, 'note'>;
  /** Lets an account cancel only, for this reason. */
  readonly enter: (account: string, reason: string) => void;
  readonly wallNow: () => number;
}

/** How the watch over one product of an account is. */
export interface WatchState {
  readonly account: string;
  readonly family: SocketFamily;
  readonly watching: boolean;
  readonly foreign: number;
}

interface Watched {
  readonly account: string;
  readonly family: SocketFamily;
  readonly stream: AccountStream;
  readonly symbols: Set<string>;
  foreign: number;
  isBlind: boolean;
}

const OPEN_ORDERS: Readonly<Record<SocketFamily, string>> = {
  spot: '/api/v3/openOrders',
  usdm: '/fapi/v1/openOrders',
  coinm: '/dapi/v1/openOrders',
};
const ALL_ORDERS: Readonly<Record<SocketFamily, string>> = {
  spot: '/api/v3/allOrders',
  usdm: '/fapi/v1/allOrders',
  coinm: '/dapi/v1/allOrders',
};
/** After a gap at most so many symbols are asked for. */
const MOST_SYMBOLS = 50;
/** The clocks of two machines may differ by so much. */
const OVERLAP_MS = 10_000;

/** Watches over what happens on the accounts, and tells of orders that did not come from here. */
export class Watch {
  readonly #deps: WatchDeps;
  readonly #judge: ReportJudge;
  readonly #watched: Watched[] = [];
  #earlierMs: number | undefined;

  constructor(deps: WatchDeps) {
    this.#deps = deps;
    this.#judge = new ReportJudge({ own: deps.own, onForeign: (order) => this.#tell(order) });
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
          ...{ account, family, symbols: new Set<string>(), foreign: 0, isBlind: false },
          stream: new AccountStream({
            ...{ account, family, wallNow },
            open: (signal) => open(account, family, signal),
            onEvent: (event) => {
              if (event.kind === 'order') watched.symbols.add(event.report.symbol);
              this.#judge.hear(account, event, family);
            },
            onOpened: (sinceMs) => void this.#catchUp(watched, sinceMs),
            onBlind: (why) => this.#blind(watched, why),
          }),
        };
        this.#watched.push(watched);
        watched.stream.start();
      }
    }
  }

  get states(): readonly WatchState[] {
    return this.#watched.map(({ account, family, stream, foreign }) => ({
      ...{ account, family, foreign },
      watching: stream.isOpen,
    }));
  }

  close(): void {
    for (const { stream } of this.#watched) stream.close();
    this.#judge.close();
  }

  /** Asks for the orders that nobody may have told of: those on the books, and those of symbols that were traded. */
  async #catchUp(watched: Watched, lostMs: number | undefined): Promise<void> {
    const { account, family } = watched;
    const since = lostMs ?? this.#earlierMs;
    const sinceMs = since === undefined ? undefined : since - OVERLAP_MS;
    try {
      const standing = await this.#list(watched, OPEN_ORDERS[family]);
      for (const { symbol } of standing) watched.symbols.add(symbol);
      for (const report of standing) this.#judgeMissed(account, report, sinceMs);
      if (sinceMs !== undefined) {
        for (const symbol of [...watched.symbols].slice(-MOST_SYMBOLS)) {
          const query = `?symbol=${encodeURIComponent(symbol)}&startTime=${Math.floor(sinceMs)}`;
          for (const report of await this.#list(watched, `${ALL_ORDERS[family]}${query}`))
            this.#judgeMissed(account, report, sinceMs);
        }
      }
      this.#seeing(watched, sinceMs);
    } catch (error) {
      const why = error instanceof Error ? error.message : 'the orders of the gap could not be read';
      this.#blind(watched, why);
    }
  }

  /** What was placed before anybody watched is known from now on. */
  #judgeMissed(account: string, report: OrderReport, sinceMs: number | undefined): void {
    const isOld = sinceMs === undefined || (report.placedMs ?? Number.POSITIVE_INFINITY) < sinceMs;
    if (isOld) this.#judge.takeAsKnown(account, report);
    else this.#judge.judge(account, report);
  }

  async #list({ account, family }: Watched, target: string): Promise<readonly OrderReport[]> {
    const { status, text } = await this.#deps.ask(account, family, target);
    if (status !== 200) throw new Error(`Binance answered the question for orders with status ${status}.`);
    return readOrderList(family, text);
  }

  #seeing(watched: Watched, sinceMs: number | undefined): void {
    watched.isBlind = false;
    const { account, family } = watched;
    const since = sinceMs === undefined ? undefined : new Date(sinceMs).toISOString();
    this.#deps.trail.note({ event: 'watch.began', account, upstream: family, detail: { since } });
  }

  #blind(watched: Watched, why: string): void {
    if (watched.isBlind) return;
    watched.isBlind = true;
    const { account, family } = watched;
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
