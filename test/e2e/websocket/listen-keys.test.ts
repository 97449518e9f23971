import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { send } from '../../support/clients/http.ts';
import { connectApp, eventually, refusedUpgrade, type WsApp } from '../../support/clients/ws-app.ts';
import { startTestProxy, type TestProxy } from '../../support/servers/proxy.ts';
import { okFrame, startWsUpstream, type WsUpstream, wsEnv } from '../../support/servers/ws-upstream.ts';

const BOT_KEY = 'B'.repeat(64);
const READER_KEY = 'R'.repeat(64);
const PUBLIC_KEY = 'P'.repeat(64);
const ALL = { bot: '[market-data, read]', reader: '[market-data, read]', public: '[market-data]' };
const OF_BOT = `${'b0t'.repeat(20)}1234`;
const OF_READER = `${'rdr'.repeat(20)}1234`;
const UNKNOWN = `${'unk'.repeat(20)}1234`;
const WITHDRAWN = { code: 1008, reason: 'permission withdrawn' };
const pairs = (...keys: readonly string[]) =>
  keys
    .map((key, at) => `listenKey=${key}&events=${at === 0 ? 'ORDER_TRADE_UPDATE' : 'ACCOUNT_UPDATE'}`)
    .join('&');

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
  upstream.respond((frame, socket) => socket.send(okFrame(frame, { listenKey: OF_READER })));
  proxy = await startTestProxy({ upstream: upstream.url, env: env(), yaml: yaml(ALL) });
  upstream.answerRest(() => JSON.stringify({ listenKey: next }));
  for (const [key, listenKey] of [
    [BOT_KEY, OF_BOT],
    [READER_KEY, OF_READER],
  ] as const) {
    next = listenKey;
    // A connection that the app keeps would be waited for at the end of each test.
    const headers = { 'x-mbx-apikey': key };
    const answer = await send(proxy.port, '/fapi/v1/listenKey', { method: 'POST', headers });
    expect(answer.json).toEqual({ listenKey });
  }
});
afterEach(async () => {
  for (const app of apps.splice(0)) app.socket.terminate();
  await proxy.close();
});
afterAll(() => upstream.close());

function env(botKey = BOT_KEY): Record<string, string> {
  return {
    ...wsEnv(upstream),
    BOT_CLIENT_KEY: botKey,
    READER_CLIENT_KEY: READER_KEY,
    PUBLIC_CLIENT_KEY: PUBLIC_KEY,
  };
}

function yaml(permissions: Readonly<Record<string, string>>, more = ''): string {
  const clients = Object.entries(permissions).map(
    ([name, list]) =>
      `  ${name}: { account: main, envPrefix: ${name.toUpperCase()}, permissions: ${list} }\n`,
  );
  return `clients:\n${clients.join('')}${more}`;
}

async function connect(path: string, key?: string): Promise<WsApp> {
  const headers = key === undefined ? {} : { 'x-mbx-apikey': key };
  const app = await connectApp(`${proxy.url}${path}`, { headers });
  apps.push(app);
  return app;
}

const openedBy = () => proxy.records('socket.opened').map(({ client }) => client);
const LOSSES: readonly [string, () => void][] = [
  ['its read', () => proxy.reload(env(), yaml({ ...ALL, bot: '[market-data]' }))],
  ['its key', () => proxy.reload(env('N'.repeat(64)), yaml(ALL))],
  ['the client', () => proxy.reload(env(), yaml({ reader: ALL.reader, public: ALL.public }))],
];

describe('several listen keys in one URL that may not be opened', () => {
  it.each([
    ['events before any key, and again', `events=A&${pairs(OF_BOT)}`],
    ['two lists of events for one key', `${pairs(OF_BOT)}&events=B`],
    [
      'events after two keys that are one too many',
      `listenKey=${OF_BOT}&listenKey=${OF_READER}&events=A&events=B`,
    ],
    ['a key that is none', `${pairs(OF_BOT)}&listenKey=a-b&events=A`],
    ['an empty key', `${pairs(OF_BOT)}&listenKey=&events=A`],
    ['events that are none', `${pairs(OF_BOT)}&listenKey=${OF_READER}&events=A%26B`],
    ['an unknown name', `${pairs(OF_BOT, OF_READER)}&x=1`],
    ['a unit of time twice', `${pairs(OF_BOT)}&timeUnit=MILLISECOND&timeUnit=MICROSECOND`],
    ['streams twice', `${pairs(OF_BOT)}&streams=a@trade&streams=b@trade`],
  ])('A URL with %s is refused', async (_what, query) => {
    const before = upstream.targets.length;
    for (const path of ['/private/stream', '/private/ws'])
      expect(await refusedUpgrade(`${proxy.url}${path}?${query}`)).toMatchObject({ status: 400 });
    expect(upstream.targets.length).toBe(before);
    expect(proxy.lines.join('\n')).not.toMatch(new RegExp(`${OF_BOT}|${OF_READER}`));
  });

  it('A client that shows its key needs the right to read for them', async () => {
    const before = upstream.targets.length;
    const path = `/private/stream?${pairs(OF_BOT, OF_READER)}`;
    const refused = await refusedUpgrade(`${proxy.url}${path}`, { headers: { 'x-mbx-apikey': PUBLIC_KEY } });
    expect(refused).toMatchObject({ status: 403 });
    expect(upstream.targets.length).toBe(before);
  });

  it.each(LOSSES)('One whose client has lost %s is refused, wherever it stands', async (_what, lose) => {
    lose();
    const before = upstream.targets.length;
    for (const path of [
      `/private/stream?${pairs(OF_BOT)}`,
      `/private/stream?${pairs(OF_BOT, OF_READER)}`,
      `/private/stream?${pairs(UNKNOWN, OF_BOT)}`,
      `/private/ws/${OF_BOT}`,
      `/private/ws/%62${OF_BOT.slice(1)}`,
      `/ws/${OF_BOT}`,
      `/coinm/stream?streams=${OF_BOT}`,
    ]) {
      expect([401, 403]).toContain((await refusedUpgrade(`${proxy.url}${path}`)).status);
    }
    expect(upstream.targets.length).toBe(before);
  });

  it.each(LOSSES)('One whose client has lost %s is refused in a SUBSCRIBE as well', async (_what, lose) => {
    lose();
    for (const path of [
      '/private/stream',
      `/private/stream?${pairs(UNKNOWN)}`,
      '/ws',
      '/ws/%62tcusdt@trade',
    ]) {
      const app = await connect(path);
      for (const name of [OF_BOT, `${OF_BOT}@account`, `\\u0062${OF_BOT.slice(1)}`]) {
        const frame = `{"method":"SUBSCRIBE","params":["a@trade","${name}"],"id":7}`;
        expect(await app.askRaw(frame)).toMatchObject({ error: { code: 2 }, id: 7 });
        // Nobody could say what this one asks for.
        const twice = `{"method":"SUBSCRIBE","params":["a@trade"],"params":["${name}"],"id":7}`;
        expect(await app.askRaw(twice)).toMatchObject({ error: { code: 2 } });
      }
    }
    expect(upstream.messages.map(({ data }) => data.toString()).join('\n')).not.toContain(OF_BOT.slice(1));
  });
});

