import type { AuditTrail } from '../audit/trail.ts';
import type { Client } from '../core/access/client.ts';
import type { Endpoint } from '../core/catalogue/endpoint.ts';
import type { ResolvedCall, UnresolvedOrder } from '../orders/order-lookup.ts';
import { causeOf } from '../upstream/connections/connection-trouble.ts';
import { isoOf } from '../upstream/key-advice.ts';
import type { KeyRole } from '../upstream/key-questions.ts';
import type { PreflightVerdict } from '../upstream/key-verdicts.ts';
import type { ClockState } from '../upstream/server-clock.ts';

/** So many hex digits of a key's digest tell two keys apart. */
const SHOWN_DIGITS = 12;
/** A clock that moved by less is not recorded again. */
const CHANGE_WORTH_TELLING_MS = 250;

type BudgetEvent = 'frozen' | 'thawed' | 'degraded' | 'restored';

const BUDGET_EVENTS = {
  frozen: 'upstream.frozen',
  thawed: 'upstream.thawed',
  degraded: 'budget.degraded',
  restored: 'budget.restored',
} as const satisfies Record<BudgetEvent, string>;

/** Writes the life-cycle events of a proxy as audit records. A record tells of a change, not of every measurement. */
export function lifecycleRecords(trail: AuditTrail) {
  return {
    ...clockRecords(trail),
    ...preflightRecords(trail),
    budget(
      event: BudgetEvent,
      detail: Readonly<Record<string, string | number | boolean | undefined>>,
    ): void {
      trail.note({ event: BUDGET_EVENTS[event], detail });
    },
    reported(client: Client, endpoint: Endpoint, rule: string): void {
      const { upstream, method, path, permission } = endpoint;
      trail.note({
        event: 'policy.reported',
        client: client.name,
        account: client.account,
        upstream,
        method,
        path,
        permission,
        rule,
      });
    },
    refusalStreak({ name, account }: Client, count: number): void {
      const msg = `Binance refused ${count} orders of client ${name} in a row.`;
      trail.note({ event: 'refusals.streak', client: name, account, rule: 'stopAfterRefusals', msg });
    },
    resolved: (call: ResolvedCall) => writeResolved(trail, call),
    unresolved({ requestId, client, account, upstream, path, ...order }: UnresolvedOrder): void {
      const { clientOrderIds, asked, sentAtMs, lastStatus } = order;
      const detail = { asked, sent: isoOf(sentAtMs), lastStatus };
      trail.note({
        ...{ event: 'call.unresolved', requestId, client, account, upstream, path },
        clientOrderId: clientOrderIds,
        detail,
      });
    },
  };
}

function clockRecords(trail: AuditTrail) {
  let toldOffsetMs: number | undefined;
  let lost: string | undefined;
  return {
    clockSynced(state: ClockState): void {
      const moved =
        toldOffsetMs === undefined ||
        Math.abs((state.offsetMs ?? 0) - toldOffsetMs) > CHANGE_WORTH_TELLING_MS;
      if (!moved && lost === undefined) return;
      lost = undefined;
      toldOffsetMs = state.offsetMs;
      const { offsetMs, roundTripMs } = state;
      trail.note({
        event: 'clock.synced',
        detail: { offsetMs, roundTripMs: roundTripMs && Math.round(roundTripMs * 1000) / 1000 },
      });
    },
    clockLost(error: unknown): void {
      const { code, what } = causeOf(error);
      if (lost === what) return;
      lost = what;
      trail.note({
        event: 'clock.lost',
        msg: `The time of the exchange could not be read, trying again: ${what}.`,
        detail: { code },
      });
    },
  };
}

function preflightRecords(trail: AuditTrail) {
  return {
    preflight(account: string, verdict: PreflightVerdict, role: KeyRole): void {
      if (verdict.kind === 'pending') return;
      const endsMs = 'authorityEndsMs' in verdict ? verdict.authorityEndsMs : undefined;
      const tradingAuthorityEnds = endsMs === undefined ? undefined : isoOf(endsMs);
      const detail = { key: verdict.keyDigest.slice(0, SHOWN_DIGITS), role, tradingAuthorityEnds };
      if (verdict.kind === 'failed') {
        trail.note({ event: 'preflight.failed', account, msg: verdict.problems.join(' '), detail });
        return;
      }
      const { warnings, notes } =
        verdict.kind === 'skipped' ? { warnings: [], notes: [verdict.reason] } : verdict;
      const sentences = [...warnings, ...notes];
      trail.note({
        event: 'preflight.passed',
        level: warnings.length > 0 ? 'warn' : 'info',
        account,
        msg: sentences.length > 0 ? sentences.join(' ') : undefined,
        detail,
      });
    },
    preflightUnanswered(account: string, keyDigest: string, reason: string): void {
      trail.note({
        event: 'preflight.unanswered',
        account,
        msg: `What the key of this account may do is not known: ${reason}.`,
        detail: { key: keyDigest.slice(0, SHOWN_DIGITS) },
      });
    },
    preflightOverdue(account: string): void {
      trail.note({
        event: 'preflight.overdue',
        account,
        msg: 'What the key may do could not be read for hours: only reads, cancels and orders that reduce pass.',
      });
    },
  };
}

function writeResolved(trail: AuditTrail, call: ResolvedCall): void {
  const { requestId, client, account, upstream, path } = call;
  const orderIds = call.orders.flatMap(({ orderId }) => orderId ?? []);
  trail.write({
    event: 'call.resolved',
    requestId,
    client,
    account,
    upstream,
    path,
    orderId: orderIds.length === 0 ? undefined : orderIds,
    clientOrderId: call.orders.map(({ clientOrderId }) => clientOrderId),
    detail: { resolution: call.resolution, afterMs: call.afterMs, asked: call.asked },
  });
}
