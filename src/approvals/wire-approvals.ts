import { isDeepStrictEqual } from 'node:util';
import type { AuditTrail } from '../audit/trail.ts';
import type { Settings } from '../config/schema/settings.ts';
import type { Client } from '../core/access/client.ts';
import { rulesDetail } from '../core/approvals/needed-by-record.ts';
import { SECOND_MS } from '../core/intervals.ts';
import type { SecretMask } from '../core/records/secret-mask.ts';
import type { PriceBook } from '../orders/price-book.ts';
import { approvalRecords } from './approval-records.ts';
import type { Clocks } from './approval-ticket.ts';
import { Approvals } from './approvals.ts';
import { Decisions } from './decisions.ts';
import { News } from './news.ts';
import { PasskeyChallenges } from './passkey-challenges.ts';
import { Passkeys } from './passkeys.ts';

export interface WireApprovalsDeps extends Clocks {
  readonly trail: Pick<AuditTrail, 'write' | 'note'>;
  readonly priceBook: PriceBook;
  readonly secretMask: () => SecretMask;
  /** The address of the operators' page. */
  readonly origin: () => string;
}

/** Asks and decisions of one process, and the passkeys of its operators. */
export interface WiredApprovals {
  readonly approvals: Approvals;
  readonly decisions: Decisions;
  /** Ends the asks of clients whose rules are other ones now, and what an operator said yes to who is none any more. */
  reloaded(before: Settings, after: Settings): void;
  /** Ends all asks but those whose call is on its way: the next process knows none of them. */
  stop(): void;
  close(): void;
}

const SWEEP_EVERY_MS = SECOND_MS;
const STOPPING = 'the proxy stops';

/** @throws Error when the file of passkeys cannot be read */
export function wireApprovals(settings: Settings, deps: WireApprovalsDeps): WiredApprovals {
  const { trail, priceBook, secretMask, origin, monotonicNow, wallNow } = deps;
  const records = approvalRecords(trail);
  const times = { monotonicNow, wallNow };
  const approvals = new Approvals({ priceBook, secretMask, records, news: new News(), ...times });
  const challenges = new PasskeyChallenges({ passkeys: new Passkeys(settings.stateDir), origin, wallNow });
  noteRules(trail, settings);
  const timer = setInterval(() => approvals.tickets.sweep(), SWEEP_EVERY_MS);
  timer.unref();
  return {
    approvals,
    decisions: new Decisions({ approvals, records, challenges }),
    reloaded(before, after) {
      const isSame = (name: string) => hasSameRules(before.clients.get(name), after.clients.get(name));
      const changed = new Set(
        [...before.clients.keys(), ...after.clients.keys()].filter((name) => !isSame(name)),
      );
      approvals.voidWhere(({ client }) => changed.has(client.name), "the client's rules changed");
      const gone = new Set([...before.operators.keys()].filter((name) => !after.operators.has(name)));
      approvals.voidWhere(
        (_, approvers) => !approvers.isDisjointFrom(gone),
        'an operator who approved it is gone',
      );
      const asks = (settings: Settings, name: string) => settings.clients.get(name)?.approval !== undefined;
      for (const name of changed)
        if (asks(before, name) || asks(after, name)) noteRulesOf(trail, name, after.clients.get(name));
    },
    stop: () => approvals.stop(STOPPING),
    close() {
      clearInterval(timer);
      approvals.voidWhere(() => true, STOPPING);
    },
  };
}

/** Another key of the same client changes nothing about what it may do. */
function hasSameRules(before: Client | undefined, after: Client | undefined): boolean {
  const withoutKeys = (client: Client | undefined) =>
    client && { ...client, secret: undefined, publicKey: undefined };
  return isDeepStrictEqual(withoutKeys(before), withoutKeys(after));
}

/** Says whose calls need an approval, so that the records alone can show that each has one. */
function noteRules(trail: WireApprovalsDeps['trail'], { clients }: Settings): void {
  const asking = [...clients.values()].filter(({ approval }) => approval !== undefined);
  if (asking.length === 0) return;
  trail.note({ event: 'approval.rules', detail: { clients: asking.length } });
  for (const client of asking) noteRulesOf(trail, client.name, client);
}

function noteRulesOf(trail: WireApprovalsDeps['trail'], name: string, client: Client | undefined): void {
  const detail = client?.approval === undefined ? {} : rulesDetail(client.approval);
  trail.note({ event: 'approval.rules', client: name, detail });
}
