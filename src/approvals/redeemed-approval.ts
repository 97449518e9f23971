import type { ApprovalSaid } from '../core/records/approval-said.ts';
import { ended } from './approval-refusals.ts';
import type { Ticket } from './approval-ticket.ts';

/** Who is told how a claimed approval ends. */
export interface ApprovalKeeper {
  spent(ticket: Ticket): void;
  released(ticket: Ticket): void;
}

/** The call that takes a yes. */
interface RedeemingCall {
  /** Its own digest: it may be less than what was asked for. */
  readonly digest: string;
  /** ms since the epoch. */
  readonly claimedMs: number;
  readonly wasHeld: boolean;
}

/**
 * The yes that one call took. Disposing of it gives the yes back, unless the record that names it was written: from then
 * on it is spent, whatever becomes of the call.
 */
export class RedeemedApproval implements Disposable {
  readonly #ticket: Ticket;
  readonly #keeper: ApprovalKeeper;
  readonly #digest: string;
  /** Whether its call waited for the decision. */
  readonly wasHeld: boolean;
  readonly #claimedMs: number;
  #isSpent = false;

  constructor(ticket: Ticket, keeper: ApprovalKeeper, { digest, claimedMs, wasHeld }: RedeemingCall) {
    this.#ticket = ticket;
    this.#keeper = keeper;
    this.#digest = digest;
    this.#claimedMs = claimedMs;
    this.wasHeld = wasHeld;
  }

  get id(): string {
    return this.#ticket.id;
  }

  /** True once its record stands. */
  get isSpent(): boolean {
    return this.#isSpent;
  }

  /** What the record of its use says. */
  get said(): ApprovalSaid {
    return { id: this.id, digest: this.#digest, claimed: new Date(this.#claimedMs).toISOString() };
  }

  /** @throws ProxyError PROXY_APPROVAL_PENDING when it was taken back before its record stands */
  assertUsable(): void {
    if (!this.#isSpent && this.#ticket.state !== 'approved') throw ended(this.#ticket);
  }

  /** Its record stands: it is used up. */
  spend(): void {
    if (this.#isSpent) return;
    this.#isSpent = true;
    this.#keeper.spent(this.#ticket);
  }

  [Symbol.dispose](): void {
    if (!this.#isSpent) this.#keeper.released(this.#ticket);
  }
}
