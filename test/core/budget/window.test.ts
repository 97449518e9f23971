import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { budgetTime } from '../../../src/core/budget/budget-time.ts';
import {
  addCharge,
  advance,
  type ChargeEnding,
  type ChargeMark,
  emptyBucket,
  inFlightOf,
  reconcile,
  refund,
  type SentCharge,
  usedOf,
} from '../../../src/core/budget/window.ts';
import { runs } from '../../support/properties.ts';
import { CountingExchange } from '../../support/servers/counting-exchange.ts';

const MINUTE = 60_000;
const START = 1_700_000_040_000;
const told = (reported: number, counted = 0) => ({ counted, reported });
const untold = (counted: number) => ({ counted, reported: undefined });
const WEIGHT = { windowMs: MINUTE, lowers: false };
const ORDERS = { windowMs: MINUTE, lowers: true };
const sent = (mark: ChargeMark, weight: number, ending: ChargeEnding, terms = WEIGHT): SentCharge => ({
  ...{ mark, weight, ending },
  ...terms,
});

describe('one bucket', () => {
  it('A bucket counts a charge at once, and Binance’s number once the call is answered', () => {
    const state = emptyBucket(START, MINUTE);
    const mark = addCharge(state, 20);
    expect(usedOf(state)).toBe(20);
    reconcile(state, sent(mark, 20, told(25, 20)), START);
    expect(usedOf(state)).toBe(25);
  });

  it('A bucket adds what is in flight to a report, since the report may not contain it', () => {
    const state = emptyBucket(START, MINUTE);
    const first = addCharge(state, 20);
    addCharge(state, 30);
    reconcile(state, sent(first, 20, told(500, 20)), START);
    expect(usedOf(state)).toBe(530);
  });

  it('A bucket does not believe an older, lower report about weight', () => {
    const state = emptyBucket(START, MINUTE);
    const first = addCharge(state, 5);
    const second = addCharge(state, 5);
    reconcile(state, sent(second, 5, told(10, 5)), START);
    reconcile(state, sent(first, 5, told(5, 5)), START);
    expect(usedOf(state)).toBe(10);
  });

  it('A bucket keeps an unreported charge until the report of a later call contains it', () => {
    const state = emptyBucket(START, MINUTE);
    const silent = addCharge(state, 7);
    const before = addCharge(state, 1);
    reconcile(state, sent(silent, 7, untold(7)), START);
    reconcile(state, sent(before, 1, told(1, 1)), START);
    expect(usedOf(state)).toBe(8);
    for (const reported of [9, 10]) reconcile(state, sent(addCharge(state, 1), 1, told(reported, 1)), START);
    expect(usedOf(state)).toBe(10);
  });

  it('A bucket lets an order count fall when a later answer says so', () => {
    const state = emptyBucket(START, MINUTE);
    reconcile(state, sent(addCharge(state, 1), 1, told(40, 1), ORDERS), START);
    reconcile(state, sent(addCharge(state, 1), 1, told(12, 1), ORDERS), START);
    expect(usedOf(state)).toBe(12);
  });

  it('A bucket does not let an order count fall by the answer of a call that was under way with a higher one', () => {
    const state = emptyBucket(START, MINUTE);
    reconcile(state, sent(addCharge(state, 1), 1, told(5, 1), ORDERS), START);
    const low = addCharge(state, 1);
    const high = addCharge(state, 1);
    reconcile(state, sent(high, 1, told(40, 1), ORDERS), START);
    reconcile(state, sent(low, 1, told(12, 1), ORDERS), START);
    expect(usedOf(state)).toBe(40);
  });

  it('A bucket forgets a charge that was given back', () => {
    const state = emptyBucket(START, MINUTE);
    refund(state, addCharge(state, 50), 50);
    expect(usedOf(state)).toBe(0);
  });

  it('A bucket begins a window with what is in flight, which Binance may count in either', () => {
    const state = emptyBucket(START, MINUTE);
    reconcile(state, sent(addCharge(state, 100), 100, told(100, 100)), START);
    advance(state, START + MINUTE - 500, MINUTE);
    const mark = addCharge(state, 30);
    const nextMs = START + MINUTE;
    advance(state, nextMs, MINUTE);
    expect(usedOf(state)).toBe(30);
    reconcile(state, sent(mark, 30, told(130, 30)), nextMs);
    expect(usedOf(state)).toBe(30);
  });

  it('A bucket carries what a window’s last moments answered into the next, until a report contains it', () => {
    const state = emptyBucket(START, MINUTE);
    const lateMs = START + MINUTE - 1 - (START % MINUTE);
    advance(state, lateMs, MINUTE);
    reconcile(state, sent(addCharge(state, 30), 30, told(30, 30)), lateMs);
    const nextMs = lateMs + 1;
    advance(state, nextMs, MINUTE);
    expect(usedOf(state)).toBe(30);
    reconcile(state, sent(addCharge(state, 1), 1, told(31, 1)), nextMs);
    expect(usedOf(state)).toBe(31);
  });

  it('A bucket forgets a charge that nobody ends after two windows', () => {
    const state = emptyBucket(START, MINUTE);
    addCharge(state, 30);
    advance(state, START + MINUTE, MINUTE);
    expect(inFlightOf(state)).toBe(0);
    expect(usedOf(state)).toBe(0);
  });

  it('A bucket takes an unended charge out of flight within a day-long window', () => {
    const day = 86_400_000;
    const state = emptyBucket(START, day);
    addCharge(state, 1);
    advance(state, START + 50_000, day);
    expect(inFlightOf(state)).toBe(0);
    expect(usedOf(state)).toBe(1);
    for (const reported of [1, 2]) {
      reconcile(
        state,
        sent(addCharge(state, 1), 1, told(reported, 1), { windowMs: day, lowers: true }),
        START + 50_000,
      );
    }
    expect(usedOf(state)).toBe(2);
  });

  it('A bucket takes back what was used when a clock that ran ahead is set back', () => {
    const state = emptyBucket(START, MINUTE);
    reconcile(state, sent(addCharge(state, 5_000), 5_000, told(5_000, 5_000)), START);
    advance(state, START + MINUTE, MINUTE);
    addCharge(state, 10);
    advance(state, START + 5_000, MINUTE);
    expect(usedOf(state)).toBe(5_010);
  });

  it('A bucket stays in the later window when the clock steps back by a moment', () => {
    const turnMs = START - (START % MINUTE) + MINUTE;
    const state = emptyBucket(turnMs, MINUTE);
    addCharge(state, 10);
    advance(state, turnMs - 50, MINUTE);
    expect(state.window).toBe(turnMs / MINUTE);
    expect(usedOf(state)).toBe(10);
  });

  it('A bucket does not take a charge of a lost count out of the new count', () => {
    const old = emptyBucket(START, MINUTE);
    const mark = addCharge(old, 30);
    const state = emptyBucket(START + 5, MINUTE);
    addCharge(state, 40);
    reconcile(state, sent(mark, 30, told(30, 30)), START + 6);
    expect(usedOf(state)).toBe(70);
  });
});

