import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { send } from '../../support/clients/http.ts';
import { connectApp, eventually, type WsApp } from '../../support/clients/ws-app.ts';
import { startTestProxy, type TestProxy } from '../../support/servers/proxy.ts';
import { okFrame, startWsUpstream, type WsUpstream, wsEnv } from '../../support/servers/ws-upstream.ts';

const BOT_KEY = 'B'.repeat(64);
const READER_KEY = 'R'.repeat(64);
const PUBLIC_KEY = 'P'.repeat(64);
const STRICT_KEY = 'S'.repeat(64);
const ALL = { bot: '[market-data, read]', reader: '[market-data, read]', public: '[market-data]' };
const SUBSCRIBE = 'userDataStream.subscribe.listenToken';
const WITHDRAWN = { code: 1008, reason: 'permission withdrawn' };
const NO_STRANGERS = '  anonymous: { enabled: false }\n';

let upstream: WsUpstream;
let proxy: TestProxy;
let tokens = 0;
const apps: WsApp[] = [];
beforeAll(async () => {
  upstream = await startWsUpstream();
  upstream.answerRest(() =>
    JSON.stringify({ token: `token-${tokens}`, expirationTime: Date.now() + 3_600_000 }),
  );
});
beforeEach(async () => {
  tokens++;
  upstream.respond((frame, socket) => {
    const result = frame.method.includes('subscribe.') ? { subscriptionId: 0, expirationTime: 1 } : {};
    socket.send(okFrame(frame, result));
  });
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
    STRICT_CLIENT_KEY: STRICT_KEY,
    STRICT_CLIENT_SECRET: 'strict-secret-'.repeat(4),
  };
}

function yaml(permissions: Readonly<Record<string, string>>, more = ''): string {
  const clients = Object.entries({
    ...permissions,
    strict: '[market-data, read], requireSignature: true',
  }).map(
    ([name, list]) =>
      `  ${name}: { account: main, envPrefix: ${name.toUpperCase()}, permissions: ${list} }\n`,
  );
  return `clients:\n${clients.join('')}${more}`;
}

async function connect(key?: string): Promise<WsApp> {
  const headers = key === undefined ? {} : { 'x-mbx-apikey': key };
  const app = await connectApp(`${proxy.url}/ws-api/v3`, { headers });
  apps.push(app);
  return app;
}

/** A token that this proxy handed out to the client of a key. */
async function tokenOf(key: string): Promise<{ readonly listenToken: string }> {
  const headers = { 'x-mbx-apikey': key };
  const answer = await send(proxy.port, '/sapi/v1/userListenToken', { method: 'POST', headers });
  expect(answer.status).toBe(200);
  return { listenToken: `token-${tokens}` };
}

const UNKNOWN = { listenToken: 'never-handed-out' };
const sent = () => upstream.frames.length;

