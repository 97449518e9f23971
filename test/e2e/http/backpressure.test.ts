import { once } from 'node:events';
import { type IncomingMessage, request, type ServerResponse } from 'node:http';
import { createConnection } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Reply, send } from '../../support/clients/http.ts';
import { startTestProxy, type TestProxy } from '../../support/servers/proxy.ts';
import { startUpstream, type Upstream } from '../../support/servers/upstream.ts';

const MEGABYTE = 1024 * 1024;
const HEAD = 'HTTP/1.1\r\nhost: 127.0.0.1\r\nuser-agent: app\r\n\r\n';
const LARGE = '/api/v3/exchangeInfo';
/** Longer than any pause of the event loop, which app, proxy and exchange share here. */
const SLOW_READER_MS = 1_000;

let upstream: Upstream;
let proxy: TestProxy;
beforeAll(async () => {
  upstream = await startUpstream();
  proxy = await startTestProxy({
    upstream: upstream.url,
    timeouts: { slowReaderMs: SLOW_READER_MS, callsPerUpstream: 20 },
  });
});
afterAll(async () => {
  await proxy.close();
  await upstream.close();
});

/** Bytes that the upstream got rid of, and whether it was cut off before the end. */
let written = 0;
let isCut = false;
beforeEach(async () => {
  written = 0;
  isCut = false;
  await expect.poll(() => proxy.parts.underWay.total).toBe(0);
});

/** Answers with so many megabytes, as fast as they are taken. */
function flood(megabytes: number): void {
  const chunk = Buffer.alloc(MEGABYTE, 'x');
  upstream.respond((_received, response) => {
    response.on('close', () => {
      isCut = !response.writableFinished;
    });
    response.writeHead(200, { 'content-length': megabytes * MEGABYTE });
    void write(response, chunk, megabytes);
  });
}

async function write(response: ServerResponse, chunk: Buffer, times: number): Promise<void> {
  for (let i = 0; i < times && !response.destroyed; i++) {
    if (!response.write(chunk)) await drainedOrClosed(response);
    written += chunk.length;
  }
  response.end();
}

async function begin(target: string): Promise<IncomingMessage> {
  const outgoing = request({ host: '127.0.0.1', port: proxy.port, path: target, agent: false });
  outgoing.setHeader('user-agent', 'app');
  outgoing.end();
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  return incoming;
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** What is held on to, not what waits to be collected. */
function memory(): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Resolves when a response can take more or will never take any; leaves no listener behind. */
async function drainedOrClosed(response: ServerResponse): Promise<void> {
  const over = new AbortController();
  const { signal } = over;
  try {
    await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })]);
  } finally {
    over.abort();
  }
}

