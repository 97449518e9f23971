import type { ProxyError } from '../core/errors.ts';
import type { Exchange } from '../pipeline/call-context.ts';
import type { Answer } from '../pipeline/read-answer.ts';
import type { CallRecorder } from '../pipeline/recorder.ts';
import type { CallMetrics } from './call-metrics.ts';

/** The recorder with a counter beside each record, so that what is counted is what is recorded. */
export function meteredRecorder(
  recorder: CallRecorder,
  metrics: CallMetrics,
  monotonicNow: () => number,
): CallRecorder {
  function count(exchange: Exchange, { ending, verdict }: Answer, lost: ProxyError | undefined): void {
    const status = lost === undefined ? ending.status : lost.status;
    metrics.completed(exchange, { outcome: verdict.outcome, status }, monotonicNow() - exchange.arrivedMs);
  }

  return {
    signed(exchange) {
      recorder.signed(exchange);
      metrics.signed(exchange);
    },
    async commitSigned(exchange) {
      await recorder.commitSigned(exchange);
      metrics.signed(exchange);
    },
    completed(exchange, answer, lost) {
      recorder.completed(exchange, answer, lost);
      count(exchange, answer, lost);
    },
    commitCompleted(exchange, answer, lost) {
      count(exchange, answer, lost);
      return recorder.commitCompleted(exchange, answer, lost);
    },
    refused(exchange, error) {
      // The answer to a sent call that got lost comes by here too; it was counted when it was completed.
      const counted = exchange?.concluded === true;
      const context = recorder.refused(exchange, error);
      if (!counted) metrics.refused(exchange, error);
      return context;
    },
    unreadable(requestId, error) {
      recorder.unreadable(requestId, error);
      metrics.refused(undefined, error);
    },
    reported(exchange, rule) {
      recorder.reported(exchange, rule);
      metrics.reported(exchange);
    },
    unresolved: (exchange, endpoint) => recorder.unresolved(exchange, endpoint),
  };
}
