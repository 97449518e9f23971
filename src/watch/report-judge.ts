import { BoundedSet } from '../core/bounded-set.ts';
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
  /** The last word of it. */
  report: OrderReport;
  timer: NodeJS.Timeout | undefined;
}

const MOST_HELD = 5_000;
const MOST_TOLD = 50_000;

/**
 * Tells own orders from those of others. One that nobody knows is held for a moment: the conditional order that it came of,
 * or another proxy, may still explain it.
 */
export class ReportJudge {
  readonly #options: Required<ReportJudgeOptions>;
  readonly #held = new Map<string, HeldReport>();
  readonly #told = new BoundedSet(MOST_TOLD);

  constructor(options: ReportJudgeOptions) {
    this.#options = { graceMs: 1_000, retryMs: 1_000, onOwn: () => {}, ...options };
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
    if (held !== undefined) held.report = { ...report, clientOrderIds: namesOf(held.report, report) };
    else if (this.#held.size >= MOST_HELD) this.#tell(account, report);
    else this.#hold(key, account, report);
  }

  /** An order that stood before anybody watched is nobody's news. */
  takeAsKnown(account: string, report: OrderReport): void {
    const { own, onOwn } = this.#options;
    const { family, symbol, orderId, clientOrderIds } = report;
    const client = own.clientOfId(account, family, symbol, orderId) ?? own.clientOf(account, clientOrderIds);
    own.noteId(account, family, symbol, orderId, client);
    onOwn({ account, report, client });
  }

  close(): void {
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

  #hold(key: string, account: string, report: OrderReport): void {
    const held: HeldReport = { report, timer: undefined };
    this.#held.set(key, held);
    this.#later(key, account, held, this.#options.graceMs);
    // Most are of another proxy, which told of it before it was sent.
    if (this.#options.own.hasOthers) void this.#askOthers(key, account, held).catch(() => {});
  }

  #later(key: string, account: string, held: HeldReport, afterMs: number): void {
    held.timer = setTimeout(() => void this.#decide(key, account, held), afterMs);
    held.timer.unref();
  }

  async #decide(key: string, account: string, held: HeldReport): Promise<void> {
    if (this.#held.get(key) !== held) return;
    try {
      const isKnown = this.#isOwn(account, held.report) || (await this.#askOthers(key, account, held));
      if (this.#held.get(key) !== held) return;
      this.#held.delete(key);
      if (!isKnown) this.#tell(account, held.report);
    } catch {
      // While Redis is away nobody can say whose it is.
      if (this.#held.get(key) === held) this.#later(key, account, held, this.#options.retryMs);
    }
  }

  /** True when it was found out whose it is. @throws Error while that cannot be asked */
  async #askOthers(key: string, account: string, held: HeldReport): Promise<boolean> {
    const { own, onOwn } = this.#options;
    const client = await own.placerElsewhere(account, held.report.clientOrderIds);
    if (client === undefined || this.#held.get(key) !== held) return false;
    clearTimeout(held.timer);
    this.#held.delete(key);
    const { report } = held;
    own.noteId(account, report.family, report.symbol, report.orderId, client);
    onOwn({ account, report, client });
    return true;
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