describe('a bucket that several hosts report of', () => {
  it('A pooled bucket never counts less than what was answered, whatever a host reports', () => {
    const state = emptyBucket(START, MINUTE, true);
    for (const reported of [2_000, 2_001, 3, 4])
      reconcile(state, sent(addCharge(state, 600), 600, told(reported, 600)), START);
    expect(usedOf(state)).toBe(2_400);
  });

  it('A pooled bucket takes the report of a host that counts more', () => {
    const state = emptyBucket(START, MINUTE, true);
    reconcile(state, sent(addCharge(state, 5), 5, told(900, 5)), START);
    expect(usedOf(state)).toBe(900);
  });
});

interface Flying {
  readonly mark: ChargeMark;
  readonly weight: number;
  readonly chargedMs: number;
  /** Binance's counter right after the call; undefined while it has not arrived. */
  count: number | undefined;
  free: boolean;
}

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('charge' as const), weight: fc.integer({ min: 1, max: 30 }) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('arrive' as const), pick: fc.nat(), free: fc.boolean() }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('answer' as const), pick: fc.nat(), told: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('lose' as const), pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('die' as const), pick: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('release' as const), pick: fc.nat() }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('fill' as const), orders: fc.integer({ min: 1, max: 5 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('pass' as const),
      ms: fc.oneof(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 1_000, max: 9_000 })),
      errorMs: fc.integer({ min: -100, max: 100 }),
    }),
  },
);

const interleaving = fc.record({
  steps: fc.array(step, { maxLength: 150, size: 'max' }),
  startMs: fc.integer({ min: START, max: START + MINUTE }),
});

