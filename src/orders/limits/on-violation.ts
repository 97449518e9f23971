import type { Client } from '../../core/access/client.ts';
import type { OrderRule, Violation } from '../../core/access/violation.ts';
import type { Endpoint } from '../../core/catalogue/endpoint.ts';
import { ProxyError } from '../../core/errors.ts';

/** Told, for clients in report mode, what would have been refused: once for each rule of a call. */
export type OnReport = (client: Client, endpoint: Endpoint, rule: OrderRule) => void;

/** What the rules do with violations: refuse the call, or only report it. */
export type OnViolation = (violations: readonly Violation[], cause?: unknown) => void;

/** Refuses by the first rule that is broken, or reports every one and lets the call pass. */
export function violating(client: Client, endpoint: Endpoint, onReport: OnReport): OnViolation {
  if (client.policyMode !== 'report') return refusing(client, endpoint);
  return (violations) => {
    for (const rule of new Set(violations.map((violation) => violation.rule)))
      onReport(client, endpoint, rule);
  };
}

function refusing(client: Client, endpoint: Endpoint): OnViolation {
  return ([first], cause) => {
    if (first === undefined) return;
    // No room for the look-up is a matter of waiting, which this refusal would not say.
    if (cause instanceof ProxyError && cause.retryAfterSeconds !== undefined) throw cause;
    const what = endpoint.orderShape === undefined ? 'Call' : 'Order';
    throw new ProxyError(
      'PROXY_ORDER_REFUSED',
      `${what} refused for client ${client.name} on ${endpoint.method} ${endpoint.path}: ${first.why} (rule ${first.rule}).`,
      { rule: first.rule, cause },
    );
  };
}
