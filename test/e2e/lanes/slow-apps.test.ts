import { createConnection, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { send } from '../../support/clients/http.ts';
import { startTestProxy, type TestProxy } from '../../support/servers/proxy.ts';
import { startUpstream, type Upstream } from '../../support/servers/upstream.ts';

const BOT = 'b'.repeat(64);
const OTHER = 'o'.repeat(64);
const PERMISSIONS = 'permissions: [market-data, read, spot-margin-trade]';
const YAML = `
clients:
  bot: { account: main, envPrefix: BOT, ${PERMISSIONS} }
  other: { account: main, envPrefix: OTHER, ${PERMISSIONS} }
`;
const ORDER = 'symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=1&timeInForce=GTC';
const CANCEL = '/api/v3/order?symbol=BTCUSDT&orderId=1';

let upstream: Upstream;
let proxy: TestProxy;
let sockets: Socket[];
beforeEach(async () => {
  upstream = await startUpstream();
  upstream.respond(({ target }, response) => {
    if (target.includes('/depth')) response.end(Buffer.alloc(16 * 1024 * 1024, 'x'));
    else response.end('{"orderId":1}');
  });
  proxy = await startTestProxy({
    upstream: upstream.url,
    env: { BOT_CLIENT_KEY: BOT, OTHER_CLIENT_KEY: OTHER },
    yaml: YAML,
    timeouts: { callsPerUpstream: 20, slowReaderMs: 2_000 },
  });
  sockets = [];
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await proxy.close();
  await upstream.close();
});

/** An app that writes this and reads nothing. */
function write(text: string): Socket {
  const socket = createConnection({ host: '127.0.0.1', port: proxy.port });
  socket.on('error', () => {});
  socket.pause();
  socket.write(text);
  sockets.push(socket);
  return socket;
}

const head = (method: string, target: string, key: string, further = '') =>
  `${method} ${target} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: app\r\nX-MBX-APIKEY: ${key}\r\n${further}\r\n`;

async function tradeAs(key: string): Promise<unknown[]> {
  const headers = { 'x-mbx-apikey': key };
  const { port } = proxy;
  return [
    (await send(port, '/api/v3/order', { method: 'POST', headers, body: ORDER })).status,
    (await send(port, CANCEL, { method: 'DELETE', headers })).status,
  ];
}

describe('apps that read nothing', () => {
  it('Their reads take no place of another client, of an order or a cancel, and are dropped after a while', async () => {
    // Equal calls would share one otherwise.
    const depth = head('GET', '/api/v3/depth?symbol=BTCUSDT', BOT, 'Cache-Control: no-cache\r\n');
    for (let number = 0; number < 30; number++) write(depth);
    await expect.poll(() => proxy.parts.underWay.total).toBe(8);
    const reply = await send(proxy.port, '/api/v3/account', { headers: { 'x-mbx-apikey': OTHER } });
    expect(reply.status).toBe(200);
    expect([await tradeAs(OTHER), await tradeAs(BOT)]).toEqual([
      [200, 200],
      [200, 200],
    ]);
    await expect.poll(() => proxy.parts.underWay.total, { timeout: 20_000 }).toBe(0);
    await expect
      .poll(() => proxy.records('call.completed').filter(({ path }) => path === '/api/v3/depth').length)
      .toBe(8);
  });

  it('An order whose answer nobody takes has given its place back, and is recorded to its end', async () => {
    const pipelined = head('POST', `/api/v3/order?${ORDER}`, BOT, 'Content-Length: 0\r\n').repeat(3);
    write(pipelined);
    await expect.poll(() => proxy.records('call.completed').length).toBe(3);
    expect(proxy.parts.underWay.total).toBe(0);
    for (const record of proxy.records('call.completed'))
      expect(record).toMatchObject({ outcome: 'answered', orderId: '1' });
  });
});

describe('bodies that do not come', () => {
  const unfinished = (key: string) =>
    write(`${head('POST', '/api/v3/order', key, 'Content-Length: 262144\r\n')}${'x'.repeat(200_000)}`);
  const refused = () => proxy.records('call.refused').filter(({ rule }) => rule === 'bodies of one client');

  it('They take the memory of one client’s part, and the orders of others and cancels are read', async () => {
    for (let number = 0; number < 100; number++) unfinished(BOT);
    await expect.poll(() => refused().length).toBe(100 - 57);
    expect(await tradeAs(OTHER)).toEqual([200, 200]);
    const headers = { 'x-mbx-apikey': BOT };
    const own = { method: 'DELETE', headers, body: 'symbol=BTCUSDT&orderId=1' };
    expect((await send(proxy.port, '/api/v3/order', own)).status).toBe(200);
    for (const socket of sockets) socket.destroy();
    await expect.poll(() => tradeAs(BOT)).toEqual([200, 200]);
  });
});
