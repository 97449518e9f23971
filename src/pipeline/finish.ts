import type { Endpoint } from '../core/catalogue/endpoint.ts';
import { ProxyError } from '../core/errors.ts';
import { readElementCodes } from '../core/outcome/order-answer.ts';
import type { RefusalStop } from '../orders/limits/refusal-stop.ts';
import type { OrderResolver } from '../orders/resolver.ts';
import { unreachable } from '../upstream/connections/open-socket.ts';
import type { CallContext } from './call-context.ts';
import type { Carrier } from './carrier.ts';
import type { KeyHolders } from './clients/key-holders.ts';
import type { ListenKeys } from './clients/listen-keys.ts';
import type { Answer } from './read-answer.ts';
import type { CallRecorder } from './recorder.ts';
import type { ReservedCall } from './reserve.ts';

export interface FinishDeps {
  readonly recorder: Pick<CallRecorder, 'completed' | 'completedAtOnce' | 'unresolved'>;
  readonly resolver: Pick<OrderResolver, 'add'>;
  readonly listenKeys: Pick<ListenKeys, 'note'>;
  readonly keyHolders: Pick<KeyHolders, 'note'>;
  readonly refusalStop: Pick<RefusalStop, 'note'>;
  readonly shared: { forgetRules(): void };
}

/** How a call ended, learned from and recorded. */
export interface FinishedCall {
  readonly answer: Answer;
  /** The refusal that stands for an answer that never came, or never came whole. */
  readonly lost: ProxyError | undefined;
}

/** Learns from how a call ended, writes its record and hands an order whose fate is open to the resolver. */
export type Finish = (reserved: ReservedCall, answer: Answer, carrier: Carrier) => FinishedCall;

export function createFinish(deps: FinishDeps): Finish {
  const { recorder, resolver, listenKeys, keyHolders, refusalStop, shared } = deps;
  return function finish(reserved, answer, carrier) {
    const { context } = reserved;
    reserved.settle(answer);
    const { endpoint, client } = reserved.judged;
    refusalStop.note(client, endpoint, { ...answer.verdict, status: answer.transfer.status });
    if (answer.verdict.execution === 'executed') {
      listenKeys.note(reserved.judged);
      keyHolders.note(endpoint, client, context.config.settings, answer.bodyText);
    }
    if (meetsOtherRules(endpoint, answer)) shared.forgetRules();
    const lost = answer.transfer.phase === 'complete' ? undefined : lostAnswer(context, answer);
    // An answer of Binance's may be with its app a moment before its record; what the proxy says in its place never is.
    if (carrier.recordsAtOnce || lost !== undefined) recorder.completedAtOnce(context, answer, lost);
    else recorder.completed(context, answer, lost);
    if (answer.verdict.execution === 'unknown' && context.clientOrderIds.length > 0)
      resolver.add(recorder.unresolved(context, endpoint));
    return { answer, lost };
  };
}

/** Invalid symbol; a filter of the symbol. */
const BROKEN_RULES: ReadonlySet<number> = new Set([-1121, -1013]);

/** An order that Binance refuses by the trading rules was made by others: those that apps know may be old. */
function meetsOtherRules({ effect, orderShape }: Endpoint, { said, bodyText }: Answer): boolean {
  if (effect === 'none' && orderShape === undefined) return false;
  const codes = [said.code, ...((bodyText && readElementCodes(bodyText)) || [])];
  return codes.some((code) => code !== undefined && BROKEN_RULES.has(code));
}

function lostAnswer({ clientOrderIds: ids }: CallContext, { transfer, verdict }: Answer): ProxyError {
  if (verdict.outcome === 'not-sent')
    return transfer.error instanceof ProxyError ? transfer.error : unreachable(transfer.error);
  const query = ids.length === 0 ? '' : ` Query it by client order id ${ids.join(', ')}.`;
  return new ProxyError(
    'PROXY_OUTCOME_UNKNOWN',
    `Timeout waiting for response from backend server. Send status unknown; execution status unknown.${query}`,
    { rule: `lost: ${transfer.phase}` },
  );
}
