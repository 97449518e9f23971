import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connectApp, eventually, refusedUpgrade, type WsApp } from '../../support/clients/ws-app.ts';
import { startTestProxy, type TestProxy } from '../../support/servers/proxy.ts';
import { startWsUpstream, type WsUpstream, wsEnv } from '../../support/servers/ws-upstream.ts';

const LISTEN_KEY = 'pqia91ma19a5s61cv6a81va65sdf19v8a65a1a5s61cv6a81va65sdf19v8a65a1';
const READER_KEY = 'R'.repeat(64);
const PUBLIC_KEY = 'P'.repeat(64);
const YAML = `
clients:
  reader: { account: main, envPrefix: READER, permissions: [market-data, read] }
  public: { account: main, envPrefix: PUBLIC, permissions: [market-data] }
`;

let upstream: WsUpstream;
let proxy: TestProxy;
const apps: WsApp[] = [];
beforeAll(async () => {
  upstream = await startWsUpstream();
  const env = { ...wsEnv(upstream), READER_CLIENT_KEY: READER_KEY, PUBLIC_CLIENT_KEY: PUBLIC_KEY };
  proxy = await startTestProxy({ upstream: upstream.url, env, yaml: YAML });
});
beforeEach(() => upstream.onStream(() => {}));
afterEach(() => {
  for (const app of apps.splice(0)) app.socket.terminate();
});
afterAll(async () => {
  await proxy.close();
  await upstream.close();
});

async function connect(path: string, headers: Record<string, string> = {}): Promise<WsApp> {
  const app = await connectApp(`${proxy.url}${path}`, { headers });
  apps.push(app);
  return app;
}

describe('a stream socket', () => {
  it.each([
    ['/ws/btcusdt@trade', '/stream'],
    ['//ws/btcusdt@trade', '/stream'],
    ['/stream?streams=btcusdt@trade/!miniTicker@arr&timeUnit=MICROSECOND', '/stream?timeUnit=MICROSECOND'],
    ['/public/stream?streams=btcusdt@depth', '/public/stream'],
    ['/market/ws/btcusdt@aggTrade', '/market/stream'],
    ['/coinm/ws/btcusd_perp@trade', '/stream'],
    [`/ws/${LISTEN_KEY}`, `/ws/${LISTEN_KEY}`],
    [`/coinm/ws/${LISTEN_KEY}`, `/ws/${LISTEN_KEY}`],
    [`/private/ws/${LISTEN_KEY}`, `/private/ws/${LISTEN_KEY}`],
    [
      `/private/stream?listenKey=${LISTEN_KEY}&events=ACCOUNT_UPDATE`,
      `/private/stream?listenKey=${LISTEN_KEY}&events=ACCOUNT_UPDATE`,
    ],
  ])('A stream %s reaches Binance as %s and needs no key', async (path, target) => {
    await connect(path);
    expect(upstream.targets.at(-1)).toBe(target);
  });

  it('A stream socket passes every message byte for byte both ways, text as text, binary as binary', async () => {
    const messages = ['{"stream":"x","data":{"p":"0.10"}}', '\u00e9\u4eba', '', '{ "a" :1.00}'];
    upstream.onStream((socket) => {
      for (const message of messages) socket.send(message);
      socket.send(Buffer.from([0, 255, 1]));
    });
    const app = await connectApp(`${proxy.url}/private/ws/${LISTEN_KEY}`);
    apps.push(app);
    const binary: Buffer[] = [];
    app.socket.on('message', (data, isBinary) => {
      if (isBinary) binary.push(data as Buffer);
    });
    await eventually(() => app.texts.length === 5);
    expect(app.texts.slice(0, 4)).toEqual(messages);
    const before = upstream.messages.length;
    app.socket.send('{"method":"SUBSCRIBE","params":["a@trade"],"id":1}');
    app.socket.send(Buffer.from([9, 8]));
    await eventually(() => upstream.messages.length === before + 2);
    expect(
      upstream.messages.slice(before).map(({ data, isBinary }) => [data.toString('latin1'), isBinary]),
    ).toEqual([
      ['{"method":"SUBSCRIBE","params":["a@trade"],"id":1}', false],
      ['\t\b', true],
    ]);
  });

  it('A stream socket is asked no faster than Binance allows, and loses no frame', async () => {
    const app = await connect(`/ws/${LISTEN_KEY}`);
    const before = upstream.messages.length;
    const arrivals: number[] = [];
    upstream.sockets.at(-1)!.on('message', () => arrivals.push(performance.now()));
    for (let at = 0; at < 10; at++) app.socket.send(`{"method":"SUBSCRIBE","params":["s${at}"],"id":${at}}`);
    await eventually(() => upstream.messages.length === before + 10);
    const ids = upstream.messages.slice(before).map(({ data }) => JSON.parse(data.toString()).id);
    expect(ids).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    // A clock of the test's own would only say how busy the machine is; what counts is that a second lies between.
    expect(arrivals.filter((at) => at - arrivals[0]! < 500).length).toBeLessThanOrEqual(4);
  });

  it('A stream socket cuts off who asks for more than can ever be asked', async () => {
    const app = await connect(`/private/ws/${LISTEN_KEY}`);
    for (let at = 0; at < 400; at++) app.socket.send('{"method":"LIST_SUBSCRIPTIONS","id":1}');
    expect(await app.closed).toMatchObject({ code: 1008, reason: 'too many frames' });
  });

  it('A stream socket of an account is for who may read, when it says who it is', async () => {
    await connect(`/private/ws/${LISTEN_KEY}`, { 'x-mbx-apikey': READER_KEY });
    const refused = await refusedUpgrade(`${proxy.url}/ws/${LISTEN_KEY}`, {
      headers: { 'x-mbx-apikey': PUBLIC_KEY },
    });
    expect(refused).toMatchObject({ status: 403 });
    await connect('/ws/btcusdt@trade', { 'x-mbx-apikey': PUBLIC_KEY });
  });

  it('A stream socket shows its listen key in no line, wherever it stands', async () => {
    for (const path of [
      `/ws/${LISTEN_KEY}`,
      `/private/ws?listenKey=${LISTEN_KEY}`,
      `/stream?streams=${LISTEN_KEY}`,
    ]) {
      const app = await connect(path);
      app.socket.send(`{"method":"SUBSCRIBE","params":["${LISTEN_KEY}"],"id":1}`);
      app.socket.close();
      await app.closed;
    }
    await refusedUpgrade(`${proxy.url}/ws/${LISTEN_KEY}//x`);
    await eventually(() => proxy.records('socket.closed').length >= 3);
    expect(proxy.lines.join('\n')).not.toContain(LISTEN_KEY);
  });

  it('A stream socket is closed to strangers where the configuration says so', async () => {
    const closed = await startTestProxy({
      upstream: upstream.url,
      env: { ...wsEnv(upstream), READER_CLIENT_KEY: READER_KEY },
      yaml: 'clients:\n  reader: { account: main, envPrefix: READER, permissions: [market-data, read] }\n  anonymous: { enabled: false }\n',
    });
    try {
      expect(await refusedUpgrade(`${closed.url}/ws/a@trade`)).toMatchObject({ status: 401 });
      const app = await connectApp(`${closed.url}/ws/a@trade`, { headers: { 'x-mbx-apikey': READER_KEY } });
      await app.close();
    } finally {
      await closed.close();
    }
  });
});
