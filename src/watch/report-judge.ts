import { type OrderOrigin, originOf } from './order-origin.ts';
import type { OwnOrders } from './own-orders.ts';
import type { OrderReport, WatchEvent } from './watch-event.ts';

/** An order that did not come from here. */
export interface ForeignOrder {
  readonly account: string;
  readonly report: OrderReport;
  readonly origin: OrderOrigin;
}

export interface ReportJudgeOptions {
  readonly own: OwnOrders;
  readonly onForeign: (order: ForeignOrder) => void;
  /** How long an order that nobody knows is kept for what may still explain it, in ms. */
  readonly graceMs?: number;
  /** Until other proxies are asked again that could not be, in ms. */
  readonly retryMs?: number;
}

const MOST_HELD = 5_000;
const MOST_TOLD = 50_000;

/**
 * Tells own orders from those of others. One that nobody knows is held for a moment: the conditional order that it came of,
 * or another proxy, may still explain it.
 */
export class ReportJudge {
  readonly #options: Required<ReportJudgeOptions>;
  readonly #held = new Map<string, NodeJS.Timeout>();
  readonly #told = new Set<string>();

  constructor(options: ReportJudgeOptions) {
    this.#options = { graceMs: 1_000, retryMs: 1_000, ...options };
  }

  hear(account: string, event: WatchEvent, family: OrderReport['family']): void {
    const { own } = this.#options;
    if (event.kind === 'child') {
      if (own.hasName(account, [event.clientOrderId])) own.noteId(account, family, '', event.orderId);
      return;
    }
    if (event.kind === 'order') this.judge(account, event.report);
  }

  judge(account: string, report: OrderReport): void {
    const key = keyOf(account, report);
    if (this.#told.has(key) || this.#isOwn(account, report) || this.#held.has(key)) return;
    if (this.#held.size >= MOST_HELD) this.#tell(account, report);
    else this.#hold(key, account, report, this.#options.graceMs);
  }

  /** An order that stood before anybody watched is nobody's news. */
  takeAsKnown(account: string, report: OrderReport): void {
    this.#options.own.noteId(account, report.family, report.symbol, report.orderId);
  }

  close(): void {
    for (const timer of this.#held.values()) clearTimeout(timer);
    this.#held.clear();
  }

  #isOwn(account: string, { family, symbol, orderId, clientOrderIds }: OrderReport): boolean {
    const { own } = this.#options;
    if (own.hasId(account, family, symbol, orderId)) return true;
    if (!own.claim(account, clientOrderIds) && !own.hasAlgo(account, symbol)) return false;
    own.noteId(account, family, symbol, orderId);
    return true;
  }

  #hold(key: string, account: string, report: OrderReport, forMs: number): void {
    const timer = setTimeout(() => void this.#decide(key, account, report), forMs);
    timer.unref();
    this.#held.set(key, timer);
  }

  async #decide(key: string, account: string, report: OrderReport): Promise<void> {
    const { own, retryMs } = this.#options;
    try {
      if (!this.#isOwn(account, report) && !(await own.isOfOthers(account, report.clientOrderIds)))
        this.#tell(account, report);
      else own.noteId(account, report.family, report.symbol, report.orderId);
      this.#held.delete(key);
    } catch {
      // While Redis is away nobody can say whose it is.
      if (this.#held.has(key)) this.#hold(key, account, report, retryMs);
    }
  }

  #tell(account: string, report: OrderReport): void {
    this.#told.add(keyOf(account, report));
    if (this.#told.size > MOST_TOLD) this.#told.delete(this.#told.values().next().value ?? '');
    this.#options.onForeign({ account, report, origin: originOf(report) });
  }
}

function keyOf(account: string, { family, symbol, orderId }: OrderReport): string {
  return `${account} ${family} ${symbol} ${orderId}`;
}
