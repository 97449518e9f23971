import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import {
  closeDoors,
  type Door,
  type DoorCall,
  describeEveryDoor,
  FRAME_DOOR,
  HTTP_DOOR,
} from '../support/clients/doors.ts';
import { send } from '../support/clients/http.ts';
import { hmacSigner, SignedCaller } from '../support/clients/signed-caller.ts';
import { TEST_KEY, TEST_SECRET } from '../support/servers/proxy.ts';
import { openWsStage, type WsStage } from '../support/servers/ws-stage.ts';

const APPS = [HTTP_DOOR, FRAME_DOOR];
const PRODUCTS = ['spot', 'usdm'] as const;
type Product = (typeof PRODUCTS)[number];
const MOST = 3;

/** A client for each door and product: what rests of one is no other's. */
const all = APPS.flatMap((door) => PRODUCTS.map((product) => [door, product] as const));
const clientOf = (door: Door, product: Product) => `${product}-${APPS.indexOf(door)}`;
const prefixOf = (door: Door, product: Product) => clientOf(door, product).toUpperCase().replace('-', '_');
const keyOf = (door: Door, product: Product) => `${clientOf(door, product)}-`.repeat(10).slice(0, 40);
const ENV = Object.fromEntries(
  all.map(([door, product]) => [`${prefixOf(door, product)}_CLIENT_KEY`, keyOf(door, product)]),
);
const ALL = '[market-data, read, spot-margin-trade, futures-trade]';
const YAML = `accounts: { main: { envPrefix: BINANCE, watch: [spot, usdm] } }
clients:
${all
  .map(
    ([door, product]) =>
      `  ${clientOf(door, product)}: { envPrefix: ${prefixOf(door, product)}, permissions: ${ALL}, symbols: [BTCUSDT], order: { maxOpen: ${MOST} } }\n`,
  )
  .join('')}`;

const PLACE = {
  spot: { rest: ['POST', '/api/v3/order'], frame: 'order.place' },
  usdm: { rest: ['POST', '/fapi/v1/order'], frame: 'order.place', api: '/ws-fapi/v1' },
} as const;
const CANCEL = {
  spot: { rest: ['DELETE', '/api/v3/order'], frame: 'order.cancel' },
  usdm: { rest: ['DELETE', '/fapi/v1/order'], frame: 'order.cancel', api: '/ws-fapi/v1' },
} as const;
const MODIFY = { rest: ['PUT', '/fapi/v1/order'], frame: 'order.modify', api: '/ws-fapi/v1' } as const;
const REPLACE = { rest: ['POST', '/api/v3/order/cancelReplace'], frame: 'order.cancelReplace' } as const;
const MARKET = { symbol: 'BTCUSDT', side: 'BUY', type: 'MARKET', quantity: '0.01' };
const LIMIT = { ...MARKET, type: 'LIMIT', timeInForce: 'GTC', price: '20000' };

let stage: WsStage;
beforeAll(async () => {
  stage = await openWsStage('HMAC', { env: ENV, yaml: YAML });
  const began = () => stage.proxy.records('watch.began').length;
  await vi.waitFor(() => expect(began()).toBe(2), { timeout: 20_000 });
});
afterAll(async () => {
  await closeDoors();
  await stage.close();
});

/** What the exchange has on its books of this account. */
function resting(product: Product): number {
  const { exchange } = stage.simulator;
  const [account] = exchange.accounts.all();
  const { owner } = account!;
  return product === 'spot'
    ? exchange.spot.orders.all(owner).filter(({ isOpen }) => isOpen).length
    : exchange.futures.portfolio(owner).orders.filter(({ status }) => status === 'NEW').length;
}

