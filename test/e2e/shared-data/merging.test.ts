import { once } from 'node:events';
import { request } from 'node:http';
import { describe, expect, it } from 'vitest';
import { clearOfWindowEnd } from '../../support/clear-of-window.ts';
import { BOT, OTHER, stageShared } from '../../support/servers/shared-stage.ts';

const stage = stageShared('merge: true, exchangeInfo: false');
const DEPTH = '/api/v3/depth?symbol=BTCUSDT&limit=100';
const BOOK = { lastUpdateId: 7, bids: [['1', '2']], asks: [] };

const usedWeight = () =>
  stage.proxy.parts.app.budgets.state.buckets.find(
    ({ kind, upstream, windowMs }) => kind === 'weight' && upstream === 'spot' && windowMs === 60_000,
  )?.used ?? 0;
const completed = () =>
  stage.proxy
    .records('call.completed')
    .filter(({ method, path }) => method === 'GET' && path !== '/api/v3/time');

describe('equal calls under way', () => {
  it('Equal calls under way are one call of Binance, charged once, to the first, and recorded for each', async () => {
    await clearOfWindowEnd(60_000, 5_000);
    const before = usedWeight();
    const first = stage.ask(DEPTH, { key: BOT });
    await stage.arrived(1);
    const others = [BOT, OTHER, undefined].map((key) => stage.ask(DEPTH, key === undefined ? {} : { key }));
    await stage.joined(4);
    expect(usedWeight() - before).toBe(5);
    stage.answer(0, BOOK);
    const [lead, ...rest] = await Promise.all([first, ...others]);
    expect(stage.waiting).toHaveLength(1);
    expect([lead?.status, lead?.headers['x-proxy-weight'], lead?.headers['x-proxy-cache']]).toEqual([
      200,
      '5',
      undefined,
    ]);
    for (const reply of rest) {
      expect([reply.status, reply.text]).toEqual([200, JSON.stringify(BOOK)]);
      expect(reply.headers).toMatchObject({
        'x-proxy-cache': 'merged',
        'x-proxy-weight': '0',
        'x-proxy-outcome': 'answered',
        'x-mbx-used-weight-1m': '1',
        date: lead?.headers.date,
      });
      expect(reply.headers).not.toHaveProperty('x-proxy-cache-age-ms');
    }
    const ids = [lead, ...rest].map((reply) => reply?.headers['x-proxy-request-id']);
    expect(new Set(ids).size).toBe(4);
    await expect.poll(() => completed().length).toBe(4);
    expect(completed()[0]).toMatchObject({ client: 'bot', weight: 5, outcome: 'answered', status: 200 });
    expect(completed()[0]).not.toHaveProperty('cache');
    expect(
      completed()
        .slice(1)
        .map(({ client }) => client)
        .sort(),
    ).toEqual(['anonymous', 'bot', 'other']);
    for (const record of completed().slice(1))
      expect(record).toMatchObject({ cache: 'merged', cacheOf: ids[0], weight: 0, status: 200 });
  });

  it('Joined calls and the weight that they saved are counted by client and family', async () => {
    const calls = [BOT, OTHER, OTHER].map((key) => stage.ask(DEPTH, { key }));
    await stage.joined(3);
    stage.answer(0, BOOK);
    await Promise.all(calls);
    const metrics = await (await fetch(`${stage.proxy.operatorUrl}/metrics`)).text();
    const value = (name: string, labels: string) =>
      Number(new RegExp(`^${name}\\{${labels}\\} (\\d+)$`, 'm').exec(metrics)?.[1]);
    const saved = 'binance_proxy_shared_weight_saved_total';
    const shared = 'binance_proxy_shared_calls_total';
    const of = (client: string) => value(shared, `client="${client}",family="depth",how="merged"`);
    expect(of('bot') + of('other')).toBe(2);
    expect(of('other')).toBeGreaterThanOrEqual(1);
    expect(value(saved, 'client="bot",family="depth"') + value(saved, 'client="other",family="depth"')).toBe(
      10,
    );
    expect(value(shared, 'client="other",family="exchangeInfo",how="hit"')).toBe(0);
  });

  it('The next call is sent again when the first has ended', async () => {
    const first = stage.ask(DEPTH);
    await stage.arrived(1);
    stage.answer(0, BOOK);
    await first;
    const second = stage.ask(DEPTH);
    await stage.arrived(2);
    stage.answer(1, { ...BOOK, lastUpdateId: 8 });
    expect((await second).json).toMatchObject({ lastUpdateId: 8 });
  });

  it('An order of parameters, a key and an issued key make no difference, and no key goes to Binance', async () => {
    const first = stage.ask(DEPTH, { key: BOT });
    await stage.arrived(1);
    const second = stage.ask('/api/v3/depth?limit=100&symbol=BTCUSDT&timestamp=1&recvWindow=2');
    await stage.joined(2);
    stage.answer(0, BOOK);
    expect((await second).text).toBe((await first).text);
    expect(stage.waiting[0]?.received.headers).not.toHaveProperty('x-mbx-apikey');
  });

  it.each([
    ['another limit', '/api/v3/depth?symbol=BTCUSDT&limit=50', {}],
    ['another coding', DEPTH, { 'accept-encoding': 'gzip' }],
    ['another schema of SBE', DEPTH, { 'x-mbx-sbe': '3:1', accept: 'application/sbe' }],
    ['another unit of time', DEPTH, { 'x-mbx-time-unit': 'MICROSECOND' }],
    ['a caller that wants news', DEPTH, { 'cache-control': 'no-cache' }],
  ])('A call with %s is a call of its own', async (_what, target, headers) => {
    const first = stage.ask(DEPTH);
    await stage.arrived(1);
    const second = stage.ask(target, { headers });
    await stage.arrived(2);
    stage.answer(1, { of: 'the second' });
    stage.answer(0, { of: 'the first' });
    expect([(await first).json, (await second).json]).toEqual([{ of: 'the first' }, { of: 'the second' }]);
    expect((await second).headers).not.toHaveProperty('x-proxy-cache');
  });

  it.each([
    '/api/v3/time',
    '/api/v3/ping',
    '/api/v3/historicalTrades?symbol=BTCUSDT',
    '/api/v3/aggTrades?symbol=BTCUSDT&fromId=5',
    `/api/v3/klines?symbol=BTCUSDT&interval=1h&endTime=${Date.now()}`,
    '/api/v3/klines?symbol=BTCUSDT&interval=1d&timeZone=8',
    '/api/v3/account',
  ])('Nobody joins %s', async (target) => {
    const both = [stage.ask(target, { key: BOT }), stage.ask(target, { key: BOT })];
    await stage.arrived(2);
    for (const index of [0, 1]) stage.answer(index, { index });
    expect(new Set((await Promise.all(both)).map(({ text }) => text)).size).toBe(2);
  });

  it('A client without the permission joins nothing', async () => {
    await stage.restart('merge: true', {
      yaml: 'clients: { blind: { account: main, envPrefix: BOT, permissions: [read] }, other: { account: main, envPrefix: OTHER } }\n',
    });
    const first = stage.ask(DEPTH, { key: OTHER });
    await stage.arrived(1);
    const refused = await stage.ask(DEPTH, { key: BOT });
    expect(refused.headers['x-proxy-error']).toBe('PROXY_PERMISSION_DENIED');
    stage.answer(0, BOOK);
    await first;
  });
});

