import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { ProxyError } from '../../src/core/errors.ts';
import { AccountStream, type AccountStreamOptions } from '../../src/watch/account-stream.ts';
import type { WatchEvent } from '../../src/watch/watch-event.ts';

let server: WebSocketServer;
let url: string;
const connected: WebSocket[] = [];
const streams: AccountStream[] = [];
beforeEach(async () => {
  server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  server.on('connection', (socket) => connected.push(socket));
  await once(server, 'listening');
  url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  for (const stream of streams.splice(0)) stream.close();
  for (const socket of connected.splice(0)) socket.terminate();
  server.close();
});

function start(more: Partial<AccountStreamOptions> = {}, keepAlive?: () => Promise<void>) {
  const heard: string[] = [];
  const opened: (number | undefined)[] = [];
  const blind: string[] = [];
  const stream = new AccountStream({
    account: 'main',
    family: 'spot',
    async open() {
      const socket = new WebSocket(url);
      await once(socket, 'open');
      socket.pause();
      return { socket, takeOver: () => [], keepAlive };
    },
    onEvent: (event: WatchEvent) => {
      if (event.kind === 'order') heard.push(event.report.orderId);
    },
    onOpened: (sinceMs) => opened.push(sinceMs),
    onBlind: (why) => blind.push(why),
    wallNow: () => Date.now(),
    ...more,
  });
  streams.push(stream);
  stream.start();
  return { stream, heard, opened, blind };
}

const report = (id: number) =>
  JSON.stringify({ event: { e: 'executionReport', s: 'BTCUSDT', i: id, c: 'x' } });

describe('the stream of a watched account', () => {
  it('Is renewed before its end, the new one first: nothing is lost between them, and the old one is closed', async () => {
    const { heard, blind, stream } = start({ renewMs: 60 });
    await expect.poll(() => connected.length).toBeGreaterThan(3);
    expect(blind).toEqual([]);
    let id = 0;
    const tell = () => {
      id++;
      for (const socket of connected) if (socket.readyState === WebSocket.OPEN) socket.send(report(id));
    };
    const untilMs = performance.now() + 600;
    while (performance.now() < untilMs) {
      tell();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await expect.poll(() => new Set(heard).size).toBe(id);
    expect(stream.isOpen).toBe(true);
    await expect
      .poll(() => connected.filter(({ readyState }) => readyState === WebSocket.OPEN).length)
      .toBeLessThanOrEqual(2);
  });

  it('Is opened again when it ends, with the time since when something may have been missed', async () => {
    const { opened, blind, heard } = start();
    await expect.poll(() => opened).toEqual([undefined]);
    connected[0]?.send(report(1));
    await expect.poll(() => heard).toEqual(['1']);
    const beforeMs = Date.now();
    connected[0]?.terminate();
    await expect.poll(() => blind).toEqual(['the connection ended (1006)']);
    await expect.poll(() => opened.length, { timeout: 5_000 }).toBe(2);
    expect(opened[1]).toBeLessThanOrEqual(beforeMs);
    connected[1]?.send('{"event":{"e":"eventStreamTerminated"}}');
    await expect.poll(() => opened.length, { timeout: 5_000 }).toBe(3);
  });

  it('Is opened again when it cannot be kept alive, and tried again when it cannot be opened', async () => {
    let failures = 0;
    const { blind, stream } = start({ keepAliveMs: 30 }, async () => {
      failures++;
      if (failures === 2) throw new Error('gone');
    });
    await expect.poll(() => blind, { timeout: 5_000 }).toEqual(['the stream could not be kept alive']);
    await expect.poll(() => stream.isOpen, { timeout: 5_000 }).toBe(true);
    let tries = 0;
    const never = start({
      async open() {
        tries++;
        throw new Error('no way');
      },
    });
    await expect.poll(() => tries, { timeout: 5_000 }).toBeGreaterThan(1);
    expect(never.blind[0]).toBe('no way');
  });

  it('That a used up budget refuses is opened when its window ends, not at a pause that meets each window full', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const triedMs: number[] = [];
      let nowMs = 0;
      start({
        async open() {
          triedMs.push(nowMs);
          const retryAfterSeconds = 60 - ((nowMs / 1_000) % 60);
          throw new ProxyError('PROXY_WEIGHT_EXHAUSTED', 'Used up.', { retryAfterSeconds });
        },
      });
      for (nowMs = 1_000; nowMs <= 180_000; nowMs += 1_000) await vi.advanceTimersByTimeAsync(1_000);
      expect(triedMs).toEqual([0, 60_000, 120_000, 180_000]);
    } finally {
      vi.useRealTimers();
    }
  });
});
