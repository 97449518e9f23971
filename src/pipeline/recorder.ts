import type { AuditTrail } from '../audit/trail.ts';
import type { Endpoint } from '../core/catalogue/endpoint.ts';
import type { ProxyError } from '../core/errors.ts';
import { readElementCodes, readOrderAnswers } from '../core/outcome/order-answer.ts';
import { sentParameters } from '../core/outcome/order-query.ts';
import type { UnsealedRecord } from '../core/records/record.ts';
import { printableParams } from '../core/records/redact.ts';
import type { SecretMask } from '../core/records/secret-mask.ts';
import type { AnswerContext } from '../http/error-handler.ts';
import type { UnknownCall } from '../orders/order-lookup.ts';
import type { Exchange } from './call-context.ts';
import { type Answer, headerOf } from './read-answer.ts';

/** Turns the life of a call into its audit records. */
export interface CallRecorder {
  /** Before the bytes leave. @throws ProxyError PROXY_AUDIT_UNAVAILABLE: nothing may be sent then */
  signed(exchange: Exchange): void;
  /** As signed, together with the other calls of this turn of the event loop: nothing leaves before it resolves. */
  commitSigned(exchange: Exchange): Promise<void>;
  /** As completed, together with the other calls of this turn. */
  commitCompleted(exchange: Exchange, answer: Answer, lost: ProxyError | undefined): Promise<void>;
  /** After the end, whatever it was; `lost` is the refusal that stands for an answer that never came. */
  completed(exchange: Exchange, answer: Answer, lost: ProxyError | undefined): void;
  /** A call that was refused before it was sent; says with what the answer is adorned. */
  refused(exchange: Exchange | undefined, error: ProxyError): AnswerContext;
  /** A request that never became a call. */
  unreadable(requestId: string, error: ProxyError): void;
  /** What would have been refused, had the client not been in report mode. */
  reported(exchange: Exchange, rule: string): void;
  /** The call as the resolver needs it. */
  unresolved(exchange: Exchange, endpoint: Endpoint): UnknownCall;
}

export interface CallRecorderOptions {
  readonly trail: AuditTrail;
  readonly secretMask: () => SecretMask;
  readonly nextRequestId: () => string;
  readonly monotonicNow: () => number;
  readonly wallNow: () => number;
}

/** Where the program stands, as it was written or built. */
const OWN_PLACE = /(?<=\/)(?:src|dist)\/[\w./-]+:\d+/;
/** Of an answer about more orders, such as the cancelling of all, the first ones are named. */
const MOST_ORDERS = 50;

