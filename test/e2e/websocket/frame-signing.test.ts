import { createHmac, generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connectApp, type WsApp } from '../../support/clients/ws-app.ts';
import { runs } from '../../support/properties.ts';
import { startTestProxy, TEST_KEY, type TestProxy } from '../../support/servers/proxy.ts';
import { okFrame, startWsUpstream, type WsUpstream, wsEnv } from '../../support/servers/ws-upstream.ts';

/** ES2026 `JSON.rawJSON`, which the compiler's library does not name yet. */
const rawJson = (text: string): unknown =>
  (JSON as unknown as { rawJSON(source: string): unknown }).rawJSON(text);
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
let app: WsApp;
beforeAll(async () => {
  upstream = await startWsUpstream();
  proxy = await startTestProxy({ upstream: upstream.url, env: wsEnv(upstream) });
  app = await connectApp(`${proxy.url}/ws-api/v3`);
});
beforeEach(() => upstream.respond((frame, socket) => socket.send(okFrame(frame))));
afterAll(async () => {
  await app.close();
  await proxy.close();
  await upstream.close();
});

describe('a frame of an app without a key', () => {
  it('A frame arrives signed, sorted, with the real key, and its answer comes back byte for byte', async () => {
    upstream.respond((_frame, socket) =>
      socket.send(
        '{"id":7,"status":200,"result":{"orderId":12345678901234567890,"clientOrderId":"x"},"rateLimits":[]}',
      ),
    );
    const reply = app.until((_reply, text) => text.includes('12345678901234567890'));
    app.socket.send(JSON.stringify({ id: 7, method: 'order.place', params: ORDER }));
    await reply;
    expect(app.texts.at(-1)).toBe(
      '{"id":7,"status":200,"result":{"orderId":12345678901234567890,"clientOrderId":"x"},"rateLimits":[]}',
    );
    const frame = upstream.frames.at(-1)!;
    expect(frame).toMatchObject({ id: expect.anything(), method: 'order.place', verified: true });
    expect(frame.params).toMatchObject({ ...ORDER, apiKey: TEST_KEY, recvWindow: '5000' });
    const names = Object.keys(frame.params);
    expect(names.at(-1)).toBe('signature');
    expect(names.slice(0, -1)).toEqual(names.slice(0, -1).toSorted());
  });

  it('A frame loses its own key, signature and timestamp, and a smaller recvWindow is honoured', async () => {
    const own = { apiKey: 'mine', signature: 'f'.repeat(64), timestamp: Date.now(), recvWindow: 1234.5 };
    await app.ask('account.status', own);
    const frame = upstream.frames.at(-1)!;
    expect(frame).toMatchObject({ verified: true, params: { apiKey: TEST_KEY, recvWindow: '1234.5' } });
    expect(frame.text).not.toContain('mine');
    await app.ask('account.status', { ...own, recvWindow: '60000' });
    expect(upstream.frames.at(-1)!.params.recvWindow).toBe('5000');
  });

  it('A frame gets a client order id when it has none, and keeps its own', async () => {
    await app.ask('order.place', ORDER);
    expect(upstream.frames.at(-1)!.params.newClientOrderId).toMatch(/^bsp-/);
    await app.ask('order.place', { ...ORDER, newClientOrderId: 'my own' });
    expect(upstream.frames.at(-1)!.params.newClientOrderId).toBe('my own');
    await app.ask('orderList.place.oco', { symbol: 'A', listClientOrderId: '' });
    expect(upstream.frames.at(-1)).toMatchObject({ verified: true });
    expect(upstream.frames.at(-1)!.params.listClientOrderId).toMatch(/^bsp-/);
  });

  it('A frame goes through bare when its method needs no security', async () => {
    await app.ask('depth', { symbol: 'BTCUSDT', limit: 5, apiKey: 'mine', timestamp: 1 });
    expect(upstream.frames.at(-1)!.text).toMatch(
      /"method":"depth","params":{"symbol":"BTCUSDT","limit":5}}$/,
    );
  });

  it('A frame is sent under the canonical name, whatever version it is asked for by', async () => {
    await app.ask('v3/order.test', ORDER);
    expect(upstream.frames.at(-1)).toMatchObject({ method: 'order.test', verified: true });
  });

  it('A frame verifies whatever its parameters are', async () => {
    const value = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.bigInt().map((n) => rawJson(String(n))),
      fc.tuple(fc.integer(), fc.nat({ max: 999_999 })).map(([a, b]) => rawJson(`${a}.${b}0`)),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.boolean(),
      fc.array(
        fc.oneof(
          fc.string(),
          fc.bigInt().map((n) => rawJson(String(n))),
        ),
      ),
      fc.dictionary(fc.string({ unit: 'grapheme' }), fc.oneof(fc.string(), fc.integer()), { maxKeys: 3 }),
    );
    const name = fc.stringMatching(/^[A-Za-z0-9_.~-]{1,12}$/);
    await fc.assert(
      fc.asyncProperty(fc.dictionary(name, value, { maxKeys: 8 }), async (params) => {
        const { status } = await app.ask('account.status', params);
        expect(status).toBe(200);
        const frame = upstream.frames.at(-1)!;
        expect(frame.verified).toBe(true);
        for (const [key, sent] of Object.entries(params)) {
          if (['apiKey', 'timestamp', 'recvWindow', 'signature'].includes(key)) continue;
          expect(frame.params[key]).toBe(typeof sent === 'string' ? sent : JSON.stringify(sent));
        }
      }),
      runs(1_000),
    );
  });
});

