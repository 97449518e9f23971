import { BoundedSet } from '../core/bounded-set.ts';
import { SECOND_MS } from '../core/intervals.ts';
import { type OrderOrigin, originOf } from './order-origin.ts';
import type { OwnOrders } from './own-orders.ts';
import type { OrderReport, WatchEvent } from './watch-event.ts';

/** An order that did not come from here. */
export interface ForeignOrder {
  readonly account: string;
  readonly report: OrderReport;
  readonly origin: OrderOrigin;
}

/** Word of an own order. */
export interface OwnReport {
  readonly account: string;
  readonly report: OrderReport;
  /** Whose it is; undefined where nobody knows any more. */
  readonly client: string | undefined;
}

export interface ReportJudgeOptions {
  readonly own: OwnOrders;
  readonly onForeign: (order: ForeignOrder) => void;
  readonly onOwn?: (order: OwnReport) => void;
  /** How long an order that nobody knows is kept for what may still explain it, in ms. */
  readonly graceMs?: number;
  /** Until other proxies are asked again that could not be, in ms. */
  readonly retryMs?: number;
}

interface HeldReport {
  readonly account: string;
  /** The last word of it. */
  report: OrderReport;
  /** Earlier words of fills: each of them counts, whosever it turns out to be. */
  readonly fills: OrderReport[];
  readonly timer: NodeJS.Timeout;
  /** It stood before anybody watched: whose it is matters, and it is nobody's news. */
  readonly isOld: boolean;
}

/** With the half second in which Redis answers or counts as away, an order is told within two of its event. */
const GRACE_MS = SECOND_MS;
/** So soon that two seconds also hold where one question was lost. */
const RETRY_MS = SECOND_MS / 4;
/** As many as there are names of own orders: all that others place while Redis is away wait for it. */
const MOST_HELD = 100_000;
const MOST_TOLD = 50_000;
/** So many are asked for at once when Redis may be back. */
const AT_ONCE = 100;

/**
 * Tells own orders from those of others. One that nobody knows is held for a moment: the conditional order that it came of,
 * or another proxy, may still explain it.
 */
export class ReportJudge {
  readonly #options: Required<ReportJudgeOptions>;
  readonly #held = new Map<string, HeldReport>();
  /** Keys of those whose other proxies could not be asked. */
  readonly #unasked = new Set<string>();
  #retry: NodeJS.Timeout | undefined;
  readonly #told = new BoundedSet(MOST_TOLD);

  constructor(options: ReportJudgeOptions) {
    this.#options = { graceMs: GRACE_MS, retryMs: RETRY_MS, onOwn: () => {}, ...options };
  }

  hear(account: string, event: WatchEvent, family: OrderReport['family']): void {
    const { own } = this.#options;
    if (event.kind === 'child') {
      const names = [event.clientOrderId];
      if (event.orderId !== '' && own.hasName(account, names))
        own.noteId(account, family, '', event.orderId, own.clientOf(account, names));
      return;
    }
    if (event.kind === 'order') this.judge(account, event.report);
  }

  judge(account: string, report: OrderReport): void {
    const key = keyOf(account, report);
    if (this.#told.has(key) || this.#isOwn(account, report)) return;
    const held = this.#held.get(key);
    if (held !== undefined) {
      if (held.report.fill !== undefined) held.fills.push(held.report);
      held.report = { ...report, clientOrderIds: namesOf(held.report, report) };
    } else if (this.#held.size >= MOST_HELD) this.#tell(account, report);
    else this.#hold(key, account, report, false);
  }

  /** An order that stood before anybody watched is nobody's news, though it may be of another proxy. */
  takeAsKnown(account: string, report: OrderReport): void {
    const { own, onOwn } = this.#options;
    const { family, symbol, orderId, clientOrderIds } = report;
    const client = own.clientOfId(account, family, symbol, orderId) ?? own.clientOf(account, clientOrderIds);
    own.noteId(account, family, symbol, orderId, client);
    onOwn({ account, report, client });
    const key = keyOf(account, report);
    const isToAsk = client === undefined && own.hasOthers && !this.#held.has(key);
    if (isToAsk && this.#held.size < MOST_HELD) this.#hold(key, account, report, true);
  }

  close(): void {
    clearTimeout(this.#retry);
    for (const { timer } of this.#held.values()) clearTimeout(timer);
    this.#held.clear();
  }

  #isOwn(account: string, report: OrderReport): boolean {
    const { own, onOwn } = this.#options;
    const { family, symbol, orderId, clientOrderIds } = report;
    if (own.hasId(account, family, symbol, orderId)) {
      onOwn({ account, report, client: own.clientOfId(account, family, symbol, orderId) });
      return true;
    }
    const isNamed = own.claim(account, clientOrderIds);
    if (!isNamed && !own.hasAlgo(account, symbol)) return false;
    const client = isNamed ? own.clientOf(account, clientOrderIds) : undefined;
    own.noteId(account, family, symbol, orderId, client);
    onOwn({ account, report, client });
    return true;
  }

  #hold(key: string, account: string, report: OrderReport, isOld: boolean): void {
    const timer = setTimeout(() => void this.#decide(key), this.#options.graceMs).unref();
    const held: HeldReport = { account, report, timer, fills: [], isOld };
    this.#held.set(key, held);
    // Most are of another proxy, which told of it before it was sent.
    if (this.#options.own.hasOthers) void this.#askOthers(key, held).catch(() => {});
  }

  async #decide(key: string): Promise<void> {
    const held = this.#held.get(key);
    if (held === undefined) return;
    const { account, isOld } = held;
    try {
      const isOwn = !isOld && this.#isOwn(account, held.report);
      if (isOwn) for (const fill of held.fills) this.#isOwn(account, fill);
      else await this.#askOthers(key, held);
      if (this.#held.get(key) !== held) return;
      this.#held.delete(key);
      if (!isOwn && !isOld) this.#tell(account, held.report);
    } catch {
      // While Redis is away nobody can say whose it is.
      if (this.#held.get(key) === held) this.#askLater(key);
    }
  }

  #askLater(key: string): void {
    this.#unasked.add(key);
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined;
      void this.#askAgain();
    }, this.#options.retryMs).unref();
  }

  /** Asks for all that wait, until it cannot be asked again. */
  async #askAgain(): Promise<void> {
    while (this.#unasked.size > 0 && this.#retry === undefined) {
      const keys = [...this.#unasked.values().take(AT_ONCE)];
      for (const key of keys) this.#unasked.delete(key);
      await Promise.all(keys.map((key) => this.#decide(key)));
    }
  }

  /** Lets go of it when another proxy placed it. @throws Error while that cannot be asked */
  async #askOthers(key: string, held: HeldReport): Promise<void> {
    const { own, onOwn } = this.#options;
    const { account } = held;
    const client = await own.placerElsewhere(account, held.report.clientOrderIds);
    if (client === undefined || this.#held.get(key) !== held) return;
    clearTimeout(held.timer);
    this.#held.delete(key);
    const { report, fills } = held;
    own.noteId(account, report.family, report.symbol, report.orderId, client);
    for (const each of [...fills, report]) onOwn({ account, report: each, client });
  }

  #tell(account: string, report: OrderReport): void {
    this.#told.add(keyOf(account, report));
    this.#options.onForeign({ account, report, origin: originOf(report) });
  }
}

function namesOf(...reports: readonly OrderReport[]): readonly string[] {
  return [...new Set(reports.flatMap(({ clientOrderIds }) => clientOrderIds))];
}

function keyOf(account: string, { family, symbol, orderId }: OrderReport): string {
  return `${account} ${family} ${symbol} ${orderId}`;
}
