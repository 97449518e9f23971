import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { demoAccount } from '../../src/simulator/accounts/demo-account.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { hmacSigner, member, SignedCaller, send } from '../support/clients/signed-caller.ts';
import { ALICE, stageSimulator } from '../support/servers/running-simulator.ts';

const stage = stageSimulator();
const ORDER = {
  symbol: 'BTCUSDT',
  side: 'BUY',
  type: 'LIMIT',
  timeInForce: 'GTC',
  quantity: '0.01',
  price: '50000',
};
const match = { method: 'POST', path: '/api/v3/order' };
const place = () => stage.alice.call('POST', '/api/v3/order', ORDER);
const openOrders = () => stage.simulator.exchange.spot.orders.open('account-0').length;

describe('an injected fault', () => {
  it('An injected fault hits the requests it names, as often as it says', async () => {
    stage.simulator.inject({
      match,
      times: 2,
      kind: 'status',
      status: 503,
      body: '{"code":-1008,"msg":"busy"}',
    });
    expect((await send(stage.simulator.url, 'GET', '/api/v3/ping')).status).toBe(200);
    const statuses = [(await place()).status, (await place()).status, (await place()).status];
    expect([statuses, openOrders()]).toEqual([[503, 503, 200], 1]);
    expect(stage.simulator.requests.map(({ status, code, verified }) => [status, code, verified])).toEqual([
      [200, undefined, true],
      [503, -1008, true],
      [503, -1008, true],
      [200, undefined, true],
    ]);
  });
  it('An injected fault can be any status with any body and headers', async () => {
    stage.simulator.inject({
      match: {},
      kind: 'status',
      status: 403,
      body: '<html>',
      contentType: 'text/html',
      headers: { 'Retry-After': '7' },
    });
    const { status, headers, body } = await place();
    expect([status, headers['content-type'], headers['retry-after'], body.toString()]).toEqual([
      403,
      'text/html',
      '7',
      '<html>',
    ]);
  });
  it('An injected fault drops the connection with or without carrying the request out', async () => {
    const outcomes: unknown[] = [];
    for (const kind of ['drop-before-read', 'drop-after-read', 'execute-then-drop'] as const) {
      stage.simulator.reset();
      stage.simulator.inject({ match, kind });
      await expect(place()).rejects.toThrow();
      const [request] = stage.simulator.requests;
      outcomes.push([kind, openOrders(), request!.body.length > 0, request!.status]);
    }
    expect(outcomes).toEqual([
      ['drop-before-read', 0, false, undefined],
      ['drop-after-read', 0, true, undefined],
      ['execute-then-drop', 1, true, undefined],
    ]);
  });
  it('An injected fault breaks an answer off in its body', async () => {
    stage.simulator.inject({ match, kind: 'truncate-body' });
    await expect(place()).rejects.toThrow('aborted');
    expect(openOrders()).toBe(1);
  });
  it('An injected fault delays an answer', async () => {
    stage.simulator.inject({ match, kind: 'delay', ms: 30 });
    expect([(await place()).status, openOrders()]).toEqual([200, 1]);
  });
  it('An injected fault lets a request stall without an answer, carried out or not', async () => {
    for (const execute of [false, true]) {
      const own = await startSimulator({ accounts: [ALICE] });
      own.inject({ match: {}, kind: 'stall', execute });
      const caller = new SignedCaller(own.url, ALICE.apiKey, hmacSigner(ALICE.hmacSecret));
      const answered = expect(caller.call('POST', '/api/v3/order', ORDER)).rejects.toThrow();
      await expect.poll(() => own.requests[0]?.verified).toBe(true);
      await expect.poll(() => own.exchange.spot.orders.open('account-0').length).toBe(execute ? 1 : 0);
      await own.close();
      await answered;
    }
  });
  it('An injected fault calls a right stamp stale', async () => {
    stage.simulator.inject({ match, kind: 'stale-timestamp' });
    expect(member<number>(await place(), 'code')).toBe(-1021);
    expect(stage.simulator.requests[0]).toMatchObject({ verified: true, code: -1021 });
    expect([(await place()).status, openOrders()]).toEqual([200, 1]);
  });
  it('An injected fault redirects elsewhere', async () => {
    stage.simulator.inject({ match, kind: 'redirect', location: 'http://127.0.0.1:1/' });
    const { status, headers } = await place();
    expect([status, headers.location, openOrders()]).toEqual([301, 'http://127.0.0.1:1/', 0]);
  });
});

