import { afterEach, describe, expect, it } from 'vitest';
import { createKeyGate, type KeyGate, type PreflightVerdict } from '../../src/upstream/key-gate.ts';
import { refusal } from '../support/fixtures/call.ts';

let gate: KeyGate | undefined;
afterEach(() => gate?.stop());

/** A gate that asks an exchange whose answers come one after the other, the last one for ever. */
function gateOver(
  answers: readonly (readonly [status: number, switches: Readonly<Record<string, boolean>>])[],
) {
  const verdicts: PreflightVerdict[] = [];
  let asked = 0;
  gate = createKeyGate({
    mode: () => 'enforce',
    accounts: () => ['main'],
    granted: () => new Set(),
    hasSapi: () => true,
    ownCalls: {
      get: () => {
        const [status, switches] = answers[Math.min(asked++, answers.length - 1)] ?? [500, {}];
        return Promise.resolve({
          status,
          headers: {},
          text: JSON.stringify(switches),
          sentMs: 0,
          receivedMs: 0,
        });
      },
    },
    onVerdict: (_account, verdict) => verdicts.push(verdict),
    hourMs: 15,
    retryMs: 5,
  });
  return { gate, verdicts, asked: () => asked };
}

const HARMLESS = { enableWithdrawals: false, ipRestrict: true };
const RISKY = { enableWithdrawals: true, ipRestrict: true };

describe('the gate of a key', () => {
  it('The key gate asks again by itself, and closes when the key may withdraw since', async () => {
    const { gate, verdicts } = gateOver([
      [200, HARMLESS],
      [200, HARMLESS],
      [200, RISKY],
    ]);
    await gate.check();
    gate.start();
    expect(() => gate.assertSignable('main')).not.toThrow();
    await expect.poll(() => verdicts.at(-1)?.kind).toBe('failed');
    expect(refusal(() => gate.assertSignable('main'))).toBe('PROXY_NOT_READY');
  });

  it('The key gate stays closed while it has no answer, and opens with the first good one', async () => {
    const { gate, asked } = gateOver([
      [500, {}],
      [500, {}],
      [200, HARMLESS],
    ]);
    await gate.check();
    expect(refusal(() => gate.assertSignable('main'))).toBe('PROXY_NOT_READY');
    gate.start();
    await expect.poll(asked).toBeGreaterThanOrEqual(3);
    await expect.poll(() => gate.verdicts.get('main')?.kind).toBe('passed');
    expect(() => gate.assertSignable('main')).not.toThrow();
  });

  it('The key gate keeps what it knows when a later answer does not come', async () => {
    const { gate, asked } = gateOver([
      [200, RISKY],
      [500, {}],
    ]);
    await gate.check();
    await gate.check();
    expect(asked()).toBe(2);
    expect(gate.verdicts.get('main')?.kind).toBe('failed');
  });

  it('The key gate takes a 404 for no answer where the exchange has /sapi', async () => {
    const { gate } = gateOver([[404, {}]]);
    await gate.check();
    expect(gate.verdicts.get('main')?.kind).toBe('pending');
    expect(refusal(() => gate.assertSignable('main'))).toBe('PROXY_NOT_READY');
  });

  it('The key gate takes an answer that says nothing about withdrawals for none', async () => {
    const { gate } = gateOver([[200, { enableReading: true }]]);
    await gate.check();
    expect(gate.verdicts.get('main')?.kind).toBe('pending');
  });
});
