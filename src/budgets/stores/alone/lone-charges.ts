import type { CallCharge } from '../../../core/budget/buckets.ts';
import type { ChargeEnding } from '../../../core/budget/window.ts';
import type { ChargeOutcome, Receipt } from '../store.ts';
import type { OwnShareStore } from './own-share-store.ts';

/** A receipt of the own share, and the store that gave it. */
interface Lone {
  readonly store: OwnShareStore;
  readonly receipt: Receipt;
}

/** The charges on an own share, each under the receipt that its caller has. */
export class LoneCharges {
  readonly #charges = new WeakMap<Receipt, Lone>();

  charge(store: OwnShareStore, charge: CallCharge, nowMs: number): ChargeOutcome {
    const outcome = store.charge(charge, nowMs);
    if (outcome.kind !== 'charged') return outcome;
    // The caller ends only the charges that it asked for. The receipt with the parts stays here.
    const receipt: Receipt = { charges: charge.charges, marks: [] };
    this.#charges.set(receipt, { store, receipt: outcome.receipt });
    return { kind: 'charged', receipt };
  }

  /** Counts a call on the own share that the shared store has charged and that is under way. */
  adopt(store: OwnShareStore, receipt: Receipt, nowMs: number): void {
    this.#charges.set(receipt, { store, receipt: store.adopt(receipt, nowMs) });
  }

  /** Does nothing where the own share has no part in it. */
  reconcile(receipt: Receipt, endings: readonly ChargeEnding[], nowMs: number): void {
    const lone = this.#charges.get(receipt);
    lone?.store.reconcile(lone.receipt, endings, nowMs);
  }

  /** Does nothing where the own share has no part in it. */
  refund(receipt: Receipt, nowMs: number): void {
    const lone = this.#charges.get(receipt);
    lone?.store.refund(lone.receipt, nowMs);
  }
}
