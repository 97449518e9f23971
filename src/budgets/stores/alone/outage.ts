import { setTimeout as pause } from 'node:timers/promises';
import type { Bucket, CallCharge } from '../../../core/budget/buckets.ts';
import { SECOND_MS } from '../../../core/intervals.ts';
import type { Membership, Seen } from '../membership.ts';
import type { ChargeOutcome } from '../store.ts';
import { type OwnShareOptions, OwnShareStore } from './own-share-store.ts';
import { partnersOf } from './parts.ts';

/** More calls than these do not wait for the own share to open: they could not pass in time. */
const MOST_WAITING = 1_000;

/** The time in which this process does not use the shared store, with the share that it then has of its own. */
export class Outage {
  readonly store: OwnShareStore;
  readonly #membership: Membership;
  /** The most that were seen: nobody's part grows while it cannot be asked who else is there. */
  #most: Seen;
  #handover: Promise<void> | undefined;
  readonly #over = Promise.withResolvers<void>();
  #waiting = 0;

  /** @param replicas how many there are at least */
  constructor(membership: Membership, replicas: number, foreignUse: OwnShareOptions['foreignUse']) {
    this.#membership = membership;
    this.#most = membership.seen;
    this.store = new OwnShareStore({
      partnersOf: (bucket) => Math.max(replicas, this.#partnersOf(bucket)),
      foreignUse,
    });
  }

  /**
   * Undefined once the own share may be used: when the shared store keeps it free. Until then a promise of the moment at
   * which the call is to be tried again; or a refusal when too many wait.
   */
  opening({ charges: [first] }: CallCharge, nowMs: number): undefined | Promise<void> | ChargeOutcome {
    if (this.#handover !== undefined) return this.#handover;
    const { leaseLeftMs } = this.#membership;
    if (leaseLeftMs === 0 || first === undefined) return undefined;
    if (this.#waiting >= MOST_WAITING)
      return { kind: 'full', bucket: first.bucket, untilMs: nowMs + SECOND_MS };
    return this.#untilOpen(leaseLeftMs);
  }

  /** Calls wait from now on, because the shared store takes over with the end of the promise, or does not. */
  handOver(attempt: Promise<void>): void {
    this.#handover = attempt.finally(() => {
      this.#handover = undefined;
    });
  }

  /** The shared store is used again. */
  end(): void {
    this.#over.resolve();
  }

  async #untilOpen(leaseLeftMs: number): Promise<void> {
    this.#waiting++;
    await Promise.race([pause(leaseLeftMs), this.#over.promise]);
    this.#waiting--;
  }

  #partnersOf(bucket: Bucket): number {
    const { neighbours, all } = this.#membership.seen;
    this.#most = {
      neighbours: Math.max(this.#most.neighbours, neighbours),
      all: Math.max(this.#most.all, all),
    };
    return partnersOf(bucket, this.#most);
  }
}
