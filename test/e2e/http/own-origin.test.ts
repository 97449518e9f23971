import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { send } from '../../support/clients/http.ts';
import { type Listener, rawRequest, rawUpgrade } from '../../support/clients/raw-upgrade.ts';
import { connectApp, eventually, type WsApp } from '../../support/clients/ws-app.ts';
import { makeThrowAwayCertificate } from '../../support/fixtures/throw-away-certificate.ts';
import { startTestProxy, type TestProxy } from '../../support/servers/proxy.ts';
import { okFrame, startWsUpstream, type WsUpstream, wsEnv } from '../../support/servers/ws-upstream.ts';

const READER_KEY = 'R'.repeat(64);
const UNKNOWN_LISTEN_KEY = 'u'.repeat(64);
const LISTEN_KEY = 'pqia91ma19a5s61cv6a81va65sdf19v8a65a1a5s61cv6a81va65sdf19v8a65a1';
const YAML = 'clients:\n  reader: { account: main, envPrefix: READER, permissions: [market-data, read] }\n';
const PUBLIC = [
  '/ws/btcusdt@trade',
  '/stream?streams=btcusdt@trade',
  '/market/ws/btcusdt@aggTrade',
  '/coinm/ws',
];
const PRIVATE = [
  `/ws/${UNKNOWN_LISTEN_KEY}`,
  `/private/ws/${UNKNOWN_LISTEN_KEY}`,
  `/private/stream?listenKey=${UNKNOWN_LISTEN_KEY}&events=ACCOUNT_UPDATE`,
  '/private/stream',
  `/coinm/ws/${UNKNOWN_LISTEN_KEY}`,
];
const APIS = ['/ws-api/v3', '/ws-fapi/v1', '/ws-dapi/v1'];

let upstream: WsUpstream;
let keyed: TestProxy;
let open: TestProxy;
let encrypted: TestProxy;
let tls: Listener;
let folder: string;
beforeAll(async () => {
  upstream = await startWsUpstream();
  const env = { ...wsEnv(upstream), BINANCE_PROXY_ALLOWED_HOSTS: 'signing-proxy,fd00::7' };
  open = await startTestProxy({ upstream: upstream.url, env });
  keyed = await startTestProxy({
    upstream: upstream.url,
    env: { ...env, READER_CLIENT_KEY: READER_KEY },
    yaml: YAML,
  });
  folder = mkdtempSync(join(tmpdir(), 'origin-'));
  const { cert, key } = makeThrowAwayCertificate();
  writeFileSync(join(folder, 'tls.crt'), cert);
  writeFileSync(join(folder, 'tls.key'), key);
  encrypted = await startTestProxy({
    upstream: upstream.url,
    env: {
      ...env,
      BINANCE_PROXY_TLS_CERT_FILE: join(folder, 'tls.crt'),
      BINANCE_PROXY_TLS_KEY_FILE: join(folder, 'tls.key'),
    },
  });
  tls = { port: encrypted.port, ca: cert };
  upstream.respond((frame, socket) => socket.send(okFrame(frame)));
  upstream.answerRest((target) => (target.includes('listenKey') ? `{"listenKey":"${LISTEN_KEY}"}` : '{}'));
});
afterAll(async () => {
  for (const proxy of [open, keyed, encrypted]) await proxy.close();
  await upstream.close();
  rmSync(folder, { recursive: true });
});

let before = 0;
beforeEach(() => {
  before = upstream.targets.length + upstream.frames.length;
});
const arrived = () => upstream.targets.length + upstream.frames.length - before;

/** What a browser could send, and what no Host of the listener's own explains. */
function foreignTo(host: string): readonly (readonly string[])[] {
  const [name = '', port = ''] = host.split(':');
  return [
    'https://evil.example',
    `http://evil.example:${port}`,
    'null',
    '',
    'file://',
    `https://${host}`,
    `wss://${host}`,
    `http://${name}`,
    `http://${name}:1${port}`,
    `http://${name}.evil.example:${port}`,
    `http://evil.example@${host}`,
    `http://${host}@evil.example`,
    `http://${host}/`,
    `http://${host}/page`,
    `http://${host}#`,
    `http://${host}, http://evil.example`,
    `http://${host} http://evil.example`,
    `http:${host}`,
    `http:/\\${host}`,
    `chrome-extension://${host}`,
    host,
    `http://127.0.0.2:${port}`,
    `http://[::1]:${port}`,
  ].map((origin) => [`Host: ${host}`, `Origin: ${origin}`]);
}

