import { describe, expect, it } from 'vitest';
import { Budgets, type Ticket } from '../../src/budgets/budgets.ts';
import { MemoryBudgetStore } from '../../src/budgets/stores/memory-store.ts';
import { PROXY_CLIENT } from '../../src/core/access/client.ts';
import type { Endpoint } from '../../src/core/catalogue/endpoint.ts';
import { ProxyError } from '../../src/core/errors.ts';
import { answer, CANCEL, client, PLACE, read, request } from '../support/fixtures/budget-calls.ts';

/** Two seconds before a minute ends, by the budgets' time. */
const AT = 1_700_000_098_000 + 100;

/** A desk whose clock and timers are turned by hand. */
function desk(maxWaitMs = 10_000, limit = 100) {
  let nowMs = AT;
  let timers: { atMs: number; run: () => void }[] = [];
  const budgets = new Budgets({
    store: new MemoryBudgetStore(),
    serverNow: () => nowMs,
    throttle: { reserveForOrders: 0, maxWaitMs },
    onEvent: () => {},
    schedule(run, delayMs) {
      const timer = { atMs: nowMs + delayMs, run };
      timers.push(timer);
      return () => {
        timers = timers.filter((each) => each !== timer);
      };
    },
  });
  budgets.setLimits('spot', [{ type: 'REQUEST_WEIGHT', interval: '1M', windowMs: 60_000, limit }]);
  const order: string[] = [];
  return {
    budgets,
    order,
    async pass(ms: number): Promise<void> {
      nowMs += ms;
      for (const timer of timers.filter((each) => each.atMs <= nowMs)) {
        timers = timers.filter((each) => each !== timer);
        timer.run();
      }
      for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    },
    /** Charges and notes under this name how it ended. */
    async charge(
      name: string,
      what: Endpoint,
      part: Parameters<typeof request>[1] = {},
    ): Promise<Ticket | undefined> {
      try {
        const ticket = await budgets.charge(request(what, part));
        order.push(name);
        return ticket;
      } catch (error) {
        order.push(`${name} ${error instanceof ProxyError ? error.name : String(error)}`);
        return undefined;
      }
    },
  };
}

