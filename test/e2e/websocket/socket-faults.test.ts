import { once } from 'node:events';
import { createConnection } from 'node:net';
import { deflateRawSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { buildAppListener } from '../../../src/http/app-listener.ts';
import { listen } from '../../../src/proxy/listen.ts';
import { APP_VARIABLES } from '../../../src/proxy/listen-trouble.ts';
import type { SocketLimits } from '../../../src/websocket/sockets/socket-limits.ts';
import { send } from '../../support/clients/http.ts';
import { connectApp, eventually, type WsApp } from '../../support/clients/ws-app.ts';
import { startTestProxy, type TestProxy, type TestProxyOptions } from '../../support/servers/proxy.ts';
import { okFrame, startWsUpstream, type WsUpstream, wsEnv } from '../../support/servers/ws-upstream.ts';

const ORDER = {
  symbol: 'BTCUSDT',
  side: 'BUY',
  type: 'LIMIT',
  timeInForce: 'GTC',
  quantity: '1',
  price: '0.1',
};

let upstream: WsUpstream;
let proxy: TestProxy;
let offsetMs = 0;
const cleanups: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  offsetMs = 0;
  upstream = await startWsUpstream({ clockOffsetMs: () => offsetMs });
  await start();
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
  await upstream.close();
});

async function start(options: Partial<TestProxyOptions> = {}): Promise<void> {
  proxy = await startTestProxy({ upstream: upstream.url, env: wsEnv(upstream), ...options });
  const { close } = proxy;
  cleanups.push(close);
}

/** A second listener of the same proxy that is less patient. */
async function impatient(limits: Partial<SocketLimits>): Promise<string> {
  const app = await buildAppListener(proxy.parts.app, limits);
  cleanups.push(() => app.close());
  return listen(app, {
    host: '127.0.0.1',
    port: 0,
    socket: undefined,
    socketGroup: undefined,
    variables: APP_VARIABLES,
  });
}

async function connect(url = proxy.url, path = '/ws-api/v3'): Promise<WsApp> {
  const app = await connectApp(`${url}${path}`);
  cleanups.push(async () => app.socket.terminate());
  return app;
}

const theirs = () => upstream.sockets.at(-1)!;

describe('Binance closes', () => {
  it.each([
    [1000, 'bye'],
    [1001, '24 h'],
    [1008, 'disconnected'],
    [1012, ''],
    [3001, 'x'],
  ])('When Binance closes with %i, the app hears the same code and reason', async (code, reason) => {
    for (const path of ['/ws-api/v3', '/ws/btcusdt@trade']) {
      const app = await connect(proxy.url, path);
      theirs().close(code, reason);
      expect(await app.closed).toEqual({ code, reason });
    }
    await eventually(() => proxy.parts.app.sockets.size === 0);
    expect(proxy.records('socket.closed').at(-1)).toMatchObject({ detail: { by: 'binance', code } });
  });

  it('When Binance closes without a word, the app hears 1014', async () => {
    const app = await connect();
    theirs().terminate();
    expect(await app.closed).toMatchObject({ code: 1014 });
  });

  it('When Binance closes after serverShutdown, the app hears that first', async () => {
    const app = await connect();
    theirs().send('{"event":{"e":"serverShutdown","E":1}}');
    theirs().close(1001);
    await app.closed;
    expect(app.texts).toEqual(['{"event":{"e":"serverShutdown","E":1}}']);
  });

  it('An order under way when Binance closes is unknown, told under its id, recorded, and asked for over REST', async () => {
    upstream.respond((_frame, socket) => socket.terminate());
    upstream.answerRest(() =>
      JSON.stringify({
        symbol: 'BTCUSDT',
        orderId: 5,
        clientOrderId: 'lost-1',
        status: 'FILLED',
        executedQty: '1',
      }),
    );
    const app = await connect();
    const reply = await app.ask('order.place', { ...ORDER, newClientOrderId: 'lost-1' }, 'lost');
    expect(reply).toMatchObject({
      status: 504,
      error: { code: -1007, data: { proxyOutcome: 'unknown', proxyError: 'PROXY_OUTCOME_UNKNOWN' } },
    });
    expect(reply.error!.msg).toContain('lost-1');
    await app.closed;
    expect(proxy.records('call.completed').at(-1)).toMatchObject({
      outcome: 'unknown',
      method: 'order.place',
    });
    await eventually(() => proxy.records('call.resolved').length > 0);
    expect(proxy.records('call.resolved')[0]).toMatchObject({
      path: '/api/v3/order',
      clientOrderId: ['lost-1'],
      detail: { resolution: 'executed' },
    });
    expect(upstream.restTargets.at(-1)).toContain('origClientOrderId=lost-1');
    expect(upstream.frames).toHaveLength(1);
  });

  it('A frame that Binance does not answer is not sent twice', async () => {
    const url = await impatient({ answerTimeoutMs: 50, tickMs: 10 });
    upstream.respond(() => {});
    const app = await connect(url);
    expect(await app.ask('order.place', ORDER)).toMatchObject({ status: 504, error: { code: -1007 } });
    expect(await app.ask('account.status')).toMatchObject({ status: 504 });
    expect(upstream.frames).toHaveLength(2);
    expect(app.socket.readyState).toBe(WebSocket.OPEN);
  });

  it('An upgrade is refused with 502 when the port of Binance is closed', async () => {
    await upstream.close();
    await expect(connectApp(`${proxy.url}/ws-api/v3`)).rejects.toMatchObject({ status: 502 });
  });
});

