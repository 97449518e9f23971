import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CallCharge } from '../../src/core/budget-buckets.ts';
import type { BudgetStore, Receipt } from '../../src/ports/budget-store.ts';
import { plainCharge } from '../helpers/budget-calls.ts';

const NOW = 1_700_000_050_000;
const TURN = 1_700_000_100_000;

/** What every place where counts live must do. `open` makes stores that see the same counts. */
export function budgetStoreContract(
  name: string,
  setup: () => Promise<{ readonly open: () => BudgetStore; readonly close: () => Promise<void> }>,
): void {
  describe(`a budget store (${name})`, () => {
    let made: Awaited<ReturnType<typeof setup>>;
    let store: BudgetStore;
    let keys = 0;
    const charge = (call: CallCharge, atMs = NOW) => store.charge(call, atMs);
    const fresh = (weight: number, limit = 100) => plainCharge(`ip:test:${++keys}`, weight, limit);
    const again = (call: CallCharge, weight: number) => plainCharge(call.charges[0]!.bucket.key, weight, 100);
    const orders = (call: CallCharge) => ({
      ...call,
      charges: call.charges.map((each) => ({ ...each, bucket: { ...each.bucket, kind: 'orders' as const } })),
    });
    async function receiptOf(call: CallCharge, atMs = NOW): Promise<Receipt> {
      const outcome = await charge(call, atMs);
      if (outcome.kind !== 'charged') throw new Error(`not charged but ${outcome.kind}`);
      return outcome.receipt;
    }
    async function room(call: CallCharge, atMs = NOW): Promise<number> {
      for (let weight = 100; weight > 0; weight--) {
        const outcome = await charge({ ...again(call, weight), gates: [] }, atMs);
        if (outcome.kind !== 'charged') continue;
        store.giveBack(outcome.receipt, atMs);
        return weight;
      }
      return 0;
    }

    beforeAll(async () => {
      made = await setup();
      store = made.open();
    });

    afterAll(async () => {
      expect(store.view(NOW).degraded).toBe(false);
      await store.close();
      await made.close();
    });

    it('charges up to the ceiling and no further', async () => {
      const call = fresh(60);
      expect((await charge(call)).kind).toBe('charged');
      expect(await charge(call)).toEqual({ kind: 'full', bucket: call.charges[0]!.bucket, untilMs: TURN });
      expect((await charge(again(call, 40))).kind).toBe('charged');
    });

    it('charges every bucket of a call or none', async () => {
      const [one, other] = [fresh(60), fresh(60, 50)];
      const both = { ...one, charges: [...one.charges, ...other.charges] };
      expect((await charge(both)).kind).toBe('full');
      expect(await room(one)).toBe(100);
    });

    it('names the full bucket that stays full longest', async () => {
      const [short, long] = [fresh(60, 50), fresh(60, 50)];
      const slow = { ...long.charges[0]!, bucket: { ...long.charges[0]!.bucket, windowMs: 86_400_000 } };
      const outcome = await charge({ ...short, charges: [slow, ...short.charges] });
      expect(outcome).toMatchObject({ kind: 'full', bucket: slow.bucket, untilMs: 1_700_006_400_000 });
    });

    it('gives back what was not sent', async () => {
      const call = fresh(60);
      store.giveBack(await receiptOf(call), NOW);
      expect(await room(call)).toBe(100);
    });

    it('believes the count that Binance reports and adds what is in flight', async () => {
      const call = fresh(10);
      const receipt = await receiptOf(call);
      await receiptOf(again(call, 20));
      store.settle(receipt, [{ counted: 10, reported: 55 }], NOW);
      expect(await room(call)).toBe(25);
    });

    it('keeps what was sent and not answered', async () => {
      const call = fresh(10);
      store.settle(await receiptOf(call), [{ counted: 10, reported: undefined }], NOW);
      expect(await room(call)).toBe(90);
    });

    it('forgets what succeeded for free', async () => {
      const call = fresh(10);
      store.settle(await receiptOf(call), [{ counted: 0, reported: undefined }], NOW);
      expect(await room(call)).toBe(100);
    });

    it('lets an order count fall and a weight not', async () => {
      const [weight, count] = [fresh(1), orders(fresh(1))];
      for (const reported of [80, 30]) {
        store.settle(await receiptOf(weight), [{ counted: 1, reported }], NOW);
        store.settle(await receiptOf(count), [{ counted: 1, reported }], NOW);
      }
      expect(await room(weight)).toBe(20);
      expect(await room(count)).toBe(70);
    });

    it('turns the window by the time that it is told, and carries what is in flight', async () => {
      const call = fresh(70);
      store.settle(await receiptOf(call, TURN - 5_000), [{ counted: 70, reported: 70 }], TURN - 5_000);
      const late = await receiptOf(again(call, 30), TURN - 1);
      expect(await room(call, TURN - 1)).toBe(0);
      expect(await room(call, TURN)).toBe(70);
      store.settle(late, [{ counted: 30, reported: 100 }], TURN);
      expect(await room(call, TURN)).toBe(70);
    });

    it('forgets a caller that died', async () => {
      const call = fresh(70);
      await receiptOf(call, TURN - 1);
      expect(await room(call, TURN + 10_000)).toBe(30);
      expect(await room(call, TURN + 60_000)).toBe(100);
    });

    it('stops what passes a frozen gate until its time, and nothing else', async () => {
      const call = { ...fresh(1), gates: ['ip:spot:host', 'account:a:spot:orders'] };
      store.freeze({ gate: 'account:a:spot:orders', untilMs: NOW + 5_000, status: 429 }, NOW);
      expect(await charge(call)).toEqual({
        kind: 'frozen',
        freeze: { gate: 'account:a:spot:orders', untilMs: NOW + 5_000, status: 429 },
      });
      expect((await charge({ ...call, gates: ['ip:spot:host'] })).kind).toBe('charged');
      expect((await charge(call, NOW + 5_000)).kind).toBe('charged');
    });

    it('keeps the longer of two freezes', async () => {
      const gate = 'ip:usdm:host';
      store.freeze({ gate, untilMs: NOW + 300_000, status: 418 }, NOW);
      store.freeze({ gate, untilMs: NOW + 10_000, status: 429 }, NOW);
      expect(await charge({ ...fresh(1), gates: [gate] })).toMatchObject({
        freeze: { untilMs: NOW + 300_000, status: 418 },
      });
      expect(store.view(NOW).freezes).toContainEqual({ gate, untilMs: NOW + 300_000, status: 418 });
    });

    it('shows what is used of which bucket', async () => {
      const call = fresh(12);
      await receiptOf(call);
      const use = store.view(NOW).buckets.find((each) => each.bucket.key === call.charges[0]!.bucket.key);
      expect(use).toMatchObject({ used: 12, reported: 0, untilMs: TURN });
    });

    it('lets exactly as many of many simultaneous callers in as there is room for', async () => {
      const call = fresh(7);
      const outcomes = await Promise.all(Array.from({ length: 40 }, () => charge(call)));
      expect(outcomes.filter((outcome) => outcome.kind === 'charged')).toHaveLength(14);
    });
  });
}
