import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectApp, eventually, type WsApp } from '../../support/clients/ws-app.ts';
import { portion, runs } from '../../support/properties.ts';
import { TEST_KEY } from '../../support/servers/proxy.ts';
import { openWsStage, type WsStage } from '../../support/servers/ws-stage.ts';

const ORDER = {
  symbol: 'BTCUSDT',
  side: 'BUY',
  type: 'LIMIT',
  timeInForce: 'GTC',
  quantity: '0.01',
  price: '10000',
};

let stage: WsStage;
beforeAll(async () => {
  stage = await openWsStage('Ed25519');
});
afterAll(() => stage.close());

const connect = (path: string): Promise<WsApp> => connectApp(`${stage.wsUrl}${path}`);

async function rest(method: string, path: string, params: Readonly<Record<string, string>> = {}) {
  const answer = await fetch(`${stage.proxy.url}${path}?${new URLSearchParams(params)}`, { method });
  return { status: answer.status, json: (await answer.json()) as Record<string, unknown> };
}

describe('an app without a key', () => {
  it('An app hears over its socket what happens to an order that it placed over REST', async () => {
    const app = await connect('/ws-api/v3');
    expect(await app.ask('userDataStream.subscribe')).toMatchObject({
      status: 200,
      result: { subscriptionId: 0 },
    });
    expect(await rest('POST', '/api/v3/order', { ...ORDER, newClientOrderId: 'rest-1' })).toMatchObject({
      status: 200,
    });
    const placed = await app.until(({ event }) => event?.e === 'executionReport' && event.c === 'rest-1');
    expect(placed.event).toMatchObject({ X: 'NEW', s: 'BTCUSDT' });
    await app.ask('order.cancel', { symbol: 'BTCUSDT', origClientOrderId: 'rest-1' });
    await app.until(({ event }) => event?.e === 'executionReport' && event.X === 'CANCELED');
    expect(stage.proxy.lines.join('\n')).not.toContain('executionReport');
    await app.ask('userDataStream.unsubscribe', { subscriptionId: 0 });
    const before = app.texts.length;
    await rest('POST', '/api/v3/order', ORDER);
    await app.ask('ping');
    expect(app.texts.slice(before).filter((text) => text.includes('executionReport'))).toEqual([]);
    await app.close();
  });

  it('An app reads the user stream of its futures account by a listen key, from either API', async () => {
    const api = await connect('/ws-fapi/v1');
    const started = await api.ask('userDataStream.start', { apiKey: 'mine' });
    expect(started).toMatchObject({ status: 200 });
    const listenKey = String(started.result?.listenKey);
    expect((await rest('POST', '/fapi/v1/listenKey')).json).toEqual({ listenKey });
    const stream = await connect(`/private/ws/${listenKey}`);
    const order = {
      symbol: 'BTCUSDT',
      side: 'BUY',
      type: 'LIMIT',
      timeInForce: 'GTC',
      quantity: '0.01',
      price: '10000',
    };
    expect(await api.ask('order.place', order)).toMatchObject({ status: 200, result: { status: 'NEW' } });
    const heard = await stream.until((_reply, text) => text.includes('ORDER_TRADE_UPDATE'));
    expect(heard).toMatchObject({ e: 'ORDER_TRADE_UPDATE' });
    expect(stage.proxy.lines.join('\n')).not.toContain(listenKey);
    await stream.close();
    await api.close();
  });

  it('An app hears that Binance goes down, then loses its socket', async () => {
    const [app, stream] = [await connect('/ws-api/v3'), await connect('/ws/btcusdt@trade')];
    stage.simulator.announceShutdown();
    await app.until(({ event }) => event?.e === 'serverShutdown');
    stage.simulator.closeSockets(1001, 'shutdown');
    expect(await app.closed).toEqual({ code: 1001, reason: 'shutdown' });
    expect(await stream.closed).toMatchObject({ code: 1001 });
    const again = await connect('/ws-api/v3');
    expect(await again.ask('account.status')).toMatchObject({ status: 200 });
    await again.close();
  });
});

describe('any parameters', () => {
  it('Any parameters verify at an exchange that shares no line with the proxy', async () => {
    const app = await connect('/ws-api/v3');
    const value = fc.oneof(
      fc.string({ unit: 'grapheme', minLength: 1 }),
      fc.bigInt(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.constantFrom('0.10000000', '1e-7', '100.00'),
    );
    const text = (given: unknown) => (typeof given === 'string' ? JSON.stringify(given) : String(given));
    const before = stage.simulator.frames.length;
    let id = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.stringMatching(/^[a-zA-Z]{1,8}$/), value, { maxKeys: 5 }),
        async (params) => {
          const members = Object.entries(params).map(
            ([name, given]) => `${JSON.stringify(name)}:${text(given)}`,
          );
          await app.askRaw(`{"id":"p${id++}","method":"order.test","params":{${members.join(',')}}}`);
        },
      ),
      runs(500),
    );
    const frames = stage.simulator.frames.slice(before);
    expect(frames.length).toBeGreaterThanOrEqual(portion(500));
    expect(
      frames.filter(({ code }) => code === -1022 || code === -1021 || code === -2014 || code === -2015),
    ).toEqual([]);
    expect(frames.filter(({ text: sent }) => !sent.includes(TEST_KEY))).toEqual([]);
    await app.close();
  });
});

describe('memory', () => {
  it('The memory is back where it was when the sockets of a busy time are gone', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const round = async () => {
      const apps = await Promise.all(Array.from({ length: 10 }, () => connect('/ws-api/v3')));
      for (const app of apps) {
        for (let at = 0; at < 30; at++) app.socket.send('{"id":1,"method":"time"}');
        await app.ask('userDataStream.subscribe');
        app.socket.terminate();
      }
      await eventually(() => stage.proxy.parts.app.sockets.size === 0);
      (stage.proxy.lines as string[]).length = 0;
      collect();
      return process.memoryUsage().heapUsed;
    };
    await round();
    await round();
    const before = await round();
    for (let at = 0; at < 6; at++) await round();
    expect((await round()) - before).toBeLessThan(4_000_000);
    expect(stage.proxy.parts.underWay.total).toBe(0);
  });
});