describe('an app that goes while its order is under way', () => {
  it('An app that goes while its order is under way leaves it to the proxy to read the answer', async () => {
    let answer = () => {};
    upstream.respond((frame, socket) => {
      answer = () => socket.send(okFrame(frame, { symbol: 'BTCUSDT', orderId: 77 }));
    });
    const app = await connect();
    app.socket.send(JSON.stringify({ id: 1, method: 'order.place', params: ORDER }));
    await eventually(() => upstream.frames.length === 1);
    app.socket.terminate();
    await eventually(() => proxy.records('socket.closed').length === 1);
    answer();
    await eventually(() => proxy.records('call.completed').length === 1);
    expect(proxy.records('call.completed')[0]).toMatchObject({ orderId: '77', outcome: 'answered' });
    await eventually(() => proxy.parts.app.sockets.size === 0);
    expect(theirs().readyState).toBe(WebSocket.CLOSED);
  });
});

describe('a refused timestamp', () => {
  it('A refused timestamp is healed once: the clock is measured anew and the frame goes again', async () => {
    const app = await connect();
    let refusals = 0;
    upstream.respond((frame, socket) => {
      if (refusals++ === 0) socket.send(staleFrame(frame.id));
      else socket.send(okFrame(frame, { orderId: 9 }));
    });
    offsetMs = 30_000;
    expect(await app.ask('order.place', ORDER)).toMatchObject({ status: 200, result: { orderId: 9 } });
    const [first, second] = upstream.frames;
    expect(Number(second!.params.timestamp) - Number(first!.params.timestamp)).toBeGreaterThan(25_000);
    expect(second!.params.newClientOrderId).toBe(first!.params.newClientOrderId);
    expect(proxy.records('call.signed')).toHaveLength(2);
    expect(proxy.records('call.completed')).toHaveLength(1);
  });

  it('A timestamp that is refused twice is passed on', async () => {
    const app = await connect();
    upstream.respond((frame, socket) => socket.send(staleFrame(frame.id)));
    expect(await app.ask('order.place', ORDER)).toMatchObject({ status: 400, error: { code: -1021 } });
    expect(upstream.frames).toHaveLength(2);
  });

  function staleFrame(id: unknown): string {
    return JSON.stringify({
      id,
      status: 400,
      error: { code: -1021, msg: 'Timestamp for this request is outside of the recvWindow.' },
    });
  }
});

describe('Binance wants silence', () => {
  it('A ban over one socket refuses all frames and calls until its time is over', async () => {
    const app = await connect();
    const retryAfter = Date.now() + 60_000;
    upstream.respond((frame, socket) =>
      socket.send(
        JSON.stringify({
          id: frame.id,
          status: 418,
          error: {
            code: -1003,
            msg: `Way too much request weight used; IP banned until ${retryAfter}.`,
            data: { serverTime: Date.now(), retryAfter },
          },
        }),
      ),
    );
    expect(await app.ask('account.status')).toMatchObject({ status: 418 });
    expect(await app.ask('ping')).toMatchObject({
      status: 429,
      error: { data: { proxyError: 'PROXY_UPSTREAM_FROZEN' } },
    });
    expect((await send(proxy.port, '/api/v3/ping')).status).toBe(429);
    expect(upstream.frames).toHaveLength(1);
  });
});

