import { namesDigest } from '../core/approvals/approval-digest.ts';
import type { ApprovalRecords } from './approval-records.ts';
import type { Ticket } from './approval-ticket.ts';
import type { Approvals } from './approvals.ts';
import { DecisionError } from './decision-error.ts';
import type {
  AnsweredChallenge,
  NewPasskey,
  PasskeyChallenge,
  PasskeyChallenges,
} from './passkey-challenges.ts';
import { type ShownTicket, shownTicket } from './shown-ticket.ts';

/** Who decides, and by which door. */
export interface Decider {
  readonly operator: string;
  readonly channel: string;
  /** Whether its yes needs a passkey. */
  readonly passkeyRequired: boolean;
}

/** A yes names what it is said to; a no needs no more than a reason. */
export type Decision =
  | {
      readonly decision: 'approve';
      readonly digest: string;
      readonly passkey?: AnsweredChallenge | undefined;
    }
  | { readonly decision: 'deny'; readonly reason: string; readonly passkey?: AnsweredChallenge | undefined };

export interface DecisionsDeps {
  readonly approvals: Approvals;
  readonly records: ApprovalRecords;
  readonly challenges: PasskeyChallenges;
}

/** What operators may do with asks: look at them, and say yes or no to one of them. */
export class Decisions {
  readonly #deps: DecisionsDeps;

  constructor(deps: DecisionsDeps) {
    this.#deps = deps;
  }

  list(): readonly ShownTicket[] {
    return this.#deps.approvals.tickets.open().map(shownTicket);
  }

  /** @throws DecisionError */
  show(id: string): ShownTicket {
    return shownTicket(this.#ticket(id));
  }

  /** What a passkey has to sign for this decision. @throws DecisionError */
  challenge(
    { operator }: Pick<Decider, 'operator'>,
    id: string,
    decision: 'approve' | 'deny',
  ): PasskeyChallenge {
    const ticket = this.#ticket(id);
    this.#assertOpen(ticket);
    return this.#deps.challenges.forDecision(operator, ticket, decision);
  }

  /** What a new passkey of an operator has to sign. @throws DecisionError */
  enrolmentChallenge({ operator }: Pick<Decider, 'operator'>): PasskeyChallenge {
    return this.#deps.challenges.forEnrolment(operator);
  }

  /** Takes a new passkey. @throws DecisionError; ProxyError PROXY_AUDIT_UNAVAILABLE */
  enrol({ operator, channel }: Pick<Decider, 'operator' | 'channel'>, made: NewPasskey): void {
    this.#deps.challenges.enrol(operator, made, (passkey) => this.#deps.records.enrolled(passkey, channel));
  }

  /**
   * Takes a decision. It counts once its record stands.
   * @throws DecisionError; ProxyError PROXY_AUDIT_UNAVAILABLE
   */
  decide(decider: Decider, id: string, decision: Decision): ShownTicket {
    const ticket = this.#ticket(id);
    this.#assertOpen(ticket);
    if (decision.decision === 'deny') this.#deny(decider, ticket, decision);
    else this.#approve(decider, ticket, decision);
    return shownTicket(ticket);
  }

  #approve(decider: Decider, ticket: Ticket, decision: Decision & { readonly decision: 'approve' }): void {
    const { operator, channel, passkeyRequired } = decider;
    const { ask, id } = ticket;
    if (!namesDigest(decision.digest, ask.digest))
      throw new DecisionError(
        409,
        'The digest is not the one of this approval: give at least its first 8 hex digits.',
      );
    if (ask.client.approval?.notBy.has(operator) === true)
      throw new DecisionError(
        403,
        `Operator ${operator} may not approve calls of client ${ask.client.name}.`,
      );
    if (passkeyRequired && decision.passkey === undefined)
      throw new DecisionError(403, `Operator ${operator} approves with a passkey only.`);
    if (ticket.state === 'approved' || ticket.approvers.has(operator))
      throw new DecisionError(
        409,
        `Approval ${id} has the yes of ${ticket.state === 'approved' ? 'enough operators' : operator} already.`,
      );
    const passkey = this.#verified(operator, ticket, decision);
    const useUntil = ticket.nextUseUntil();
    this.#deps.records.decided(ticket, {
      decision: 'approve',
      operator,
      channel,
      approvers: [...ticket.approvers, operator],
      useUntilMs: ticket.wouldBeEnough(operator) ? useUntil.wallMs : undefined,
      passkey,
    });
    ticket.approve(operator, useUntil);
  }

  #deny(
    { operator, channel }: Decider,
    ticket: Ticket,
    decision: Decision & { readonly decision: 'deny' },
  ): void {
    if (ticket.isClaimed) throw new DecisionError(409, `Approval ${ticket.id} is being used in this moment.`);
    const { reason } = decision;
    const passkey = this.#verified(operator, ticket, decision);
    const approvers = [...ticket.approvers];
    this.#deps.records.decided(ticket, { decision: 'deny', operator, channel, reason, approvers, passkey });
    ticket.deny(reason);
    this.#deps.approvals.tickets.ended(ticket);
  }

  #verified(operator: string, ticket: Ticket, { decision, passkey }: Decision) {
    if (passkey === undefined) return undefined;
    return this.#deps.challenges.verify(operator, ticket, decision, passkey);
  }

  /** @throws DecisionError */
  #ticket(id: string): Ticket {
    const ticket = this.#deps.approvals.tickets.find(id);
    if (ticket === undefined) throw new DecisionError(404, 'There is no approval with this id.');
    return ticket;
  }

  /** @throws DecisionError */
  #assertOpen({ id, state, isOpen }: Ticket): void {
    if (!isOpen)
      throw new DecisionError(409, `Approval ${id} is ${state}: nothing can be decided about it any more.`);
  }
}
