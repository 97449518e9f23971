import type { ApprovalSaid } from '../records/approval-said.ts';
import type { AuditRecord } from '../records/record.ts';
import { approvalDigest } from './approval-digest.ts';
import { isCoveredByRecord } from './covered-by-record.ts';
import { assertionProblem, decisionChallenge, passkeyDigest } from './passkey-assertion.ts';

/** Whether a signed call needed an approval by the rules of its client, as far as records can tell. */
export type NeedOf = (signed: AuditRecord, rules: AuditRecord) => boolean;

/** What is wrong with one record. */
interface ApprovalProblem {
  /** Of the record; undefined on a line of a log. */
  readonly seq: number | undefined;
  readonly message: string;
}

interface KnownTicket {
  readonly asked: AuditRecord;
  readonly approvers: Set<string>;
  useUntilMs: number | undefined;
  /** Why it can be used no more. */
  end: string | undefined;
  /** The call that used it. */
  usedBy: string | undefined;
}

/** Records are dated by a clock that may be set back or forward a little in between. */
const CLOCK_SLACK_MS = 5_000;
const NOT_RECORDED = 'PROXY_AUDIT_UNAVAILABLE';
/**
 * Walks the records of a trail and holds every call against the approvals: each that needed one has used exactly one,
 * which was asked for this or more, was decided in time by enough operators, and had not ended. Passkeys are verified
 * again. Records are all it knows.
 */
export class ApprovalCheck {
  readonly #needOf: NeedOf;
  readonly #tickets = new Map<string, KnownTicket>();
  readonly #rules = new Map<string, AuditRecord>();
  /** Operator and key of each passkey, by the digest of its id. */
  readonly #passkeys = new Map<string, string>();
  /** The approval that each call has used, by its request id. */
  readonly #uses = new Map<string, string>();
  #rulesToldSinceStart = false;
  #approvals = 0;
  #used = 0;
  #assertions = 0;

  constructor(needOf: NeedOf) {
    this.#needOf = needOf;
  }

  get counts(): { readonly asked: number; readonly used: number; readonly assertions: number } {
    return { asked: this.#approvals, used: this.#used, assertions: this.#assertions };
  }

  /** What is wrong with the next record; undefined when nothing is. */
  next(record: AuditRecord): ApprovalProblem | undefined {
    const message = this.#judge(record);
    return message === undefined ? undefined : { seq: record.seq, message };
  }

  #judge(record: AuditRecord): string | undefined {
    switch (record.event) {
      case 'proxy.started':
        // What was asked of another process holds no more.
        if (!this.#rulesToldSinceStart) this.#begin();
        this.#rulesToldSinceStart = false;
        return undefined;
      case 'approval.rules':
        if (record.client === undefined) {
          this.#begin();
          this.#rulesToldSinceStart = true;
        } else this.#rules.set(record.client, record);
        return undefined;
      case 'passkey.enrolled':
        return this.#enrolled(record);
      case 'approval.asked':
        return this.#asked(record);
      case 'approval.decided':
        return this.#decided(record);
      case 'approval.expired':
      case 'approval.voided':
        return this.#ended(record, record.event === 'approval.expired' ? 'expired' : 'was voided');
      case 'approval.used':
        return this.#usedOne(record);
      case 'call.signed':
        return this.#signed(record);
      case 'call.refused':
        return this.#refused(record);
      default:
        return undefined;
    }
  }

  #begin(): void {
    for (const ticket of this.#tickets.values()) ticket.end ??= 'ended with the process that was asked';
    this.#rules.clear();
  }

  #enrolled({ detail = {} }: AuditRecord): undefined {
    this.#passkeys.set(String(detail.credentialId), `${detail.operator} ${detail.publicKeyDigest}`);
  }

  #asked(record: AuditRecord): string | undefined {
    const { id, digest, environment = '', pairs = [], elements = [] } = saidOf(record);
    const { account = '', client = '', method = '', path = '' } = record;
    if (this.#tickets.has(id)) return `approval ${id} was asked for before`;
    this.#approvals++;
    const ticket = {
      asked: record,
      approvers: new Set<string>(),
      useUntilMs: undefined,
      end: undefined,
      usedBy: undefined,
    };
    this.#tickets.set(id, ticket);
    const made = approvalDigest({ environment, account, client, method, path, pairs, elements });
    return made === digest ? undefined : `the digest of approval ${id} is not the one of what was asked for`;
  }

