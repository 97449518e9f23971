import { createConnection } from 'node:net';
import { describe, expect, it } from 'vitest';
import { BOT, stageShared } from '../../support/servers/shared-stage.ts';

const OFF = 'merge: false, exchangeInfo: false, klines: false, tickers: false, depth: false';
const stage = stageShared(OFF);

const TARGETS = [
  '/api/v3/exchangeInfo',
  '/api/v3/klines?symbol=BTCUSDT&interval=1m&limit=1000',
  '/api/v3/ticker/24hr',
  '/api/v3/depth?symbol=BTCUSDT',
];
/** A body in two pieces without a length, and a small one with it. */
const PIECES = ['[["1",', '"2"]]'];

/** What comes back for one request, byte for byte, less what differs each time. */
async function raw(target: string): Promise<string> {
  const sent = stage.waiting.length;
  const socket = createConnection({ host: '127.0.0.1', port: stage.proxy.port });
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.write(
    `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: app\r\nAccept-Encoding: gzip\r\nX-MBX-APIKEY: ${BOT}\r\nConnection: close\r\n\r\n`,
  );
  await stage.arrived(sent + 1);
  const response = stage.waiting[sent]?.response;
  response?.writeHead(200, {
    'content-type': 'application/json;charset=UTF-8',
    'x-mbx-used-weight-1m': '3',
    'x-mbx-uuid': 'u-1',
    'x-other': 'never comes back',
    date: 'Sun, 29 Nov 2026 00:00:00 GMT',
  });
  response?.write(PIECES[0]);
  await expect.poll(() => text, { interval: 2 }).toContain(PIECES[0]);
  response?.end(PIECES[1]);
  await closed;
  return text.replace(/(x-proxy-request-id: )[0-9a-v]{20}/, '$1ID');
}

/** As it was before anything was shared. */
const answer = (weight: number) =>
  [
    'HTTP/1.1 200 OK',
    'content-type: application/json;charset=UTF-8',
    'x-mbx-used-weight-1m: 3',
    'x-mbx-uuid: u-1',
    'date: Sun, 29 Nov 2026 00:00:00 GMT',
    'x-proxy-request-id: ID',
    'x-proxy-outcome: answered',
    `x-proxy-weight: ${weight}`,
    'Connection: close',
    'Transfer-Encoding: chunked',
    '',
    '6',
    PIECES[0],
    '5',
    PIECES[1],
    '0',
    '',
    '',
  ].join('\r\n');

describe('with nothing shared', () => {
  it('Every call is sent, however equal and however close together, and costs its own weight', async () => {
    for (const target of TARGETS) {
      const sent = stage.waiting.length;
      const calls = [1, 2, 3].map(() => stage.ask(target, { key: BOT }));
      await stage.arrived(sent + 3);
      expect(stage.proxy.parts.shared.waiting).toBe(0);
      for (const index of [0, 1, 2]) stage.answer(sent + index, { index });
      const replies = await Promise.all(calls);
      expect(new Set(replies.map(({ text }) => text)).size).toBe(3);
      for (const { headers } of replies) {
        expect(headers).not.toHaveProperty('x-proxy-cache');
        expect(Number(headers['x-proxy-weight'])).toBeGreaterThan(0);
      }
    }
    expect(stage.proxy.parts.shared.keptBytes).toBe(0);
    const records = stage.proxy.records('call.completed');
    expect(records.filter(({ cache }) => cache !== undefined)).toEqual([]);
  });

  it('An answer has the bytes and the headers that it had, and so has the first of those that are shared', async () => {
    const weights = [20, 2, 80, 5];
    for (const [index, target] of TARGETS.entries())
      expect(await raw(target)).toBe(answer(weights[index] ?? 0));
    await stage.restart('merge: true, exchangeInfo: true, klines: true, tickers: true, depth: true');
    for (const [index, target] of TARGETS.entries())
      expect(await raw(target)).toBe(answer(weights[index] ?? 0));
  });

  it('What goes to Binance is the same with and without', async () => {
    await raw(TARGETS[1] ?? '');
    const without = stage.waiting.at(-1)?.received;
    await stage.restart('merge: true');
    await raw(TARGETS[1] ?? '');
    const host = without?.headers.host;
    expect(stage.waiting.at(-1)?.received).toEqual({ ...without, headers: { ...without?.headers, host } });
  });
});