describe('a listen token that may not be used', () => {
  it.each([
    ['a key that nobody issued', 'x'.repeat(64), 401, -2014],
    ['the key of a client that may not read', PUBLIC_KEY, 403, -1002],
  ])('A token is refused together with %s', async (_what, apiKey, status, code) => {
    const app = await connect();
    const token = await tokenOf(BOT_KEY);
    const before = sent();
    for (const params of [token, UNKNOWN])
      expect(await app.ask(SUBSCRIBE, { ...params, apiKey })).toMatchObject({ status, error: { code } });
    expect(sent()).toBe(before);
  });

  it('A token is refused on a socket that came with the key of a client that may not read', async () => {
    const token = await tokenOf(BOT_KEY);
    const app = await connect(PUBLIC_KEY);
    const before = sent();
    for (const params of [token, UNKNOWN])
      expect(await app.ask(SUBSCRIBE, params)).toMatchObject({ status: 403, error: { code: -1002 } });
    expect(sent()).toBe(before);
  });

  it.each([
    ['its read', () => proxy.reload(env(), yaml({ ...ALL, bot: '[market-data]' })), 403],
    ['its key', () => proxy.reload(env('N'.repeat(64)), yaml(ALL)), 401],
    ['the client', () => proxy.reload(env(), yaml({ reader: ALL.reader, public: ALL.public })), 401],
  ])('A token whose client has lost %s is refused, although others may read', async (_what, lose, status) => {
    const token = await tokenOf(BOT_KEY);
    lose();
    const app = await connect();
    const before = sent();
    expect(await app.ask(SUBSCRIBE, token)).toMatchObject({ status });
    expect(sent()).toBe(before);
  });

  it('A token that this proxy never handed out is refused where callers without a key are shut out', async () => {
    proxy.reload(env(), yaml(ALL, NO_STRANGERS));
    const app = await connect();
    const before = sent();
    expect(await app.ask(SUBSCRIBE, UNKNOWN)).toMatchObject({ status: 401, error: { code: -2014 } });
    expect(await app.ask(SUBSCRIBE, {})).toMatchObject({ status: 401 });
    expect(await app.ask(SUBSCRIBE, { listenToken: '' })).toMatchObject({ status: 401 });
    expect(sent()).toBe(before);
  });

  it('A token that this proxy never handed out is refused where no client may read', async () => {
    const noReader = { bot: '[market-data]', reader: '[market-data]', public: '[market-data]' };
    proxy.reload(
      env(),
      yaml(noReader).replace(
        'strict: { account: main, envPrefix: STRICT, permissions: [market-data, read]',
        'strict: { account: main, envPrefix: STRICT, permissions: [market-data]',
      ),
    );
    const app = await connect();
    const before = sent();
    expect(await app.ask(SUBSCRIBE, UNKNOWN)).toMatchObject({ status: 401 });
    expect(sent()).toBe(before);
  });

  it('A token makes its bearer nobody for any other call', async () => {
    const token = await tokenOf(BOT_KEY);
    const app = await connect();
    await app.ask(SUBSCRIBE, token);
    const before = sent();
    for (const method of ['account.status', 'order.place', 'userDataStream.subscribe.signature'])
      expect(await app.ask(method, token)).toMatchObject({ status: 401, error: { code: -2014 } });
    expect(sent()).toBe(before);
  });
});

describe('a listen token', () => {
  it.each([
    ['on a fresh socket', async () => connect()],
    ['on a socket that showed its key at the upgrade', async () => connect(BOT_KEY)],
  ])('A token passes without a key %s, as the client’s to which it was handed out', async (_what, open) => {
    const token = await tokenOf(BOT_KEY);
    const app = await open();
    expect(await app.ask(SUBSCRIBE, token)).toMatchObject({ status: 200, result: { subscriptionId: 0 } });
    expect(upstream.frames.at(-1)).toMatchObject({ method: SUBSCRIBE, params: token, verified: undefined });
    const record = proxy.records('call.completed').at(-1);
    expect(record).toMatchObject({ client: 'bot', account: 'main', method: SUBSCRIBE });
  });

  it('A token of a client that has to sign needs no signature either', async () => {
    const token = await tokenOf(STRICT_KEY);
    const app = await connect();
    expect(await app.ask(SUBSCRIBE, token)).toMatchObject({ status: 200 });
    expect(proxy.records('call.completed').at(-1)).toMatchObject({ client: 'strict' });
  });

  it('A token that this proxy never handed out is for Binance to judge, and of nobody’s account', async () => {
    const app = await connect();
    expect(await app.ask(SUBSCRIBE, UNKNOWN)).toMatchObject({ status: 200 });
    const record = proxy.records('call.completed').at(-1);
    expect(record).toMatchObject({ client: 'anonymous' });
    expect(record).not.toHaveProperty('account');
    expect(upstream.frames.at(-1)?.params).toEqual(UNKNOWN);
  });

  it('A token stands in no line', async () => {
    const app = await connect();
    await app.ask(SUBSCRIBE, await tokenOf(BOT_KEY));
    await app.ask(SUBSCRIBE, UNKNOWN);
    expect(proxy.lines.join('\n')).not.toContain(`token-${tokens}`);
    expect(proxy.lines.join('\n')).not.toContain(UNKNOWN.listenToken);
  });

  it.each([
    ['its read', () => proxy.reload(env(), yaml({ ...ALL, bot: '[market-data]' }))],
    ['its key', () => proxy.reload(env('N'.repeat(64)), yaml(ALL))],
    ['the client', () => proxy.reload(env(), yaml({ reader: ALL.reader, public: ALL.public }))],
  ])('A subscription by a token ends with the reload that takes %s away', async (_what, lose) => {
    const app = await connect();
    expect(await app.ask(SUBSCRIBE, await tokenOf(BOT_KEY))).toMatchObject({ status: 200 });
    lose();
    expect(await app.closed).toEqual(WITHDRAWN);
  });

  it('A subscription by an unknown token goes on while any client may read, and ends with callers without a key', async () => {
    const app = await connect();
    expect(await app.ask(SUBSCRIBE, UNKNOWN)).toMatchObject({ status: 200 });
    proxy.reload(env(), yaml({ ...ALL, bot: '[market-data]' }));
    expect(await app.ask('time')).toMatchObject({ status: 200 });
    proxy.reload(env(), yaml({ ...ALL, bot: '[market-data]' }, NO_STRANGERS));
    expect(await app.closed).toEqual(WITHDRAWN);
  });
});

