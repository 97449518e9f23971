import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { send } from '../../support/clients/http.ts';
import { startTestProxy, type TestProxy } from '../../support/servers/proxy.ts';
import { startAnswer } from '../../support/servers/start-answers.ts';

const ORDER = '/api/v3/order?symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=1';
const WHOLE = '{"symbol":"BTCUSDT","orderId":1}';
const JSON_HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n';

type Play = (socket: Socket) => void;

let server: Server;
let proxy: TestProxy;
let play: Play = () => {};
beforeAll(async () => {
  server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      const text = bytes.toString('latin1');
      const own = /^user-agent:/im.test(text) ? undefined : startAnswer(text.split(' ')[1] ?? '');
      if (own === undefined) play(socket);
      else socket.write(`${JSON_HEAD}content-length: ${Buffer.byteLength(own)}\r\n\r\n${own}`);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const upstream = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  proxy = await startTestProxy({ upstream, timeouts: { resolutionPausesMs: [600_000] } });
});
afterAll(async () => {
  await proxy.close();
  server.close();
});

const agent = { 'user-agent': 'app' };
const resetLater = (socket: Socket) => setTimeout(() => socket.resetAndDestroy(), 50);
const gzipped = gzipSync(WHOLE);

const PLAYS: readonly [string, Play][] = [
  [
    'that ends with its connection, cut by a reset',
    (socket) => socket.write(`${JSON_HEAD}connection: close\r\n\r\n{"symbol":"BTC`, () => resetLater(socket)),
  ],
  [
    'that ends with its connection, and looks whole',
    (socket) => socket.end(`${JSON_HEAD}connection: close\r\n\r\n${WHOLE}`),
  ],
  [
    'that ends with its connection, without a word about it',
    (socket) => socket.end(`${JSON_HEAD}\r\n${WHOLE}`),
  ],
  ['of HTTP/1.0 without a length', (socket) => socket.end(`HTTP/1.0 200 OK\r\n\r\n${WHOLE}`)],
  [
    'in the transfer coding gzip',
    (socket) => {
      socket.write(`${JSON_HEAD}transfer-encoding: gzip\r\n\r\n`);
      socket.end(gzipped);
    },
  ],
  [
    'in the transfer coding gzip within chunks',
    (socket) => {
      socket.write(`${JSON_HEAD}transfer-encoding: gzip, chunked\r\n\r\n${gzipped.length.toString(16)}\r\n`);
      socket.write(gzipped);
      socket.write('\r\n0\r\n\r\n');
    },
  ],
  [
    'in an unknown transfer coding',
    (socket) => socket.end(`${JSON_HEAD}transfer-encoding: x-own\r\n\r\n${WHOLE}`),
  ],
];

describe('an answer whose end is not certain', () => {
  it.each(PLAYS)('An order whose answer is one %s has an unknown outcome', async (_what, next) => {
    play = next;
    const reply = await send(proxy.port, ORDER, { method: 'POST', headers: agent });
    expect(reply).toMatchObject({ status: 504, json: { code: -1007 } });
    expect(reply.headers['x-proxy-outcome']).toBe('unknown');
    expect(proxy.records('call.completed').at(-1)).toMatchObject({ outcome: 'unknown' });
  });

  it.each(PLAYS)('A read whose answer is one %s is not answered', async (_what, next) => {
    play = next;
    const reply = await send(proxy.port, '/api/v3/account', { headers: agent });
    expect(reply).toMatchObject({ status: 504, json: { code: -1007 } });
    expect(reply.text).not.toContain('BTC');
  });

  it.each([403, 429])(
    'An answer of status %i that ends with its connection is heeded all the same',
    async (status) => {
      const own = await startTestProxy({
        upstream: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      });
      try {
        play = (socket) => socket.end(`HTTP/1.1 ${status} No\r\nretry-after: 30\r\n\r\n<html>no</html>`);
        expect((await send(own.port, '/api/v3/account', { headers: agent })).status).toBe(504);
        expect(await send(own.port, '/api/v3/account', { headers: agent })).toMatchObject({
          status: 429,
          headers: { 'x-proxy-error': 'PROXY_UPSTREAM_FROZEN' },
        });
      } finally {
        await own.close();
      }
    },
  );
});

describe('an answer whose end is certain', () => {
  it.each<[string, Play]>([
    ['a length', (socket) => socket.write(`${JSON_HEAD}content-length: ${WHOLE.length}\r\n\r\n${WHOLE}`)],
    [
      'a length, and a connection that is closed behind it',
      (socket) =>
        socket.end(`${JSON_HEAD}connection: close\r\ncontent-length: ${WHOLE.length}\r\n\r\n${WHOLE}`),
    ],
    [
      'a last chunk',
      (socket) =>
        socket.write(
          `${JSON_HEAD}transfer-encoding: chunked\r\n\r\n${WHOLE.length.toString(16)}\r\n${WHOLE}\r\n0\r\n\r\n`,
        ),
    ],
  ])('An answer with %s is relayed byte for byte, to an order and to a read', async (_what, next) => {
    play = next;
    for (const [target, method] of [
      [ORDER, 'POST'],
      ['/api/v3/account', 'GET'],
    ] as const) {
      const reply = await send(proxy.port, target, { method, headers: agent });
      expect(reply).toMatchObject({ status: 200, text: WHOLE });
      expect(reply.headers['x-proxy-outcome']).toBe('answered');
    }
  });
});
