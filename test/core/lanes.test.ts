import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LaneCounts, type SharedLane } from '../../src/core/lanes.ts';
import { runs } from '../support/properties.ts';

const LANES: readonly SharedLane[] = ['anonymous', 'identified', 'orders', 'cancels'];

/** Takes until nothing is given any more; answers how many were. */
function fill(counts: LaneCounts, lane: SharedLane, ...clients: readonly string[]): number {
  let taken = 0;
  for (const client of clients) while (typeof counts.take(lane, client) !== 'string') taken++;
  return taken;
}

describe('the lanes of what is shared', () => {
  it('Callers without a key fill a quarter, readers three quarters, orders nine tenths, cancels all', () => {
    const counts = new LaneCounts(100);
    expect(fill(counts, 'anonymous', 'anonymous')).toBe(25);
    expect(fill(counts, 'identified', 'a', 'b')).toBe(50);
    expect(fill(counts, 'orders', 'a', 'b')).toBe(15);
    expect(fill(counts, 'cancels', 'a')).toBe(10);
    expect(counts.total).toBe(100);
  });

  it('What no weaker lane uses, stronger ones may use', () => {
    expect(fill(new LaneCounts(100), 'identified', 'a', 'b')).toBe(75);
    expect(fill(new LaneCounts(100), 'orders', 'a', 'b')).toBe(90);
    expect(fill(new LaneCounts(100), 'cancels', 'a')).toBe(100);
  });

  it('One client takes at most half of its lane, but all of what is left for cancels', () => {
    const counts = new LaneCounts(100);
    expect(fill(counts, 'orders', 'greedy')).toBe(45);
    expect(counts.take('orders', 'greedy')).toBe('client');
    expect(fill(counts, 'orders', 'modest')).toBe(45);
    expect(counts.take('orders', 'third')).toBe('lane');
    expect(fill(counts, 'cancels', 'greedy')).toBe(10);
  });

  it('Even where there is one only, everybody gets it', () => {
    for (const lane of LANES) expect(fill(new LaneCounts(1), lane, 'a')).toBe(1);
  });

  it('However they are taken and given back, no lane holds more than its part and nothing gets lost', () => {
    const act = fc.record({
      lane: fc.constantFrom(...LANES),
      client: fc.constantFrom('a', 'b', 'c'),
      end: fc.nat(5),
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.array(act, { maxLength: 150 }), (most, acts) => {
        const counts = new LaneCounts(most);
        const held: { readonly lane: SharedLane; readonly place: Disposable }[] = [];
        for (const { lane, client, end } of acts) {
          const place = counts.take(lane, client);
          if (typeof place !== 'string') held.push({ lane, place });
          if (end < 2) held.splice(0, 1)[0]?.place[Symbol.dispose]();
          const of = (lanes: readonly SharedLane[]) =>
            held.filter((each) => lanes.includes(each.lane)).length;
          expect(of(LANES.slice(0, 1))).toBeLessThanOrEqual(Math.ceil(most * 0.25));
          expect(of(LANES.slice(0, 2))).toBeLessThanOrEqual(Math.ceil(most * 0.75));
          expect(of(LANES.slice(0, 3))).toBeLessThanOrEqual(Math.ceil(most * 0.9));
          expect(counts.total).toBe(held.length);
        }
        for (const { place } of held) {
          place[Symbol.dispose]();
          place[Symbol.dispose]();
        }
        expect(counts.total).toBe(0);
      }),
      runs(500),
    );
  });
});