describe('where callers without a key are shut out', () => {
  beforeEach(() => proxy.reload(env(), yaml(ALL, NO_STRANGERS)));
  const OPEN = ['time', 'userDataStream.unsubscribe', 'session.subscriptions'];

  it.each([
    ['on a socket that showed nothing', async (_app: WsApp) => {}],
    [
      'after a frame that was refused for its key',
      (app: WsApp) => app.ask('account.status', { apiKey: 'x' }),
    ],
    [
      'after a frame of a client that has to sign and did not',
      (app: WsApp) => app.ask('account.status', { apiKey: STRICT_KEY }),
    ],
    ['after a listen token that nobody knows', (app: WsApp) => app.ask(SUBSCRIBE, UNKNOWN)],
  ])('A frame without a key is refused %s', async (_what, first) => {
    const app = await connect();
    await first(app);
    const before = sent();
    for (const method of [...OPEN, 'session.status'])
      expect(await app.ask(method)).toMatchObject({ status: 401, error: { code: -2014 } });
    expect(sent()).toBe(before);
  });

  it('A frame with a wrong key is refused on a socket that has proved itself', async () => {
    const app = await connect();
    await app.ask('account.status', { apiKey: BOT_KEY });
    const before = sent();
    for (const method of OPEN)
      expect(await app.ask(method, { apiKey: 'x'.repeat(64) })).toMatchObject({ status: 401 });
    expect(sent()).toBe(before);
  });

  it('A frame that has to be signed is never another’s for what a socket showed before', async () => {
    const app = await connect();
    await app.ask('account.status', { apiKey: BOT_KEY });
    const before = sent();
    for (const method of ['account.status', 'order.place', 'userDataStream.subscribe'])
      expect(await app.ask(method)).toMatchObject({ status: 401, error: { code: -2014 } });
    expect(sent()).toBe(before);
  });

  it('A frame without a key is of the client that the socket showed', async () => {
    const app = await connect();
    await app.ask('account.status', { apiKey: BOT_KEY });
    for (const method of OPEN) {
      expect(await app.ask(method)).toMatchObject({ status: 200 });
      expect(proxy.records('call.completed').at(-1)).toMatchObject({ client: 'bot', method });
    }
    expect(await app.ask('session.status')).toMatchObject({ status: 200 });
  });

  it('Of two clients on a socket it is the one that showed itself last and is still there', async () => {
    const app = await connect();
    const who = async () => {
      const { status } = await app.ask('time');
      return status === 200 ? proxy.records('call.completed').at(-1)?.client : status;
    };
    await app.ask('account.status', { apiKey: READER_KEY });
    await app.ask('account.status', { apiKey: BOT_KEY });
    expect(await who()).toBe('bot');
    await app.ask('account.status', { apiKey: READER_KEY });
    expect(await who()).toBe('reader');
    await app.ask('account.status', { apiKey: BOT_KEY });
    proxy.reload(env('N'.repeat(64)), yaml(ALL, NO_STRANGERS));
    expect(await who()).toBe('reader');
    proxy.reload({ ...env('N'.repeat(64)), READER_CLIENT_KEY: 'M'.repeat(64) }, yaml(ALL, NO_STRANGERS));
    expect(await who()).toBe(401);
  });

  it('A listen token shows its client too', async () => {
    const token = await tokenOf(BOT_KEY);
    const app = await connect();
    expect(await app.ask(SUBSCRIBE, token)).toMatchObject({ status: 200 });
    expect(await app.ask('userDataStream.unsubscribe')).toMatchObject({ status: 200 });
    await eventually(() => proxy.records('call.completed').at(-1)?.client === 'bot');
  });
});
