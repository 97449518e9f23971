import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { buildAppListener } from '../../../src/http/app-listener.ts';
import { listen } from '../../../src/proxy/listen.ts';
import { Heartbeat } from '../../../src/websocket/sockets/heartbeat.ts';
import { SOCKET_LIMITS, type SocketLimits } from '../../../src/websocket/sockets/socket-limits.ts';
import { connectApp, eventually, type WsApp } from '../../support/clients/ws-app.ts';
import { startTestProxy, type TestProxy } from '../../support/servers/proxy.ts';
import { startWsUpstream, type WsUpstream, wsEnv } from '../../support/servers/ws-upstream.ts';

const LISTEN_KEY = 'pqia91ma19a5s61cv6a81va65sdf19v8a65a1a5s61cv6a81va65sdf19v8a65a1';
const API = '/ws-api/v3';
const OWN = `/ws/${LISTEN_KEY}`;
const SHARED = '/ws/btcusdt@trade';
const KINDS = [API, OWN, SHARED];
const FOREVER_MS = 3_600_000;
const PATIENT = { spot: FOREVER_MS, usdm: FOREVER_MS, coinm: FOREVER_MS };

let upstream: WsUpstream;
let proxy: TestProxy;
const cleanups: (() => Promise<unknown>)[] = [];
beforeEach(async () => {
  upstream = await startWsUpstream();
  proxy = await startTestProxy({ upstream: upstream.url, env: wsEnv(upstream) });
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
  await proxy.close();
  await upstream.close();
});

async function impatient(limits: Partial<SocketLimits>): Promise<string> {
  const app = await buildAppListener(proxy.parts.app, { pingEveryMs: 30, ...limits });
  cleanups.push(() => app.close());
  const variables = { host: 'HOST', port: 'PORT' };
  return listen(app, { host: '127.0.0.1', port: 0, socket: undefined, socketGroup: undefined, variables });
}

async function connect(url: string, autoPong = true): Promise<WsApp> {
  const app = await connectApp(url, { autoPong });
  cleanups.push(async () => app.socket.terminate());
  return app;
}

/** Resolves after so many pings have come. */
function pings(app: WsApp, most: number): Promise<void> {
  return new Promise((resolve) => {
    let count = 0;
    app.socket.on('ping', () => {
      if (++count === most) resolve();
    });
  });
}

/** The record of how a socket ended, once it is there. */
async function ending() {
  await eventually(() => proxy.records('socket.closed').length > 0);
  return proxy.records('socket.closed')[0];
}

describe('an app that shows no life', () => {
  it.each(KINDS)(
    'An app on %s that answers no ping is cut, and the record says by whom and why',
    async (path) => {
      const url = await impatient({ appSilentMs: { ...PATIENT, spot: 90 } });
      const app = await connect(`${url}${path}`, false);
      expect((await app.closed).code).toBe(1006);
      expect(await ending()).toMatchObject({
        level: 40,
        rule: 'no pong from the app',
        detail: { by: 'proxy', code: 1006 },
      });
    },
  );

  it.each(KINDS)('An app on %s is not cut while it answers, or sends anything at all', async (path) => {
    const url = await impatient({ appSilentMs: { ...PATIENT, spot: 120 } });
    const [answering, talking] = [await connect(`${url}${path}`), await connect(`${url}${path}`, false)];
    talking.socket.on('ping', () =>
      talking.socket.send('{"method":"LIST_SUBSCRIPTIONS","params":[],"id":1}'),
    );
    await Promise.all([pings(answering, 12), pings(talking, 12)]);
    expect([answering, talking].map(({ socket }) => socket.readyState)).toEqual([1, 1]);
  });

  it('An app on futures may be silent for longer than one on spot', async () => {
    const url = await impatient({ appSilentMs: { ...PATIENT, spot: 90 } });
    const paths = [
      '/ws-fapi/v1',
      '/market/ws/btcusdt@aggTrade',
      `/private/ws/${LISTEN_KEY}`,
      '/coinm/ws/x@trade',
    ];
    const futures = await Promise.all(paths.map((path) => connect(`${url}${path}`, false)));
    const spot = await connect(`${url}${SHARED}`, false);
    const pinged = Promise.all(futures.map((app) => pings(app, 10)));
    await spot.closed;
    await pinged;
    expect(futures.map(({ socket }) => socket.readyState)).toEqual([1, 1, 1, 1]);
  });

  it('No limit is stricter than Binance’s, and pings come at least as often', () => {
    expect(SOCKET_LIMITS.appSilentMs.spot).toBeGreaterThanOrEqual(60_000);
    expect(SOCKET_LIMITS.appSilentMs.usdm).toBeGreaterThanOrEqual(600_000);
    expect(SOCKET_LIMITS.appSilentMs.coinm).toBeGreaterThanOrEqual(600_000);
    expect(SOCKET_LIMITS.upstreamSilentMs).toBeGreaterThanOrEqual(60_000);
    expect(SOCKET_LIMITS.pingEveryMs).toBeLessThanOrEqual(20_000);
  });

  it('A pause of the proxy itself is not taken for the silence of an app', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    cleanups.push(() => new Promise((resolve) => server.close(resolve)));
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const app = new WebSocket(`ws://127.0.0.1:${port}`, { autoPong: false });
    const [socket] = (await once(server, 'connection')) as [WebSocket];
    await once(app, 'open');
    let isSilent = false;
    const heartbeat = new Heartbeat(socket, {
      pingEveryMs: 1,
      silentMs: 3,
      onSilent: () => {
        isSilent = true;
      },
    });
    heartbeat.ping();
    // Much more time passes than an app may be silent, and no ping in it.
    const untilMs = performance.now() + 50;
    while (performance.now() < untilMs);
    heartbeat.ping();
    heartbeat.ping();
    expect([isSilent, socket.readyState]).toEqual([false, WebSocket.OPEN]);
    heartbeat.ping();
    expect([isSilent, socket.readyState]).toEqual([true, WebSocket.CLOSING]);
    app.terminate();
  });
});