describe('whoever leaves or is slow', () => {
  it('An app that hangs up leaves the call to those who joined it, and it stays charged to the first', async () => {
    const given = new AbortController();
    const hung = stage.ask(DEPTH, { key: BOT, signal: given.signal }).catch(() => undefined);
    await stage.arrived(1);
    const others = [stage.ask(DEPTH, { key: OTHER }), stage.ask(DEPTH)];
    await stage.joined(3);
    given.abort();
    await hung;
    await stage.joined(2);
    expect(stage.waiting[0]?.isCut).toBe(false);
    stage.answer(0, BOOK);
    for (const reply of await Promise.all(others)) expect(reply.text).toBe(JSON.stringify(BOOK));
    await expect.poll(() => completed().length).toBe(3);
    expect(completed().find(({ client }) => client === 'bot')).toMatchObject({ weight: 5, status: 200 });
    expect(stage.proxy.parts.underWay.total).toBe(0);
  });

  it('An app that joined and hangs up is recorded, and the others have their answer', async () => {
    const first = stage.ask(DEPTH, { key: BOT });
    await stage.arrived(1);
    const given = new AbortController();
    const hung = stage.ask(DEPTH, { key: OTHER, signal: given.signal }).catch(() => undefined);
    await stage.joined(2);
    given.abort();
    await hung;
    await stage.joined(1);
    await expect
      .poll(() => stage.proxy.records('call.refused'))
      .toMatchObject([{ client: 'other', rule: 'client hung up', outcome: 'not-sent', weight: 0 }]);
    stage.answer(0, BOOK);
    expect((await first).status).toBe(200);
  });

  it('The call ends at Binance when the last app has hung up', async () => {
    const given = new AbortController();
    const calls = [1, 2, 3].map(() => stage.ask(DEPTH, { signal: given.signal }).catch(() => undefined));
    await stage.arrived(1);
    await stage.joined(3);
    given.abort();
    await Promise.all(calls);
    await expect.poll(() => stage.waiting[0]?.isCut).toBe(true);
    await expect.poll(() => stage.proxy.parts.underWay.total).toBe(0);
    const next = stage.ask(DEPTH);
    await stage.arrived(2);
    stage.answer(1, BOOK);
    expect((await next).status).toBe(200);
  });

  it('A slow reader holds nobody up, whoever it is, and is cut off when it reads nothing', async () => {
    await stage.restart('merge: true, exchangeInfo: false', { timeouts: { slowReaderMs: 1_000 } });
    const target = '/api/v3/exchangeInfo';
    const slow = request({ host: '127.0.0.1', port: stage.proxy.port, path: target, agent: false });
    slow.setHeader('user-agent', 'app').end();
    await stage.arrived(1);
    const others = [stage.ask(target), stage.ask(target)];
    await stage.joined(3);
    const body = Buffer.alloc(12 * 1024 * 1024, 'x');
    stage.waiting[0]?.response.writeHead(200, { 'content-type': 'application/json' }).end(body);
    const [incoming] = (await once(slow, 'response')) as [import('node:http').IncomingMessage];
    const cut = once(incoming, 'close');
    incoming.on('error', () => {});
    for (const reply of await Promise.all(others)) expect(reply.body.equals(body)).toBe(true);
    expect(incoming.complete).toBe(false);
    incoming.resume();
    await cut;
  });
});