describe('garbage from an app', () => {
  it.each([
    ['no JSON', '{'],
    ['no object', '[1]'],
    ['no id', '{"method":"ping"}'],
    ['an id that is none', '{"id":1.5,"method":"ping"}'],
    ['an id that is an object', '{"id":{},"method":"ping"}'],
    ['no method', '{"id":3}'],
    ['params that are no object', '{"id":3,"method":"order.place","params":[1]}'],
    ['a name twice', '{"id":3,"method":"order.place","params":{"symbol":"A","symbol":"B"}}'],
    ['a method twice', '{"id":3,"method":"ping","method":"order.place"}'],
    [
      'an escaped twin of a name',
      '{"id":3,"method":"order.place","params":{"symbol":"A","s\\u0079mbol":"B"}}',
    ],
    ['a name with an ampersand', '{"id":3,"method":"order.place","params":{"a&b":"1"}}'],
    ['a lone surrogate', '{"id":3,"method":"order.place","params":{"a":"\\ud800"}}'],
    ['a further member', '{"id":3,"method":"order.place","params":{},"apiKey":"x"}'],
    ['deep nesting', `{"id":3,"method":"order.place","params":{"a":${'['.repeat(60)}${']'.repeat(60)}}}`],
    ['a method name that is none', '{"id":3,"method":"order.place\\u0000"}'],
  ])('A frame with %s is refused and reaches nobody', async (_name, text) => {
    const app = await connect();
    const reply = await app.askRaw(text);
    expect([-1100, -1101]).toContain(reply.error?.code);
    expect(reply).toMatchObject({ status: 400, id: expect.toSatisfy((id) => id === 3 || id === null) });
    expect(upstream.frames).toEqual([]);
    expect(app.socket.readyState).toBe(WebSocket.OPEN);
  });

  it('An app that sends garbage again and again loses its socket, with one record', async () => {
    const app = await connect();
    for (let at = 0; at < 40; at++) app.socket.send('garbage');
    expect(await app.closed).toEqual({ code: 1008, reason: 'bad frames' });
    expect(proxy.records('call.refused').length).toBeLessThanOrEqual(30);
    expect(proxy.records('socket.closed')).toMatchObject([{ rule: 'bad frames', level: 40 }]);
  });

  it('A binary frame closes a signed API', async () => {
    const app = await connect();
    app.socket.send(Buffer.from('{"id":1,"method":"ping"}'));
    expect(await app.closed).toMatchObject({ code: 1003 });
    expect(upstream.frames).toEqual([]);
  });

  it('A frame that is too large closes the socket with 1009', async () => {
    const app = await connect();
    app.socket.send(`{"id":1,"method":"ping","params":{"a":"${'x'.repeat(70_000)}"}}`);
    expect(await app.closed).toMatchObject({ code: 1009 });
  });

  it('A frame that is no UTF-8 closes the socket with 1007', async () => {
    const app = await connect();
    app.socket.send(Buffer.from([0x22, 0xff, 0x22]), { binary: false });
    expect(await app.closed).toMatchObject({ code: 1007 });
  });

  it('A compression bomb is never unpacked: the extension is not agreed on', async () => {
    const app = await connectApp(`${proxy.url}/ws-api/v3`, { perMessageDeflate: true });
    cleanups.push(async () => app.socket.terminate());
    expect(app.socket.extensions).toBe('');
    const { port } = new URL(proxy.url);
    const raw = createConnection({ host: '127.0.0.1', port: Number(port) });
    raw.write(
      'GET /ws-api/v3 HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
        'Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    await once(raw, 'data');
    const bomb = deflateRawSync(Buffer.alloc(1_000_000));
    const head = Buffer.alloc(8);
    head.writeUInt16BE(bomb.length, 2);
    head[0] = 0xc1;
    head[1] = 0x80 | 126;
    raw.write(Buffer.concat([head, bomb]));
    let answer = Buffer.alloc(0);
    raw.on('data', (chunk: Buffer) => {
      answer = Buffer.concat([answer, chunk]);
    });
    await once(raw, 'close');
    expect(answer.readUInt16BE(2)).toBe(1002);
  });

  it('A flood of frames closes its socket and no other', async () => {
    const url = await impatient({ framesPerSecond: 20 });
    const [noisy, quiet] = [await connect(url), await connect(url)];
    for (let at = 0; at < 50; at++) noisy.socket.send('{"id":1,"method":"ping"}');
    expect(await noisy.closed).toMatchObject({ code: 1008, reason: 'too many frames' });
    expect(await quiet.ask('ping')).toMatchObject({ status: 200 });
  });

  it('Garbage in the upgrade leaves no socket to Binance behind', async () => {
    const { port } = new URL(proxy.url);
    const raw = createConnection({ host: '127.0.0.1', port: Number(port) });
    raw.write(
      'GET /ws-api/v3 HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: no\r\n\r\n',
    );
    raw.resume();
    await once(raw, 'close');
    await eventually(() => upstream.sockets.every(({ readyState }) => readyState === WebSocket.CLOSED));
    expect(proxy.parts.app.sockets.size).toBe(0);
  });
});

describe('a slow reader', () => {
  it('A slow reader is cut off with 1013 and one record, and nobody else notices', async () => {
    // All of this shares one event loop, whose own pauses must not look like a reader that stands still.
    const url = await impatient({
      slowReaderMs: 2_000,
      tickMs: 20,
      closeTimeoutMs: 100,
      pauseAtBytes: 64 * 1024,
    });
    const chunk = `{"e":"trade","x":"${'x'.repeat(60_000)}"}`;
    const fast = await connect(url, '/ws/a@trade');
    let sent = 0;
    let most = 0;
    let mostBuffered = 0;
    // Binance sends as fast as the fast reader takes it, however busy the machine is.
    const flood = setInterval(() => {
      for (; sent < Math.min(most, fast.texts.length + 20); sent++) theirs().send(chunk);
      mostBuffered = Math.max(mostBuffered, process.memoryUsage().arrayBuffers);
    }, 2);
    cleanups.push(async () => clearInterval(flood));
    // Twelve megabytes are no reason to be cut off, but to stand still before them is; then comes more than may wait.
    for (const chunks of [200, Number.POSITIVE_INFINITY]) {
      const slow = await connect(url, '/ws/a@trade');
      slow.socket.pause();
      const before = proxy.records('socket.closed').length;
      most = sent + chunks;
      await eventually(() => proxy.records('socket.closed').length > before);
      slow.socket.resume();
      expect([1013, 1006]).toContain((await slow.closed).code);
      const seen = fast.texts.length;
      most = Number.POSITIVE_INFINITY;
      await eventually(() => fast.texts.length > seen + 50 || fast.socket.readyState !== WebSocket.OPEN);
      expect(fast.socket.readyState).toBe(WebSocket.OPEN);
      expect(proxy.records('socket.closed').slice(before)).toMatchObject([
        { rule: 'slow reader', level: 40, detail: { code: 1013, by: 'proxy' } },
      ]);
    }
    expect(mostBuffered).toBeLessThan(200_000_000);
    await eventually(() => proxy.parts.app.sockets.size === 1);
  });
});

describe('pings', () => {
  it('The pings of either side are answered', async () => {
    const app = await connect();
    app.socket.ping('from the app');
    const [pong] = await once(app.socket, 'pong');
    expect(String(pong)).toBe('from the app');
    theirs().ping('from Binance');
    const [other] = await once(theirs(), 'pong');
    expect(String(other)).toBe('from Binance');
  });
});

describe('a shutdown', () => {
  it('A shutdown finishes what is under way, tells the apps, and closes with 1001', async () => {
    let answer = () => {};
    upstream.respond((frame, socket) => {
      answer = () => socket.send(okFrame(frame, { orderId: 1 }));
    });
    const [app, stream] = [await connect(), await connect(proxy.url, '/stream')];
    const reply = app.ask('order.place', ORDER);
    await eventually(() => upstream.frames.length === 1);
    const closing = proxy.close();
    cleanups.shift();
    await app.until(({ event }) => event?.e === 'serverShutdown');
    expect(await app.ask('ping')).toMatchObject({ status: 503, error: { code: -1016 } });
    answer();
    expect(await reply).toMatchObject({ status: 200 });
    expect(await app.closed).toMatchObject({ code: 1001 });
    expect(await stream.closed).toMatchObject({ code: 1001 });
    await closing;
    expect(proxy.parts.app.sockets.size).toBe(0);
  });

  it('A reload is no shutdown: sockets stay', async () => {
    const app = await connect();
    proxy.reload(wsEnv(upstream));
    expect(await app.ask('account.status')).toMatchObject({ status: 200 });
  });
});

describe('many sockets', () => {
  it('A hundred sockets leave nothing behind', async () => {
    for (let round = 0; round < 5; round++) {
      const apps = await Promise.all(Array.from({ length: 20 }, () => connect()));
      await Promise.all(apps.map((app) => app.ask('order.place', ORDER)));
      for (const [at, app] of apps.entries()) at % 2 === 0 ? app.socket.terminate() : await app.close();
    }
    await eventually(() => proxy.parts.app.sockets.size === 0);
    expect(proxy.parts.underWay.total).toBe(0);
    await eventually(() => upstream.sockets.every(({ readyState }) => readyState === WebSocket.CLOSED));
    expect(proxy.records('socket.opened')).toHaveLength(100);
    expect(proxy.records('socket.closed')).toHaveLength(100);
  });
});
