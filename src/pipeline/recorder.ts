import type { AuditTrail } from '../audit/trail.ts';
import { ANONYMOUS } from '../core/access/client.ts';
import { laneOf } from '../core/budget/buckets.ts';
import type { Endpoint } from '../core/catalogue/endpoint.ts';
import { type Outcome, ProxyError } from '../core/errors.ts';
import { readElementCodes, readOrderAnswers } from '../core/outcome/order-answer.ts';
import { sentParameters } from '../core/outcome/order-query.ts';
import type { UnsealedRecord } from '../core/records/record.ts';
import { printableParams } from '../core/records/redact.ts';
import type { SecretMask } from '../core/records/secret-mask.ts';
import type { UnknownCall } from '../orders/order-lookup.ts';
import type { CallContext } from './call-context.ts';
import type { RefusalFlood } from './clients/refusal-flood.ts';
import { type Answer, headerOf } from './read-answer.ts';

/** With what the answer to a refused call is adorned. */
export interface AnswerContext {
  readonly requestId: string;
  /** The weight that stays charged for this call, if any. */
  readonly weight?: number | undefined;
  /** Where more is known than the error says. */
  readonly outcome?: Outcome;
}

/** Turns the life of a call into its audit records. */
export interface CallRecorder {
  /**
   * Before the bytes leave, together with the other calls of this turn of the event loop: nothing leaves before it
   * resolves.
   * @throws ProxyError (rejection) PROXY_AUDIT_UNAVAILABLE: nothing may be sent then
   */
  signed(context: CallContext): Promise<void>;
  /** As signed, written before it returns. @throws ProxyError PROXY_AUDIT_UNAVAILABLE */
  signedAtOnce(context: CallContext): void;
  /** After the end, whatever it was, together with the other calls of this turn; `lost` stands for an answer that never came. */
  completed(context: CallContext, answer: Answer, lost: ProxyError | undefined): void;
  /** As completed, written before it returns. */
  completedAtOnce(context: CallContext, answer: Answer, lost: ProxyError | undefined): void;
  /** A call that was answered here, well and without being sent. */
  answeredHere(context: CallContext, rule: string): void;
  /** @throws ProxyError PROXY_AUDIT_UNAVAILABLE for what places or cancels nothing while the disk is nearly full */
  assertRoom(endpoint: Endpoint): void;
  /** A call that was refused before it was sent; says with what the answer is adorned. */
  refused(context: CallContext | undefined, error: ProxyError): AnswerContext;
  /** A request that never became a call. */
  unreadable(requestId: string, error: ProxyError): void;
  /** What would have been refused, had the client not been in report mode. */
  reported(context: CallContext, rule: string): void;
  /** The call as the resolver needs it. */
  unresolved(context: CallContext, endpoint: Endpoint): UnknownCall;
}

export interface CallRecorderOptions {
  readonly trail: AuditTrail;
  readonly flood: Pick<RefusalFlood, 'admits'>;
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
  const { trail, flood, secretMask, monotonicNow } = options;

  /** Who called what: stands in every record of a call. */
  function subject(context: CallContext): Omit<UnsealedRecord, 'event'> {
    const { endpoint, call } = context;
    return {
      requestId: context.requestId,
      client: (context.client ?? context.identified)?.name,
      account: context.account,
      upstream: endpoint?.upstream ?? call?.upstream,
      method: context.method,
      path: endpoint?.path ?? call?.path,
      permission: endpoint?.permission,
      detail: context.detail,
    };
  }

  function params(context: CallContext) {
    return context.call === undefined ? undefined : printableParams(context.call, secretMask());
  }

  function signedRecord(context: CallContext): UnsealedRecord {
    return {
      event: 'call.signed',
      ...subject(context),
      orders: context.orders.length === 0 ? undefined : context.orders,
      params: params(context),
      weight: context.weight,
      waitMs: context.waitMs,
      signMs: context.signMs,
      clientOrderId: idsOf(context),
      callDigest: context.callDigest,
      approval: context.approval && { id: context.approval.id },
    };
  }

  /** The use of an approval stands in front of the call: a write that was cut between them claims too much, never too little. */
  function intent(context: CallContext): readonly UnsealedRecord[] {
    const { approval } = context;
    const signed = signedRecord(context);
    if (approval === undefined || approval.isSpent) return [signed];
    return [{ event: 'approval.used', ...subject(context), approval: approval.said }, signed];
  }

