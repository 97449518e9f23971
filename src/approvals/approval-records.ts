import type { AuditTrail } from '../audit/trail.ts';
import { type Passkey, passkeyDigest } from '../core/approvals/passkey-assertion.ts';
import type { ApprovalSaid, PasskeySaid } from '../core/records/approval-said.ts';
import type { UnsealedRecord } from '../core/records/record.ts';
import type { Ticket } from './approval-ticket.ts';

/** A decision as it is recorded, before it counts. */
interface SaidDecision {
  readonly decision: 'approve' | 'deny';
  readonly operator: string;
  readonly channel: string;
  readonly reason?: string | undefined;
  readonly approvers: readonly string[];
  /** ms since the epoch; undefined while more have to say yes. */
  readonly useUntilMs?: number | undefined;
  readonly passkey?: PasskeySaid | undefined;
}

/** Writes down what becomes of asks. Its use is written with the call that uses it. */
export interface ApprovalRecords {
  /** @throws ProxyError PROXY_AUDIT_UNAVAILABLE: nothing is asked then */
  asked(ticket: Ticket): void;
  /** @throws ProxyError PROXY_AUDIT_UNAVAILABLE: the decision does not count then */
  decided(ticket: Ticket, decision: SaidDecision): void;
  /** @throws ProxyError PROXY_AUDIT_UNAVAILABLE: the passkey is not taken then */
  enrolled(passkey: Passkey, channel: string): void;
  expired(ticket: Ticket): void;
  voided(ticket: Ticket): void;
}

export function approvalRecords(trail: Pick<AuditTrail, 'write' | 'note'>): ApprovalRecords {
  return {
    asked(ticket) {
      const { ask } = ticket;
      const { bound, client, digest, leniency } = ask;
      trail.write({
        event: 'approval.asked',
        ...subject(ticket),
        requestId: ask.requestId,
        orders: ask.sentOrders.length === 0 ? undefined : ask.sentOrders,
        msg: ask.card.words,
        rule: ask.rule,
        approval: {
          id: ticket.id,
          digest,
          environment: bound.environment,
          pairs: bound.pairs,
          elements: bound.elements,
          leniency,
          quorum: client.approval?.quorum ?? 1,
          notBy: [...(client.approval?.notBy ?? [])],
          decideUntil: iso(ticket.decideUntil.wallMs),
        },
      });
    },
    decided(ticket, { reason, useUntilMs, passkey, ...decision }) {
      trail.write({
        event: 'approval.decided',
        ...subject(ticket),
        approval: {
          id: ticket.id,
          digest: ticket.ask.digest,
          ...decision,
          ...(reason === undefined ? {} : { reason }),
          ...(useUntilMs === undefined ? {} : { useUntil: iso(useUntilMs) }),
          ...(passkey === undefined ? {} : { passkey }),
        },
      });
    },
    enrolled({ operator, credentialId, publicKey, algorithm }, channel) {
      const key = {
        credentialId: passkeyDigest(credentialId),
        publicKeyDigest: passkeyDigest(publicKey),
        algorithm,
      };
      trail.write({ event: 'passkey.enrolled', detail: { operator, channel, ...key } });
    },
    expired: (ticket) => void trail.note({ event: 'approval.expired', ...subject(ticket), ...named(ticket) }),
    voided: (ticket) => void trail.note({ event: 'approval.voided', ...subject(ticket), ...named(ticket) }),
  };
}

function subject({ ask }: Ticket): Omit<UnsealedRecord, 'event'> {
  const { client, account, bound, permission, upstream } = ask;
  return { client: client.name, account, upstream, method: bound.method, path: bound.path, permission };
}

function named({ id, ask, reason }: Ticket): { readonly approval: ApprovalSaid } {
  return { approval: { id, digest: ask.digest, ...(reason === undefined ? {} : { reason }) } };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