  #decided(record: AuditRecord): string | undefined {
    const { id, digest, decision, operator = '', useUntil } = saidOf(record);
    const ticket = this.#tickets.get(id);
    if (ticket === undefined) return neverAsked(id);
    if (ticket.end !== undefined) return `approval ${id} was decided though it ${ticket.end}`;
    const asked = saidOf(ticket.asked);
    if (digest !== asked.digest) return `approval ${id} was decided with another digest`;
    const passkey = this.#passkeyProblem(record);
    if (passkey !== undefined)
      return `the passkey of approval ${id} does not stand for its decision: ${passkey}`;
    if (decision === 'deny') {
      ticket.end = 'was denied';
      return undefined;
    }
    if (Date.parse(record.time) > Date.parse(asked.decideUntil ?? '') + CLOCK_SLACK_MS)
      return `approval ${id} was approved after its time to decide`;
    if (asked.notBy?.includes(operator) === true)
      return `approval ${id} was approved by ${operator}, who may not`;
    ticket.approvers.add(operator);
    if (useUntil === undefined) return undefined;
    if (ticket.approvers.size < (asked.quorum ?? 1))
      return `approval ${id} could be used with the yes of too few operators`;
    ticket.useUntilMs = Date.parse(useUntil);
    return undefined;
  }

  #passkeyProblem(record: AuditRecord): string | undefined {
    const { id, digest = '', decision = 'deny', operator = '', passkey } = saidOf(record);
    if (passkey === undefined) return undefined;
    this.#assertions++;
    const { nonce, endMs, origin } = passkey;
    const enrolled = this.#passkeys.get(passkeyDigest(passkey.credentialId));
    if (enrolled !== undefined && enrolled !== `${operator} ${passkeyDigest(passkey.publicKey)}`)
      return 'it was enrolled with another key, or for another operator';
    const challenge = decisionChallenge({ approval: id, nonce, digest, decision, endMs });
    return assertionProblem(passkey, { ...passkey, operator }, { origin, challenge });
  }

  #ended(record: AuditRecord, how: string): string | undefined {
    const { id } = saidOf(record);
    const ticket = this.#tickets.get(id);
    if (ticket === undefined) return neverAsked(id);
    ticket.end ??= how;
    return undefined;
  }

  #usedOne(record: AuditRecord): string | undefined {
    const { id, claimed = record.time } = saidOf(record);
    const { requestId = '' } = record;
    const ticket = this.#tickets.get(id);
    if (ticket === undefined) return neverAsked(id);
    if (ticket.usedBy !== undefined) return `approval ${id} was used twice`;
    if (this.#uses.has(requestId)) return `call ${requestId} used more than one approval`;
    ticket.usedBy = requestId;
    this.#uses.set(requestId, id);
    this.#used++;
    if (ticket.end !== undefined) return `approval ${id} was used though it ${ticket.end}`;
    if (ticket.useUntilMs === undefined) return `approval ${id} was used without the yes that it needed`;
    if (Date.parse(claimed) > ticket.useUntilMs + CLOCK_SLACK_MS)
      return `approval ${id} was used after its time to be used`;
    return undefined;
  }

  #signed(record: AuditRecord): string | undefined {
    const { requestId = '', approval, client = '' } = record;
    const rules = this.#rules.get(client);
    if (approval === undefined) {
      const needed = rules !== undefined && this.#needOf(record, rules);
      return needed ? `call ${requestId} of ${client} needed an approval and has none` : undefined;
    }
    if (this.#uses.get(requestId) !== approval.id)
      return `call ${requestId} names approval ${approval.id}, and no record says that it used it`;
    const asked = this.#tickets.get(approval.id)?.asked;
    return asked === undefined || isCoveredByRecord(asked, record)
      ? undefined
      : `call ${requestId} is another one than approval ${approval.id} was asked for`;
  }

  /** A call whose record could not be stored was not sent, and its approval is free again. */
  #refused({ requestId = '', error }: AuditRecord): undefined {
    if (error !== NOT_RECORDED) return;
    const ticket = this.#tickets.get(this.#uses.get(requestId) ?? '');
    this.#uses.delete(requestId);
    if (ticket?.usedBy === requestId) ticket.usedBy = undefined;
  }
}

function saidOf({ approval }: AuditRecord): ApprovalSaid {
  return approval ?? { id: '' };
}

function neverAsked(id: string): string {
  return `approval ${id} was never asked for`;
}