describe('ids', () => {
  it('Frame ids come back as they were sent, also twice at the same time', async () => {
    const held: (() => void)[] = [];
    upstream.respond((frame, socket) =>
      held.push(() =>
        socket.send(okFrame(frame, { symbol: frame.params.symbol, orderId: `order-${frame.params.symbol}` })),
      ),
    );
    const before = app.texts.length;
    for (const symbol of ['A', 'B', 'C']) {
      app.socket.send(JSON.stringify({ id: 'same', method: 'order.place', params: { ...ORDER, symbol } }));
    }
    while (held.length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
    for (const answer of held.toReversed()) answer();
    while (app.texts.length < before + 3) await new Promise((resolve) => setTimeout(resolve, 5));
    const replies = app.texts.slice(before).map((text) => JSON.parse(text));
    expect(replies.map(({ id }) => id)).toEqual(['same', 'same', 'same']);
    expect(replies.map(({ result }) => result.symbol)).toEqual(['C', 'B', 'A']);
    // Each answer is recorded with the order that it belongs to.
    for (const symbol of ['A', 'B', 'C']) {
      const completed = proxy
        .records('call.completed')
        .filter(({ orderId }) => orderId === `order-${symbol}`);
      const ids = completed.map(({ requestId }) => requestId);
      const signed = proxy.records('call.signed').filter(({ requestId }) => ids.includes(requestId));
      expect(signed).toMatchObject([{ params: { symbol } }]);
    }
  });

  it.each([1, 'x', '\u00e9"\\', 0, -5, null])('A frame id may be %j', async (id) => {
    const text = JSON.stringify({ id, method: 'time' });
    const before = app.texts.length;
    app.socket.send(text);
    while (app.texts.length === before) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(JSON.parse(app.texts.at(-1)!)).toMatchObject({ id, status: 200 });
  });
});

describe.each(['ed25519', 'rsa'] as const)('an account with an %s key', (type) => {
  it('An account with an asymmetric key has its frames signed raw in base64', async () => {
    const pair =
      type === 'rsa' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : generateKeyPairSync('ed25519');
    const publicKey = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const other = await startWsUpstream({ publicKey });
    const signing = await startTestProxy({
      upstream: other.url,
      env: {
        ...wsEnv(other),
        BINANCE_PRIVATE_KEY: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      },
    });
    const one = await connectApp(`${signing.url}/ws-api/v3`);
    try {
      await one.ask('order.place', { ...ORDER, symbol: '\uff11\uff12\uff13\uff14\uff15\uff16' });
      expect(other.frames.at(-1)).toMatchObject({ verified: true });
      await one.ask('userDataStream.subscribe');
      expect(other.frames.at(-1)).toMatchObject({
        verified: true,
        method: 'userDataStream.subscribe.signature',
      });
    } finally {
      await one.close();
      await signing.close();
      await other.close();
    }
  });
});

describe('the other families', () => {
  it('The frames of the futures APIs are signed at their own paths', async () => {
    for (const [path, place] of [
      ['/ws-fapi/v1', 'algoOrder.place'],
      ['/ws-dapi/v1', 'order.modify'],
    ] as const) {
      const one = await connectApp(`${proxy.url}${path}?returnRateLimits=false`);
      await one.ask(place, { symbol: 'BTCUSDT' });
      expect(upstream.frames.at(-1)).toMatchObject({ method: place, verified: true });
      expect(upstream.targets.at(-1)).toBe(`${path}?returnRateLimits=false`);
      await one.ask('userDataStream.start', { apiKey: 'mine' });
      const { params } = upstream.frames.at(-1)!;
      expect({ ...params }).toEqual({ apiKey: TEST_KEY });
      await one.close();
    }
  });
});

describe('the vectors of the documentation', () => {
  it('The documented vectors are what an independent verifier computes too', () => {
    // Guards the helper: the official example, word by word.
    const secret = 'NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j';
    const payload =
      'apiKey=vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A&price=52000.00&quantity=0.01000000&recvWindow=100&side=SELL&symbol=BTCUSDT&timeInForce=GTC&timestamp=1645423376532&type=LIMIT';
    expect(createHmac('sha256', secret).update(payload).digest('hex')).toBe(
      'aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24',
    );
  });
});
