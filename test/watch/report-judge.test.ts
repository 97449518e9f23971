import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { type OrdersOfOthers, OwnOrders } from '../../src/watch/own-orders.ts';
import { type ForeignOrder, type OwnReport, ReportJudge } from '../../src/watch/report-judge.ts';
import type { OrderReport } from '../../src/watch/watch-event.ts';
import { SEED } from '../support/properties.ts';

const GRACE_MS = 40;
const MANY = 10_000;
const judges: ReportJudge[] = [];
afterEach(() => {
  for (const judge of judges.splice(0)) judge.close();
});

function judgeWith(others?: OrdersOfOthers, graceMs = GRACE_MS) {
  const told: ForeignOrder[] = [];
  const known: OwnReport[] = [];
  const own = new OwnOrders(
    (account) => account === 'main',
    others,
    () => performance.now(),
  );
  const judge = new ReportJudge({
    own,
    onForeign: (order) => told.push(order),
    onOwn: (order) => known.push(order),
    graceMs,
    retryMs: 20,
  });
  judges.push(judge);
  const sign = (names: string | readonly string[], more: object = {}) =>
    own.hear(
      'call.signed',
      JSON.stringify({ account: 'main', upstream: 'spot', clientOrderId: names, ...more }),
    );
  const report = (orderId: number, name: string, more: Partial<OrderReport> = {}) =>
    judge.judge('main', {
      ...{ family: 'spot', symbol: 'BTCUSDT', orderId: String(orderId), clientOrderIds: [name] },
      ...{ side: 'BUY', type: 'LIMIT', execution: 'NEW', quantity: '1', price: '1' },
      ...more,
    });
  const ids = () => told.map(({ report: { orderId } }) => Number(orderId));
  return { told, known, own, judge, sign, report, ids };
}

const settled = () => pause(3 * GRACE_MS);

describe('own orders', () => {
  it('Are known before they leave: an event that comes before the answer raises nothing, nor do those after it', async () => {
    const { sign, report, ids } = judgeWith();
    sign('mine');
    report(1, 'mine');
    report(1, 'mine', { execution: 'TRADE' });
    report(1, 'cancel-1', { clientOrderIds: ['mine', 'cancel-1'] });
    report(1, 'a-name-of-an-amendment');
    await settled();
    expect(ids()).toEqual([]);
  });

  it('Are all orders of a batch or a list', async () => {
    const { sign, report, ids } = judgeWith();
    sign(['list', 'leg-1', 'leg-2']);
    report(1, 'leg-1');
    report(2, 'leg-2');
    await settled();
    expect(ids()).toEqual([]);
  });

  it('Are what a conditional order became, whichever event comes first', async () => {
    const { sign, report, ids, judge } = judgeWith(undefined, 2_000);
    sign('algo');
    report(1, 'made-by-binance', { family: 'usdm' });
    await pause(100);
    judge.hear('main', { kind: 'child', orderId: '1', clientOrderId: 'algo' }, 'usdm');
    judge.hear('main', { kind: 'child', orderId: '2', clientOrderId: 'algo' }, 'usdm');
    report(2, 'made-by-binance-too', { family: 'usdm' });
    judge.hear('main', { kind: 'child', orderId: '3', clientOrderId: 'of-somebody' }, 'usdm');
    report(3, 'made-by-binance-for-somebody', { family: 'usdm' });
    await expect.poll(ids, { timeout: 10_000 }).toEqual([3]);
  });

  it('Are the parts of an own TWAP on its symbol, and on no other', async () => {
    const { sign, report, ids } = judgeWith();
    sign('twap', { path: '/sapi/v1/algo/futures/newOrderTwap', orders: [{ symbol: 'ETHUSDT' }] });
    report(1, 'part-1', { family: 'usdm', symbol: 'ETHUSDT' });
    report(2, 'part-2', { family: 'usdm', symbol: 'BTCUSDT' });
    await expect.poll(ids).toEqual([2]);
  });

  it('Are those of other proxies of the same Redis, also while Redis is away for a moment', async () => {
    let isAway = true;
    const placed: string[] = [];
    const { sign, report, ids } = judgeWith({
      placed: (names) => placed.push(...names),
      async placerOf(names) {
        if (isAway) throw new Error('away');
        return names.includes('main theirs') ? 'bot' : undefined;
      },
    });
    sign('mine');
    report(1, 'theirs');
    report(2, 'nobodys');
    await settled();
    expect([ids(), placed]).toEqual([[], ['main mine']]);
    isAway = false;
    await expect.poll(ids).toEqual([2]);
    report(1, 'another-name');
    await settled();
    expect(ids()).toEqual([2]);
  });

  it('Are all that other proxies place while Redis is away, however many, with each of their fills', async () => {
    let isAway = true;
    const { report, ids, known } = judgeWith({
      placed: () => {},
      async placerOf([name = '']) {
        if (isAway) throw new Error('away');
        return name.startsWith('main theirs') ? 'bot' : undefined;
      },
    });
    for (let order = 1; order <= MANY; order++) {
      report(order, `theirs-${order}`);
      for (const tradeId of ['1', '2'])
        report(order, `theirs-${order}`, { fill: { tradeId, result: '1', asset: 'USDT', atMs: 0 } });
    }
    report(MANY + 1, 'nobodys');
    await settled();
    isAway = false;
    await expect.poll(ids).toEqual([MANY + 1]);
    const fills = known.filter(({ client, report: { fill } }) => client === 'bot' && fill !== undefined);
    expect(new Set(fills.map(({ report: { orderId, fill } }) => `${orderId} ${fill?.tradeId}`)).size).toBe(
      2 * MANY,
    );
  });
});

