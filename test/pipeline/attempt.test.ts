import { describe, expect, it } from 'vitest';
import { createAttempt } from '../../src/pipeline/attempt.ts';
import { CallContext } from '../../src/pipeline/call-context.ts';
import type { Transfer } from '../../src/pipeline/carrier.ts';
import type { LiveConfig } from '../../src/pipeline/live-config.ts';
import type { ReservedCall } from '../../src/pipeline/reserve.ts';
import { endpoint } from '../support/fixtures/budget-calls.ts';
import { callOf } from '../support/fixtures/call.ts';

describe('an attempt', () => {
  it('The time of Binance ends with its answer: what the proxy takes to read it counts as its own', async () => {
    let nowMs = 0;
    const attempt = createAttempt({
      clock: { now: () => 1 },
      resync: async () => {},
      recorder: { signed: async () => {}, signedAtOnce: () => {} },
      stops: { assertAllowed: () => {} },
      monotonicNow: () => nowMs,
    });
    const transfer: Transfer = {
      phase: 'complete',
      status: 200,
      headers: {},
      held: undefined,
      streaming: false,
      error: undefined,
      get reading() {
        nowMs += 1_000;
        return { text: '{}', wellFormed: true };
      },
    };
    const send = async () => {
      nowMs += 5;
      return transfer;
    };
    const carrier = { recordsAtOnce: true, assertOpen() {}, isWanted: () => false, sign: () => send };
    const context = new CallContext({
      requestId: 'r',
      arrivedMs: 0,
      config: {} as LiveConfig,
      method: 'GET',
      identified: undefined,
      detail: undefined,
    });
    const judged = { endpoint: endpoint({ security: 'NONE' }), call: callOf('GET', '/api/v3/ping') };
    await attempt({ context, judged, recvWindow: '5000' } as unknown as ReservedCall, carrier);
    expect([nowMs, context.upstreamMs]).toEqual([1_005, 5]);
  });
});
