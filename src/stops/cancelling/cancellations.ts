import { setTimeout as pause } from 'node:timers/promises';
import { SECOND_MS } from '../../core/intervals.ts';
import { type Scope, scopeKey } from '../trading-state.ts';
import { cancelRound, type LeftOrder, type RoundDeps, type RoundEnd } from './cancel-round.ts';
import type { CancelWork } from './cancel-work.ts';

/** How far the cancelling of a scope has come. */
export interface CancelProgress {
  readonly work: CancelWork;
  readonly cancelled: number;
  readonly left: readonly LeftOrder[];
  readonly isDone: boolean;
}

export interface CancellationsDeps extends RoundDeps {
  /** Resolves when no order of the scope is on its way any more. */
  readonly settled: (scope: Scope) => Promise<void>;
  readonly isSettled: (scope: Scope) => boolean;
  /** True of a state that lets some orders pass: those that are placed under it stay. */
  readonly letsOrdersPass: (scope: Scope) => boolean;
  /** The time of the exchange, ms: orders are dated by it. */
  readonly serverNow: () => number;
  readonly onProgress: (progress: CancelProgress) => void;
  /** Keeps what is still to be done. */
  readonly keep: () => void;
}

/** Pauses between two looks, in ms; the last one repeats. */
const PAUSES_MS: readonly number[] = [
  250,
  500,
  SECOND_MS,
  2 * SECOND_MS,
  5 * SECOND_MS,
  15 * SECOND_MS,
  60 * SECOND_MS,
];

/**
 * Takes away what rests, scope by scope, and looks again until nothing is open. What cannot be taken away is tried for as
 * long as the state of the scope stands.
 */
export class Cancellations {
  readonly #deps: CancellationsDeps;
  readonly #open = new Map<string, Running>();
  #isClosed = false;

  constructor(deps: CancellationsDeps) {
    this.#deps = deps;
  }

  /** What a restart has to go on with. */
  get work(): readonly CancelWork[] {
    return Array.from(this.#open.values(), ({ work }) => work);
  }

  running(): readonly CancelProgress[] {
    return Array.from(this.#open.values(), (running) => running.progress(false));
  }

  /** Begins, in place of what was ordered for this scope before. Resolves with the first look that leaves nothing. */
  start(work: CancelWork): Running {
    this.drop(work.scope);
    const running = new Running(work);
    this.#open.set(scopeKey(work.scope), running);
    running.done = this.#run(running);
    return running;
  }

  /** Ends the cancelling of a scope that an operator let run. */
  drop(scope: Scope): void {
    const running = this.#open.get(scopeKey(scope));
    if (running === undefined) return;
    running.isDone = true;
    running.stop.abort();
    this.#open.delete(scopeKey(scope));
  }

  close(): void {
    this.#isClosed = true;
    for (const { stop } of this.#open.values()) stop.abort();
  }

  async #run(running: Running): Promise<void> {
    const { signal } = running.stop;
    /** Looks in a row that could not do all that they wanted. */
    let failed = 0;
    for (let round = 0; !signal.aborted; round++) {
      const { scope } = running.work;
      // The first look does not wait for the orders on their way: it takes away what rests already.
      const isSettled = round > 0 || this.#deps.isSettled(scope);
      if (isSettled) await this.#deps.settled(scope);
      if (isSettled) running.settledMs ??= this.#deps.serverNow();
      if (signal.aborted) return;
      const end = await this.#look(running);
      if (signal.aborted) return;
      const isDone = isSettled && end.isClean;
      const hasMoved = running.note(end);
      running.isDone = isDone;
      if (isDone) {
        this.#open.delete(scopeKey(scope));
        this.#deps.keep();
      }
      if (isDone || hasMoved) this.#deps.onProgress(running.progress(isDone));
      if (isDone) return;
      const pauseMs = end.isClean ? 0 : (PAUSES_MS[Math.min(failed, PAUSES_MS.length - 1)] ?? 0);
      failed = end.left.length === 0 ? 0 : failed + 1;
      await pause(pauseMs, undefined, { signal, ref: false }).catch(() => {});
    }
  }

  async #look({ work, settledMs }: Running): Promise<RoundEnd> {
    const isBounded = settledMs !== undefined && this.#deps.letsOrdersPass(work.scope);
    try {
      return await cancelRound(this.#deps, work, isBounded ? settledMs + CLOCKS_APART_MS : undefined);
    } catch {
      const why = this.#isClosed ? 'the proxy was stopped' : 'an error of the proxy itself';
      return { cancelled: 0, left: [{ account: '', market: '', why }], isClean: false };
    }
  }
}

/** By so much what is known of the clock of the exchange may be wrong. */
const CLOCKS_APART_MS = SECOND_MS;

/** The cancelling of one scope. */
export class Running {
  readonly stop = new AbortController();
  work: CancelWork;
  /** When the last order from before the state had ended, by the clock of the exchange, ms. */
  settledMs: number | undefined;
  /** True once nothing was left, or another act took its place. */
  isDone = false;
  /** Resolves when nothing is left, or it was ended. */
  done: Promise<void> = Promise.resolve();
  #left: readonly LeftOrder[] = [];

  constructor(work: CancelWork) {
    this.work = work;
  }

  /** True when something came of a look. */
  note({ cancelled, left }: RoundEnd): boolean {
    const isOther = JSON.stringify(left) !== JSON.stringify(this.#left);
    this.#left = left;
    this.work = { ...this.work, cancelled: this.work.cancelled + cancelled };
    return cancelled > 0 || isOther;
  }

  progress(isDone: boolean): CancelProgress {
    return { work: this.work, cancelled: this.work.cancelled, left: this.#left, isDone };
  }
}