describe('a read that may wait', () => {
  it("The proxy's question about a key passes all reads of its endpoint that wait, and is charged at once", async () => {
    const turned = desk();
    const question = (weight: number) =>
      read(weight, { path: '/sapi/v1/account/apiRestrictions', permission: 'read' });
    const all = await turned.charge('all', question(11_800));
    turned.budgets.reconcile(all as Ticket, answer(200));
    const waiting = turned.charge('app', question(1));
    await turned.charge('proxy', question(1), { client: PROXY_CLIENT });
    expect(turned.order).toEqual(['all', 'proxy']);
    await turned.pass(2_000);
    await waiting;
    expect(turned.order).toEqual(['all', 'proxy', 'app']);
  });

  it('Waiting reads are charged when the window turns, in the order of arrival, and tell how long they waited', async () => {
    const it = desk();
    const first = await it.charge('first', read(100));
    it.budgets.reconcile(first as Ticket, answer(200, { 'x-mbx-used-weight-1m': 100 }));
    const waiting = [
      it.charge('second', read(60)),
      it.charge('third', read(30)),
      it.charge('fourth', read(10)),
    ];
    expect(it.budgets.state.waiting).toBe(3);
    await it.pass(1_900);
    expect(it.order).toEqual(['first']);
    await it.pass(100);
    const tickets = await Promise.all(waiting);
    expect(it.order).toEqual(['first', 'second', 'third', 'fourth']);
    expect(tickets.map((ticket) => ticket?.waitMs)).toEqual([2_000, 2_000, 2_000]);
  });

  it('A read waits on over a turn that finds the window full of calls under way, until they are answered', async () => {
    const it = desk();
    const first = await it.charge('first', read(100));
    const second = it.charge('second', read(60));
    await it.pass(2_000);
    expect(it.order).toEqual(['first']);
    it.budgets.refund(first as Ticket);
    await second;
    expect(it.order).toEqual(['first', 'second']);
  });

  it('A waiting read is charged as soon as room comes free', async () => {
    const it = desk();
    const first = await it.charge('first', read(100));
    const second = it.charge('second', read(60));
    it.budgets.refund(first as Ticket);
    await it.pass(0);
    expect((await second)?.waitMs).toBe(0);
    expect(it.order).toEqual(['first', 'second']);
  });

  it('A read goes behind those who wait for the same bucket, even where it would fit', async () => {
    const it = desk();
    const first = await it.charge('first', read(60));
    const other = await it.charge('other', read(10));
    const waiting = [it.charge('large', read(50)), it.charge('small', read(10))];
    await it.pass(100);
    it.budgets.refund(other as Ticket);
    await it.pass(100);
    expect(it.order).toEqual(['first', 'other']);
    it.budgets.refund(first as Ticket);
    await Promise.all(waiting);
    expect(it.order).toEqual(['first', 'other', 'large', 'small']);
  });

  it('A waiting read does not hold up a read of another bucket', async () => {
    const it = desk();
    const greedy = client('greedy', 10);
    await it.charge('greedy', read(10), { client: greedy });
    const waiting = it.charge('greedy again', read(10), { client: greedy });
    await it.charge('other', read(10));
    expect(it.order).toEqual(['greedy', 'other']);
    await it.pass(2_000);
    await it.pass(60_000);
    void waiting;
  });

  it('A read is refused at once when the window ends later than it may wait', async () => {
    const it = desk(1_000);
    await it.charge('first', read(100));
    await it.charge('second', read(60));
    expect(it.order).toEqual(['first', 'second PROXY_WEIGHT_EXHAUSTED']);
  });

  it('A signed read is refused at once when its recvWindow ends before the window does', async () => {
    const it = desk();
    await it.charge('first', read(100));
    await it.charge('signed', read(60), { recvWindowMs: 1_500 });
    const open = it.charge('open', read(60, { security: 'NONE' }), { recvWindowMs: 1_500 });
    expect(it.order).toEqual(['first', 'signed PROXY_WEIGHT_EXHAUSTED']);
    expect(it.budgets.state.waiting).toBe(1);
    await it.budgets.close();
    await open;
  });

  it.each([[3_000], [3_001], [90_000]])(
    'A read is stale when its recvWindow of 3 s passed while it waited for %i ms',
    async (ms) => {
      const it = desk();
      await it.charge('first', read(100));
      const second = it.charge('second', read(60), { recvWindowMs: 3_000 });
      await it.pass(2_000);
      await it.pass(ms - 2_000);
      await second;
      expect(it.order).toEqual(['first', 'second PROXY_STALE_REQUEST']);
    },
  );

  it('A waiting read is refused at the end of its wait when others used up the next window too', async () => {
    const it = desk();
    const first = await it.charge('first', read(100));
    const waiting = [it.charge('second', read(60)), it.charge('third', read(60), { recvWindowMs: 60_000 })];
    it.budgets.reconcile(first as Ticket, answer(200, { 'x-mbx-used-weight-1m': 100 }));
    await it.pass(2_000);
    expect(it.order).toEqual(['first', 'second']);
    await it.pass(8_000);
    await Promise.all(waiting);
    expect(it.order).toEqual(['first', 'second', 'third PROXY_WEIGHT_EXHAUSTED']);
  });

  it('A waiting read leaves the queue when its caller hangs up, and holds nobody up then', async () => {
    const it = desk();
    const first = await it.charge('first', read(70));
    const hangUp = new AbortController();
    const gone = it.charge('gone', read(60), { signal: hangUp.signal });
    const small = it.charge('small', read(40));
    hangUp.abort();
    await gone;
    expect(it.budgets.state.waiting).toBe(1);
    it.budgets.reconcile(first as Ticket, answer(200, { 'x-mbx-used-weight-1m': 60 }));
    await small;
    expect(it.order).toEqual(['first', 'gone PROXY_WEIGHT_EXHAUSTED', 'small']);
  });

  it('A waiting read is refused when the host freezes', async () => {
    const it = desk();
    const first = await it.charge('first', read(100));
    const second = it.charge('second', read(60));
    it.budgets.reconcile(first as Ticket, answer(418, { 'retry-after': 120 }));
    await second;
    expect(it.order).toEqual(['first', 'second PROXY_UPSTREAM_FROZEN']);
  });

  it('An order or a cancel never waits', async () => {
    const it = desk();
    await it.charge('first', read(100));
    await it.charge('order', PLACE);
    await it.charge('cancel', CANCEL);
    expect(it.order).toEqual(['first', 'order PROXY_WEIGHT_EXHAUSTED', 'cancel PROXY_WEIGHT_EXHAUSTED']);
  });
});