/** Plays an interleaving against a model of Binance's counter and checks the budget after every step. */
function play(
  { steps, startMs }: typeof interleaving extends fc.Arbitrary<infer T> ? T : never,
  windowMs: number,
  orders: boolean,
  pooled = false,
) {
  const limit = 100;
  const exchange = new CountingExchange();
  let trueMs = startMs;
  let errorMs = 0;
  const state = emptyBucket(budgetTime(trueMs), windowMs, pooled);
  let flying: Flying[] = [];
  const now = () => budgetTime(trueMs + errorMs);
  const sync = () => advance(state, now(), windowMs);
  const take1 = (pick: number, among: readonly Flying[]) => among[pick % Math.max(1, among.length)];
  const remove = (call: Flying) => {
    flying = flying.filter((each) => each !== call);
  };
  const end = (call: Flying, reported: number | undefined) => {
    remove(call);
    sync();
    const counted = call.free ? 0 : call.weight;
    reconcile(
      state,
      sent(call.mark, call.weight, { counted, reported }, { windowMs, lowers: orders }),
      now(),
    );
  };

  for (const action of steps) {
    if (action.do === 'charge') {
      sync();
      if (usedOf(state) + action.weight > limit) continue;
      flying.push({
        mark: addCharge(state, action.weight),
        weight: action.weight,
        chargedMs: trueMs,
        count: undefined,
        free: false,
      });
    } else if (action.do === 'arrive') {
      const call = take1(
        action.pick,
        flying.filter((each) => each.count === undefined),
      );
      if (call === undefined) continue;
      call.count = exchange.arrive('it', windowMs, limit, call.weight, trueMs);
      if (pooled) {
        // Each host tells what it was sent itself.
        const host = action.free ? 'one host' : 'the other';
        call.count = exchange.arrive(host, windowMs, Number.POSITIVE_INFINITY, call.weight, trueMs);
      } else if (action.free && !orders) {
        call.free = true;
        call.count = exchange.giveBack('it', windowMs, call.weight, trueMs);
      }
    } else if (action.do === 'answer') {
      const call = take1(
        action.pick,
        flying.filter((each) => each.count !== undefined),
      );
      if (call !== undefined) end(call, action.told ? call.count : undefined);
    } else if (action.do === 'lose') {
      const call = take1(action.pick, flying);
      if (call !== undefined) {
        call.free = false;
        end(call, undefined);
      }
    } else if (action.do === 'die') {
      const call = take1(action.pick, flying);
      if (call !== undefined) remove(call);
    } else if (action.do === 'release') {
      const call = take1(
        action.pick,
        flying.filter((each) => each.count === undefined),
      );
      if (call !== undefined) {
        remove(call);
        sync();
        refund(state, call.mark, call.weight);
      }
    } else if (action.do === 'fill') {
      if (orders) exchange.giveBack('it', windowMs, action.orders, trueMs);
    } else {
      trueMs += action.ms;
      errorMs = action.errorMs;
      // The route gives up on a call long before its slot dies.
      for (const call of flying.filter((each) => trueMs - each.chargedMs > 20_000)) end(call, undefined);
    }
    expect(exchange.refusals).toEqual([]);
    sync();
    expect(
      Math.min(...state.inFlight, state.unreported, state.unreportedBefore, state.nearTheEnd),
    ).toBeGreaterThanOrEqual(0);
    if (Math.floor(trueMs / windowMs) === state.window) {
      expect(usedOf(state)).toBeGreaterThanOrEqual(exchange.count('it', windowMs, trueMs));
    }
  }
  return { state, exchange, trueMs };
}

describe('any interleaving of charges, answers, losses, deaths and window turns', () => {
  for (const windowMs of [10_000, MINUTE]) {
    it(`No interleaving uses more weight than the limit of a ${windowMs / 1000} s window, with a clock that errs`, () => {
      fc.assert(
        fc.property(interleaving, (steps) => void play(steps, windowMs, false)),
        runs(2_000),
      );
    });

    it(`No interleaving places more orders than the limit of a ${windowMs / 1000} s window, fills or not`, () => {
      fc.assert(
        fc.property(interleaving, (steps) => void play(steps, windowMs, true)),
        runs(2_000),
      );
    });
  }

  for (const windowMs of [10_000, MINUTE]) {
    it(`No interleaving uses more than the limit of a ${windowMs / 1000} s window that two hosts count into, each reporting its own part`, () => {
      fc.assert(
        fc.property(interleaving, (steps) => void play(steps, windowMs, false, true)),
        runs(2_000),
      );
    });
  }

  it('No interleaving loses weight for ever: two windows later the bucket is empty', () => {
    fc.assert(
      fc.property(interleaving, fc.constantFrom('weight', 'orders', 'pooled'), (steps, kind) => {
        const { state, trueMs } = play(steps, MINUTE, kind === 'orders', kind === 'pooled');
        advance(state, budgetTime(trueMs + 2 * MINUTE), MINUTE);
        expect(usedOf(state)).toBe(0);
      }),
      runs(2_000),
    );
  });

  it('Any interleaving comes back to exactly what Binance counts once calls follow each other again', () => {
    fc.assert(
      fc.property(interleaving, (steps) => {
        const { state, exchange, trueMs } = play(steps, 86_400_000, true);
        // Dead charges leave the flight, then two calls in a row report.
        const laterMs = trueMs + 60_000;
        const nowMs = budgetTime(laterMs);
        advance(state, nowMs, 86_400_000);
        for (let i = 0; i < 3; i++) {
          const mark = addCharge(state, 1);
          const count = exchange.arrive('it', 86_400_000, 1_000, 1, laterMs);
          reconcile(
            state,
            sent(mark, 1, { counted: 1, reported: count }, { windowMs: 86_400_000, lowers: true }),
            nowMs,
          );
        }
        expect(usedOf(state)).toBe(exchange.count('it', 86_400_000, laterMs));
      }),
      runs(2_000),
    );
  });
});
