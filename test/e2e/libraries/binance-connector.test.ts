import { Console } from 'node:console';
import { PassThrough } from 'node:stream';
import { Spot, WebsocketAPI, WebsocketStream } from '@binance/connector';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../support/clients/ws-app.ts';
import {
  arrivedAt,
  expectFaithful,
  MODES,
  openStage,
  type Stage,
  thrownBy,
  untilSubscribed,
} from '../../support/processes/library-scenario.ts';

const LIMIT = { timeInForce: 'GTC', quantity: 0.01, price: 10_000 };
/** The library prints each frame otherwise. */
const logger = new Console(new PassThrough().resume());

describe.each(MODES)('@binance/connector with %s', (mode) => {
  let stage: Stage;
  let spot: Spot;
  beforeAll(async () => {
    stage = await openStage(mode);
    spot = new Spot(stage.key, stage.secret, { baseURL: stage.baseUrl, timeout: 20_000 });
  });
  afterAll(() => stage.close());

  it('The library @binance/connector reads, places an order and cancels it over REST', async () => {
    expect((await spot.time()).data).toEqual({ serverTime: expect.any(Number) });
    expect((await spot.exchangeInfo({ symbols: ['BTCUSDT', 'ETHUSDT'] })).data.symbols).toHaveLength(2);
    expect((await spot.account()).data).toMatchObject({ accountType: 'SPOT' });
    const placed = await spot.newOrder('BTCUSDT', 'BUY', 'LIMIT', {
      ...LIMIT,
      newClientOrderId: 'connector',
    });
    expect(placed.data).toMatchObject({ status: 'NEW', clientOrderId: 'connector' });
    const cancelled = await spot.cancelOrder('BTCUSDT', { origClientOrderId: 'connector' });
    expect(cancelled.data).toMatchObject({ status: 'CANCELED' });
    expect((await spot.openOrders({ symbol: 'BTCUSDT' })).data).toEqual([]);
    expectFaithful(stage);
  });

  it('The library @binance/connector trades over its socket, and hears its fill there', async () => {
    const told: string[] = [];
    const api = await new Promise<WebsocketAPI>((resolve) => {
      const message = (text: string) => void told.push(text);
      const opened: WebsocketAPI = new WebsocketAPI(stage.key, stage.secret, {
        wsURL: `${stage.wsUrl}/ws-api/v3`,
        callbacks: { open: () => resolve(opened), message },
        logger,
      });
    });
    const answerTo = async (id: string) => {
      await eventually(() => told.some((text) => text.includes(`"id":"${id}"`)));
      return JSON.parse(told.find((text) => text.includes(`"id":"${id}"`)) ?? '') as unknown;
    };
    // The library has no method for it yet: what it offers, `userDataStream.start`, was retired by Binance.
    api.sendSignatureMessage('userDataStream.subscribe.signature', { id: 'subscribe' });
    expect(await answerTo('subscribe')).toMatchObject({ status: 200 });
    api.account({ id: 'account' });
    expect(await answerTo('account')).toMatchObject({ status: 200, result: { accountType: 'SPOT' } });
    api.newOrder('BTCUSDT', 'BUY', 'LIMIT', { ...LIMIT, newClientOrderId: 'connector-ws', id: 'place' });
    expect(await answerTo('place')).toMatchObject({ status: 200, result: { clientOrderId: 'connector-ws' } });
    api.cancelOrder('BTCUSDT', { origClientOrderId: 'connector-ws', id: 'cancel' });
    expect(await answerTo('cancel')).toMatchObject({ status: 200, result: { status: 'CANCELED' } });
    api.newOrder('BTCUSDT', 'BUY', 'MARKET', { quantity: 0.01, id: 'market' });
    await eventually(() => told.some((text) => text.includes('"X":"FILLED"')));
    api.disconnect();
    expect(stage.frames().join()).toContain(`"apiKey":"${stage.key}"`);
    expectFaithful(stage);
  });

  it.each([false, true])(
    'The library @binance/connector hears market streams (combined: %s)',
    async (combinedStreams) => {
      const told: string[] = [];
      const stream = new WebsocketStream({
        wsURL: stage.wsUrl,
        callbacks: { message: (text) => void told.push(text) },
        logger,
        ...{ combinedStreams },
      });
      stream.trade('btcusdt');
      await untilSubscribed(stage, 'btcusdt@trade');
      await eventually(() =>
        stage.proxy
          .records('socket.opened')
          .some(({ path }) => path === (combinedStreams ? '/stream' : '/ws')),
      );
      await spot.newOrder('BTCUSDT', 'BUY', 'MARKET', { quantity: 0.01 });
      await eventually(() => told.some((text) => text.includes('"e":"trade"')));
      expect(told[0]!.startsWith('{"stream":')).toBe(combinedStreams);
      stream.disconnect();
      expectFaithful(stage);
    },
  );

  it('A refusal reaches users of @binance/connector with its code, and no withdrawal leaves', async () => {
    const thrown = await thrownBy(() =>
      spot.withdraw('USDT', '0x52908400098527886E0F7030069857D2E4169EE7', 1),
    );
    expect(thrown).toMatchObject({ response: { status: 403, data: { code: -1002 } } });
    expect(arrivedAt(stage, 'POST', '/sapi/v1/capital/withdraw/apply')).toEqual([]);
    expectFaithful(stage);
  });
});
