import { describe, expect, it } from 'vitest';
import { Budgets, type ChargeRequest } from '../../src/budgets/budgets.ts';
import { MemoryBudgetStore } from '../../src/budgets/stores/memory-store.ts';
import { ANONYMOUS, type Client } from '../../src/core/access/client.ts';
import { readCall } from '../../src/core/call/call.ts';
import type { Endpoint } from '../../src/core/catalogue/endpoint.ts';
import { ProxyError } from '../../src/core/errors.ts';
import type { SocketTarget } from '../../src/core/frames/socket-target.ts';
import { connectionEndpoint } from '../../src/websocket/connection-endpoint.ts';
import { CANCEL, client, PLACE, request } from '../support/fixtures/budget-calls.ts';
import { catalogueEndpoint } from '../support/fixtures/catalogue-endpoints.ts';

const AT = 1_700_000_060_100;
const LIMIT = 40;
const BOT = client('bot');
const OTHER = client('other');
const SHARED = { othersPlace: true };
const FUTURES = catalogueEndpoint('POST', '/fapi/v1/order');
const ORDER = 'symbol=BTCUSDT&side=SELL&type=MARKET&quantity=1';

function budgets(): Budgets {
  const made = new Budgets({
    store: new MemoryBudgetStore(),
    serverNow: () => AT,
    throttle: { reserveForOrders: 0.1, maxWaitMs: 0 },
    onEvent: () => {},
  });
  for (const name of ['spot', 'usdm'] as const)
    made.setLimits(name, [{ type: 'ORDERS', interval: '10S', windowMs: 10_000, limit: LIMIT }]);
  return made;
}

/** How often the call passes before it is refused, and by what. */
function until(of: Budgets, what: Endpoint, part: Partial<ChargeRequest>): [passed: number, rule?: string] {
  for (let passed = 0; passed < 1_000; passed++) {
    try {
      void of.charge(request(what, part));
    } catch (error) {
      if (!(error instanceof ProxyError)) throw error;
      return [passed, `${error.name}: ${error.rule}`];
    }
  }
  return [1_000];
}

const futures = (who: Client, more = '') => ({
  client: who,
  call: readCall('POST', FUTURES.path, new TextEncoder().encode(ORDER + more)),
});
const EXIT = '&reduceOnly=true';

describe('order counts of an account', () => {
  it('A client that is alone on its account has all of them', () => {
    expect(until(budgets(), PLACE, { client: BOT })).toEqual([
      LIMIT,
      'PROXY_ORDERS_EXHAUSTED: budget orders 10s',
    ]);
  });

  it('One of several clients takes three quarters, and the rest is there for the others', () => {
    const it = budgets();
    const share = 'PROXY_ORDERS_EXHAUSTED: budget order-share 10s';
    expect(until(it, PLACE, { client: BOT, ...SHARED })).toEqual([30, share]);
    expect(until(it, PLACE, { client: OTHER, ...SHARED })[0]).toBe(10);
    expect(until(it, CANCEL, { client: BOT, ...SHARED })[0]).toBe(1_000);
  });

  it('Orders that open something leave a tenth to exits where those can be told', () => {
    const it = budgets();
    const full = 'PROXY_ORDERS_EXHAUSTED: budget orders 10s';
    expect(until(it, FUTURES, futures(BOT))).toEqual([36, full]);
    expect(until(it, FUTURES, futures(BOT, EXIT))).toEqual([4, full]);
  });

  it('One client cannot take with exits what another one needs to get out', () => {
    const it = budgets();
    expect(until(it, FUTURES, { ...futures(BOT), ...SHARED })[0]).toBe(30);
    expect(until(it, FUTURES, { ...futures(BOT, EXIT), ...SHARED })[0]).toBe(6);
    expect(until(it, FUTURES, { ...futures(OTHER), ...SHARED })[0]).toBe(0);
    expect(until(it, FUTURES, { ...futures(OTHER, EXIT), ...SHARED })[0]).toBe(4);
  });
});

describe('new connections in five minutes', () => {
  const target = (kind: SocketTarget['kind'], isPrivate: boolean) =>
    connectionEndpoint({ kind, family: 'usdm', printable: '/x', isPrivate } as SocketTarget);
  const MARKET = target('stream', false);
  const OWN = target('stream', true);
  const nobody = client(ANONYMOUS);

  it('One client that connects again and again leaves half of its lane to the others', () => {
    const it = budgets();
    const share = 'PROXY_WEIGHT_EXHAUSTED: budget connection-share 300s';
    expect(until(it, OWN, { client: BOT })).toEqual([135, share]);
    expect(until(it, OWN, { client: OTHER })[0]).toBe(135);
    expect(until(it, OWN, { client: client('third') })[0]).toBe(30);
  });

  it('Market data leaves a quarter to what belongs to an account, and nobody without a key takes more than a quarter', () => {
    const it = budgets();
    expect(until(it, MARKET, { client: nobody })[0]).toBe(75);
    expect(until(it, MARKET, { client: BOT })[0]).toBe(113);
    expect(until(it, MARKET, { client: OTHER })[0]).toBe(225 - 75 - 113);
    expect(until(it, OWN, { client: BOT })[0]).toBe(75);
  });
});
