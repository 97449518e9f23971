import type { Client } from '../core/access/client.ts';
import type { Endpoint } from '../core/catalogue/endpoint.ts';
import type { Receipt } from './stores/store.ts';

/** The charge of one call. `reconcile`, `refund` or `keep` ends it once; ending it again does nothing. */
export interface Ticket {
  /** Sum of the IP and UID weight that was charged. */
  readonly weight: number;
  /** How long the call waited for its turn, in ms. */
  readonly waitMs: number;
}

/** What an open ticket stands for. */
export interface Charged {
  readonly receipt: Receipt;
  readonly endpoint: Endpoint;
  readonly client: Client;
  readonly account: string | undefined;
  /** The egress that the call leaves by, where that is not the one of the whole process. */
  readonly egress: string | undefined;
  /** Budgets' time in ms. */
  readonly chargedMs: number;
}

/**
 * Keeps its charge in a private field. In a WeakMap the charge would count as long-lived for V8's garbage collector,
 * about 1 kB for each call.
 */
export class OpenTicket implements Ticket {
  readonly weight: number;
  readonly waitMs: number;
  #charged: Charged | undefined;

  constructor(weight: number, waitMs: number, charged: Charged) {
    this.weight = weight;
    this.waitMs = waitMs;
    this.#charged = charged;
  }

  /** Returns what was charged; undefined from the second time on. */
  end(): Charged | undefined {
    const charged = this.#charged;
    this.#charged = undefined;
    return charged;
  }
}