describe('a simulator', () => {
  it('The simulator records what arrived, byte for byte', async () => {
    const headers = { 'X-MBX-APIKEY': 'Z', 'x-Odd': 'a' };
    await send(stage.simulator.url, 'DELETE', '/api/v3/order?a=%e5&b', {
      headers,
      body: Buffer.from([0, 255, 10]),
    });
    const [request] = stage.simulator.requests;
    expect(request).toMatchObject({
      method: 'DELETE',
      target: '/api/v3/order?a=%e5&b',
      path: '/api/v3/order',
      security: 'SIGNED',
      verified: false,
      account: undefined,
    });
    expect([...request!.body]).toEqual([0, 255, 10]);
    expect(request!.rawHeaders).toContain('x-Odd');
    stage.simulator.reset();
    expect(stage.simulator.requests).toEqual([]);
  });
  it('The simulator compresses large answers for those who accept it', async () => {
    const own = await startSimulator({ accounts: [ALICE], gzip: true });
    const target = '/api/v3/exchangeInfo';
    const plain = await send(own.url, 'GET', target);
    const packed = await send(own.url, 'GET', target, { headers: { 'Accept-Encoding': 'gzip, br' } });
    const unwanted = await send(own.url, 'GET', target, { headers: { 'Accept-Encoding': 'gzip;q=0' } });
    const small = await send(own.url, 'GET', '/api/v3/ping', { headers: { 'Accept-Encoding': 'gzip' } });
    await own.close();
    expect([plain, packed, unwanted, small].map(({ headers }) => headers['content-encoding'])).toEqual([
      undefined,
      'gzip',
      undefined,
      undefined,
    ]);
    expect(gunzipSync(packed.body).length).toBe(plain.body.length);
  });
  it('The simulator moves its market from one step to the next, the same way for the same seed', async () => {
    const pricesOf = async (seed: number) => {
      const own = await startSimulator({ accounts: [ALICE], seed, marketStepMs: 0 });
      const prices: string[] = [];
      for (let step = 1; step <= 50; step++) {
        own.exchange.spot.advance(step, Date.now());
        prices.push(own.exchange.spot.market('BTCUSDT').lastPrice.toFixed());
      }
      await own.close();
      return prices;
    };
    const [first, again, other] = [await pricesOf(1), await pricesOf(1), await pricesOf(2)];
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
    expect(new Set(first).size).toBeGreaterThan(25);
  });
  it('The simulator closes with connections open, and twice', async () => {
    const own = await startSimulator({ accounts: [demoAccount()] });
    own.inject({ match: {}, kind: 'stall' });
    const stalled = expect(send(own.url, 'GET', '/api/v3/ping')).rejects.toThrow();
    await expect.poll(() => own.requests.length).toBe(1);
    await own.close();
    await own.close();
    await stalled;
  });
  it('The simulator wants accounts with one kind of key and different keys', async () => {
    const apiKey = 'K';
    await expect(startSimulator({ accounts: [{ apiKey }] })).rejects.toThrow(TypeError);
    await expect(startSimulator({ accounts: [ALICE, ALICE] })).rejects.toThrow(TypeError);
  });
  it('A demo account has a key and a secret of its own', () => {
    const [first, second] = [demoAccount(), demoAccount()];
    expect(first.apiKey).toMatch(/^[A-Za-z0-9]{64}$/);
    expect(first.hmacSecret).toMatch(/^[A-Za-z0-9]{64}$/);
    expect(new Set([first.apiKey, first.hmacSecret, second.apiKey, second.hmacSecret]).size).toBe(4);
  });
});
