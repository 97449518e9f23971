import { expect, it } from 'vitest';
import type { Json } from '../../support/clients/simulator-ws-caller.ts';
import { MARKET_ORDER, stageSockets } from '../../support/servers/simulator-stage.ts';

const stage = stageSockets();
const trade = (symbol: string) =>
  stage.bob.call('POST', '/api/v3/order', { ...MARKET_ORDER, symbol, quantity: '0.1' });

it.each([
  ['/market', '!ticker@arr', { e: '24hrTicker', s: 'ETHUSDT' }],
  ['/market', '!miniTicker@arr', { e: '24hrMiniTicker', s: 'ETHUSDT' }],
  ['/market', '!markPrice@arr', { e: 'markPriceUpdate', s: 'ETHUSDT' }],
  ['/market', '!markPrice@arr@1s', { e: 'markPriceUpdate', s: 'ETHUSDT' }],
  ['', '!ticker@arr', { e: '24hrTicker', s: 'ETHUSDT' }],
  ['', '!miniTicker@arr', { e: '24hrMiniTicker', s: 'ETHUSDT' }],
  ['', '!markPrice@arr', { e: 'markPriceUpdate', s: 'ETHUSD_PERP' }],
])('The stream %s/…/%s lists the markets that have moved', async (route, name, event) => {
  const raw = await stage.line(`${route}/ws/${name}`);
  const combined = await stage.line(`${route}/stream?streams=${name}`);
  await trade('ETHUSDT');
  expect(await raw.next()).toEqual([expect.objectContaining(event)]);
  expect(await combined.next()).toEqual({ stream: name, data: [expect.objectContaining(event)] });
});

it.each(['/public', ''])('The stream %s/ws/!bookTicker has an event for each market', async (route) => {
  const line = await stage.line(`${route}/ws/!bookTicker`);
  for (const symbol of ['ETHUSDT', 'BTCUSDT']) {
    await trade(symbol);
    expect(await line.next<Json>()).toMatchObject({
      s: symbol,
      b: expect.any(String),
      a: expect.any(String),
    });
  }
});

it.each([
  ['/public', '!ticker@arr'],
  ['/market', '!bookTicker'],
])('A routed path carries only its own streams: %s has no %s', async (route, name) => {
  const line = await stage.line(`${route}/ws/${name}`);
  const own = await stage.line(route === '/public' ? '/public/ws/!bookTicker' : '/market/ws/!ticker@arr');
  await trade('ETHUSDT');
  await own.next();
  line.send(JSON.stringify({ method: 'LIST_SUBSCRIPTIONS', id: 1 }));
  expect(await line.next()).toMatchObject({ id: 1, result: [name] });
});
