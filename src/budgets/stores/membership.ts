import { randomUUID } from 'node:crypto';

/** How many proxies were last seen at the shared store, this one among them. */
export interface Seen {
  /** On this egress IP. */
  readonly neighbours: number;
  readonly all: number;
}

/** What the shared store says of the proxies that use it. */
export interface Attendance extends Seen {
  /** By the store's own clock, in ms. */
  readonly atMs: number;
  /** Names the store's memory: another one than before has lost what was counted. */
  readonly memory: string;
}

/**
 * How long a lease holds. A proxy charges at the shared store with a lease alone, and uses its own part only when the last
 * one that it asked for has ended: from then on the store keeps that part free. The same number stands in budget.lua.
 */
const LEASE_MS = 500;

/**
 * This proxy as one of those that share a store. Durations are measured here by a clock that never jumps, moments by the
 * store's clock, so the clocks of the machines need not agree.
 */
export class Membership {
  readonly id = randomUUID();
  readonly #now: () => number;
  #seen: Seen = { neighbours: 1, all: 1 };
  #memory = '';
  /** The store's clock, and when its answer arrived here. */
  #heard: { readonly storeMs: number; readonly atMs: number } | undefined;
  #leaseAskedMs = Number.NEGATIVE_INFINITY;

  /** @param monotonicNow in ms */
  constructor(monotonicNow: () => number = () => performance.now()) {
    this.#now = monotonicNow;
  }

  get seen(): Seen {
    return this.#seen;
  }

  /** The store's memory as it was last told; empty before. */
  get memory(): string {
    return this.#memory;
  }

  /**
   * The end of a lease that is asked for now, by the store's clock; 0 before that is known. It lies early rather than late:
   * the store's clock is further than its last answer said, by the time that the answer took.
   */
  askForLease(): number {
    if (this.#heard === undefined) return 0;
    this.#leaseAskedMs = this.#now();
    const { storeMs, atMs } = this.#heard;
    return Math.floor(storeMs + this.#leaseAskedMs - atMs + LEASE_MS);
  }

  /** How long the store may still take this proxy for one that charges there, in ms. */
  get leaseLeftMs(): number {
    return Math.max(0, Math.ceil(this.#leaseAskedMs + LEASE_MS - this.#now()));
  }

  learn({ atMs, neighbours, all, memory }: Attendance): void {
    this.#heard = { storeMs: atMs, atMs: this.#now() };
    this.#seen = { neighbours, all };
    this.#memory = memory;
  }

  /** Only counts: the answer came too late to say anything else. */
  learnLate({ neighbours, all }: Attendance): void {
    this.#seen = { neighbours, all };
  }
}