describe('an answer of 100 MB', () => {
  it('An answer of 100 MB passes whole while memory stays flat, however slowly the app reads', async () => {
    flood(100);
    const before = memory();
    let most = 0;
    let read = 0;
    const incoming = await begin(LARGE);
    await sleep(SLOW_READER_MS / 2);
    // What the sockets of both hops hold; without back-pressure it would be everything.
    expect(written).toBeLessThan(48 * MEGABYTE);
    for await (const chunk of incoming) {
      const at = Math.floor(read / (5 * MEGABYTE));
      read += (chunk as Buffer).length;
      if (Math.floor(read / (5 * MEGABYTE)) === at) continue;
      await sleep(5);
      most = Math.max(most, memory() - before);
    }
    expect(read).toBe(100 * MEGABYTE);
    expect(most).toBeLessThan(40 * MEGABYTE);
    expect(isCut).toBe(false);
  });

  it('An answer of which the app takes nothing is cut off, here and at Binance', async () => {
    flood(100);
    const socket = createConnection({ host: '127.0.0.1', port: proxy.port });
    socket.on('error', () => {});
    socket.pause();
    socket.write(`GET ${LARGE} ${HEAD}`);
    await expect.poll(() => isCut).toBe(true);
    await expect.poll(() => proxy.parts.underWay.total).toBe(0);
    expect(written).toBeLessThan(48 * MEGABYTE);
    // Resumed, it finds the connection at its end.
    const closed = once(socket, 'close');
    socket.resume();
    await closed;
  });

  it('An answer of which the app takes a little now and then is not cut off', async () => {
    flood(40);
    const incoming = await begin(LARGE);
    let read = 0;
    let nextRest = 4 * MEGABYTE;
    for await (const chunk of incoming) {
      read += (chunk as Buffer).length;
      if (read < nextRest) continue;
      nextRest += 4 * MEGABYTE;
      await sleep(SLOW_READER_MS / 5);
    }
    expect([read, isCut]).toEqual([40 * MEGABYTE, false]);
  });

  it('An answer to an order whose app is gone is read to its end', async () => {
    flood(30);
    const socket = createConnection({ host: '127.0.0.1', port: proxy.port });
    socket.on('error', () => {});
    socket.pause();
    socket.write(`POST /api/v3/order?symbol=A ${HEAD}`);
    await expect.poll(() => written).toBeGreaterThan(2 * MEGABYTE);
    socket.destroy();
    await expect.poll(() => written).toBe(30 * MEGABYTE);
    const orders = () => proxy.records('call.completed').filter(({ method }) => method === 'POST');
    await expect.poll(orders).toMatchObject([{ status: 200 }]);
    expect(isCut).toBe(false);
  });
});

describe('calls to one upstream', () => {
  it('Calls beyond a lane are refused at once and honestly, stronger lanes go on, and there is room again', async () => {
    const waiting: ServerResponse[] = [];
    upstream.respond((_received, response) => waiting.push(response));
    const order = '/api/v3/order?symbol=A';
    const headers = { 'user-agent': 'app' };
    const under: Promise<Reply>[] = [];
    // One client has half of what reads and orders may take, and all that is left for cancels.
    for (const [method, most] of [
      ['GET', 8],
      ['POST', 9],
      ['DELETE', 3],
    ] as const) {
      for (let number = 0; number < most; number++) under.push(send(proxy.port, order, { method, headers }));
      await expect.poll(() => waiting.length).toBe(under.length);
      const refused = await send(proxy.port, order, { method, headers });
      expect([refused.status, refused.headers['x-proxy-error'], refused.headers['x-proxy-outcome']]).toEqual([
        502,
        'PROXY_UPSTREAM_UNREACHABLE',
        'not-sent',
      ]);
      expect(refused.json?.msg).toMatch(/^Too many calls (?:of this client )?are under way/);
      expect(refused.headers['x-proxy-weight']).toBeUndefined();
    }
    expect(waiting).toHaveLength(20);
    expect(proxy.records('call.refused').map(({ rule }) => rule)).toEqual([
      'calls under way of one client',
      'calls under way of one client',
      'calls under way',
    ]);
    const elsewhere = send(proxy.port, '/fapi/v1/order?symbol=A', { headers });
    await expect.poll(() => waiting.length).toBe(21);
    for (const response of waiting) response.end('{}');
    const statuses = (await Promise.all([...under, elsewhere])).map(({ status }) => status);
    expect(statuses).toEqual(Array(21).fill(200));
    upstream.respond((_received, response) => response.end('{}'));
    expect((await send(proxy.port, order, { method: 'POST', headers })).status).toBe(200);
    expect(proxy.parts.underWay.total).toBe(0);
  });

  it('A thousand calls in a row leave room for everybody', async () => {
    upstream.respond((_received, response) => response.end('{}'));
    for (let i = 0; i < 250; i++) {
      const calls = [1, 2, 3, 4].map(() =>
        send(proxy.port, '/api/v3/ping', { headers: { 'user-agent': 'app' } }),
      );
      expect((await Promise.all(calls)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    }
    expect(proxy.parts.underWay.total).toBe(0);
  });
});