describe('an upgrade of a browser', () => {
  it.each([...PUBLIC, ...APIS, ...PRIVATE])(
    'An upgrade at %s with an Origin that is not its Host’s is refused',
    async (path) => {
      for (const proxy of [keyed, open]) {
        for (const lines of foreignTo(`localhost:${proxy.port}`)) {
          expect(await rawUpgrade(proxy, path, lines), lines.join()).toMatchObject({
            status: 403,
            code: -1002,
          });
        }
      }
      expect(arrived()).toBe(0);
    },
  );

  it.each([
    ['Sec-Fetch-Site: same-origin'],
    ['Sec-Fetch-Site: none'],
    ['sec-fetch-site: cross-site'],
    ['Sec-Fetch-Mode: websocket'],
    ['Sec-Fetch-Dest: websocket'],
    ['Sec-Fetch-Storage-Access: none'],
  ])('An upgrade with the Origin of its Host and %s is refused', async (line) => {
    const host = `localhost:${open.port}`;
    for (const path of ['/ws/btcusdt@trade', '/ws-api/v3', `/private/ws/${UNKNOWN_LISTEN_KEY}`]) {
      const lines = [`Host: ${host}`, `Origin: http://${host}`, line];
      expect(await rawUpgrade(open, path, lines)).toMatchObject({ status: 403, code: -1002 });
      const twice = [`Host: ${host}`, `Origin: http://${host}`, `Origin: http://${host}`];
      expect(await rawUpgrade(open, path, twice)).toMatchObject({ status: 403, code: -1002 });
    }
    expect(arrived()).toBe(0);
  });

  it('An upgrade whose Host was rebound is refused, whatever its Origin', async () => {
    for (const host of [`evil.example:${open.port}`, `localhost.evil.example`, '', `0.0.0.0:${open.port}`]) {
      const lines = [`Host: ${host}`, `Origin: http://${host}`];
      expect(await rawUpgrade(open, '/ws/btcusdt@trade', lines)).toMatchObject({ status: 421, code: -1000 });
    }
    const two = [
      `Host: localhost:${open.port}`,
      'Host: evil.example',
      `Origin: http://localhost:${open.port}`,
    ];
    expect((await rawUpgrade(open, '/ws/btcusdt@trade', two)).status).not.toBe(101);
    expect(arrived()).toBe(0);
  });

  it('An Origin stays refused in every request that is no upgrade', async () => {
    const host = `localhost:${open.port}`;
    const lines = [`Host: ${host}`, `Origin: http://${host}`];
    for (const target of ['/api/v3/time', '/ws/btcusdt@trade', '/ws-api/v3']) {
      expect(await rawRequest(open, target, lines)).toMatchObject({ status: 403, code: -1002 });
      const half = [...lines, 'Upgrade: websocket'];
      expect((await rawRequest(open, target, half)).status).toBe(403);
    }
    expect(arrived()).toBe(0);
  });
});

