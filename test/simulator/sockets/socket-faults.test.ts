import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Line, pick } from '../../support/clients/simulator-ws-caller.ts';
import { ALICES, LIMIT_ORDER, stageSockets } from '../../support/servers/simulator-stage.ts';

const stage = stageSockets();
const match = { path: '/ws-api/v3', method: 'order.place' };
const openOrders = () => stage.simulator.exchange.spot.orders.open('account-0').length;
const place = (line: Line) =>
  line.send(`{"id":1,"method":"order.place","params":${line.paramsText(LIMIT_ORDER)}}`);

describe('an injected socket fault', () => {
  it('A socket fault refuses a handshake with an HTTP status and headers', async () => {
    stage.simulator.injectSocket({ match: {}, kind: 'refuse-upgrade', headers: { 'Retry-After': '7' } });
    const line = new Line(`${stage.simulator.url}/ws-api/v3`);
    const [, response] = await once(line.socket, 'unexpected-response');
    line.socket.terminate();
    expect([response.statusCode, response.headers['retry-after']]).toEqual([429, '7']);
    expect(stage.simulator.upgrades.map(({ status }) => status)).toEqual([429]);
    expect((await (await stage.line('/ws-api/v3')).call('ping')).status).toBe(200);
  });

  it('A socket fault ends a connection as soon as it is accepted, with or without a close frame', async () => {
    stage.simulator.injectSocket({ match: {}, kind: 'close-at-accept', code: 1012 });
    stage.simulator.injectSocket({ match: { path: '/ws' }, kind: 'close-at-accept' });
    expect((await (await stage.line('/ws-api/v3')).closed).code).toBe(1012);
    expect((await (await stage.line('/ws')).closed).code).toBe(1006);
    expect(stage.simulator.sockets).toBe(0);
  });

  it.each([
    ['close-unexecuted', undefined, 1006, 0],
    ['close-unexecuted', 1011, 1011, 0],
    ['close-executed', undefined, 1006, 1],
    ['close-executed', 1001, 1001, 1],
  ] as const)('Fault %s with code %s closes %i and leaves %i orders', async (kind, code, seen, orders) => {
    stage.simulator.injectSocket({ match, kind, ...(code === undefined ? {} : { code }) });
    const line = await stage.line('/ws-api/v3', ALICES);
    expect((await line.call('ping')).status).toBe(200);
    place(line);
    expect((await line.closed).code).toBe(seen);
    expect(openOrders()).toBe(orders);
    expect(stage.simulator.frames.at(-1)).toMatchObject({ verified: true, status: undefined });
  });

  it.each([
    [false, 0],
    [true, 1],
  ])('A socket fault stalls one answer, executed %s, and goes on with the next', async (execute, orders) => {
    stage.simulator.injectSocket({ match, kind: 'stall', execute });
    const line = await stage.line('/ws-api/v3', ALICES);
    place(line);
    line.send('{"id":2,"method":"ping"}');
    expect(pick(await line.next(), 'id')).toBe(2);
    expect(openOrders()).toBe(orders);
  });

  it('A subscriber hears of an order whose answer was lost', async () => {
    stage.simulator.injectSocket({ match, kind: 'close-executed' });
    const listener = await stage.line('/ws-api/v3', ALICES);
    await listener.signed('userDataStream.subscribe.signature');
    place(await stage.line('/ws-api/v3', ALICES));
    expect(pick(await listener.next(), 'event', 'x')).toBe('NEW');
  });

  it('A socket fault delays an answer behind later ones', async () => {
    stage.simulator.injectSocket({ match, kind: 'delay', ms: 100 });
    const line = await stage.line('/ws-api/v3', ALICES);
    place(line);
    line.send('{"id":2,"method":"ping"}');
    expect([pick(await line.next(), 'id'), pick(await line.next(), 'id')]).toEqual([2, 1]);
  });

  it('A socket fault sends garbage ahead of an answer, or instead', async () => {
    stage.simulator.injectSocket({ match, kind: 'garbage' });
    stage.simulator.injectSocket({ match, kind: 'garbage', text: '{"id":1}', instead: true });
    const line = await stage.line('/ws-api/v3', ALICES);
    place(line);
    expect([await line.nextText(), pick(await line.next(), 'status')]).toEqual(['{"id":', 200]);
    place(line);
    line.send('{"id":2,"method":"ping"}');
    expect([await line.nextText(), pick(await line.next(), 'id')]).toEqual(['{"id":1}', 2]);
    expect(openOrders()).toBe(2);
  });

  it('A socket fault answers with any error, not carried out', async () => {
    const data = { serverTime: 1, retryAfter: 2 };
    const error = { kind: 'error', status: 503, code: -1008, message: 'busy', data } as const;
    stage.simulator.injectSocket({ match, ...error });
    const line = await stage.line('/ws-api/v3', ALICES);
    expect(await line.signed('order.place', LIMIT_ORDER)).toMatchObject({
      status: 503,
      error: { code: -1008, msg: 'busy', data },
    });
    expect(openOrders()).toBe(0);
  });
});

