import type { BoundCall } from '../core/approvals/bound-call.ts';
import type { ApprovalCard } from '../core/approvals/card.ts';
import type { Ticket, TicketState } from './approval-ticket.ts';

/** What an app is told of its own ask. Times are ISO 8601. */
export interface OwnTicket {
  readonly id: string;
  readonly state: TicketState;
  readonly digest: string;
  readonly decideUntil: string;
  /** Null until it can be used. */
  readonly useUntil: string | null;
}

/** What an operator is shown. */
export interface ShownTicket extends OwnTicket, ApprovalCard {
  readonly client: string;
  readonly rule: string;
  /** All that the digest is made of: whoever doubts it makes it anew. */
  readonly bound: BoundCall;
  readonly quorum: number;
  readonly approvers: readonly string[];
  readonly notBy: readonly string[];
  /** How many calls have asked for it so far. */
  readonly asked: number;
  readonly reason: string | null;
}

export function ownTicket({ id, state, ask, decideUntil, useUntil }: Ticket): OwnTicket {
  return {
    id,
    state,
    digest: ask.digest,
    decideUntil: new Date(decideUntil.wallMs).toISOString(),
    useUntil: useUntil === undefined ? null : new Date(useUntil.wallMs).toISOString(),
  };
}

export function shownTicket(ticket: Ticket): ShownTicket {
  const { ask, approvers, asked, reason } = ticket;
  const { approval } = ask.client;
  return {
    ...ownTicket(ticket),
    ...ask.card,
    client: ask.client.name,
    rule: ask.rule,
    bound: ask.bound,
    quorum: approval?.quorum ?? 1,
    approvers: [...approvers],
    notBy: [...(approval?.notBy ?? [])],
    asked,
    reason: reason ?? null,
  };
}
