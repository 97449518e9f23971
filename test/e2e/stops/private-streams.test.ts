import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { EnterRequest } from '../../../src/stops/entered.ts';
import { type Scope, WHOLE_PROXY } from '../../../src/stops/trading-state.ts';
import { send } from '../../support/clients/http.ts';
import { connectApp, eventually, refusedUpgrade, type WsApp } from '../../support/clients/ws-app.ts';
import { startTestProxy, type TestProxy } from '../../support/servers/proxy.ts';
import { okFrame, startWsUpstream, type WsUpstream, wsEnv } from '../../support/servers/ws-upstream.ts';

const BOT_KEY = 'B'.repeat(64);
const OTHER_KEY = 'O'.repeat(64);
const OF_BOT = `${'b0t'.repeat(20)}1234`;
const OF_OTHER = `${'0th'.repeat(20)}1234`;
const YAML = `clients:
  bot: { account: main, envPrefix: BOT, permissions: [market-data, read] }
  other: { account: main, envPrefix: OTHER, permissions: [market-data, read] }
`;
const BOT: Scope = { kind: 'client', name: 'bot' };
const FAMILIES = ['/fapi/v1', '/dapi/v1', '/eapi/v1', '/papi/v1'];

let upstream: WsUpstream;
let proxy: TestProxy;
const apps: WsApp[] = [];
beforeAll(async () => {
  upstream = await startWsUpstream();
});
beforeEach(async () => {
  let next = '';
  upstream.onStream((socket) => {
    socket.on('message', (data) => socket.send(`{"result":null,"id":${JSON.parse(data.toString()).id}}`));
  });
  upstream.respond((frame, socket) => socket.send(okFrame(frame)));
  upstream.answerRest(() => JSON.stringify({ listenKey: next }));
  proxy = await startTestProxy({
    upstream: upstream.url,
    env: { ...wsEnv(upstream), BOT_CLIENT_KEY: BOT_KEY, OTHER_CLIENT_KEY: OTHER_KEY },
    yaml: YAML,
  });
  for (const [key, listenKey] of [
    [BOT_KEY, OF_BOT],
    [OTHER_KEY, OF_OTHER],
  ] as const) {
    next = listenKey;
    expect((await ask('POST', '/fapi/v1/listenKey', key)).status).toBe(200);
  }
});
afterEach(async () => {
  for (const app of apps.splice(0)) app.socket.terminate();
  await proxy.close();
});
afterAll(() => upstream.close());

const ask = (method: string, path: string, key: string) =>
  send(proxy.port, path, { method, headers: { 'x-mbx-apikey': key } });
async function connect(path: string, key?: string): Promise<WsApp> {
  const app = await connectApp(
    `${proxy.url}${path}`,
    key === undefined ? {} : { headers: { 'x-mbx-apikey': key } },
  );
  apps.push(app);
  return app;
}
const enter = (state: EnterRequest['state'], scope: Scope) =>
  proxy.parts.stops.enter({
    ...{ state, scope, reason: 'a test', cancel: 'none', operator: 'alice', channel: 'test' },
  });
/** Everything that reached the exchange. */
const arrived = () =>
  upstream.targets.length + upstream.frames.length + upstream.messages.length + upstream.restTargets.length;

