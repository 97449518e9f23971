import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import { connectApp, eventually, type WsApp } from '../../support/clients/ws-app.ts';
import { startTestProxy, type TestProxy } from '../../support/servers/proxy.ts';
import { okFrame, startWsUpstream, type WsUpstream, wsEnv } from '../../support/servers/ws-upstream.ts';

const LISTEN_KEY = 'pqia91ma19a5s61cv6a81va65sdf19v8a65a1a5s61cv6a81va65sdf19v8a65a1';
const BOT_KEY = 'B'.repeat(64);
const READER_KEY = 'R'.repeat(64);
const PUBLIC_KEY = 'P'.repeat(64);
const ALL = { bot: '[market-data, read]', reader: '[market-data, read]', public: '[market-data]' };

let upstream: WsUpstream;
let proxy: TestProxy;
const apps: WsApp[] = [];
beforeAll(async () => {
  upstream = await startWsUpstream();
});
beforeEach(async () => {
  upstream.onStream(() => {});
  upstream.respond((frame, socket) => socket.send(okFrame(frame)));
  proxy = await startTestProxy({ upstream: upstream.url, env: env(), yaml: yaml(ALL) });
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

function answerControls(socket: WebSocket): void {
  socket.on('message', (data) => {
    socket.send(`{"result":null,"id":${JSON.parse(data.toString()).id}}`);
  });
}

async function connect(path: string, key?: string): Promise<WsApp> {
  const headers = key === undefined ? {} : { 'x-mbx-apikey': key };
  const app = await connectApp(`${proxy.url}${path}`, { headers });
  apps.push(app);
  return app;
}

/** How a socket ends within a second from now; undefined when it does not. */
function endOf(app: WsApp): Promise<unknown> {
  const later = new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 1_000).unref());
  return Promise.race([app.closed, later]);
}

const WITHDRAWN = { code: 1008, reason: 'permission withdrawn' };
const { bot: _bot, ...WITHOUT_BOT } = ALL;
const NO_BOT_KEY = () => {
  const { BOT_CLIENT_KEY: _key, ...rest } = env();
  return rest;
};
const LOSSES: readonly [string, () => void][] = [
  ['its read', () => proxy.reload(env(), yaml({ ...ALL, bot: '[market-data]' }))],
  ['its key', () => proxy.reload(env('N'.repeat(64)), yaml(ALL))],
  ['the client', () => proxy.reload(NO_BOT_KEY(), yaml(WITHOUT_BOT))],
];
const PATHS = [
  `/ws/${LISTEN_KEY}`,
  `/private/ws/${LISTEN_KEY}`,
  `/private/stream?listenKey=${LISTEN_KEY}&events=ACCOUNT_UPDATE`,
  `/coinm/ws/${LISTEN_KEY}`,
  `/stream?streams=btcusdt@trade/${LISTEN_KEY}`,
];

describe('a stream of an account', () => {
  it.each(PATHS.flatMap((path) => LOSSES.map(([what, lose]) => [path, what, lose] as const)))(
    'A stream %s ends within a second of the reload that takes %s away, although no event comes',
    async (path, _what, lose) => {
      const app = await connect(path, BOT_KEY);
      lose();
      expect(await endOf(app)).toEqual(WITHDRAWN);
      await eventually(() => proxy.records('socket.closed').length > 0);
      expect(proxy.records('socket.closed')).toMatchObject([{ rule: 'permission withdrawn', client: 'bot' }]);
    },
  );

  it('A stream that was opened by its listen key alone ends with the last client that may read', async () => {
    const app = await connect(`/ws/${LISTEN_KEY}`);
    proxy.reload(env(), yaml({ ...ALL, bot: '[market-data]', reader: '[market-data]' }));
    expect(await endOf(app)).toEqual(WITHDRAWN);
  });

  it('A stream that was opened by its listen key alone ends when callers without a key are shut out', async () => {
    const app = await connect(`/private/ws/${LISTEN_KEY}`);
    proxy.reload(env(), yaml(ALL, '  anonymous: { enabled: false }\n'));
    expect(await endOf(app)).toEqual(WITHDRAWN);
  });

  it('A stream of who was trusted for want of any key ends once there is one', async () => {
    const trusting = await startTestProxy({ upstream: upstream.url, env: wsEnv(upstream) });
    try {
      const app = await connectApp(`${trusting.url}/ws/${LISTEN_KEY}`);
      trusting.reload({ ...wsEnv(upstream), BINANCE_PROXY_CLIENT_KEY: BOT_KEY });
      expect(await endOf(app)).toEqual(WITHDRAWN);
    } finally {
      await trusting.close();
    }
  });

  it('A listen key among the names of a public socket is refused to a client that may not read', async () => {
    upstream.onStream(answerControls);
    const app = await connect('/ws/btcusdt@trade', PUBLIC_KEY);
    const before = upstream.messages.length;
    expect(await app.ask('SUBSCRIBE', [LISTEN_KEY] as never)).toMatchObject({ error: { code: 2 } });
    expect(await app.ask('SUBSCRIBE', [`${LISTEN_KEY}@account`] as never)).toMatchObject({
      error: { code: 2 },
    });
    const refused = proxy.records('call.refused').filter(({ method }) => method === 'SUBSCRIBE');
    expect(refused).toMatchObject(
      [1, 2].map(() => ({
        client: 'public',
        error: 'PROXY_PERMISSION_DENIED',
        rule: 'read',
        outcome: 'not-sent',
      })),
    );
    expect(JSON.stringify(refused)).not.toContain(LISTEN_KEY);
    const sent = upstream.messages.slice(before).map(({ data }) => data.toString());
    expect(sent.join('\n')).not.toContain(LISTEN_KEY);
  });

  it('A public socket that took a listen key among its names ends with the right to read', async () => {
    upstream.onStream(answerControls);
    const app = await connect('/ws/btcusdt@trade', BOT_KEY);
    expect(await app.ask('SUBSCRIBE', [LISTEN_KEY] as never)).toMatchObject({ result: null });
    proxy.reload(env(), yaml({ ...ALL, bot: '[market-data]' }));
    expect(await endOf(app)).toEqual(WITHDRAWN);
  });

  it.each(PATHS)(
    'A stream %s goes on through a reload that leaves its client the right to read',
    async (path) => {
      upstream.onStream((socket) => {
        setTimeout(() => socket.send('{"e":"later"}'), 1_200);
      });
      const shown = await connect(path, BOT_KEY);
      const unshown = await connect(path);
      proxy.reload(env(), yaml({ ...ALL, bot: '[read]', reader: '[market-data]' }));
      await Promise.all([shown, unshown].map((app) => app.until((_reply, text) => text.includes('later'))));
    },
  );

  it('A public stream goes on whatever its client may no longer do', async () => {
    const app = await connect('/ws/btcusdt@trade', BOT_KEY);
    proxy.reload(env(), yaml({ ...ALL, bot: '[market-data]' }));
    expect(await endOf(app)).toBeUndefined();
  });
});