describe('what goes wrong', () => {
  it.each([400, 429, 500])(
    'An answer of %d goes as it is to those who joined, and is not kept',
    async (status) => {
      const calls = [stage.ask(DEPTH), stage.ask(DEPTH)];
      await stage.joined(2);
      stage.answer(0, { code: -1000, msg: 'no' }, status);
      for (const reply of await Promise.all(calls))
        expect([reply.status, reply.json, reply.headers['x-proxy-outcome']]).toEqual([
          status,
          { code: -1000, msg: 'no' },
          'answered',
        ]);
      if (status === 429) return;
      const next = stage.ask(DEPTH);
      await stage.arrived(2);
      stage.answer(1, BOOK);
      expect((await next).json).toEqual(BOOK);
    },
  );

  it('An answer that is lost before it begins is lost to all who joined', async () => {
    const calls = [stage.ask(DEPTH), stage.ask(DEPTH), stage.ask(DEPTH)];
    await stage.joined(3);
    stage.waiting[0]?.response.destroy();
    // A read on a connection that died is sent once more, for all of them.
    await stage.arrived(2);
    stage.waiting[1]?.response.writeHead(200, { 'content-type': 'text/plain' }).flushHeaders();
    stage.waiting[1]?.response.destroy();
    const ends = await Promise.allSettled(calls);
    expect(ends.filter(({ status }) => status === 'fulfilled')).toEqual([]);
    await expect.poll(() => completed().length).toBe(3);
    for (const record of completed()) expect(record).toMatchObject({ outcome: 'unknown' });
  });

  it('An answer that breaks off is cut off for all who joined, and none of it is kept', async () => {
    await stage.restart('merge: true, exchangeInfo: true');
    const target = '/api/v3/exchangeInfo';
    const calls = [stage.ask(target), stage.ask(target)];
    await stage.joined(2);
    const head = { 'content-type': 'application/json', 'content-length': '50' };
    stage.waiting[0]?.response.writeHead(200, head).write('{"symbols":[');
    await new Promise((resolve) => setTimeout(resolve, 20));
    stage.waiting[0]?.response.destroy();
    for (const { status } of await Promise.allSettled(calls)) expect(status).toBe('rejected');
    const next = stage.ask(target);
    await stage.arrived(2);
    stage.answer(1, { symbols: [1] });
    expect((await next).json).toEqual({ symbols: [1] });
  });

  it('A caller with room does not wait for one whose share is used up', async () => {
    await stage.restart('merge: true', {
      yaml: `clients:
  bot: { account: main, envPrefix: BOT, permissions: [market-data], weightPerMinute: 5 }
  other: { account: main, envPrefix: OTHER, permissions: [market-data] }
throttle: { maxWaitMs: 60000 }
`,
    });
    const spent = stage.ask(DEPTH, { key: BOT });
    await stage.arrived(1);
    stage.answer(0, BOOK);
    await spent;
    const given = new AbortController();
    const queued = stage.ask(DEPTH, { key: BOT, signal: given.signal }).catch(() => undefined);
    await expect.poll(() => stage.proxy.parts.app.budgets.state.waiting).toBe(1);
    const free = stage.ask(DEPTH, { key: OTHER });
    await stage.arrived(2);
    stage.answer(1, BOOK);
    expect((await free).headers).toMatchObject({ 'x-proxy-weight': '5' });
    given.abort();
    await queued;
  });
});
