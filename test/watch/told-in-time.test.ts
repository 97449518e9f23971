import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type OrdersOfOthers, OwnOrders } from '../../src/watch/own-orders.ts';
import { type ForeignOrder, ReportJudge } from '../../src/watch/report-judge.ts';
import type { OrderReport } from '../../src/watch/watch-event.ts';
import { portion, SEED } from '../support/properties.ts';

/** What is promised for the time between an event and the record of it. */
const PROMISED_MS = 2_000;
/** Of that, what is left to a machine that is busy. */
const MARGIN_MS = 400;
/** By then Redis has answered, or counts as away. */
const ANSWER_MS = 500;

const judges: ReportJudge[] = [];
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
});
afterEach(() => {
  for (const judge of judges.splice(0)) judge.close();
  vi.useRealTimers();
});

/** A judge that waits as it does in the program, by a clock that the test moves. */
function judgeWith(others?: OrdersOfOthers) {
  const told: { readonly orderId: string; readonly atMs: number }[] = [];
  const own = new OwnOrders(
    () => true,
    others,
    () => performance.now(),
  );
  const onForeign = ({ report: { orderId } }: ForeignOrder) => told.push({ orderId, atMs: Date.now() });
  const judge = new ReportJudge({ own, onForeign });
  judges.push(judge);
  const sign = (name: string) => {
    const line = { account: 'main', upstream: 'spot', clientOrderId: name };
    own.hear('call.signed', JSON.stringify(line));
  };
  const report = (orderId: number, name: string, execution = 'NEW') =>
    judge.judge('main', reportOf(orderId, name, execution));
  return { told, sign, report };
}

function reportOf(orderId: number, name: string, execution: string): OrderReport {
  return {
    ...{ family: 'spot', symbol: 'BTCUSDT', orderId: String(orderId), clientOrderIds: [name], execution },
    ...{ side: 'BUY', type: 'LIMIT', quantity: '1', price: '1' },
  };
}

/** Another proxy's Redis that answers each question after a time of its own. */
function slowRedis(answerMs: () => number, placed: ReadonlySet<string> = new Set()): OrdersOfOthers {
  return {
    placed: () => {},
    async placerOf(names) {
      await new Promise((resolve) => setTimeout(resolve, answerMs()));
      return names.some((name) => placed.has(name)) ? 'bot' : undefined;
    },
  };
}

const laterMs = (told: readonly { readonly atMs: number }[], beganMs: number) =>
  told.map(({ atMs }) => atMs - beganMs);

describe('an order of somebody else is told within two seconds of its event', () => {
  it('Of a proxy alone: whatever comes after it, as often as it likes, puts nothing off', async () => {
    const { told, report } = judgeWith();
    const beganMs = Date.now();
    report(1, 'of-a-thief');
    for (let step = 0; step < 20; step++) {
      await vi.advanceTimersByTimeAsync(100);
      report(1, 'of-a-thief', 'TRADE');
    }
    expect(laterMs(told, beganMs)).toEqual([1_000]);
  });

  it('Beside own orders that are on their way: theirs are known before they leave, and nothing waits for them', async () => {
    const { told, sign, report } = judgeWith();
    for (let order = 1; order <= 1_000; order++) sign(`under-way-${order}`);
    const beganMs = Date.now();
    report(1_001, 'of-a-thief');
    await vi.advanceTimersByTimeAsync(PROMISED_MS - MARGIN_MS);
    expect(laterMs(told, beganMs)).toEqual([1_000]);
    // Their first event may come as late as it likes.
    for (let order = 1; order <= 1_000; order++) report(order, `under-way-${order}`);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(told).toHaveLength(1);
  });

  it('Also when Redis takes all its time for every answer, and orders of other proxies come between', async () => {
    let state = SEED >>> 0;
    const random = () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state / 2 ** 32;
    };
    const placed = new Set<string>();
    const { told, report } = judgeWith(slowRedis(() => random() * ANSWER_MS, placed));
    const firstMs = new Map<string, number>();
    const orders = portion(5_000);
    const later: (() => void)[] = [];
    for (let order = 1; order <= orders; order++) {
      const isForeign = random() < 0.3;
      const name = `${isForeign ? 'foreign' : 'theirs'}-${order}`;
      if (isForeign) firstMs.set(String(order), Date.now());
      else if (random() < 0.5) placed.add(`main ${name}`);
      else setTimeout(() => placed.add(`main ${name}`), random() * ANSWER_MS);
      report(order, name);
      if (random() < 0.5) later.push(() => report(order, name, 'TRADE'));
      if (random() < 0.2) later.splice(0).forEach((act) => void act());
      await vi.advanceTimersByTimeAsync(random() * 20);
    }
    await vi.advanceTimersByTimeAsync(10_000);
    expect(new Set(told.map(({ orderId }) => orderId))).toEqual(new Set(firstMs.keys()));
    for (const { orderId, atMs } of told)
      expect(atMs - (firstMs.get(orderId) ?? 0)).toBeLessThanOrEqual(PROMISED_MS - MARGIN_MS);
  });

  it('Also when Redis answers only to the question after the one that decides', async () => {
    let asked = 0;
    const { told, report } = judgeWith({
      placed: () => {},
      async placerOf() {
        asked++;
        if (asked > 2) return undefined;
        await new Promise((resolve) => setTimeout(resolve, ANSWER_MS));
        throw new Error('away');
      },
    });
    const beganMs = Date.now();
    report(1, 'of-a-thief');
    await vi.advanceTimersByTimeAsync(PROMISED_MS + ANSWER_MS);
    expect([asked, laterMs(told, beganMs)]).toEqual([3, [1_000 + ANSWER_MS + 250]]);
  });

  it('While Redis is away nobody can say whose it is: it is told as soon as that is known', async () => {
    let isAway = true;
    const { told, report } = judgeWith({
      placed: () => {},
      async placerOf() {
        if (isAway) throw new Error('away');
        return undefined;
      },
    });
    report(1, 'of-a-thief');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(told).toEqual([]);
    isAway = false;
    const backMs = Date.now();
    await vi.advanceTimersByTimeAsync(PROMISED_MS);
    expect(laterMs(told, backMs).every((ms) => ms <= 1_000)).toBe(true);
    expect(told).toHaveLength(1);
  });
});
