import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { Lexeme, type WsAnswer } from '../../support/clients/simulator-ws-caller.ts';
import { ALICE } from '../../support/servers/running-simulator.ts';
import { ALICES, LIMIT_ORDER, stageSockets } from '../../support/servers/simulator-stage.ts';

const stage = stageSockets();

describe('a frame of the signed API', () => {
  it.each([
    ['no JSON', 'hello', 'null', -1135],
    ['no object', '[1]', 'null', -1135],
    ['no id', '{"method":"ping"}', 'null', -1102],
    ['an id of the wrong kind', '{"id":{},"method":"ping"}', 'null', -1102],
    ['no method', '{"id":7}', '7', -1102],
    ['an unknown member', '{"id":7,"method":"ping","extra":1}', '7', -1135],
    ['parameters that are a list', '{"id":7,"method":"ping","params":[]}', '7', -1102],
    ['a parameter twice', '{"id":7,"method":"depth","params":{"symbol":"A","symbol":"B"}}', '7', -1101],
    ['an unknown method', '{"id":"x y","method":"withdraw"}', '"x y"', -1020],
    ['a method of Object', '{"id":7,"method":"constructor"}', '7', -1020],
  ])('A frame with %s is refused under the id that it has', async (_what, text, id, code) => {
    const line = await stage.line('/ws-api/v3');
    line.send(text);
    const answer = await line.next<WsAnswer>();
    expect([JSON.stringify(answer.id), answer.status, answer.error?.code]).toEqual([id, 400, code]);
    expect(stage.simulator.frames[0]).toMatchObject({ text, id, verified: false, status: 400, code });
  });

  it('A frame gets its id back as it was written, however large', async () => {
    const line = await stage.line('/ws-api/v3');
    line.send('{"id":90071992547409931234,"method":"ping"}');
    expect(await line.nextText()).toMatch(/^\{"id":90071992547409931234,"status":200,"result":\{\}/);
  });

  it('A frame may name the version that the API has anyway', async () => {
    const line = await stage.line('/ws-api/v3');
    expect((await line.call('v3/time')).status).toBe(200);
    expect((await line.call('v2/time')).error?.code).toBe(-1020);
    expect(stage.simulator.frames[0]?.method).toBe('v3/time');
  });

  it('A frame without security carries neither key nor stamp', async () => {
    const line = await stage.line('/ws-api/v3', ALICES);
    const codes = [
      (await line.call('time', { apiKey: ALICE.apiKey })).error?.code,
      (await line.call('depth', { symbol: 'BTCUSDT', timestamp: 1 })).error?.code,
      (await line.signed('ping')).error?.code,
    ];
    expect(codes).toEqual([-1101, -1104, -1101]);
    expect(stage.simulator.frames.map(({ verified }) => verified)).toEqual([false, false, false]);
  });

  it('A signed frame needs a known key, a timestamp and a signature', async () => {
    const line = await stage.line('/ws-api/v3', ALICES);
    const timestamp = stage.simulator.exchange.nowMs();
    const { apiKey } = ALICES;
    const answers = [
      await line.call('account.status', { timestamp }),
      await line.call('account.status', { apiKey: 'x', timestamp, signature: 'ab' }),
      await line.call('account.status', { apiKey: 'Z'.repeat(64), timestamp, signature: 'ab' }),
      await line.call('account.status', { apiKey, signature: 'ab' }),
      await line.call('account.status', { apiKey, timestamp: String(timestamp), signature: 'ab' }),
      await line.call('account.status', { apiKey, timestamp }),
      await line.call('account.status', { apiKey, timestamp, signature: 'ab' }),
    ];
    expect(answers.map(({ status, error }) => [status, error?.code])).toEqual([
      [400, -1102],
      [401, -2014],
      [401, -2015],
      [400, -1102],
      [400, -1102],
      [400, -1102],
      [400, -1100],
    ]);
  });

  it('A frame outside of its recvWindow is refused with -1021, and one with too wide a recvWindow with -1131', async () => {
    const line = await stage.line('/ws-api/v3', ALICES);
    const codeFor = async (recvWindow: Lexeme | number) =>
      (await line.signed('account.status', { recvWindow })).error?.code;
    expect(await codeFor(60_001)).toBe(-1131);
    expect(await codeFor(new Lexeme('5000.1234'))).toBe(-1100);
    expect(await codeFor(new Lexeme('5000.123'))).toBeUndefined();
    const paramsAt = (offsetMs: number) => {
      stage.simulator.setClockOffset(offsetMs);
      const text = line.paramsText({ recvWindow: 1_000 });
      stage.simulator.setClockOffset(0);
      return text;
    };
    expect((await line.call('account.status', paramsAt(-1_500))).error?.code).toBe(-1021);
    expect((await line.call('account.status', paramsAt(5_000))).error?.code).toBe(-1021);
    expect((await line.call('account.status', paramsAt(-100))).status).toBe(200);
  });

  it('A frame with unknown or missing parameters is verified and refused as REST does', async () => {
    const line = await stage.line('/ws-api/v3', ALICES);
    const { symbol: _, ...without } = LIMIT_ORDER;
    const codes = [
      (await line.signed('order.place', { ...LIMIT_ORDER, extra: '1' })).error?.code,
      (await line.signed('order.place', without)).error?.code,
      (await line.signed('order.place', { ...LIMIT_ORDER, price: new Lexeme('null') })).error?.code,
      (await line.signed('order.place', { ...LIMIT_ORDER, side: 'HOLD' })).error?.code,
    ];
    expect(codes).toEqual([-1104, -1102, -1102, -1117]);
    expect(stage.simulator.frames.map(({ verified }) => verified)).toEqual([true, true, true, true]);
  });

  it('A frame is refused with -2015 when the key lacks the switch', async () => {
    stage.simulator.setRestrictions(ALICE.apiKey, { enableSpotAndMarginTrading: false });
    const line = await stage.line('/ws-api/v3', ALICES);
    const answer = await line.signed('order.place', LIMIT_ORDER);
    expect([answer.status, answer.error?.code]).toEqual([401, -2015]);
  });

  it('A binary frame ends the connection', async () => {
    const line = await stage.line('/ws-api/v3');
    line.socket.send(Buffer.from('{}'));
    expect((await line.closed).code).toBe(1003);
  });

  it('A frame of a retired method gets a 410', async () => {
    const line = await stage.line('/ws-api/v3');
    for (const name of ['start', 'ping', 'stop']) {
      const answer = await line.call(`userDataStream.${name}`, { apiKey: ALICE.apiKey });
      expect([answer.status, answer.error?.code]).toEqual([410, -1020]);
    }
  });
});

describe('a handshake', () => {
  const refusal = async (path: string, headers: Readonly<Record<string, string>> = {}) => {
    const response = await upgrade(`${stage.simulator.url}${path}`, headers);
    return [response, stage.simulator.upgrades.at(-1)?.status, stage.simulator.sockets];
  };

  it('A handshake is refused where no WebSocket is served', async () => {
    expect(await refusal('/ws-api/v4')).toEqual([404, 404, 0]);
    expect(await refusal('/api/v3/order')).toEqual([404, 404, 0]);
    expect(await refusal('/stream/btcusdt@trade')).toEqual([404, 404, 0]);
  });

  it('A handshake is refused when it brings an API key', async () => {
    expect(await refusal('/ws-api/v3', { 'X-MBX-APIKEY': ALICE.apiKey })).toEqual([400, 400, 0]);
  });

  it('A handshake costs weight that REST and the frames share', async () => {
    const line = await stage.line('/ws-api/v3', ALICES);
    const counts = async () => (await line.call('ping')).rateLimits?.map(({ count }) => count);
    expect(await counts()).toEqual([3]);
    await stage.alice.call('GET', '/api/v3/account');
    expect(await counts()).toEqual([24]);
    const futures = await stage.line('/ws-fapi/v1');
    const answer = await futures.call('ticker.price', { symbol: 'BTCUSDT' });
    expect(answer.rateLimits).toEqual([
      { rateLimitType: 'REQUEST_WEIGHT', interval: 'MINUTE', intervalNum: 1, limit: 2_400, count: 6 },
    ]);
  });
});

/** The HTTP status of a handshake. */
function upgrade(url: string, headers: Readonly<Record<string, string>>): Promise<number> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url.replace(/^http/, 'ws'), { headers });
    socket.on('upgrade', () => resolve(101));
    socket.on('error', () => {});
    socket.on('unexpected-response', (_request, response) => {
      resolve(response.statusCode ?? 0);
      socket.terminate();
    });
  });
}
