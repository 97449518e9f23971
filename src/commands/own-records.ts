import type { AuditTrail } from '../audit/audit-trail.ts';
import type { Call } from '../core/call.ts';
import type { Endpoint } from '../core/endpoint.ts';
import { printableParams } from '../core/redact.ts';
import type { TimeReading } from '../upstream/clock.ts';
import { type OwnCalls, PROXY_CLIENT } from '../upstream/own-calls.ts';

/** A signed call of the proxy's own has its record before it leaves, like any other. */
export function ownCallRecorder(trail: AuditTrail, nextRequestId: () => string) {
  return function recordOwnCall(account: string, endpoint: Endpoint, call: Call, weight: number): void {
    const { upstream, method, path, permission } = endpoint;
    trail.write({
      event: 'call.signed',
      requestId: nextRequestId(),
      client: PROXY_CLIENT.name,
      account,
      upstream,
      method,
      path,
      permission,
      params: printableParams(call),
      weight,
    });
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
