import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { closedRoute, readSocketTarget } from '../../../src/core/frames/socket-target.ts';
import { refusal } from '../../support/fixtures/call.ts';
import { runs } from '../../support/properties.ts';

const KEY = 'pqia91ma19a5s61cv6a81va65sdf19v8a65a1a5s61cv6a81va65sdf19v8a65a1';

describe('a route that Binance closed', () => {
  const closed = (target: string, origin: string) => closedRoute(readSocketTarget(target)!, origin);

  it.each(['/usdm/ws', '/usdm/ws/btcusdt@trade', '/usdm/stream?streams=btcusdt@trade'])(
    'The target %s has no route, so Binance’s live host serves nothing there',
    (target) => {
      expect(closed(target, 'wss://fstream.binance.com')).toMatchObject({ date: '2026-04-23' });
      expect(closed(target, 'wss://fstream.binancefuture.com')).toBeUndefined();
      expect(closed(target, 'ws://127.0.0.1:9080')).toBeUndefined();
    },
  );

  it.each(['/usdm/market/ws', '/private/ws', '/ws/btcusdt@trade', '/coinm/ws', '/ws-fapi/v1'])(
    'The target %s is open',
    (target) => {
      expect(closed(target, 'wss://fstream.binance.com')).toBeUndefined();
    },
  );
});

describe('the target of an upgrade', () => {
  it.each([
    ['/ws-api/v3', 'api', 'spot', '/ws-api/v3'],
    ['//ws-api/v3', 'api', 'spot', '/ws-api/v3'],
    ['/spot/ws-api/v3', 'api', 'spot', '/ws-api/v3'],
    ['/ws-fapi/v1', 'api', 'usdm', '/ws-fapi/v1'],
    ['/ws-dapi/v1?timeUnit=MICROSECOND', 'api', 'coinm', '/ws-dapi/v1'],
    ['/ws', 'stream', 'spot', '/ws'],
    ['/ws/btcusdt@trade/ethusdt@depth@100ms', 'stream', 'spot', '/ws/btcusdt@trade/ethusdt@depth@100ms'],
    ['/ws/!miniTicker@arr', 'stream', 'spot', '/ws/!miniTicker@arr'],
    ['/ws/%E5%B8%81usdt@trade', 'stream', 'spot', '/ws/%E5%B8%81usdt@trade'],
    ['/stream?streams=btcusdt@trade/!bookTicker', 'stream', 'spot', '/stream'],
    ['/stream?streams=', 'stream', 'spot', '/stream'],
    ['/usdm/private/stream?streams=', 'stream', 'usdm', '/private/stream'],
    ['/public/ws/btcusdt@depth', 'stream', 'usdm', '/public/ws/btcusdt@depth'],
    ['/market/stream?streams=btcusdt@aggTrade', 'stream', 'usdm', '/market/stream'],
    [
      `/private/ws?listenKey=${KEY}&events=ORDER_TRADE_UPDATE/ACCOUNT_UPDATE`,
      'stream',
      'usdm',
      '/private/ws',
    ],
    ['/usdm/market/ws', 'stream', 'usdm', '/market/ws'],
    ['/usdm/ws', 'stream', 'usdm', '/ws'],
    ['/coinm/ws/btcusd_perp@trade', 'stream', 'coinm', '/ws/btcusd_perp@trade'],
    ['/coinm/stream', 'stream', 'coinm', '/stream'],
    ['/options/public/ws/x@depth', 'stream', 'usdm', '/public/ws/x@depth'],
    ['/options/market/stream?streams=x@optionTicker', 'stream', 'usdm', '/market/stream'],
    [`/options/private/ws?listenKey=${KEY}`, 'stream', 'usdm', '/private/ws'],
  ])('The target %s is a %s of %s', (target, kind, family, path) => {
    const mark = target.indexOf('?');
    const query = mark === -1 ? '' : target.slice(mark);
    expect(readSocketTarget(target)).toMatchObject({ kind, family, path, query });
  });

  it.each([
    '/',
    '/api/v3/order',
    '/ws-api/v3/',
    '/ws-api/v3/x',
    '/ws-api/v2',
    '/usdm/ws-api/v3',
    '/options/ws/x',
    '/options/ws-fapi/v1',
    '/wss/x',
    '/Ws/x',
    '/coinm/public/ws/x',
    '/spot/market/ws',
    '/publicws',
    '/public',
    '/w%73/x',
    'http://evil/ws',
  ])('The target %s is no socket', (target) => {
    expect(readSocketTarget(target)).toBeUndefined();
  });

  it.each([
    '/ws/../sapi',
    '/ws/a/./b',
    '/ws/a//b',
    '/ws/a b',
    '/ws/%zz',
    '/ws/a#b',
    '/stream?streams=a/../b',
    '/stream?streams=a&streams=b',
    '/stream?x=1',
    '/ws-api/v3?responseFormat=sbe',
    '/ws-api/v3?returnRateLimits=maybe',
    '/ws-api/v3?apiKey=x',
  ])('The target %s is refused', (target) => {
    expect(refusal(() => readSocketTarget(target))).toBe('PROXY_MALFORMED_REQUEST');
  });

  it('A target prints no listen key, and a private stream is known as private', () => {
    for (const target of [
      `/ws/${KEY}`,
      `/private/ws/${KEY}`,
      `/private/ws?listenKey=${KEY}`,
      `/stream?streams=${KEY}`,
      `/coinm/ws/${KEY}`,
    ]) {
      const read = readSocketTarget(target)!;
      expect(read.isPrivate).toBe(true);
      expect(read.printable).not.toContain(KEY.slice(0, 10));
    }
    expect(readSocketTarget('/ws/btcusdt@trade')!.isPrivate).toBe(false);
  });

  it('A target never leaves the paths of streams and APIs, whatever a client writes', () => {
    const piece = fc.constantFrom(
      '/',
      '..',
      '.',
      'ws',
      'stream',
      'ws-api',
      'v3',
      'coinm',
      'usdm',
      'private',
      '%2e',
      '?',
      '&',
      'streams=',
      'a@b',
      '#',
      '\\',
      ':',
      '//',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        let read: ReturnType<typeof readSocketTarget>;
        try {
          read = readSocketTarget(pieces.join(''));
        } catch {
          return;
        }
        if (read === undefined) return;
        const url = new URL(`wss://stream.example${read.path}${read.query}`);
        expect(url.host).toBe('stream.example');
        expect(url.pathname).toMatch(
          /^\/(?:ws-api\/v3|ws-fapi\/v1|ws-dapi\/v1|(?:(?:public|market|private|pm|pm-classic)\/)?(?:ws|stream)(?:\/.*)?)$/,
        );
        expect(url.pathname).toBe(read.path);
      }),
      runs(5_000),
    );
  });
});
