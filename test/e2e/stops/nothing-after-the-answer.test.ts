import { setTimeout as pause } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Scope, WHOLE_PROXY } from '../../../src/stops/trading-state.ts';
import { send } from '../../support/clients/http.ts';
import { runs } from '../../support/properties.ts';
import { startTestProxy, type TestProxy } from '../../support/servers/proxy.ts';
import { startUpstream, type Upstream } from '../../support/servers/upstream.ts';

const ORDER = '/api/v3/order?symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=1';
const AMEND = '/fapi/v1/order?symbol=BTCUSDT&side=BUY&orderId=1&quantity=1&price=1';
const SCOPES: readonly Scope[] = [
  WHOLE_PROXY,
  { kind: 'account', name: 'main' },
  { kind: 'client', name: 'default' },
  { kind: 'symbol', name: 'BTCUSDT' },
];

/** One thing that happens, so long after the one before it. */
const step = fc.record({
  kind: fc.constantFrom('order', 'order', 'order', 'amend', 'stop', 'run'),
  scope: fc.nat({ max: SCOPES.length - 1 }),
  state: fc.constantFrom('cancel-only', 'halt', 'reduce-only'),
  turns: fc.nat({ max: 6 }),
  answerMs: fc.constantFrom(0, 0, 1, 3),
});

describe('after the answer', () => {
  let upstream: Upstream;
  let proxy: TestProxy;
  beforeAll(async () => {
    upstream = await startUpstream();
    proxy = await startTestProxy({ upstream: upstream.url });
  });
  afterAll(async () => {
    await proxy.close();
    await upstream.close();
  });

  it('Nothing that places reaches the exchange once the answer said that it is stopped', {
    timeout: 600_000,
  }, async () => {
    const { stops } = proxy.parts;
    const enter = (state: 'run' | 'halt' | 'cancel-only' | 'reduce-only', scope: Scope) =>
      stops.enter({ state, scope, reason: 'a test', cancel: 'none', operator: 'alice', channel: 'test' });
    const property = fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 10 }), async (steps) => {
      for (const scope of SCOPES) await enter('run', scope);
      /** The scopes that were answered to be stopped, and the number of times that each was let go since. */
      const stopped = new Map<Scope, number>();
      let arrivedWhileStopped = 0;
      upstream.respond(({ method }, response) => {
        if (method !== 'GET' && stopped.size > 0) arrivedWhileStopped++;
        setTimeout(() => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'), answerMs);
      });
      let answerMs = 0;
      const acts: Promise<unknown>[] = [];
      let letGo = 0;
      for (const { kind, scope: index, state, turns, answerMs: nextMs } of steps) {
        const scope = SCOPES[index] ?? WHOLE_PROXY;
        answerMs = nextMs;
        for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
        if (kind === 'order') acts.push(send(proxy.port, ORDER, { method: 'POST' }));
        if (kind === 'amend') acts.push(send(proxy.port, AMEND, { method: 'PUT' }));
        if (kind === 'run') {
          letGo++;
          stopped.delete(scope);
          acts.push(enter('run', scope));
        }
        if (kind === 'stop') {
          const before = letGo;
          acts.push(
            enter(state as 'halt', scope).then(() => {
              // Somebody may have let it go again before this answer came.
              if (before === letGo) stopped.set(scope, letGo);
            }),
          );
        }
      }
      await Promise.all(acts);
      await pause(2);
      expect(arrivedWhileStopped).toBe(0);
    });
    await fc.assert(property, runs(10_000));
  });
});