describe('all open sockets', () => {
  it('All open sockets are told of a shutdown, each in its own form', async () => {
    const [api, raw, combined] = [
      await stage.line('/ws-api/v3'),
      await stage.line('/ws/btcusdt@trade'),
      await stage.line('/stream?streams=btcusdt@trade'),
    ];
    stage.simulator.announceShutdown();
    const E = expect.any(Number);
    expect(await api.next()).toEqual({ event: { e: 'serverShutdown', E } });
    expect(await raw.next()).toEqual({ e: 'serverShutdown', E });
    expect(await combined.next()).toEqual({ stream: '!serverShutdown', data: { e: 'serverShutdown', E } });
  });

  it('All open sockets can be closed at once, and are counted', async () => {
    const lines = [await stage.line('/ws-api/v3'), await stage.line('/ws')];
    expect(stage.simulator.sockets).toBe(2);
    stage.simulator.closeSockets(1001, 'bye');
    expect(await Promise.all(lines.map((line) => line.closed))).toEqual([
      { code: 1001, reason: 'bye' },
      { code: 1001, reason: 'bye' },
    ]);
  });
});

describe('a connection', () => {
  const short = stageSockets({ webSocket: { lifeMs: 300, pingIntervalMs: 20 } });
  const deaf = stageSockets({ webSocket: { pingIntervalMs: 20, pongTimeoutMs: 1_000 } });
  const rare = stageSockets({ webSocket: { connectionsPer5Minutes: 2 } });

  it('A connection is pinged, and closed at the end of its life', async () => {
    const line = await short.line('/ws-api/v3');
    const [payload] = await once(line.socket, 'ping');
    expect(payload.toString()).toMatch(/^\d{13}$/);
    expect((await line.closed).code).toBe(1001);
    await expect.poll(() => short.simulator.sockets).toBe(0);
  });

  it('A connection that does not answer pings is cut off, and one that does is kept', async () => {
    const mute = new Line(`${deaf.simulator.url}/ws`);
    mute.socket.pong = () => {};
    const line = await deaf.line('/ws');
    expect((await mute.closed).code).toBe(1006);
    line.send('{"method":"LIST_SUBSCRIPTIONS","id":1}');
    expect(pick(await line.next(), 'id')).toBe(1);
  });

  it('A connection is refused with 429 after too many in five minutes, APIs and streams counted each', async () => {
    for (const path of ['/ws-api/v3', '/ws-fapi/v1', '/ws', '/stream']) await rare.line(path);
    const line = new Line(`${rare.simulator.url}/ws-api/v3`);
    const [, response] = await once(line.socket, 'unexpected-response');
    line.socket.terminate();
    expect(response.statusCode).toBe(429);
    expect(Number(response.headers['retry-after'])).toBeGreaterThan(0);
  });
});