describe('a socket of a signed API', () => {
  const SUBSCRIBE = 'userDataStream.subscribe.signature';
  const subscribed = () =>
    upstream.respond((frame, socket) => socket.send(okFrame(frame, { subscriptionId: 0 })));

  it.each(LOSSES)(
    'A subscription ends within a second of the reload that takes %s away, although no event comes',
    async (_what, lose) => {
      subscribed();
      const app = await connect('/ws-api/v3');
      expect(await app.ask(SUBSCRIBE, { apiKey: BOT_KEY })).toMatchObject({ status: 200 });
      lose();
      expect(await endOf(app)).toEqual(WITHDRAWN);
    },
  );

  it('A socket on which two clients subscribed ends with the right of the first as well', async () => {
    subscribed();
    const app = await connect('/ws-api/v3');
    await app.ask(SUBSCRIBE, { apiKey: BOT_KEY });
    await app.ask(SUBSCRIBE, { apiKey: READER_KEY });
    proxy.reload(env(), yaml({ ...ALL, bot: '[market-data]' }));
    expect(await endOf(app)).toEqual(WITHDRAWN);
  });

  it('A session whose key is taken away is refused with its next frame, and with none of them signed', async () => {
    const app = await connect('/ws-api/v3');
    expect(await app.ask('session.logon', { apiKey: BOT_KEY })).toMatchObject({ status: 200 });
    const before = upstream.frames.length;
    proxy.reload(env('N'.repeat(64)), yaml(ALL));
    expect(await app.ask('account.status')).toMatchObject({ status: 401, error: { code: -2014 } });
    expect(upstream.frames.length).toBe(before);
  });

  it('A subscription that was made in a session ends with the key of the session', async () => {
    subscribed();
    const app = await connect('/ws-api/v3');
    await app.ask('session.logon', { apiKey: BOT_KEY });
    await app.ask(SUBSCRIBE, {});
    proxy.reload(env('N'.repeat(64)), yaml(ALL));
    expect(await endOf(app)).toEqual(WITHDRAWN);
  });

  it('A subscription whose upgrade showed the key ends when that key is taken away', async () => {
    subscribed();
    const app = await connect('/ws-api/v3', BOT_KEY);
    await app.ask(SUBSCRIBE, {});
    proxy.reload(NO_BOT_KEY(), yaml(WITHOUT_BOT));
    expect(await endOf(app)).toEqual(WITHDRAWN);
  });

  it('A session and a subscription go on through a reload that leaves their client key and read', async () => {
    subscribed();
    const app = await connect('/ws-api/v3', BOT_KEY);
    await app.ask('session.logon', { apiKey: BOT_KEY });
    await app.ask(SUBSCRIBE, {});
    proxy.reload(env(), yaml({ ...ALL, bot: '[read]', reader: '[market-data]' }));
    expect(await endOf(app)).toBeUndefined();
  });
});
