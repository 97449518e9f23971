import type { ServerResponse } from 'node:http';
import { createConnection } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ANONYMOUS } from '../../../src/core/access/client.ts';
import { readSocketTarget } from '../../../src/core/frames/socket-target.ts';
import { LaneCounts } from '../../../src/core/lanes.ts';
import { connectionEndpoint } from '../../../src/websocket/connection-endpoint.ts';
import { SocketPlace } from '../../../src/websocket/socket-place.ts';
import { connectApp } from '../../support/clients/ws-app.ts';
import { client } from '../../support/fixtures/budget-calls.ts';
import { startTestProxy, type TestProxy } from '../../support/servers/proxy.ts';
import { startUpstream, type Upstream } from '../../support/servers/upstream.ts';
import { openWsStage, type WsStage } from '../../support/servers/ws-stage.ts';

const BOT = 'b'.repeat(64);
const ENV = { BOT_CLIENT_KEY: BOT };
const YAML = `
clients:
  bot: { account: main, envPrefix: BOT, permissions: [market-data, read, spot-margin-trade] }
`;

describe('requests', () => {
  let upstream: Upstream;
  let proxy: TestProxy;
  beforeEach(async () => {
    upstream = await startUpstream();
    proxy = await startTestProxy({ upstream: upstream.url, env: ENV, yaml: YAML });
  });
  afterEach(async () => {
    await proxy.close();
    await upstream.close();
  });

  /** The status line that comes back for a head whose body never comes. */
  function answerToHead(head: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = createConnection({ host: '127.0.0.1', port: proxy.port });
      socket.on('error', reject);
      socket.once('data', (chunk: Buffer) => {
        socket.destroy();
        resolve(chunk.toString('latin1'));
      });
      socket.write(`${head}\r\nUser-Agent: app\r\nContent-Length: 100000\r\n\r\nsymbol=`);
    });
  }

  it.each([
    ['for its Host', 'POST /api/v3/order HTTP/1.1\r\nHost: evil.example', 'PROXY_UNKNOWN_HOST'],
    [
      'for being a browser',
      'POST /api/v3/order HTTP/1.1\r\nHost: localhost\r\nOrigin: https://a.example',
      'PROXY_BROWSER_REFUSED',
    ],
    ['for having no key', 'POST /api/v3/order HTTP/1.1\r\nHost: localhost', 'PROXY_UNKNOWN_CLIENT'],
    [
      'for a wrong key',
      'POST /api/v3/order HTTP/1.1\r\nHost: localhost\r\nX-MBX-APIKEY: wrong',
      'PROXY_UNKNOWN_CLIENT',
    ],
    ['for a body without a key', 'GET /api/v3/depth HTTP/1.1\r\nHost: localhost', 'PROXY_MALFORMED_REQUEST'],
    [
      'for the denylist',
      'POST /sapi/v1/capital/withdraw/apply HTTP/1.1\r\nHost: localhost',
      'PROXY_DENYLISTED',
    ],
  ])('Who is refused %s is refused before the body came', async (_, head, error) => {
    expect(await answerToHead(head)).toContain(`x-proxy-error: ${error}`);
    expect(upstream.received).toEqual([]);
  });

  it('A chunked body without a key is not awaited either', async () => {
    const socket = createConnection({ host: '127.0.0.1', port: proxy.port });
    const answer = new Promise<string>((resolve) => socket.once('data', (chunk) => resolve(String(chunk))));
    socket.write('GET /api/v3/depth HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n');
    expect(await answer).toContain('PROXY_MALFORMED_REQUEST');
    socket.destroy();
  });

  it('Without a key a connection has one call at a time, with one as many as it sends', async () => {
    const hanging: ServerResponse[] = [];
    upstream.respond((_received, response) => void hanging.push(response));
    const socket = createConnection({ host: '127.0.0.1', port: proxy.port });
    socket.on('error', () => {});
    const ask = (key: string) =>
      `GET /api/v3/depth?symbol=BTCUSDT HTTP/1.1\r\nHost: localhost\r\nUser-Agent: app\r\n${key}\r\n`;
    socket.write(ask('').repeat(8));
    await expect.poll(() => proxy.records('call.refused').length).toBe(7);
    for (const { rule, error } of proxy.records('call.refused'))
      expect([rule, error]).toEqual(['one call at a time', 'PROXY_CLIENT_RATE_LIMITED']);
    await expect.poll(() => hanging.length).toBe(1);
    const answers: string[] = [];
    socket.on('data', (chunk: Buffer) => answers.push(chunk.toString('latin1')));
    hanging[0]?.end('{}');
    await expect.poll(() => answers.join('').match(/HTTP\/1\.1 /g)?.length).toBe(8);
    socket.write(ask(''));
    await expect.poll(() => hanging.length).toBe(2);
    hanging[1]?.end('{}');
    // Equal calls would share one otherwise.
    socket.write(ask(`X-MBX-APIKEY: ${BOT}\r\nCache-Control: no-cache\r\n`).repeat(5));
    await expect.poll(() => hanging.length).toBe(7);
    for (const response of hanging) response.end('{}');
    socket.destroy();
  });
});