it('Whose an order is that stood before anybody watched is asked of other proxies, and it is no news', async () => {
  let isAway = true;
  const { judge, known, ids, own } = judgeWith({
    placed: () => {},
    async placerOf(names) {
      if (isAway) throw new Error('away');
      return names.includes('main theirs') ? 'bot' : undefined;
    },
  });
  own.take({
    client: 'grid',
    account: 'main',
    upstream: 'spot',
    path: '',
    clientOrderId: 'mine',
    orders: [],
  });
  const standing = (orderId: number, name: string): OrderReport => ({
    ...{ family: 'spot', symbol: 'BTCUSDT', orderId: String(orderId), clientOrderIds: [name] },
    ...{ side: 'BUY', type: 'LIMIT', execution: 'NEW', quantity: '1', price: '1' },
  });
  for (const [index, name] of ['mine', 'theirs', 'nobodys'].entries())
    judge.takeAsKnown('main', standing(index + 1, name));
  await settled();
  isAway = false;
  const clients = () => new Map(known.map(({ report: { orderId }, client }) => [orderId, client]));
  await expect.poll(() => clients().get('2')).toBe('bot');
  await settled();
  expect([clients().get('1'), clients().get('3'), ids()]).toEqual(['grid', undefined, []]);
});

describe('orders of others', () => {
  it('Are told once, whatever happens to them afterwards', async () => {
    const { report, ids } = judgeWith();
    for (const execution of ['NEW', 'TRADE', 'TRADE']) report(1, 'foreign', { execution });
    await expect.poll(ids).toEqual([1]);
    report(1, 'foreign', { execution: 'CANCELED' });
    await settled();
    expect(ids()).toEqual([1]);
  });

  it('A name that an own order used already makes nothing an own one', async () => {
    const { sign, report, ids } = judgeWith();
    sign('mine');
    report(1, 'mine', { execution: 'TRADE' });
    report(2, 'mine');
    await expect.poll(ids).toEqual([2]);
    sign('mine');
    report(3, 'mine');
    await settled();
    expect(ids()).toEqual([2]);
  });

  it('An account that is not watched is not listened to', async () => {
    const { own, report, ids } = judgeWith();
    own.hear('call.signed', JSON.stringify({ account: 'other', upstream: 'spot', clientOrderId: 'theirs' }));
    report(1, 'theirs');
    await expect.poll(ids).toEqual([1]);
  });
});

it('Of 20,000 own orders with delayed, repeated and reordered events none is told, and every planted one is', async () => {
  const random = randomFrom(SEED);
  const { sign, report, ids, judge } = judgeWith();
  const planted = new Set<number>();
  const late: (() => void)[] = [];
  for (let order = 1; order <= 20_000; order++) {
    if (random() < 0.005) {
      planted.add(order);
      report(order, random() < 0.5 ? `foreign-${order}` : `web_${order}`);
      continue;
    }
    const kind = random();
    const name = `own-${order}`;
    if (kind < 0.1) {
      const events = [
        () => judge.hear('main', { kind: 'child', orderId: String(order), clientOrderId: name }, 'usdm'),
        () => report(order, `made-${order}`, { family: 'usdm' }),
      ];
      sign(name);
      if (random() < 0.5) events.reverse();
      events[0]?.();
      if (random() < 0.5) events[1]?.();
      else late.push(() => events[1]?.());
    } else {
      sign(kind < 0.3 ? [`list-${order}`, name] : name);
      const events = [
        () => report(order, name),
        () => report(order, name, { execution: 'TRADE' }),
        () => report(order, `cancel-${order}`, { clientOrderIds: [name, `cancel-${order}`] }),
      ];
      if (random() < 0.3) events.reverse();
      for (const event of events) {
        if (random() < 0.2) late.push(event);
        else event();
        if (random() < 0.1) event();
      }
    }
    while (late.length > 200) late.shift()?.();
  }
  for (const event of late) event();
  await expect.poll(() => ids().length, { timeout: 10_000 }).toBe(planted.size);
  expect(new Set(ids())).toEqual(planted);
});

/** The same numbers from the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
