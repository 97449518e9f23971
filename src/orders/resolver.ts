import {
  type AskUpstream,
  OrderLookup,
  type ResolvedCall,
  type UnknownCall,
  type UnresolvedOrder,
} from './order-lookup.ts';

export interface OrderResolverOptions {
  readonly ask: AskUpstream;
  /** Records the fate; when it throws, the call stays open and is recorded later. */
  readonly onResolved: (resolved: ResolvedCall) => void | Promise<void>;
  /** Told once of a call that is still open after its last pause; it is asked for further on. */
  readonly onOverdue?: (order: UnresolvedOrder) => void;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /**
   * Pauses before the first, second … round of asking. As many denials make an order not found; the last pause
   * repeats for as long as Binance does not answer. Default {@link RESOLUTION_PAUSES_MS}.
   */
  readonly pausesMs?: readonly number[];
  /** Calls back once after `delayMs` and returns what cancels it. Default: a timer that keeps no process alive. */
  readonly startTimer?: (delayMs: number, callback: () => void) => () => void;
  /** How many calls are asked for at the same time; default 4, so that an outage does not end in a burst. */
  readonly concurrency?: number;
}

/**
 * About one minute: Binance gives itself 10 s for an order and answers queries from memory and database one after the
 * other, so a -2013 in the first seconds proves nothing.
 */
export const RESOLUTION_PAUSES_MS: readonly number[] = [500, 1000, 2000, 4000, 8000, 15_000, 30_000];

interface Open {
  readonly inquiry: OrderLookup;
  rounds: number;
  cancelTimer: () => void;
}

/** Finds out what became of orders whose answer was lost. It asks only; nothing is ever sent again. */
export class OrderResolver {
  readonly #options: OrderResolverOptions;
  readonly #pausesMs: readonly number[];
  readonly #startTimer: (delayMs: number, callback: () => void) => () => void;
  readonly #concurrency: number;
  readonly #open = new Map<string, Open>();
  readonly #due: Open[] = [];
  #running = 0;
  #closed = false;

  constructor(options: OrderResolverOptions) {
    this.#options = options;
    this.#pausesMs = options.pausesMs ?? RESOLUTION_PAUSES_MS;
    this.#startTimer = options.startTimer ?? startUnrefTimer;
    this.#concurrency = options.concurrency ?? 4;
  }

  /** Begins to ask for a call; a request id that is already open is left as it is. */
  add(call: UnknownCall): void {
    if (this.#closed || this.#open.has(call.requestId)) return;
    const inquiry = new OrderLookup(call, this.#options.ask, this.#pausesMs.length);
    const open: Open = { inquiry, rounds: 0, cancelTimer: () => {} };
    this.#open.set(call.requestId, open);
    this.#schedule(open);
  }

  /** Takes up what the audit of an earlier run left open. */
  restore(calls: Iterable<UnknownCall>): void {
    for (const call of calls) this.add(call);
  }

  /** What is still open, oldest first. */
  open(): readonly UnresolvedOrder[] {
    const lines = [...this.#open.values()].map(({ inquiry }) => inquiry.unresolved());
    return lines.sort((a, b) => a.sentAtMs - b.sentAtMs);
  }

  /** Stops asking. What is open stays open in the audit; an answer still under way is not recorded. */
  close(): void {
    this.#closed = true;
    for (const { cancelTimer, inquiry } of this.#open.values()) {
      cancelTimer();
      inquiry.stop();
    }
    this.#due.length = 0;
  }

  #schedule(open: Open): void {
    const pauseMs = this.#pausesMs[Math.min(open.rounds, this.#pausesMs.length - 1)] ?? 0;
    open.cancelTimer = this.#startTimer(open.inquiry.isQueryable ? pauseMs : 0, () => {
      this.#due.push(open);
      this.#runDue();
    });
  }

  #runDue(): void {
    while (this.#running < this.#concurrency) {
      const open = this.#due.shift();
      if (open === undefined) return;
      this.#running++;
      void this.#round(open).finally(() => {
        this.#running--;
        this.#runDue();
      });
    }
  }

  async #round(open: Open): Promise<void> {
    open.rounds++;
    const isSettled = await open.inquiry.round();
    if (this.#closed || (isSettled && (await this.#record(open)))) return;
    if (this.#closed) return;
    if (!isSettled && open.rounds === this.#pausesMs.length)
      this.#options.onOverdue?.(open.inquiry.unresolved());
    this.#schedule(open);
  }

  async #record({ inquiry }: Open): Promise<boolean> {
    try {
      await this.#options.onResolved(inquiry.resolved(this.#options.now()));
    } catch {
      return false;
    }
    this.#open.delete(inquiry.call.requestId);
    return true;
  }
}

function startUnrefTimer(delayMs: number, callback: () => void): () => void {
  const timer = setTimeout(callback, delayMs);
  timer.unref();
  return () => clearTimeout(timer);
}
