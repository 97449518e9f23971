import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StateBook } from '../../src/stops/state-book.ts';
import {
  CANCEL_MODES,
  compareStates,
  SCOPE_KINDS,
  type StateEntry,
  supersedes,
  TRADING_STATES,
} from '../../src/stops/trading-state.ts';
import { runs } from '../support/properties.ts';

const entry = fc.record({
  kind: fc.constantFrom(...SCOPE_KINDS),
  name: fc.constantFrom('a', 'b'),
  state: fc.constantFrom(...TRADING_STATES),
  reason: fc.constantFrom('one', 'two'),
  operator: fc.constantFrom('alice', 'bob'),
  channel: fc.constant('test'),
  sinceMs: fc.integer({ min: 0, max: 3 }),
  revision: fc.integer({ min: 1, max: 4 }),
  cancel: fc.constantFrom(...CANCEL_MODES),
});

describe('the book of states', () => {
  it('Two books that heard the same entries in any order agree', () => {
    fc.assert(
      fc.property(
        fc.array(entry, { maxLength: 12 }),
        fc.integer(),
        (entries: readonly StateEntry[], turn) => {
          const books = [
            entries,
            [...entries.slice(turn % 7), ...entries.slice(0, turn % 7)],
            entries.toReversed(),
          ];
          const [first, ...others] = books.map((heard) => {
            const book = new StateBook();
            for (const each of heard) book.take(each);
            return book
              .entries()
              .map((each) => JSON.stringify(each))
              .toSorted();
          });
          for (const other of others) expect(other).toEqual(first);
        },
      ),
      runs(2_000),
    );
  });

  it('The strictest entry that concerns a call holds', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 8 }), (entries: readonly StateEntry[]) => {
        const book = new StateBook();
        for (const each of entries) book.take(each);
        const call = { client: 'a', account: 'b', symbols: () => ['a'] };
        const concerned = book
          .entries()
          .filter(({ kind, name }) =>
            kind === 'proxy' ? name === '' : name === { client: 'a', account: 'b', symbol: 'a' }[kind],
          );
        const strictest = concerned.toSorted((one, other) => compareStates(other.state, one.state))[0]?.state;
        expect(book.strictestFor(call)?.state ?? 'run').toBe(strictest ?? 'run');
      }),
      runs(2_000),
    );
  });

  it('Of two entries exactly one supersedes the other, unless they are the same', () => {
    fc.assert(
      fc.property(entry, entry, (one, other) => {
        const same = { ...other, kind: one.kind, name: one.name };
        const isSame = JSON.stringify(one) === JSON.stringify(same);
        expect(Number(supersedes(one, same)) + Number(supersedes(same, one))).toBe(isSame ? 0 : 1);
      }),
      runs(2_000),
    );
  });
});
