import { describe, expect, it } from 'vitest';
import { BOT, OTHER, stageShared } from '../../support/servers/shared-stage.ts';

const stage = stageShared('merge: false, exchangeInfo: true');
const RULES = '/api/v3/exchangeInfo';
const ANSWER = { timezone: 'UTC', symbols: [{ symbol: 'BTCUSDT' }] };
const OPTED = 'merge: false, klines: true, tickers: true, depth: true';

/** Asks once, has it answered so, and asks again: the second reply, which never comes when it has to be sent. */
async function twice(target: string, value: unknown, status = 200) {
  const sent = stage.waiting.length;
  const first = stage.ask(target);
  await stage.arrived(sent + 1);
  stage.answer(sent, value, status);
  await first;
  const second = stage.ask(target);
  const came = await Promise.race([second, stage.arrived(sent + 2)]);
  if (came === undefined) stage.answer(sent + 1, value, status);
  return { first: await first, second: await second, isSent: came === undefined };
}

describe('an answer that is kept', () => {
  it('The rules of trading are kept, and what comes from memory says so and costs nothing', async () => {
    const { first, second, isSent } = await twice(RULES, ANSWER);
    expect(isSent).toBe(false);
    expect(second.body.equals(first.body)).toBe(true);
    expect(second.headers).toMatchObject({
      'x-proxy-cache': 'hit',
      'x-proxy-weight': '0',
      'x-proxy-outcome': 'answered',
      'x-mbx-used-weight-1m': '1',
      'content-type': 'application/json',
      date: first.headers.date,
    });
    expect(Number(second.headers['x-proxy-cache-age-ms'])).toBeGreaterThan(0);
    expect(first.headers).not.toHaveProperty('x-proxy-cache');
    await expect
      .poll(() =>
        stage.proxy
          .records('call.completed')
          .filter(({ path }) => path === RULES)
          .at(-1),
      )
      .toMatchObject({ cache: 'hit', cacheOf: first.headers['x-proxy-request-id'], weight: 0, status: 200 });
  });

  it('Who asks for news has it from Binance', async () => {
    await twice(RULES, ANSWER);
    const fresh = stage.ask(RULES, { headers: { 'cache-control': 'max-age=0, no-cache' } });
    await stage.arrived(2);
    stage.answer(1, { symbols: ['new'] });
    expect((await fresh).json).toEqual({ symbols: ['new'] });
    expect((await stage.ask(RULES)).json).toEqual(ANSWER);
  });

  it.each([
    ['an error', { code: -1000, msg: 'no' }, 500],
    ['an error that calls itself good', { code: -1000, msg: 'no' }, 200],
    ['a note of maintenance', { '239999': 'closed' }, 200],
    ['an empty list', [], 200],
    ['an empty object', {}, 200],
  ])('Nothing is kept of %s', async (_what, value, status) => {
    expect(await twice(RULES, value, status)).toMatchObject({ isSent: true });
  });

  it('Answers of another coding are kept apart', async () => {
    await twice(RULES, ANSWER);
    const other = stage.ask(RULES, { headers: { 'accept-encoding': 'br' } });
    await stage.arrived(2);
    stage.answer(1, { other: true });
    expect((await other).json).toEqual({ other: true });
  });

  it.each([
    ['an order by HTTP', () => order('/api/v3/order', { code: -1013, msg: 'Filter failure: LOT_SIZE' })],
    ['a trial order', () => order('/api/v3/order/test', { code: -1121, msg: 'Invalid symbol.' })],
  ])('%s that the rules refuse drops what is kept of them', async (_what, refused) => {
    await twice(RULES, ANSWER);
    await refused();
    const next = stage.ask(RULES);
    await stage.arrived(3);
    stage.answer(2, { symbols: ['listed since'] });
    expect((await next).json).toEqual({ symbols: ['listed since'] });
  });

  it('An order that is refused for another reason drops nothing', async () => {
    await twice(RULES, ANSWER);
    await order('/api/v3/order', { code: -2010, msg: 'Account has insufficient balance.' });
    expect((await stage.ask(RULES)).headers['x-proxy-cache']).toBe('hit');
  });

  it('Rules that were on their way when an order was refused are not kept', async () => {
    const first = stage.ask(RULES);
    await stage.arrived(1);
    const refused = stage.ask('/api/v3/order?symbol=NEW&side=BUY&type=MARKET&quantity=1', {
      method: 'POST',
      key: BOT,
    });
    await stage.arrived(2);
    stage.answer(1, { code: -1121, msg: 'Invalid symbol.' }, 400);
    await refused;
    stage.answer(0, ANSWER);
    await first;
    const next = stage.ask(RULES);
    await stage.arrived(3);
    stage.answer(2, ANSWER);
    await next;
  });

  it('While Binance wants silence nobody is given old data', async () => {
    await twice(RULES, ANSWER);
    const refused = stage.ask('/api/v3/depth?symbol=BTCUSDT');
    await stage.arrived(2);
    stage.waiting[1]?.response
      .writeHead(429, { 'content-type': 'application/json', 'retry-after': '60' })
      .end('{"code":-1003,"msg":"Too many requests."}');
    expect((await refused).status).toBe(429);
    const reply = await stage.ask(RULES);
    expect([reply.status, reply.headers['x-proxy-error'], reply.headers['x-proxy-cache']]).toEqual([
      429,
      'PROXY_UPSTREAM_FROZEN',
      undefined,
    ]);
    expect(stage.waiting).toHaveLength(2);
  });

  it('A client whose share is used up still has what costs nothing', async () => {
    await stage.restart('exchangeInfo: true', {
      yaml: 'clients: { bot: { account: main, envPrefix: BOT, permissions: [market-data], weightPerMinute: 1 }, other: { account: main, envPrefix: OTHER } }\n',
    });
    const first = stage.ask(RULES, { key: OTHER });
    await stage.arrived(1);
    stage.answer(0, ANSWER);
    await first;
    expect((await stage.ask(RULES, { key: BOT })).headers['x-proxy-cache']).toBe('hit');
    expect((await stage.ask('/api/v3/depth?symbol=BTCUSDT', { key: BOT })).status).toBe(429);
  });

  it('What came under another configuration is forgotten', async () => {
    await twice(RULES, ANSWER);
    stage.reload();
    const next = stage.ask(RULES);
    await stage.arrived(2);
    stage.answer(1, ANSWER);
    expect((await next).headers).not.toHaveProperty('x-proxy-cache');
  });

  it('Only what is turned on is kept', async () => {
    for (const target of ['/api/v3/ticker/24hr', '/api/v3/depth?symbol=BTCUSDT'])
      expect(await twice(target, { a: 1 })).toMatchObject({ isSent: true });
    await stage.restart(OPTED);
    expect(await twice('/api/v3/avgPrice?symbol=BTCUSDT', { a: 1 })).toMatchObject({ isSent: true });
    expect(await twice('/fapi/v1/fundingInfo', [{ a: 1 }])).toMatchObject({ isSent: false });
  });
});

async function order(path: string, refusal: unknown): Promise<void> {
  const sent = stage.waiting.length;
  const reply = stage.ask(`${path}?symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1`, {
    method: 'POST',
    key: BOT,
  });
  await stage.arrived(sent + 1);
  stage.answer(sent, refusal, 400);
  expect((await reply).status).toBe(400);
}
