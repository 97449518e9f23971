import type { EarlierCalls, RecentCall } from '../audit/reading/earlier-calls.ts';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../core/intervals.ts';
import type { AuditRecord } from '../core/records/record.ts';
import { nameKey } from './claim.ts';
import type { ClaimBook, ClaimRequest } from './claim-book.ts';

/** How long a call can come again that this or an earlier run signed, ms after its record. */
const DIGEST_LASTS_MS = HOUR_MS + 2 * MINUTE_MS;
/** An answer that was recorded so shortly before the last record may not have reached its app. */
const UNDELIVERED_MS = 2 * SECOND_MS;

/** Puts what earlier runs signed into the book: what they left open, and what they did in the last minutes. */
export function readBack(book: ClaimBook, { unfinished, recent, lastMs }: EarlierCalls): void {
  const open = new Set(unfinished.map(({ requestId }) => requestId));
  for (const record of unfinished) book.restore(requestOf(record, true), 'unknown', undefined);
  for (const call of recent) {
    const { signed, end } = call;
    if (open.has(signed.requestId) || hadNoEffect(call)) continue;
    const isKnown = end !== undefined && (end.event === 'call.resolved' || end.outcome === 'answered');
    const isUnheard = end?.event === 'call.resolved' || isShortBefore(end, lastMs);
    book.restore(requestOf(signed, isUnheard), isKnown ? 'executed' : 'unknown', firstOf(end?.orderId));
  }
}

/** True when it is certain that Binance did nothing. */
function hadNoEffect({ end }: RecentCall): boolean {
  if (end === undefined) return false;
  if (end.event === 'call.resolved') {
    const { resolution } = end.detail ?? {};
    return resolution === 'rejected' || resolution === 'not-found';
  }
  if (end.outcome === 'not-sent') return true;
  const isRefused = (end.status ?? 200) >= 400 && end.status !== 409;
  return end.outcome === 'answered' && (isRefused || end.detail?.execution === 'refused');
}

function isShortBefore(end: AuditRecord | undefined, lastMs: number | undefined): boolean {
  return end !== undefined && lastMs !== undefined && lastMs - Date.parse(end.time) <= UNDELIVERED_MS;
}

function requestOf(record: AuditRecord, holdsNames: boolean): ClaimRequest {
  const { requestId = '', account = '', upstream = '', orders = [], clientOrderId = [] } = record;
  const clientOrderIds = typeof clientOrderId === 'string' ? [clientOrderId] : clientOrderId;
  const symbols = new Set(orders.map(({ symbol = '' }) => symbol));
  const names = [...symbols].flatMap((symbol) =>
    clientOrderIds.map((id) => nameKey(account, upstream, { symbol, clientOrderId: id })),
  );
  return {
    requestId,
    clientOrderIds,
    digest: record.callDigest,
    names: holdsNames ? names : [],
    digestUntilMs: Date.parse(record.time) + DIGEST_LASTS_MS,
  };
}

function firstOf(orderId: string | readonly string[] | undefined): string | undefined {
  return typeof orderId === 'string' ? orderId : orderId?.[0];
}