describe.each([
  ['the whole proxy', WHOLE_PROXY],
  ['the client', BOT],
] as const)('under a halt of %s', (_what, scope) => {
  it.each(FAMILIES)(
    '%s makes no listen key and gives none back; one that is there is kept alive',
    async (base) => {
      await enter('halt', scope);
      const before = arrived();
      expect(await ask('POST', `${base}/listenKey`, BOT_KEY)).toMatchObject({
        status: 503,
        json: { code: -1016 },
        headers: { 'x-proxy-error': 'PROXY_STOPPED', 'x-proxy-outcome': 'not-sent' },
      });
      // One that other clients of the account may use is given back here.
      await ask('DELETE', `${base}/listenKey`, BOT_KEY);
      expect(arrived()).toBe(before);
      expect((await ask('PUT', `${base}/listenKey`, BOT_KEY)).status).toBe(200);
      expect(arrived()).toBe(before + 1);
    },
  );

  it('A listen token of margin is not made', async () => {
    await enter('halt', scope);
    const before = arrived();
    expect((await ask('POST', '/sapi/v1/userListenToken', BOT_KEY)).headers['x-proxy-error']).toBe(
      'PROXY_STOPPED',
    );
    expect(arrived()).toBe(before);
  });

  it.each([
    ['/ws-api/v3', 'userDataStream.subscribe'],
    ['/ws-api/v3', 'userDataStream.subscribe.signature'],
    ['/ws-fapi/v1', 'userDataStream.start'],
    ['/ws-dapi/v1', 'userDataStream.start'],
  ])('A frame on %s does not open one: %s', async (path, method) => {
    const app = await connect(path, BOT_KEY);
    await enter('halt', scope);
    const before = arrived();
    expect(await app.ask(method, { apiKey: BOT_KEY })).toMatchObject({
      error: { code: -1016, data: { proxyError: 'PROXY_STOPPED', proxyOutcome: 'not-sent' } },
    });
    expect(arrived()).toBe(before);
  });

  it.each(['/ws-fapi/v1', '/ws-dapi/v1'])('A frame on %s keeps one alive', async (path) => {
    const app = await connect(path, BOT_KEY);
    await enter('halt', scope);
    expect(await app.ask('userDataStream.ping', { apiKey: BOT_KEY })).toMatchObject({ status: 200 });
  });

  it.each([
    [`/ws/${OF_BOT}`, undefined],
    [`/private/ws/${OF_BOT}`, undefined],
    [`/private/ws/${OF_BOT}`, BOT_KEY],
    [`/private/stream?listenKey=${OF_BOT}&events=ACCOUNT_UPDATE`, undefined],
    [`/private/stream?listenKey=${OF_OTHER}&events=A&listenKey=${OF_BOT}&events=B`, undefined],
    [`/coinm/ws/${OF_BOT}`, undefined],
    [`/stream?streams=btcusdt@trade/${OF_BOT}`, undefined],
  ])('No socket is opened for it: %s', async (path, key) => {
    await enter('halt', scope);
    const before = arrived();
    const headers = key === undefined ? {} : { 'x-mbx-apikey': key };
    expect(await refusedUpgrade(`${proxy.url}${path}`, { headers })).toMatchObject({
      status: 503,
      headers: { 'x-proxy-error': 'PROXY_STOPPED' },
    });
    expect(arrived()).toBe(before);
  });

  it.each(['/ws', '/stream', '/market/ws', '/ws/%62tcusdt@trade', '/private/stream'])(
    'No SUBSCRIBE on a socket that is open does either: %s',
    async (path) => {
      const app = await connect(path);
      await enter('halt', scope);
      const before = upstream.messages.length;
      for (const name of [OF_BOT, `${OF_BOT}@account`])
        expect(
          await app.askRaw(`{"method":"SUBSCRIBE","params":["a@trade","${name}"],"id":7}`),
        ).toMatchObject({
          error: { code: -1016, msg: expect.stringContaining('Stopped:') },
          id: 7,
        });
      expect(
        upstream.messages
          .slice(before)
          .map(({ data }) => data.toString())
          .join('\n'),
      ).not.toContain(OF_BOT);
      const refused = proxy.records('call.refused').filter(({ method }) => method === 'SUBSCRIBE');
      expect(refused).toMatchObject([1, 2].map(() => ({ error: 'PROXY_STOPPED', outcome: 'not-sent' })));
      expect(JSON.stringify(refused)).not.toContain(OF_BOT);
      await enter('run', scope);
      expect(await app.askRaw(`{"method":"SUBSCRIBE","params":["${OF_BOT}"],"id":8}`)).toEqual({
        result: null,
        id: 8,
      });
    },
  );

  it('Whoever nobody knows cannot fill the trail with them', async () => {
    const app = await connect('/ws');
    await enter('halt', scope);
    const startedMs = performance.now();
    for (let id = 0; id < 200; id++)
      await app.askRaw(`{"method":"SUBSCRIBE","params":["${OF_BOT}"],"id":${id}}`);
    const seconds = Math.ceil((performance.now() - startedMs) / 1_000) + 1;
    const refused = proxy.records('call.refused').filter(({ method }) => method === 'SUBSCRIBE');
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThanOrEqual(10 * seconds);
  });

  it('One that is open stays, hears on, and public ones are opened', async () => {
    const app = await connect(`/private/ws/${OF_BOT}`);
    await enter('halt', scope);
    await eventually(() => upstream.sockets.length > 0);
    upstream.sockets.at(-1)?.send('{"e":"ORDER_TRADE_UPDATE"}');
    expect(await app.until((_reply, text) => text.includes('ORDER_TRADE_UPDATE'))).toBeDefined();
    const open = await connect('/ws');
    expect(await open.askRaw('{"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":1}')).toEqual({
      result: null,
      id: 1,
    });
    expect(app.socket.readyState).toBe(app.socket.OPEN);
  });
});

it('A halt of one client leaves the streams of another alone', async () => {
  await enter('halt', BOT);
  expect((await ask('POST', '/fapi/v1/listenKey', OTHER_KEY)).status).toBe(200);
  const app = await connect(`/private/ws/${OF_OTHER}`);
  expect(await app.askRaw(`{"method":"SUBSCRIBE","params":["${OF_OTHER}"],"id":1}`)).toEqual({
    result: null,
    id: 1,
  });
});
