import type { Outcome, ProxyErrorName } from '../errors.ts';
import type { ApprovalSaid } from './approval-said.ts';
import { type PrintableParams, printablePath, printableText } from './redact.ts';
import { SecretMask } from './secret-mask.ts';
import type { SentOrder } from './sent-orders.ts';

/** Everything that the trail can say, the life of a call first. */
export const AUDIT_EVENTS = [
  'call.signed',
  'call.completed',
  'call.refused',
  'call.resolved',
  'policy.reported',
  'state.changed',
  'state.cancelled',
  'approval.rules',
  'approval.asked',
  'approval.decided',
  'approval.used',
  'approval.voided',
  'approval.expired',
  'passkey.enrolled',
  'socket.opened',
  'socket.closed',
  'proxy.started',
  'proxy.stopping',
  'config.loaded',
  'config.refused',
  'clients.unguarded',
  'config.warning',
  'clock.synced',
  'clock.lost',
  'preflight.passed',
  'preflight.failed',
  'preflight.overdue',
  'preflight.unanswered',
  'upstream.frozen',
  'upstream.thawed',
  'budget.degraded',
  'budget.restored',
  'audit.torn',
  'library.printed',
  'audit.restored',
  'refusals.summary',
  'operator.acted',
  'operator.refused',
  'refusals.streak',
  'audit.failed',
  'call.unresolved',
  'notice.failed',
  'key.care',
  'key.unused',
  'key.old',
  'key.ending',
  'key.refused',
  'order.foreign',
  'watch.began',
  'watch.blind',
] as const;
type AuditEvent = (typeof AUDIT_EVENTS)[number];

export type AuditLevel = 'info' | 'warn' | 'error';

/** pino's numbers, so that one line serves the log and the file. */
export const AUDIT_LEVELS: Readonly<Record<AuditLevel, number>> = { info: 30, warn: 40, error: 50 };

type Maybe<T> = T | undefined;
type Scalar = string | number | boolean;

/** A record as its maker knows it: what does not apply is left out. Durations in ms; they are kept to the microsecond. */
export interface UnsealedRecord {
  readonly event: AuditEvent;
  /** The event's own level when left out. */
  readonly level?: Maybe<AuditLevel>;
  readonly requestId?: Maybe<string>;
  readonly client?: Maybe<string>;
  readonly account?: Maybe<string>;
  readonly upstream?: Maybe<string>;
  readonly method?: Maybe<string>;
  /** The catalogue's path, or, of a refused call, the client's: its query is dropped here. */
  readonly path?: Maybe<string>;
  readonly permission?: Maybe<string>;
  /** The orders that the call places or amends, whole: `assertWhole` has seen them. */
  readonly orders?: Maybe<readonly SentOrder[]>;
  /** As made by `printableParams`. */
  readonly params?: Maybe<PrintableParams>;
  readonly weight?: Maybe<number>;
  readonly weightUsed?: Maybe<number>;
  /** Where the answer came from, when the call was not sent: a call under way, or memory. */
  readonly cache?: Maybe<'merged' | 'hit'>;
  /** The request id of the call that brought it. */
  readonly cacheOf?: Maybe<string>;
  readonly waitMs?: Maybe<number>;
  readonly signMs?: Maybe<number>;
  readonly upstreamMs?: Maybe<number>;
  readonly durationMs?: Maybe<number>;
  readonly status?: Maybe<number>;
  readonly code?: Maybe<number>;
  readonly msg?: Maybe<string>;
  readonly outcome?: Maybe<Outcome>;
  readonly orderId?: Maybe<string | readonly string[]>;
  readonly clientOrderId?: Maybe<string | readonly string[]>;
  /** What a repeat of this call equals: SHA-256 in hex. */
  readonly callDigest?: Maybe<string>;
  readonly error?: Maybe<ProxyErrorName>;
  readonly rule?: Maybe<string>;
  /** The approval that it is about, or that the call used. */
  readonly approval?: Maybe<ApprovalSaid>;
  /** Binance's `x-mbx-uuid`. */
  readonly uuid?: Maybe<string>;
  /** Further facts of a life-cycle event. */
  readonly detail?: Maybe<Readonly<Record<string, Maybe<Scalar>>>>;
}

