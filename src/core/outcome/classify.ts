import type { Method, OrderEffect } from '../catalogue/endpoint.ts';
import type { Outcome } from '../errors.ts';
import type { UpstreamName } from '../upstream.ts';
import {
  changesNothing,
  codeFamily,
  type Execution,
  type FamilyTable,
  isCertainRefusal,
  OUTCOME_TABLES,
} from './outcome-tables.ts';

/**
 * How far a call came: no connection; a connection and no byte of the request written; some or all of the request
 * written and nothing read; a part of the answer's head read; the whole head read, and what there was of the body.
 */
export type CallEndPhase = 'not-connected' | 'before-first-byte' | 'after-bytes' | 'headers' | 'body';

/** Everything that is known at the end of a call, whether it was answered or lost. */
export interface CallEnd {
  readonly upstream: UpstreamName;
  readonly path: string;
  readonly method: Method;
  readonly effect: OrderEffect;
  readonly phase: CallEndPhase;
  readonly status?: number;
  /** `code` of a JSON answer; undefined when the answer has none or cannot be read (SBE, HTML). */
  readonly code?: number;
  readonly msg?: string;
  /** Error codes of the elements of a batch or of the two halves of a cancel-replace; undefined where one succeeded. */
  readonly elementCodes?: readonly (number | undefined)[];
  readonly contentType?: string;
  /** False when the body was cut off, its framing or coding broke, or it claims to be JSON and does not parse. */
  readonly wellFormed?: boolean;
  /** True when the connection was open, but the answer did not begin in time. */
  readonly headersTimeout?: boolean;
  /** False when the connection was opened for this call, so it cannot have gone stale in the pool. */
  readonly reusedConnection?: boolean;
}

/**
 * once: the same bytes may be sent once more on a fresh connection; restamp: the clock is measured, and the call is
 * stamped, signed and sent once more.
 */
type Retry = 'none' | 'once' | 'restamp';

export interface Verdict {
  /** The value of `x-proxy-outcome`. */
  readonly outcome: Outcome;
  readonly execution: Execution;
  readonly retry: Retry;
}

const TIMESTAMP_REFUSED = -1021;

/**
 * Reads how a call ended. For a call that changes something, `outcome` is `unknown` also when Binance's own answer
 * leaves the execution open; its status and body are still relayed byte for byte.
 * @see docs/outcomes.md
 */
export function classify(end: CallEnd): Verdict {
  const idempotent = end.effect === 'none' && changesNothing(end.method, end.path);
  switch (end.phase) {
    case 'not-connected':
      return { outcome: 'not-sent', execution: 'refused', retry: idempotent ? 'once' : 'none' };
    case 'before-first-byte':
      // A pooled connection was closed between two calls. Nothing was written, so Binance has not seen the call.
      return { outcome: 'not-sent', execution: 'refused', retry: 'once' };
    case 'after-bytes':
      return { ...LOST, retry: idempotent && wasStale(end) ? 'once' : 'none' };
    case 'headers':
      return LOST;
    case 'body':
      return classifyAnswer(end, idempotent);
  }
}

const LOST: Verdict = { outcome: 'unknown', execution: 'unknown', retry: 'none' };

/** Only a GET is repeated after bytes were written. Some idempotent calls are POSTs; those are never repeated. */
function wasStale(end: CallEnd): boolean {
  return end.method === 'GET' && end.headersTimeout !== true && end.reusedConnection !== false;
}

function classifyAnswer(end: CallEnd, idempotent: boolean): Verdict {
  const { status, code } = end;
  if (status === undefined || end.wellFormed === false) return LOST;
  const execution = readExecution(end, status, OUTCOME_TABLES[codeFamily(end.upstream, end.path)]);
  const retry = code === TIMESTAMP_REFUSED && isRefusal(status) ? 'restamp' : 'none';
  if (!idempotent) return { outcome: execution === 'unknown' ? 'unknown' : 'answered', execution, retry };
  return { outcome: 'answered', execution: isSuccess(status) ? 'executed' : 'refused', retry };
}

/** Looks at the surest sign first: the 503 texts, then the codes, then the status and its class. */
function readExecution(end: CallEnd, status: number, table: FamilyTable): Execution {
  const { code, elementCodes } = end;
  const byText = status === 503 || code === -1001 ? readText(end.msg, table) : undefined;
  if (byText !== undefined) return byText;
  if (code !== undefined) {
    if (table.openCodes.has(code)) return 'unknown';
    if (elementCodes?.some((each) => each !== undefined && table.openCodes.has(each))) return 'unknown';
    if (table.partlyCodes.has(code)) return 'partly';
    if (isCertainRefusal(code)) return 'refused';
  }
  if (isSuccess(status)) return readSuccess(end, table);
  const byStatus = table.statuses.get(status);
  if (byStatus !== undefined) return byStatus;
  if (isRefusal(status)) return hidesHalf(end, status) ? 'unknown' : 'refused';
  return 'unknown';
}

function readText(msg: string | undefined, table: FamilyTable): Execution | undefined {
  if (msg === undefined) return undefined;
  return table.unavailable.find(({ text }) => msg.startsWith(text))?.execution;
}

function readSuccess(end: CallEnd, table: FamilyTable): Execution {
  // The API never answers HTML. The page came from an edge that may or may not have passed the call on.
  if (isHtml(end.contentType)) return 'unknown';
  if (end.code !== undefined && end.code < 0) return 'refused';
  const codes = end.elementCodes;
  if (codes === undefined || codes.length === 0) return 'executed';
  const failed = codes.filter((code) => code !== undefined);
  if (failed.some((code) => table.openCodes.has(code))) return 'unknown';
  if (failed.length === 0) return 'executed';
  return failed.length === codes.length ? 'refused' : 'partly';
}

/** A cancelReplace beyond the order limit answers 429 although it may have cancelled. Only its body tells. */
function hidesHalf(end: CallEnd, status: number): boolean {
  return (
    status === 429 &&
    end.code === undefined &&
    !isHtml(end.contentType) &&
    end.path.endsWith('/cancelReplace')
  );
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

function isRefusal(status: number): boolean {
  return status >= 400 && status < 500;
}

function isHtml(contentType: string | undefined): boolean {
  return contentType !== undefined && /^\s*text\/html/i.test(contentType);
}