describe('Binance shows no life', () => {
  it.each(KINDS)(
    'When Binance answers no ping of %s, the record says that the proxy gave it up',
    async (path) => {
      const url = await impatient({ upstreamSilentMs: 90, appSilentMs: PATIENT });
      const app = await connect(`${url}${path}`);
      upstream.sockets.at(-1)!.pause();
      expect((await app.closed).code).toBe(1014);
      expect(await ending()).toMatchObject({
        level: 40,
        rule: 'no pong from Binance',
        detail: { by: 'proxy', code: 1006 },
      });
    },
  );
});

describe('the record of a socket’s end', () => {
  it.each(KINDS)('An app on %s that goes is named, with its code', async (path) => {
    const app = await connect(`${proxy.url}${path}`);
    app.socket.close(4_001);
    const gone = await ending();
    expect(gone).toMatchObject({ level: 30, detail: { by: 'app', code: 4_001 } });
    expect(gone).not.toHaveProperty('rule');
  });

  it.each(KINDS)('An app on %s whose connection breaks is named', async (path) => {
    const app = await connect(`${proxy.url}${path}`);
    app.socket.terminate();
    expect(await ending()).toMatchObject({ detail: { by: 'app', code: 1006 } });
  });

  it.each(KINDS)('Binance that closes %s is named, with its code', async (path) => {
    await connect(`${proxy.url}${path}`);
    upstream.sockets.at(-1)!.close(1012);
    expect(await ending()).toMatchObject({ detail: { by: 'binance', code: 1012 } });
  });

  it.each(
    KINDS.flatMap((path) => [[path, 'too large', 1009] as const, [path, 'without UTF-8', 1007] as const]),
  )('A frame on %s that is %s is the proxy’s reason', async (path, what, code) => {
    const app = await connect(`${proxy.url}${path}`);
    app.socket.send(code === 1009 ? 'x'.repeat(70_000) : Buffer.from([0x22, 0xff, 0x22]), { binary: false });
    expect((await app.closed).code).toBe(code);
    expect(await ending()).toMatchObject({
      rule: `frame ${what} from the app`,
      detail: { by: 'proxy', code },
    });
  });

  it.each(KINDS)('A frame on %s that breaks the protocol is the proxy’s reason', async (path) => {
    const raw: Socket = createConnection({ host: '127.0.0.1', port: proxy.port });
    cleanups.push(async () => raw.destroy());
    raw.write(
      `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    await once(raw, 'data');
    raw.resume();
    raw.write(Buffer.from([0x8f, 0x80, 0, 0, 0, 0]));
    expect(await ending()).toMatchObject({
      rule: 'broken frame from the app',
      detail: { by: 'proxy', code: 1002 },
    });
  });

  it.each(KINDS)('A frame of Binance’s on %s that breaks the protocol is its fault', async (path) => {
    const app = await connect(`${proxy.url}${path}`);
    const { _socket: wire } = upstream.sockets.at(-1) as unknown as { readonly _socket: Socket };
    wire.write(Buffer.from([0x8f, 0x00]));
    expect((await app.closed).code).toBe(1014);
    expect(await ending()).toMatchObject({
      rule: 'broken frame from Binance',
      detail: { by: 'proxy', code: 1002 },
    });
  });
});