  function completedRecord(
    context: CallContext,
    answer: Answer,
    lost: ProxyError | undefined,
  ): UnsealedRecord {
    const { transfer, verdict, said } = answer;
    const parts = context.method === 'GET' ? undefined : partsOf(answer);
    context.noteConcluded();
    return {
      event: 'call.completed',
      ...subject(context),
      weight: context.weight,
      weightUsed: context.weightUsed,
      cache: context.shared?.how,
      cacheOf: context.shared?.of,
      waitMs: context.waitMs,
      upstreamMs: context.upstreamMs,
      durationMs: monotonicNow() - context.arrivedMs,
      status: transfer.phase === 'complete' ? transfer.status : lost?.status,
      code: said.code ?? lost?.code,
      msg: said.msg,
      outcome: verdict.outcome,
      orderId: parts?.orderId ?? said.orderId,
      clientOrderId: idsOf(context) ?? said.clientOrderId,
      error: lost?.name,
      rule: lost?.rule,
      detail: detailOf(context, parts?.detail),
      uuid: headerOf(transfer.headers, 'x-mbx-uuid'),
    };
  }

  return {
    signed: (context) => trail.commit(...intent(context)),
    signedAtOnce: (context) => trail.write(...intent(context)),
    completed: (context, answer, lost) => trail.noteBatched(completedRecord(context, answer, lost)),
    completedAtOnce: (context, answer, lost) => void trail.note(completedRecord(context, answer, lost)),
    answeredHere(context, rule) {
      context.noteConcluded();
      const durationMs = monotonicNow() - context.arrivedMs;
      trail.note({
        event: 'call.completed',
        ...subject(context),
        durationMs,
        status: 200,
        outcome: 'not-sent',
        rule,
        detail: context.detail,
      });
    },
    assertRoom(endpoint) {
      if (laneOf(endpoint) !== 'general' || !trail.isLow()) return;
      throw new ProxyError(
        'PROXY_AUDIT_UNAVAILABLE',
        'The disk of the audit folder is nearly full: what is left is kept for orders and cancels.',
        { rule: 'audit reserve' },
      );
    },
    refused(context, error) {
      if (context === undefined) {
        const requestId = options.nextRequestId();
        if (flood.admits(error, undefined))
          trail.note({ event: 'call.refused', requestId, ...refusal(error) });
        return { requestId };
      }
      // Only a bug of the proxy's own ends a call so after it was sent.
      const outcome = context.wasSent ? 'unknown' : error.outcome;
      if (!context.isConcluded) {
        context.noteConcluded();
        const known = (context.client ?? context.identified)?.name;
        if (flood.admits(error, known))
          trail.note({
            event: 'call.refused',
            ...subject(context),
            // Whoever nobody knows could fill the trail with them.
            params: known === undefined || known === ANONYMOUS ? undefined : params(context),
            weight: context.weight,
            waitMs: context.waitMs,
            durationMs: monotonicNow() - context.arrivedMs,
            ...refusal(error),
            outcome,
            orderId: error.repeats?.orderId,
            approval: error.approval === undefined ? undefined : { id: error.approval },
            detail: refusalDetail(context, error),
          });
      }
      return { requestId: context.requestId, weight: context.weight, outcome };
    },
    unreadable(requestId, error) {
      if (flood.admits(error, undefined)) trail.note({ event: 'call.refused', requestId, ...refusal(error) });
    },
    reported(context, rule) {
      trail.note({ event: 'policy.reported', ...subject(context), params: params(context), rule });
    },
    unresolved(context, endpoint) {
      return {
        requestId: context.requestId,
        client: context.client?.name ?? '',
        account: context.account ?? '',
        upstream: endpoint.upstream,
        path: endpoint.path,
        params: context.call === undefined ? new Map() : sentParameters(context.call),
        sentAtMs: options.wallNow(),
      };
    },
  };
}

/** The refusal of a repeat names the call that it repeats. */
function refusalDetail({ detail }: CallContext, { repeats }: ProxyError) {
  return repeats === undefined ? detail : { ...detail, repeats: repeats.requestId };
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

function idsOf(context: CallContext): readonly string[] | string | undefined {
  const [first, ...rest] = context.clientOrderIds;
  if (first === undefined) return undefined;
  return rest.length === 0 ? first : context.clientOrderIds;
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

/** What a record says of a call beyond its fields: where it came from, how its parts ended, that Binance has retired it. */
function detailOf(
  { detail, endpoint }: CallContext,
  parts: Readonly<Record<string, string | number>> | undefined,
): UnsealedRecord['detail'] {
  const retired = endpoint?.retired;
  if (parts === undefined && retired === undefined) return detail;
  return { ...detail, ...parts, ...(retired && { retired: retired.date, instead: retired.instead }) };
}