export function createCallRecorder(options: CallRecorderOptions): CallRecorder {
  const { trail, secretMask, monotonicNow } = options;

  /** Who called what: stands in every record of a call. */
  function subject(exchange: Exchange): Omit<UnsealedRecord, 'event'> {
    const { endpoint, call } = exchange;
    return {
      requestId: exchange.requestId,
      client: (exchange.client ?? exchange.identified)?.name,
      account: exchange.account,
      upstream: endpoint?.upstream ?? call?.upstream,
      method: exchange.method,
      path: endpoint?.path ?? call?.path,
      permission: endpoint?.permission,
      detail: exchange.detail,
    };
  }

  function params(exchange: Exchange) {
    return exchange.call === undefined ? undefined : printableParams(exchange.call, secretMask());
  }

  function signedRecord(exchange: Exchange): UnsealedRecord {
    return {
      event: 'call.signed',
      ...subject(exchange),
      params: params(exchange),
      weight: exchange.weight,
      waitMs: exchange.waitMs,
      signMs: exchange.signMs,
      clientOrderId: idsOf(exchange),
    };
  }

  function completedRecord(exchange: Exchange, answer: Answer, lost: ProxyError | undefined): UnsealedRecord {
    const { ending, verdict, said } = answer;
    const parts = exchange.method === 'GET' ? undefined : partsOf(answer);
    exchange.concluded = true;
    return {
      event: 'call.completed',
      ...subject(exchange),
      weight: exchange.weight,
      weightUsed: exchange.weightUsed,
      waitMs: exchange.waitMs,
      upstreamMs: exchange.upstreamMs,
      durationMs: monotonicNow() - exchange.arrivedMs,
      status: ending.phase === 'complete' ? ending.status : lost?.status,
      code: said.code ?? lost?.code,
      msg: said.msg,
      outcome: verdict.outcome,
      orderId: parts?.orderId ?? said.orderId,
      clientOrderId: idsOf(exchange) ?? said.clientOrderId,
      error: lost?.name,
      rule: lost?.rule,
      detail: parts === undefined ? exchange.detail : { ...exchange.detail, ...parts.detail },
      uuid: headerOf(ending.headers, 'x-mbx-uuid'),
    };
  }

  return {
    signed: (exchange) => trail.write(signedRecord(exchange)),
    commitSigned: (exchange) => trail.commit(signedRecord(exchange)),
    completed: (exchange, answer, lost) => void trail.note(completedRecord(exchange, answer, lost)),
    commitCompleted: (exchange, answer, lost) => trail.noteBatched(completedRecord(exchange, answer, lost)),
    refused(exchange, error) {
      if (exchange === undefined) {
        const requestId = options.nextRequestId();
        trail.note({ event: 'call.refused', requestId, ...refusal(error) });
        return { requestId };
      }
      // Only a bug of the proxy's own ends a call so after it was sent.
      const outcome = exchange.sent === true ? 'unknown' : error.outcome;
      if (!exchange.concluded) {
        exchange.concluded = true;
        trail.note({
          event: 'call.refused',
          ...subject(exchange),
          params: params(exchange),
          weight: exchange.weight,
          waitMs: exchange.waitMs,
          durationMs: monotonicNow() - exchange.arrivedMs,
          ...refusal(error),
          outcome,
        });
      }
      return { requestId: exchange.requestId, weight: exchange.weight, outcome };
    },
    unreadable(requestId, error) {
      trail.note({ event: 'call.refused', requestId, ...refusal(error) });
    },
    reported(exchange, rule) {
      trail.note({ event: 'policy.reported', ...subject(exchange), params: params(exchange), rule });
    },
    unresolved(exchange, endpoint) {
      return {
        requestId: exchange.requestId,
        client: exchange.client?.name ?? '',
        account: exchange.account ?? '',
        upstream: endpoint.upstream,
        path: endpoint.path,
        params: exchange.call === undefined ? new Map() : sentParameters(exchange.call),
        sentAtMs: options.wallNow(),
      };
    },
  };
}

/** What the refusal says; of a bug only its class and where it was thrown, never its message. */
function refusal(error: ProxyError): Partial<UnsealedRecord> {
  return {
    level: error.name === 'PROXY_INTERNAL' ? 'error' : undefined,
    status: error.status,
    code: error.code,
    msg: error.message,
    outcome: error.outcome,
    error: error.name,
    rule: error.name === 'PROXY_INTERNAL' ? placeOf(error.cause) : error.rule,
  };
}

function placeOf(cause: unknown): string | undefined {
  if (!(cause instanceof Error)) return undefined;
  const frame = cause.stack?.split('\n').find((line) => OWN_PLACE.test(line));
  return `${cause.name} at ${OWN_PLACE.exec(frame ?? '')?.[0] ?? 'unknown'}`;
}

function idsOf(exchange: Exchange): readonly string[] | string | undefined {
  const [first, ...rest] = exchange.clientOrderIds;
  if (first === undefined) return undefined;
  return rest.length === 0 ? first : exchange.clientOrderIds;
}

/** How a batch or a cancel-replace ended part by part; undefined of every other answer. */
function partsOf({ bodyText, verdict }: Answer) {
  const codes = bodyText === undefined ? undefined : readElementCodes(bodyText);
  if (bodyText === undefined || codes === undefined) return undefined;
  const orderIds = readOrderAnswers(bodyText)
    .flatMap(({ orderId }) => orderId ?? [])
    .slice(0, MOST_ORDERS);
  const failed = codes.filter((code) => code !== undefined);
  return {
    orderId: orderIds.length === 0 ? undefined : orderIds,
    detail: { execution: verdict.execution, parts: codes.length, failed: failed.length },
  };
}