describe('several listen keys in one URL', () => {
  it.each([
    `/private/stream?${pairs(OF_BOT, OF_READER)}`,
    `/private/stream?${pairs(OF_BOT, OF_READER, UNKNOWN)}`,
    `/private/stream?listenKey=${OF_BOT}&listenKey=${OF_READER}&events=A`,
    `/private/stream?listenKey=${OF_BOT}&listenKey=${OF_READER}`,
    `/private/stream?events=A&listenKey=${OF_BOT}`,
    `/private/ws?${pairs(OF_BOT, OF_READER)}&timeUnit=MICROSECOND`,
    `/usdm/private/stream?${pairs(OF_READER, OF_BOT)}`,
  ])('The URL %s reaches Binance with its pairs in their order, and no line shows a key', async (path) => {
    await connect(path);
    expect(upstream.targets.at(-1)).toBe(path.replace('/usdm', ''));
    await eventually(() => openedBy().length > 0);
    expect(proxy.lines.join('\n')).not.toMatch(new RegExp(`${OF_BOT}|${OF_READER}|${UNKNOWN}`));
  });

  it.each(LOSSES)(
    'They end together with the reload that takes %s away from one of their clients',
    async (_what, lose) => {
      const both = await connect(`/private/stream?${pairs(OF_READER, OF_BOT)}`);
      const mixed = await connect(`/private/stream?${pairs(UNKNOWN, OF_BOT)}`);
      const others = await connect(`/private/stream?${pairs(OF_READER)}`);
      lose();
      expect(await Promise.all([both.closed, mixed.closed])).toEqual([WITHDRAWN, WITHDRAWN]);
      expect(others.socket.readyState).toBe(1);
    },
  );

  it.each(LOSSES)(
    'A stream that was subscribed to later ends with the reload that takes %s away',
    async (_what, lose) => {
      const own = await connect(`/private/stream?${pairs(OF_READER)}`);
      const shared = await connect('/ws');
      for (const app of [own, shared])
        expect(await app.askRaw(`{"method":"SUBSCRIBE","params":["${OF_BOT}"],"id":1}`)).toMatchObject({
          result: null,
        });
      lose();
      expect(await Promise.all([own.closed, shared.closed])).toEqual([WITHDRAWN, WITHDRAWN]);
    },
  );
});

describe('whose a listen key is', () => {
  it.each([
    [`/private/ws/${OF_BOT}`, 'bot'],
    [`/private/stream?${pairs(OF_READER)}`, 'reader'],
    [`/private/stream?${pairs(OF_BOT, OF_READER)}`, 'bot'],
    [`/private/ws/${UNKNOWN}`, 'anonymous'],
    [`/private/stream?${pairs(OF_BOT, UNKNOWN)}`, 'anonymous'],
  ])('The stream %s is the one of %s', async (path, client) => {
    await connect(path);
    await eventually(() => openedBy().length > 0);
    expect(openedBy()).toEqual([client]);
  });

  it('A listen key that was handed out in a frame is known as well', async () => {
    const api = await connect('/ws-fapi/v1');
    await api.ask('userDataStream.start', { apiKey: BOT_KEY });
    await connect(`/private/ws/${OF_READER}`);
    await eventually(() => openedBy().length === 2);
    expect(openedBy()).toEqual(['anonymous', 'bot']);
    proxy.reload(env('N'.repeat(64)), yaml(ALL));
    // Its other client still may read with it.
    await connect(`/private/ws/${OF_READER}`);
    await eventually(() => openedBy().length === 3);
    expect(openedBy().at(-1)).toBe('reader');
  });

  it('Where callers without a key are shut out, a listen key that was handed out here is key enough', async () => {
    proxy.reload(env(), yaml(ALL, '  anonymous: { enabled: false }\n'));
    await connect(`/private/ws/${OF_BOT}`);
    expect(await refusedUpgrade(`${proxy.url}/private/ws/${UNKNOWN}`)).toMatchObject({ status: 401 });
    expect(await refusedUpgrade(`${proxy.url}/private/stream?${pairs(OF_BOT, UNKNOWN)}`)).toMatchObject({
      status: 401,
    });
  });
});