describeEveryDoor('orders that rest', APPS, (door) => {
  it.each(PRODUCTS)(
    'So many leave as may rest, also of many at once; what cannot rest and what changes one goes on (%s)',
    async (product) => {
      const key = keyOf(door, product);
      const call = (one: Pick<DoorCall, 'rest' | 'frame'>, params: Readonly<Record<string, string>>) =>
        door.call(stage, { ...one, key, params });
      const before = resting(product);
      const name = (number: number) => `${clientOf(door, product)}-${number}`;
      const place = (number: number) => call(PLACE[product], { ...LIMIT, newClientOrderId: name(number) });
      const answers = await Promise.all(Array.from({ length: 50 }, (_, number) => place(number)));
      const sent = answers.flatMap(({ error }, number) => (error === undefined ? [number] : []));
      expect(sent).toHaveLength(MOST);
      expect(resting(product) - before).toBe(MOST);
      for (const answer of answers.filter(({ error }) => error !== undefined))
        expect(answer).toMatchObject({ error: 'PROXY_ORDER_REFUSED', code: -2010, outcome: 'not-sent' });
      expect(stage.proxy.records('call.refused').at(-1)).toMatchObject({
        client: clientOf(door, product),
        rule: 'order.maxOpen',
      });

      const passing = { error: undefined, outcome: 'answered', code: undefined };
      expect(await call(PLACE[product], MARKET)).toMatchObject(passing);
      const own = name(sent[0] ?? -1);
      if (product === 'usdm') {
        const {
          newClientOrderId: _,
          type: _type,
          timeInForce: _time,
          ...order
        } = { ...LIMIT, newClientOrderId: '' };
        const changed = { ...order, origClientOrderId: own, price: '20001' };
        expect(await call(MODIFY, changed)).toMatchObject(passing);
        expect(await call(CANCEL[product], { symbol: 'BTCUSDT', origClientOrderId: own })).toMatchObject(
          passing,
        );
      } else {
        await expect.poll(() => openOf(clientOf(door, product))).toBe(MOST);
        const replaced = { ...LIMIT, cancelReplaceMode: 'STOP_ON_FAILURE', cancelOrigClientOrderId: own };
        const next = `${clientOf(door, product)}-next`;
        expect(await call(REPLACE, { ...replaced, newClientOrderId: next })).toMatchObject(passing);
        expect(resting(product) - before).toBe(MOST);
        expect(await call(REPLACE, { ...replaced, cancelReplaceMode: 'ALLOW_FAILURE' })).toMatchObject({
          error: 'PROXY_ORDER_REFUSED',
        });
        expect(await call(CANCEL[product], { symbol: 'BTCUSDT', origClientOrderId: next })).toMatchObject(
          passing,
        );
      }
      // There is room as soon as the stream has told of it.
      await expect.poll(async () => (await place(100)).error, { timeout: 20_000 }).toBeUndefined();
      expect((await place(101)).error).toBe('PROXY_ORDER_REFUSED');
      expect(resting(product) - before).toBe(MOST);
      const own101 = stage.proxy
        .records('order.foreign')
        .filter(({ msg }) => String(msg).includes('through'));
      expect(own101).toEqual([]);
    },
  );
});

const openOf = (client: string) =>
  stage.proxy.parts.watch.ownOrders.find((each) => each.client === client)?.open;

it('Orders of others beside both doors are told, and count for nobody', async () => {
  const open = () => stage.proxy.parts.watch.ownOrders.map((each) => each.open);
  await expect.poll(open).toEqual([MOST, MOST, MOST, MOST]);
  const caller = new SignedCaller(stage.simulator.url, TEST_KEY, hmacSigner(TEST_SECRET));
  for (const path of ['/api/v3/order', '/fapi/v1/order'])
    expect((await caller.call('POST', path, { ...LIMIT, newClientOrderId: 'of-a-thief' })).status).toBe(200);
  await expect
    .poll(
      () =>
        stage.proxy
          .records('order.foreign')
          .map(({ upstream }) => upstream)
          .sort(),
      { timeout: 20_000 },
    )
    .toEqual(['spot', 'usdm']);
  expect(open()).toEqual([MOST, MOST, MOST, MOST]);
  const { text } = await send(Number(new URL(stage.proxy.operatorUrl).port), '/metrics');
  expect(text).toContain('binance_proxy_limit_used_ratio{client="usdm-1",rule="order.maxOpen"} 1\n');
  expect(text).toContain('binance_proxy_open_orders{client="spot-0"} 3\n');
});
