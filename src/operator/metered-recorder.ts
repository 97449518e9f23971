import type { ProxyError } from '../core/errors.ts';
import type { CallContext } from '../pipeline/call-context.ts';
import type { Answer } from '../pipeline/read-answer.ts';
import type { CallRecorder } from '../pipeline/recorder.ts';
import type { CallMetrics } from './call-metrics.ts';

/**
 * The recorder with a counter beside each record, so that what is counted is what is recorded.
 * @param onKeyUsed told of each call of an app that an account's key was used for
 */
export function meteredRecorder(
  recorder: CallRecorder,
  metrics: CallMetrics,
  monotonicNow: () => number,
  onKeyUsed: (account: string) => void = () => {},
): CallRecorder {
  function signed(context: CallContext): void {
    metrics.signed(context);
    const { account, endpoint } = context;
    if (account !== undefined && endpoint?.security !== 'NONE') onKeyUsed(account);
  }

  function count(context: CallContext, { transfer, verdict }: Answer, lost: ProxyError | undefined): void {
    const status = lost === undefined ? transfer.status : lost.status;
    metrics.completed(context, { outcome: verdict.outcome, status }, monotonicNow() - context.arrivedMs);
  }

  return {
    async signed(context) {
      await recorder.signed(context);
      signed(context);
    },
    signedAtOnce(context) {
      recorder.signedAtOnce(context);
      signed(context);
    },
    completed(context, answer, lost) {
      count(context, answer, lost);
      return recorder.completed(context, answer, lost);
    },
    completedAtOnce(context, answer, lost) {
      recorder.completedAtOnce(context, answer, lost);
      count(context, answer, lost);
    },
    refused(context, error) {
      // The answer to a sent call that got lost comes by here too; it was counted when it was completed.
      const counted = context?.isConcluded === true;
      const adornment = recorder.refused(context, error);
      if (!counted) metrics.refused(context, error);
      return adornment;
    },
    assertRoom: (endpoint) => recorder.assertRoom(endpoint),
    answeredHere(context, rule) {
      recorder.answeredHere(context, rule);
      metrics.completed(context, { outcome: 'not-sent', status: 200 }, monotonicNow() - context.arrivedMs);
    },
    unreadable(requestId, error) {
      recorder.unreadable(requestId, error);
      metrics.refused(undefined, error);
    },
    reported(context, rule) {
      recorder.reported(context, rule);
      metrics.reported(context);
    },
    unresolved: (context, endpoint) => recorder.unresolved(context, endpoint),
  };
}