describe('an upgrade with the Origin of its own Host', () => {
  it.each(PRIVATE)(
    'An upgrade at %s without a proven key is refused where keys were issued',
    async (path) => {
      const host = `127.0.0.1:${keyed.port}`;
      const lines = [`Host: ${host}`, `Origin: http://${host}`];
      expect(await rawUpgrade(keyed, path, lines)).toMatchObject({ status: 401, code: -2014 });
      const wrong = [...lines, `X-MBX-APIKEY: ${'x'.repeat(64)}`];
      expect(await rawUpgrade(keyed, path, wrong)).toMatchObject({ status: 401, code: -2014 });
      expect(arrived()).toBe(0);
      expect(await rawUpgrade(keyed, path, [...lines, `X-MBX-APIKEY: ${READER_KEY}`])).toMatchObject({
        status: 101,
      });
    },
  );

  it.each(PUBLIC)('An upgrade at %s is anybody’s', async (path) => {
    for (const proxy of [keyed, open]) {
      const host = `localhost:${proxy.port}`;
      expect(await rawUpgrade(proxy, path, [`Host: ${host}`, `Origin: http://${host}`])).toMatchObject({
        status: 101,
      });
    }
  });

  it.each([...APIS, ...PRIVATE])(
    'An upgrade at %s is any program’s where no key was issued',
    async (path) => {
      const host = `localhost:${open.port}`;
      expect(await rawUpgrade(open, path, [`Host: ${host}`, `Origin: http://${host}`])).toMatchObject({
        status: 101,
      });
    },
  );

  it.each([
    ['another letter case', 'LocalHost:PORT', 'HTTP://localHOST:PORT'],
    ['the scheme of a socket', 'localhost:PORT', 'ws://localhost:PORT'],
    ['an IPv6 address', '[::1]:PORT', 'http://[::1]:PORT'],
    ['an allowed name', 'signing-proxy:PORT', 'http://signing-proxy:PORT'],
    ['an allowed IPv6 address', '[fd00::7]:PORT', 'http://[fd00::7]:PORT'],
    ['the usual port in both', 'localhost', 'http://localhost'],
    ['the usual port in the Host alone', 'localhost:80', 'http://localhost'],
    ['the usual port in the Origin alone', 'localhost', 'http://localhost:80'],
  ])('An Origin with %s is known as the Host’s own', async (_what, host, origin) => {
    const lines = [`Host: ${host}`, `Origin: ${origin}`].map((line) =>
      line.replace('PORT', String(keyed.port)),
    );
    expect(await rawUpgrade(keyed, '/ws/btcusdt@trade', lines)).toMatchObject({ status: 101 });
  });

  it.each([
    ['localhost:PORT', 'https://localhost:PORT', 101],
    ['localhost:PORT', 'wss://localhost:PORT', 101],
    ['localhost', 'https://localhost:443', 101],
    ['localhost:443', 'https://localhost', 101],
    ['localhost:PORT', 'http://localhost:PORT', 403],
    ['localhost', 'http://localhost', 403],
    ['localhost:80', 'https://localhost', 403],
  ])('On a TLS listener an upgrade to %s with the Origin %s gets %i', async (host, origin, status) => {
    const lines = [`Host: ${host}`, `Origin: ${origin}`].map((line) =>
      line.replace('PORT', String(encrypted.port)),
    );
    expect(await rawUpgrade(tls, '/ws/btcusdt@trade', lines)).toMatchObject({ status });
  });

  async function withOrigin(path: string): Promise<WsApp> {
    return connectApp(`ws://localhost:${keyed.port}${path}`, { origin: `http://localhost:${keyed.port}` });
  }

  it('A frame on such a socket needs a proven key, also where other callers need none', async () => {
    const app = await withOrigin('/ws-api/v3');
    const sent = upstream.frames.length;
    for (const method of [
      'time',
      'depth',
      'session.status',
      'userDataStream.unsubscribe',
      'account.status',
    ]) {
      expect(await app.ask(method)).toMatchObject({ status: 401, error: { code: -2014 } });
      expect(await app.ask(method, { apiKey: 'x'.repeat(64) })).toMatchObject({ status: 401 });
    }
    const token = { listenToken: 'unknown-token' };
    expect(await app.ask('userDataStream.subscribe.listenToken', token)).toMatchObject({ status: 401 });
    expect(upstream.frames.length).toBe(sent);
    expect(await app.ask('account.status', { apiKey: READER_KEY })).toMatchObject({ status: 200 });
    expect(await app.ask('time')).toMatchObject({ status: 200 });
    await app.close();
  });

  it('A listen key among the names of a public stream is refused on such a socket', async () => {
    const app = await withOrigin('/ws');
    const messages = upstream.messages.length;
    for (const name of [UNKNOWN_LISTEN_KEY, `${UNKNOWN_LISTEN_KEY}@account`]) {
      expect(await app.askRaw(JSON.stringify({ method: 'SUBSCRIBE', params: [name], id: 1 }))).toMatchObject({
        error: { code: 2 },
      });
    }
    expect(upstream.messages.slice(messages).join()).not.toContain(UNKNOWN_LISTEN_KEY);
    await app.close();
  });

  it('A listen key that this proxy handed out to a client is a proof of it', async () => {
    const headers = { 'x-mbx-apikey': READER_KEY };
    await send(keyed.port, '/fapi/v1/listenKey', { method: 'POST', headers });
    const app = await withOrigin(`/private/ws/${LISTEN_KEY}`);
    await eventually(() => keyed.records('socket.opened').some(({ client }) => client === 'reader'));
    await app.close();
  });
});
