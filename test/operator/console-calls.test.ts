import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../support/properties.ts';

interface ShownRecord {
  readonly seq: number;
  readonly time: string;
  readonly event: string;
  readonly requestId?: string;
}
interface Row {
  readonly key: string;
  readonly records: readonly ShownRecord[];
}
interface Held {
  readonly rows: readonly Row[];
  readonly records: readonly ShownRecord[];
  readonly isFull: boolean;
  add(records: readonly ShownRecord[], search?: object): void;
}

const PAGE = new URL('../../src/operator/console/page/calls.js', import.meta.url);
const { Calls, meets } = (await import(PAGE.href)) as {
  readonly Calls: new () => Held;
  readonly meets: (row: Row, filter: object) => boolean;
};
const MOST = 110_000;

const record = (seq: number, requestId?: string): ShownRecord => ({
  seq,
  time: new Date(seq).toISOString(),
  event: 'call.signed',
  ...(requestId === undefined ? {} : { requestId }),
});
const range = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => record(from + index));

describe('the records that a page holds', () => {
  it('In whatever order they come, each is there once, and a call is one row in the order of its records', () => {
    const portions = fc.array(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 60 }), fc.constantFrom('a', 'b', 'c', undefined))),
    );
    fc.assert(
      fc.property(portions, (all) => {
        const calls = new Calls();
        const ids = new Map<number, string | undefined>();
        for (const portion of all) {
          const records = portion.map(([seq, id]) => {
            if (!ids.has(seq)) ids.set(seq, id);
            return record(seq, ids.get(seq));
          });
          calls.add(records);
        }
        const held = calls.records.map(({ seq }) => seq).sort((one, other) => one - other);
        expect(held).toEqual([...ids.keys()].sort((one, other) => one - other));
        for (const { records } of calls.rows) {
          const numbers = records.map(({ seq }) => seq);
          expect(numbers).toEqual(numbers.toSorted((one, other) => one - other));
          expect(new Set(records.map(({ requestId }) => requestId)).size).toBe(1);
        }
      }),
      runs(300),
    );
  });

  it('However many come, no more than the bound is held, and the oldest are gone', () => {
    const calls = new Calls();
    for (let from = 1; from < 2 * MOST; from += 500) {
      calls.add(range(from, from + 500));
      if (calls.rows.length > MOST) throw new Error(`${calls.rows.length} are held`);
    }
    expect(calls.rows.length).toBeGreaterThan(90_000);
    const numbers = calls.records.map(({ seq }) => seq);
    const [latest = 0] = numbers;
    expect(numbers.every((seq, at) => seq === latest - at)).toBe(true);
    expect(calls.isFull).toBe(false);
    // What went comes again when it is searched.
    calls.add(range(1, 2), {});
    expect(calls.rows.at(-1)?.records[0]?.seq).toBe(1);
  });

  it('What the present search found stays while others come; what an earlier one found does not', () => {
    const calls = new Calls();
    const [earlier, present] = [{}, {}];
    calls.add(range(1, 101), earlier);
    calls.add(range(101, 201), present);
    for (let from = 1_000; from < 1_000 + 2 * MOST; from += 500) calls.add(range(from, from + 500));
    const old = calls.records.map(({ seq }) => seq).filter((seq) => seq < 1_000);
    expect(old).toEqual(
      range(101, 201)
        .map(({ seq }) => seq)
        .reverse(),
    );
  });

  it('A page that is full of what was searched says so, and still takes no more than the bound', () => {
    const calls = new Calls();
    const search = {};
    for (let from = 2 * MOST; from > 500; from -= 500) {
      calls.add(range(from - 500, from), search);
      expect(calls.isFull).toBe(calls.rows.length >= 100_000);
      if (calls.isFull) break;
    }
    expect(calls.isFull).toBe(true);
    for (let from = 3 * MOST; from < 5 * MOST; from += 500) calls.add(range(from, from + 500));
    expect(calls.rows.length).toBeLessThanOrEqual(MOST);
  });

  it('A row is judged anew when the filter or its records are others', () => {
    const calls = new Calls();
    calls.add([record(1, 'a')]);
    const [row] = calls.rows;
    const filter = { id: '77' };
    expect(meets(row!, filter)).toBe(false);
    calls.add([{ ...record(2, 'a'), orderId: '77' } as ShownRecord]);
    expect(meets(calls.rows[0]!, filter)).toBe(true);
    expect(meets(calls.rows[0]!, { id: '78' })).toBe(false);
  });
});
