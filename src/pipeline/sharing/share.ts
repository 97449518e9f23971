import type { Budgets } from '../../budgets/budgets.ts';
import { ownEgressId, wayOf } from '../../config/schema/ways-out.ts';
import { weightOf } from '../../core/budget/weight.ts';
import type { Call } from '../../core/call/call.ts';
import type { HeaderValues } from '../../core/call/headers.ts';
import type { Endpoint } from '../../core/catalogue/endpoint.ts';
import type { KeptAnswer } from '../../shared-data/kept-answers.ts';
import { shareable } from '../../shared-data/shareable.ts';
import type { Found, SharedData } from '../../shared-data/shared-data.ts';
import type { ServerClock } from '../../upstream/server-clock.ts';
import type { AdmittedCall } from '../authorise.ts';
import type { CallContext } from '../call-context.ts';
import type { FinishedCall } from '../finish.ts';
import type { Answer } from '../read-answer.ts';

export interface ShareDeps {
  readonly shared: Pick<SharedData<FinishedCall>, 'ask'>;
  readonly budgets: Pick<Budgets, 'assertOpen'>;
  readonly clock: Pick<ServerClock, 'now'>;
}

/**
 * Whether an admitted call need not be sent: what it asks for is on its way, or was kept a moment ago. Undefined when its
 * answer is nobody else's.
 */
export type Share = (
  context: CallContext,
  admitted: AdmittedCall,
  headers: HeaderValues,
) => Found<FinishedCall> | undefined;

export function createShare({ shared, budgets, clock }: ShareDeps): Share {
  /** @throws ProxyError PROXY_UPSTREAM_FROZEN: while Binance wants silence, old data does not stand for its answer */
  return function share(context, { endpoint, call }, headers) {
    if (endpoint.security !== 'NONE') return undefined;
    context.noteShared(undefined);
    const { cache, egress } = context.config.settings;
    if (!Object.values(cache).includes(true)) return undefined;
    const asked = shareable(endpoint, call, headers, clock.now());
    if (asked === undefined) return undefined;
    const { family, mostAgeMs } = asked;
    const keep = family !== 'other' && mostAgeMs !== undefined && cache[family];
    if (!keep && !cache.merge) return undefined;
    const found = shared.ask(asked, context.requestId, { merge: cache.merge, keep });
    if (found.kind === 'leading') return found;
    budgets.assertOpen(endpoint, ownEgressId(egress, wayOf(egress, undefined)));
    const savedWeight = weightIn(endpoint, call);
    context.noteShared(
      found.kind === 'kept'
        ? { how: 'hit', family, of: found.answer.requestId, ageMs: found.ageMs, savedWeight }
        : { how: 'merged', family, of: found.call.requestId, savedWeight },
    );
    return found;
  };
}

/** An answer that was kept, as it was when it came. */
export function keptAnswer({ status, headers, body }: KeptAnswer): Answer {
  return {
    transfer: { phase: 'complete', status, headers, held: body, streaming: false, error: undefined },
    verdict: { outcome: 'answered', execution: 'executed', retry: 'none' },
    said: {},
    bodyText: undefined,
  };
}

function weightIn({ weights }: Endpoint, call: Call): number {
  return weights.reduce((sum, rule) => sum + weightOf(rule, call), 0);
}