describe('sockets of signed APIs', () => {
  let stage: WsStage;
  beforeEach(async () => {
    stage = await openWsStage('HMAC', { env: ENV, yaml: YAML });
  });
  afterEach(() => stage.close());

  const opened = () => stage.simulator.upgrades.length;

  // Both wait at the same time.
  it('A socket that sends nothing, or only what is refused, opens nothing to Binance and is closed after ten seconds', async () => {
    const ends = [[], ['account.status', 'nonsense', 'depth']].map(async (methods) => {
      const app = await connectApp(`${stage.wsUrl}/ws-api/v3`);
      const openedAtMs = performance.now();
      for (const method of methods) {
        const params = { symbol: "A' OR 1", ...(method === 'account.status' ? { apiKey: 'wrong' } : {}) };
        expect((await app.ask(method, params)).status).toBeGreaterThanOrEqual(400);
      }
      expect(await app.closed).toEqual({ code: 1008, reason: 'no accepted frame' });
      expect(performance.now() - openedAtMs).toBeGreaterThan(9_000);
    });
    await Promise.all(ends);
    expect([opened(), stage.simulator.frames.length]).toEqual([0, 0]);
    expect(stage.proxy.records('socket.closed')).toMatchObject([
      { rule: 'no accepted frame' },
      { rule: 'no accepted frame' },
    ]);
  }, 30_000);

  it('The first accepted frame opens Binance’s side, also after refused ones, and stays open', async () => {
    const app = await connectApp(`${stage.wsUrl}/ws-api/v3`);
    expect((await app.ask('account.status', { apiKey: 'wrong' })).status).toBe(401);
    expect((await app.askRaw('no frame')).status).toBe(400);
    expect(opened()).toBe(0);
    const replies = await Promise.all([
      app.ask('account.status', { apiKey: BOT }),
      app.ask('account.status', { apiKey: 'wrong' }),
      app.ask('ping'),
    ]);
    expect(replies.map(({ status }) => status)).toEqual([200, 401, 200]);
    expect(opened()).toBe(1);
    await app.close();
  });

  it('An app that said who it is at its upgrade has its socket at once', async () => {
    const app = await connectApp(`${stage.wsUrl}/ws-api/v3`, { headers: { 'x-mbx-apikey': BOT } });
    expect(opened()).toBe(1);
    await app.close();
  });

  it('Without a key ten frames on a socket may wait for their answer', async () => {
    const app = await connectApp(`${stage.wsUrl}/ws-api/v3`);
    await app.ask('ping');
    stage.simulator.injectSocket({ kind: 'delay', match: {}, ms: 1_000, times: 40 });
    const replies = await Promise.all(Array.from({ length: 30 }, () => app.ask('ping')));
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(10);
    expect(replies.filter(({ status }) => status === 429)).toHaveLength(20);
    await app.close();
  });
});

describe('the place of a socket', () => {
  it('It moves to the lane of the client that shows itself, once and for all', () => {
    const counts = new LaneCounts(8);
    const target = readSocketTarget('/ws-api/v3', undefined);
    if (target === undefined) throw new Error('no target');
    const endpoint = connectionEndpoint(target);
    const places = [0, 1].map(() => new SocketPlace(counts, endpoint, client(ANONYMOUS)));
    expect(() => new SocketPlace(counts, endpoint, client(ANONYMOUS))).toThrow('Too many');
    places[0]?.moveTo(client('bot'));
    const another = new SocketPlace(counts, endpoint, client(ANONYMOUS));
    expect(counts.total).toBe(3);
    for (const place of [...places, another]) {
      place[Symbol.dispose]();
      place[Symbol.dispose]();
    }
    expect(counts.total).toBe(0);
  });
});
