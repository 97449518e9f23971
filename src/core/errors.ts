import { SECOND_MS } from './intervals.ts';
/**
 * Every refusal of the proxy, with its HTTP status and Binance error code. Denials have -1002, because every popular
 * library treats it as final.
 * @see README.md, "Answers"
 */
export const PROXY_ERRORS = {
  PROXY_MALFORMED_REQUEST: { status: 400, code: -1100 },
  PROXY_DUPLICATE_PARAMETER: { status: 400, code: -1101 },
  PROXY_UNKNOWN_CLIENT: { status: 401, code: -2014 },
  PROXY_BAD_SIGNATURE: { status: 400, code: -1022 },
  PROXY_STALE_REQUEST: { status: 400, code: -1021 },
  PROXY_BROWSER_REFUSED: { status: 403, code: -1002 },
  PROXY_UNKNOWN_HOST: { status: 421, code: -1000 },
  PROXY_UNKNOWN_ENDPOINT: { status: 404, code: -1020 },
  PROXY_DENYLISTED: { status: 403, code: -1002 },
  PROXY_PERMISSION_DENIED: { status: 403, code: -1002 },
  PROXY_ORDER_REFUSED: { status: 400, code: -2010 },
  PROXY_DUPLICATE_ORDER: { status: 400, code: -2010 },
  PROXY_STOPPED: { status: 400, code: -2010 },
  PROXY_APPROVAL_PENDING: { status: 400, code: -2010 },
  PROXY_APPROVAL_DENIED: { status: 400, code: -2010 },
  PROXY_CLIENT_RATE_LIMITED: { status: 429, code: -1003 },
  PROXY_WEIGHT_EXHAUSTED: { status: 429, code: -1003 },
  PROXY_ORDERS_EXHAUSTED: { status: 429, code: -1015 },
  PROXY_UPSTREAM_FROZEN: { status: 429, code: -1003 },
  PROXY_BODY_TOO_LARGE: { status: 413, code: -1100 },
  PROXY_UNSUPPORTED_MEDIA_TYPE: { status: 415, code: -1100 },
  PROXY_AUDIT_UNAVAILABLE: { status: 503, code: -1016 },
  PROXY_NOT_READY: { status: 503, code: -1016 },
  PROXY_UPSTREAM_UNREACHABLE: { status: 502, code: -1001 },
  PROXY_OUTCOME_UNKNOWN: { status: 504, code: -1007 },
  PROXY_INTERNAL: { status: 500, code: -1000 },
} as const;

/** How a stop answers what places no order: nobody should take it for the refusal of one. */
export const STOPPED_WHOLLY: ErrorAnswer = { status: 503, code: -1016 };

/** An HTTP status with a code of Binance's. */
export interface ErrorAnswer {
  readonly status: number;
  readonly code: number;
}

export type ProxyErrorName = keyof typeof PROXY_ERRORS;

/** answered: status and body are Binance's; not-sent: nothing was sent; unknown: sent without a trustworthy answer. */
export type Outcome = 'answered' | 'not-sent' | 'unknown';

export interface ProxyErrorDetail {
  /** The rule that refused, for log and audit. It never contains a value that the client sent. */
  readonly rule?: string;
  /** Whole seconds after which the same call may pass. */
  readonly retryAfterSeconds?: number;
  /** The earlier call that this one repeats. */
  readonly repeats?: RepeatedCall;
  /** In place of what stands in the table, of a refusal that has two answers. */
  readonly answer?: ErrorAnswer;
  /** The id of the approval that the call waits for, or that was denied. */
  readonly approval?: string;
  readonly cause?: unknown;
}

/** A call that came before, and whose effect a second sending would have again. */
export interface RepeatedCall {
  readonly requestId: string;
  /** Binance's id of its order, where it is known. */
  readonly orderId?: string | undefined;
}

/** A refusal: a name from the table and a sentence for the caller, without secrets and without client bytes. */
export class ProxyError extends Error {
  override readonly name: ProxyErrorName;
  readonly rule: string | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly repeats: RepeatedCall | undefined;
  readonly #answer: ErrorAnswer;
  readonly approval: string | undefined;

  constructor(name: ProxyErrorName, message: string, detail: ProxyErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.name = name;
    this.rule = detail.rule;
    this.retryAfterSeconds = detail.retryAfterSeconds;
    this.repeats = detail.repeats;
    this.#answer = detail.answer ?? PROXY_ERRORS[name];
    this.approval = detail.approval;
  }

  get status(): number {
    return this.#answer.status;
  }

  get code(): number {
    return this.#answer.code;
  }

  get outcome(): Outcome {
    return this.name === 'PROXY_OUTCOME_UNKNOWN' ? 'unknown' : 'not-sent';
  }
}

/** The refusal of a request that is not in canonical form. `why` is a constant, never a text of the client. */
export function malformedRequest(why: string): ProxyError {
  return new ProxyError('PROXY_MALFORMED_REQUEST', `Malformed request: ${why}.`, { rule: why });
}

/** The pause before the next try: until what refused says, else as long as usual, and never longer than `mostMs`. */
export function pauseAfter(error: unknown, usualMs: number, mostMs: number): number {
  const seconds = error instanceof ProxyError ? error.retryAfterSeconds : undefined;
  return Math.min(seconds === undefined ? usualMs : seconds * SECOND_MS, mostMs);
}
