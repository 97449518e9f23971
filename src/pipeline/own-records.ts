import type { AuditTrail } from '../audit/trail.ts';
import type { Endpoint } from '../core/catalogue/endpoint.ts';
import { readOrderAnswer } from '../core/outcome/order-answer.ts';
import { printableParams } from '../core/records/redact.ts';
import type { TimeReading } from '../upstream/server-clock.ts';
import { type OwnCallRecorder, type OwnCalls, PROXY_CLIENT } from './own-call.ts';

/** A signed call of the proxy's own has its records before it leaves and after it ended, like any other. */
export function ownCallRecorder(trail: AuditTrail, nextRequestId: () => string): OwnCallRecorder {
  const subject = (requestId: string, account: string, { upstream, method, path, permission }: Endpoint) => ({
    requestId,
    client: PROXY_CLIENT.name,
    account,
    upstream,
    method,
    path,
    permission,
  });

  return {
    signed(account, endpoint, call, weight) {
      const requestId = nextRequestId();
      const params = printableParams(call);
      trail.write({ event: 'call.signed', ...subject(requestId, account, endpoint), params, weight });
      return requestId;
    },
    completed(requestId, account, endpoint, answer, tookMs) {
      const said = answer === undefined || answer.status < 400 ? {} : readOrderAnswer(answer.text);
      trail.note({
        event: 'call.completed',
        ...subject(requestId, account, endpoint),
        upstreamMs: tookMs,
        durationMs: tookMs,
        status: answer?.status,
        code: said.code,
        msg: said.msg,
        outcome: answer === undefined ? 'unknown' : 'answered',
      });
    },
  };
}

/** Asks for the exchange's time. */
export async function readServerTime(ownCalls: OwnCalls): Promise<TimeReading> {
  const { status, text, sentMs, receivedMs } = await ownCalls.get({
    upstream: 'spot',
    target: '/api/v3/time',
  });
  const parsed: unknown = status === 200 ? JSON.parse(text) : undefined;
  const serverMs =
    typeof parsed === 'object' && parsed !== null && 'serverTime' in parsed ? parsed.serverTime : undefined;
  if (typeof serverMs !== 'number') throw new Error(`the exchange does not tell its time (HTTP ${status})`);
  return { serverMs, sentMs, receivedMs };
}