/** A record as it stands in a line. `prev` and `hash` stand in the file only. */
export interface AuditRecord extends Omit<UnsealedRecord, 'level'> {
  /** ISO 8601 in UTC with milliseconds. */
  readonly time: string;
  readonly level: number;
  /** Absent on a line of the log that the file could not take. */
  readonly seq?: number;
  readonly prev?: string;
  readonly hash?: string;
}

/**
 * The level of a record: the one it names, else that of its event.
 */
export function auditLevel(record: UnsealedRecord): AuditLevel {
  if (record.level !== undefined) return record.level;
  switch (record.event) {
    case 'config.refused':
    case 'preflight.failed':
    case 'audit.failed':
    case 'key.refused':
      return 'error';
    case 'call.refused':
    case 'policy.reported':
    case 'clients.unguarded':
    case 'config.warning':
    case 'clock.lost':
    case 'preflight.overdue':
    case 'preflight.unanswered':
    case 'upstream.frozen':
    case 'budget.degraded':
    case 'audit.torn':
    case 'refusals.summary':
    case 'library.printed':
    case 'operator.refused':
    case 'refusals.streak':
    case 'call.unresolved':
    case 'notice.failed':
    case 'key.unused':
    case 'key.old':
    case 'key.ending':
    case 'order.foreign':
    case 'watch.blind':
      return 'warn';
    case 'call.completed':
      return record.outcome === 'unknown' ? 'warn' : 'info';
    default:
      return 'info';
  }
}

/**
 * The one line that a record is, in the log and (sealed) in the file: JSON with its fields in a fixed order, no line break
 * or invisible character raw, known secrets masked whatever field they stand in.
 * @param seq - undefined when the file could not take the record
 */
export function auditLine(
  record: UnsealedRecord,
  seq: number | undefined,
  timeMs: number,
  secretMask: SecretMask = SecretMask.none,
): string {
  const line = JSON.stringify({
    time: new Date(timeMs).toISOString(),
    level: AUDIT_LEVELS[auditLevel(record)],
    event: record.event,
    seq,
    requestId: record.requestId,
    client: record.client,
    account: record.account,
    upstream: record.upstream,
    method: foreign(record.method, secretMask),
    path: record.path === undefined ? undefined : printablePath(record.path, secretMask),
    permission: record.permission,
    orders: record.orders,
    params: record.params,
    weight: record.weight,
    weightUsed: record.weightUsed,
    cache: record.cache,
    cacheOf: record.cacheOf,
    waitMs: microseconds(record.waitMs),
    signMs: microseconds(record.signMs),
    upstreamMs: microseconds(record.upstreamMs),
    durationMs: microseconds(record.durationMs),
    status: record.status,
    code: record.code,
    msg: foreign(record.msg, secretMask),
    outcome: record.outcome,
    orderId: foreign(record.orderId, secretMask),
    clientOrderId: foreign(record.clientOrderId, secretMask),
    callDigest: record.callDigest,
    error: record.error,
    rule: foreign(record.rule, secretMask),
    approval: record.approval,
    uuid: foreign(record.uuid, secretMask),
    detail: record.detail === undefined ? undefined : printableDetail(record.detail, secretMask),
  });
  return escapeInvisible(secretMask.maskLine(line));
}

/** Controls, line separators, byte order marks and text-direction marks: JSON may carry them raw, a log line must not. */
const INVISIBLE = /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

function escapeInvisible(line: string): string {
  return line.replace(INVISIBLE, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function microseconds(ms: number | undefined): number | undefined {
  return ms === undefined || !Number.isFinite(ms) ? undefined : Math.round(ms * 1000) / 1000;
}

function foreign(
  text: string | readonly string[] | undefined,
  secretMask: SecretMask,
): string | readonly string[] | undefined {
  if (text === undefined) return undefined;
  return typeof text === 'string'
    ? printableText(text, secretMask)
    : text.map((one) => printableText(one, secretMask));
}

function printableDetail(
  detail: Readonly<Record<string, Maybe<Scalar>>>,
  secretMask: SecretMask,
): Record<string, Maybe<Scalar>> {
  const printable: Record<string, Maybe<Scalar>> = Object.create(null);
  for (const [name, value] of Object.entries(detail)) {
    printable[name] = typeof value === 'string' ? printableText(value, secretMask) : value;
  }
  return printable;
}
