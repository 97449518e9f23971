import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { loadSettings } from '../../src/config/load-settings.ts';
import { RealisedResults } from '../../src/orders/resting/realised-results.ts';
import { RestingOrders } from '../../src/orders/resting/resting-orders.ts';
import { OwnBook } from '../../src/watch/own-book.ts';
import { OwnOrders } from '../../src/watch/own-orders.ts';
import { Watch } from '../../src/watch/watch.ts';
import { folderWith } from '../support/fixtures/config-folder.ts';
import { SEED } from '../support/properties.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const START_MS = Date.UTC(2026, 0, 5);

let server: WebSocketServer;
const sockets: { readonly socket: WebSocket; readonly openedMs: number }[] = [];
beforeEach(async () => {
  server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  server.on('connection', (socket) => sockets.push({ socket, openedMs: Date.now() }));
  await once(server, 'listening');
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'], now: START_MS });
});
afterEach(() => {
  vi.useRealTimers();
  for (const { socket } of sockets.splice(0)) socket.terminate();
  server.close();
});

/** Lets what is under way on loopback arrive, however long that takes here. */
async function settle(isDone: () => boolean): Promise<void> {
  for (let turns = 0; turns < 20_000 && !isDone(); turns++) await turn();
  for (let turns = 0; turns < 20; turns++) await turn();
}

it('In 25 h streams are renewed before Binance ends them, keys kept alive, and no gap goes unasked', async () => {
  let state = SEED >>> 0;
  const random = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const settings = loadSettings({
    cwd: folderWith({}),
    env: { BINANCE_API_KEY: 'a'.repeat(64), BINANCE_API_SECRET: 's'.repeat(64) },
  });
  const watched = {
    ...settings,
    accountWatches: new Map([
      [
        'main',
        { envPrefix: 'BINANCE', keyMaxAgeDays: 90, streams: ['usdm'] as const, onForeign: 'tell' as const },
      ],
    ]),
  };
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const resting = new RestingOrders();
  resting.watch('main', 'usdm');
  const monotonicNow = () => performance.now();
  const own = new OwnOrders(() => true, undefined, monotonicNow);
  const realised = new RealisedResults();
  const keptAlive: number[] = [Date.now()];
  const asked: { readonly sinceMs: number; readonly atMs: number }[] = [];
  const notes: string[] = [];
  let failing = 0;
  const watch = new Watch({
    ...{ own, resting, realised, monotonicNow, settings: () => watched, wallNow: () => Date.now() },
    book: new OwnBook({ own, resting, realised, auditDir: () => undefined }),
    async open() {
      const socket = new WebSocket(url);
      await once(socket, 'open');
      socket.pause();
      // The key of a new stream is kept alive by asking for it.
      keptAlive.push(Date.now());
      const keepAlive = async () => void keptAlive.push(Date.now());
      return { socket, takeOver: () => [], keepAlive };
    },
    async ask(_account, _family, target) {
      if (failing > 0) {
        failing--;
        return { status: 503, text: '' };
      }
      const sinceMs = new URL(target, 'http://x').searchParams.get('startTime');
      if (sinceMs !== null) asked.push({ sinceMs: Number(sinceMs), atMs: Date.now() });
      return { status: 200, text: '[]' };
    },
    trail: { note: ({ event }) => notes.push(event) > 0 },
    enter: () => {},
  });
  watch.start([], undefined);
  const newest = () => sockets.findLast(({ socket }) => socket.readyState === WebSocket.OPEN);
  const isSeen = () => watch.states[0]?.watching === true && resting.sight('main', 'usdm') === 'watched';
  await settle(isSeen);
  const event = JSON.stringify({
    e: 'ORDER_TRADE_UPDATE',
    o: { s: 'BTCUSDT', i: 1, c: 'mine', x: 'NEW', X: 'NEW' },
  });
  own.take({
    client: 'bot',
    account: 'main',
    upstream: 'usdm',
    path: '/fapi/v1/order',
    clientOrderId: 'mine',
    orders: [],
  });
  newest()?.socket.send(event);
  await settle(() => resting.open('bot', 0) === 1);
  const gaps: number[] = [];
  for (let minute = 0; minute < 25 * 60; minute++) {
    await vi.advanceTimersByTimeAsync(MINUTE_MS);
    const opened = sockets.filter(({ socket }) => socket.readyState === WebSocket.OPEN);
    for (const { socket, openedMs } of opened) {
      expect(Date.now() - openedMs).toBeLessThan(24 * HOUR_MS);
      socket.ping();
    }
    await settle(isSeen);
    expect(Date.now() - (keptAlive.at(-1) ?? 0)).toBeLessThan(HOUR_MS);
    // At first the connection is lost now and then, and the first questions fail; later it has its whole life.
    if (minute % 10 === 5 && minute < 60) {
      gaps.push(Date.now());
      failing = random() < 0.5 ? 0 : 2;
      newest()?.socket.terminate();
      await settle(() => watch.states[0]?.watching === false);
      const before = asked.length;
      for (let second = 0; second < 90 && !(isSeen() && asked.length > before); second++) {
        await vi.advanceTimersByTimeAsync(1_000);
        await settle(isSeen);
      }
      expect(isSeen()).toBe(true);
    }
  }
  expect(gaps).toHaveLength(6);
  // Each gap was asked for from its beginning on, after it had begun.
  for (const lostMs of gaps)
    expect(asked.some(({ sinceMs, atMs }) => sinceMs <= lostMs && atMs >= lostMs)).toBe(true);
  expect(notes.filter((event) => event === 'watch.blind')).toHaveLength(gaps.length);
  expect(sockets.length).toBeGreaterThan(gaps.length + 1);
  watch.close();
}, 60_000);
