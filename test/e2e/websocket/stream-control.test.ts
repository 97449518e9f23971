import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connectApp, type WsApp } from '../../support/clients/ws-app.ts';
import { startTestProxy, type TestProxy } from '../../support/servers/proxy.ts';
import { startWsUpstream, type WsUpstream, wsEnv } from '../../support/servers/ws-upstream.ts';

const LISTEN_KEY = 'pqia91ma19a5s61cv6a81va65sdf19v8a65a1a5s61cv6a81va65sdf19v8a65a1';

let upstream: WsUpstream;
let proxy: TestProxy;
const apps: WsApp[] = [];
beforeAll(async () => {
  upstream = await startWsUpstream();
});
beforeEach(async () => {
  upstream.onStream((socket) => {
    socket.on('message', (data) => socket.send(`{"result":null,"id":${JSON.parse(data.toString()).id}}`));
  });
  proxy = await startTestProxy({ upstream: upstream.url, env: wsEnv(upstream) });
});
afterEach(async () => {
  for (const app of apps.splice(0)) app.socket.terminate();
  await proxy.close();
});
afterAll(() => upstream.close());

async function connect(path: string): Promise<WsApp> {
  const app = await connectApp(`${proxy.url}${path}`);
  apps.push(app);
  return app;
}

describe('an error of a control frame', () => {
  // https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams#error-messages
  it.each([
    ['no JSON', 'SUBSCRIBE', 3],
    ['broken JSON', '{"method":"SUBSCRIBE","params":["a@trade"],"id":1', 3],
    ['nothing', '', 3],
    ['a list', '["SUBSCRIBE"]', 2],
    ['no method', '{"params":["a@trade"],"id":1}', 2],
    ['a method that is no text', '{"method":5,"id":1}', 2],
    ['an unknown method', '{"method":"SUBSCRIB","params":["a@trade"],"id":1}', 2],
    ['a list as its id', '{"method":"LIST_SUBSCRIPTIONS","id":[1]}', 2],
    ['an object as its id', '{"method":"LIST_SUBSCRIPTIONS","id":{}}', 2],
    ['a fraction as its id', '{"method":"LIST_SUBSCRIPTIONS","id":1.5}', 2],
    ['a flag as its id', '{"method":"LIST_SUBSCRIPTIONS","id":true}', 2],
    ['an object as its params', '{"method":"SUBSCRIBE","params":{},"id":1}', 2],
    ['a number as its params', '{"method":"SUBSCRIBE","params":5,"id":1}', 2],
    ['a number among its streams', '{"method":"SUBSCRIBE","params":["a@trade",1],"id":1}', 2],
    ['no property to get', '{"method":"GET_PROPERTY","id":1}', 2],
    ['no property to set', '{"method":"SET_PROPERTY","params":[],"id":1}', 2],
    ['a number as a property', '{"method":"GET_PROPERTY","params":[5],"id":1}', 2],
    ['a flag as a property', '{"method":"SET_PROPERTY","params":[true,true],"id":1}', 2],
    ['too many properties', '{"method":"GET_PROPERTY","params":["combined","combined"],"id":1}', 2],
    ['too many values', '{"method":"SET_PROPERTY","params":["combined",true,false],"id":1}', 2],
    ['an unknown property', '{"method":"GET_PROPERTY","params":["combine"],"id":1}', 0],
    ['an unknown property to set', '{"method":"SET_PROPERTY","params":["x",true],"id":1}', 0],
    ['a text as a flag', '{"method":"SET_PROPERTY","params":["combined","true"],"id":1}', 1],
    ['no flag', '{"method":"SET_PROPERTY","params":["combined"],"id":1}', 1],
  ])(
    'A frame with %s gets the code that Binance has for it, and reaches nobody',
    async (_what, text, code) => {
      const app = await connect('/ws/btcusdt@trade');
      const before = upstream.messages.length;
      const reply = await app.askRaw(text);
      expect(reply).toMatchObject({ error: { code, msg: expect.any(String) } });
      expect(await app.askRaw('{"method":"LIST_SUBSCRIPTIONS","id":2}')).toMatchObject({
        result: ['btcusdt@trade'],
      });
      expect(
        upstream.messages
          .slice(before)
          .map(({ data }) => data.toString())
          .join(),
      ).not.toContain('a@trade');
    },
  );

  it('A frame of an account’s own stream that cannot be read gets the same codes, and many end the socket', async () => {
    const app = await connect(`/ws/${LISTEN_KEY}`);
    const before = upstream.messages.length;
    expect(await app.askRaw('no JSON')).toMatchObject({ error: { code: 3 } });
    expect(await app.askRaw('{"id":1}')).toMatchObject({ error: { code: 2 }, id: 1 });
    for (let at = 0; at < 40; at++) app.socket.send('no JSON');
    expect(await app.closed).toEqual({ code: 1008, reason: 'bad frames' });
    expect(upstream.messages.length).toBe(before);
  });
});

describe('a shutdown', () => {
  it.each([
    ['/ws/btcusdt@trade', /^\{"e":"serverShutdown","E":\d{13}\}$/],
    ['/market/ws/btcusdt@aggTrade', /^\{"e":"serverShutdown","E":\d{13}\}$/],
    [
      '/stream?streams=btcusdt@trade',
      /^\{"stream":"!serverShutdown","data":\{"e":"serverShutdown","E":\d{13}\}\}$/,
    ],
    ['/coinm/stream', /^\{"stream":"!serverShutdown","data":\{"e":"serverShutdown","E":\d{13}\}\}$/],
    [`/ws/${LISTEN_KEY}`, /^\{"e":"serverShutdown","E":\d{13}\}$/],
    [
      `/private/stream?listenKey=${LISTEN_KEY}&events=ACCOUNT_UPDATE`,
      /^\{"stream":"!serverShutdown","data":\{"e":"serverShutdown","E":\d{13}\}\}$/,
    ],
    ['/ws-api/v3', /^\{"event":\{"e":"serverShutdown","E":\d{13}\}\}$/],
  ])('An app on %s hears of it in Binance’s words before it is closed with 1001', async (path, event) => {
    const app = await connect(path);
    const closing = proxy.close();
    expect(await app.closed).toMatchObject({ code: 1001 });
    expect(app.texts.filter((text) => text.includes('serverShutdown'))).toEqual([
      expect.stringMatching(event),
    ]);
    await closing;
    proxy = await startTestProxy({ upstream: upstream.url, env: wsEnv(upstream) });
  });

  it('An app that turned the names of streams on hears of it with them', async () => {
    const app = await connect('/ws/btcusdt@trade');
    await app.askRaw('{"method":"SET_PROPERTY","params":["combined",true],"id":1}');
    const closing = proxy.close();
    await app.closed;
    expect(app.texts.at(-1)).toMatch(/^\{"stream":"!serverShutdown",/);
    await closing;
    proxy = await startTestProxy({ upstream: upstream.url, env: wsEnv(upstream) });
  });
});
