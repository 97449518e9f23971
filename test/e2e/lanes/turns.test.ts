import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { createConnection, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Turns } from '../../../src/pipeline/clients/turns.ts';
import { send } from '../../support/clients/http.ts';
import { connectApp } from '../../support/clients/ws-app.ts';
import { startTestProxy, type TestProxy } from '../../support/servers/proxy.ts';
import { startUpstream, type Upstream } from '../../support/servers/upstream.ts';
import { openWsStage } from '../../support/servers/ws-stage.ts';

const BOT = 'b'.repeat(64);
const OTHER = 'o'.repeat(64);
const ENV = { BOT_CLIENT_KEY: BOT, OTHER_CLIENT_KEY: OTHER };
const PERMISSIONS = 'permissions: [market-data, read, spot-margin-trade]';
const YAML = `
clients:
  bot: { account: main, envPrefix: BOT, ${PERMISSIONS} }
  other: { account: main, envPrefix: OTHER, ${PERMISSIONS} }
`;

/** Empty for what is closed meanwhile. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

const endOfTurn = () => new Promise((resolve) => setImmediate(resolve));

describe('the processor', () => {
  it('A call begins at once where nobody else calls', () => {
    const turns = new Turns();
    const begun: string[] = [];
    turns.take('a', 'identified', () => begun.push('a'));
    expect(begun).toEqual(['a']);
  });

  it('One call of another client waits for one of each client, not for all that came before it', async () => {
    const turns = new Turns();
    const begun: string[] = [];
    for (let number = 0; number < 1_000; number++) turns.take('loud', 'orders', () => begun.push('loud'));
    turns.take('quiet', 'identified', () => begun.push('quiet'));
    const before = begun.length;
    expect(before).toBeLessThan(20);
    await endOfTurn();
    await endOfTurn();
    expect(begun.indexOf('quiet')).toBeLessThan(before + 2);
    for (let turn = 0; turn < 1_000 && begun.length < 1_001; turn++) await endOfTurn();
    expect(begun.length).toBe(1_001);
  });

  it('Of a client’s own calls the cancels come first, then the orders; equal ones in their order', async () => {
    const turns = new Turns();
    const begun: string[] = [];
    for (let number = 0; number < 100; number++) turns.take('other', 'orders', () => {});
    for (const lane of ['identified', 'orders', 'cancels'] as const)
      for (const number of [1, 2]) turns.take('bot', lane, () => begun.push(`${lane} ${number}`));
    for (let turn = 0; turn < 100 && begun.length < 6; turn++) await endOfTurn();
    expect(begun).toEqual(['cancels 1', 'cancels 2', 'orders 1', 'orders 2', 'identified 1', 'identified 2']);
  });
});

describe('connections with many calls at once', () => {
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

  const lookUp = (number: number, key = BOT) =>
    `GET /api/v3/order?symbol=BTCUSDT&orderId=${number} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: app\r\nX-MBX-APIKEY: ${key}\r\n\r\n`;
  /** Of the proxy, of what it sends to, and of the apps: all are in this process. */
  const openSockets = () =>
    readdirSync('/proc/self/fd').filter((fd) => linkOf(`/proc/self/fd/${fd}`).startsWith('socket:')).length;
  const orderIds = () =>
    upstream.received.map(({ target }) => Number(new URLSearchParams(target.split('?')[1]).get('orderId')));

  function connect(): { socket: Socket; text: () => string; closed: Promise<unknown> } {
    const socket = createConnection({ host: '127.0.0.1', port: proxy.port });
    const pieces: string[] = [];
    socket.on('error', () => {});
    socket.on('data', (piece: Buffer) => pieces.push(piece.toString('latin1')));
    return {
      socket,
      text: () => pieces.join(''),
      closed: new Promise((resolve) => socket.once('close', resolve)),
    };
  }

  it('Eight are served, one more is refused behind their answers, the connection ends, and none of the rest left', async () => {
    const hanging: ServerResponse[] = [];
    upstream.respond((_received, response) => void hanging.push(response));
    const app = connect();
    app.socket.write(Array.from({ length: 200 }, (_, number) => lookUp(number)).join(''));
    await expect.poll(() => hanging.length).toBe(8);
    app.socket.write(lookUp(999));
    for (const response of hanging) response.end('{"orderId":1}');
    await app.closed;
    const answers = app.text().split('HTTP/1.1 ').slice(1);
    expect(answers.map((answer) => answer.slice(0, 3))).toEqual([...Array(8).fill('200'), '429']);
    expect(answers.at(-1)).toContain('x-proxy-error: PROXY_CLIENT_RATE_LIMITED');
    expect(answers.at(-1)).toContain('retry-after: 1');
    expect(answers.at(-1)).toContain('connection: close');
    expect(orderIds()).toEqual(Array.from({ length: 8 }, (_, number) => number));
    expect(proxy.records('call.refused').map(({ rule }) => rule)).toEqual([
      'unanswered calls on a connection',
    ]);
  });

  it.skipIf(process.platform !== 'linux').each([
    ['that sends ahead and goes', lookUp(1).repeat(300), 'goes'],
    ['that sends ahead and never closes its side', lookUp(1).repeat(300), 'stays'],
    ['that sends garbage and goes', 'GARBAGE\r\n\r\n', 'goes'],
    ['that sends garbage and never closes its side', 'GARBAGE\r\n\r\n', 'stays'],
  ])('Nothing is left of a connection %s', async (_, text, ending) => {
    const before = openSockets();
    const apps = Array.from({ length: 20 }, () =>
      createConnection({ host: '127.0.0.1', port: proxy.port, allowHalfOpen: ending === 'stays' }),
    );
    for (const app of apps)
      app
        .on('error', () => {})
        .resume()
        .write(text);
    await Promise.all(apps.map((app) => once(app, 'end').catch(() => {})));
    if (ending === 'goes') for (const app of apps) app.destroy();
    await expect
      .poll(() => openSockets() - apps.filter(({ destroyed }) => !destroyed).length)
      .toBeLessThanOrEqual(before);
    for (const app of apps) app.destroy();
  });

  it('Whoever waits for its answers sends as many as it wants on one connection', async () => {
    const app = connect();
    const answered = () => app.text().split('HTTP/1.1 200').length - 1;
    for (let round = 1; round <= 10; round++) {
      app.socket.write(Array.from({ length: 8 }, (_, number) => lookUp(round * 100 + number)).join(''));
      await expect.poll(answered).toBe(round * 8);
    }
    app.socket.destroy();
  });

  it('A call passes by all that another client has sent before it', async () => {
    const loud = Array.from({ length: 40 }, connect);
    const sentBefore = 40 * 8;
    for (const [index, { socket }] of loud.entries())
      socket.write(Array.from({ length: 8 }, (_, number) => lookUp(1_000 + index * 8 + number)).join(''));
    await expect.poll(() => upstream.received.length).toBeGreaterThan(0);
    const { status } = await send(proxy.port, '/api/v3/order?symbol=BTCUSDT&orderId=7', {
      headers: { 'x-mbx-apikey': OTHER },
    });
    expect(status).toBe(200);
    await expect.poll(() => upstream.received.length).toBe(sentBefore + 1);
    expect(orderIds().indexOf(7)).toBeLessThan(sentBefore - 8);
    for (const { socket } of loud) socket.destroy();
  });
});

describe('frames', () => {
  it('Many frames of one piece reach Binance in the order in which they came, and each is answered', async () => {
    const stage = await openWsStage('HMAC', { env: ENV, yaml: YAML });
    const app = await connectApp(`${stage.wsUrl}/ws-api/v3`, { headers: { 'x-mbx-apikey': BOT } });
    const ids = Array.from({ length: 60 }, (_, number) => `frame ${number}`);
    await Promise.all(ids.map((id) => app.ask('ticker.price', { symbol: 'BTCUSDT' }, id)));
    expect(stage.simulator.frames.map(({ text }) => JSON.parse(text).id)).toEqual(ids);
    await app.close();
    await stage.close();
  });
});
