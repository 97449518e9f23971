import { describe, expect, it } from 'vitest';
import { readSocketTarget } from '../../../src/core/frames/socket-target.ts';
import { readEvent, streamWish } from '../../../src/core/frames/stream-event.ts';

const KEY = 'p'.repeat(64);
const wishOf = (target: string) => streamWish(readSocketTarget(target)!);

describe('what a stream socket asks for by its URL', () => {
  it.each([
    ['/ws', [], false, '/stream'],
    ['/ws/', [], false, '/stream'],
    ['/ws/a@trade/b@depth/a@trade', ['a@trade', 'b@depth'], false, '/stream'],
    ['/ws/%E5%B8%81usdt@trade', ['币usdt@trade'], false, '/stream'],
    ['/stream?streams=a@trade/!b@arr', ['a@trade', '!b@arr'], true, '/stream'],
    ['/stream?timeUnit=MICROSECOND', [], true, '/stream?timeUnit=MICROSECOND'],
    ['/market/ws/a@aggTrade', ['a@aggTrade'], false, '/market/stream'],
    ['/coinm/stream?streams=x@trade', ['x@trade'], true, '/stream'],
  ])('The URL %s tells which streams a socket asks for', (target, names, isCombined, sharedTarget) => {
    expect(wishOf(target)).toEqual({ names, isCombined, sharedTarget });
  });

  it.each([
    `/ws/${KEY}`,
    `/stream?streams=${KEY}`,
    `/private/ws/x`,
    `/private/ws?listenKey=${KEY}`,
    '/ws-api/v3',
  ])('The target %s is not shared', (target) => {
    expect(wishOf(target)).toBeUndefined();
  });
});

describe('an event of a combined stream', () => {
  it.each([
    ['{"stream":"a@trade","data":{"x":1.00}}', 'a@trade', '{"x":1.00}'],
    ['{"stream":"币@trade","data":[1,2]}', '币@trade', '[1,2]'],
    ['{"stream":"\\u5e01\\"@trade","data":null}', '币"@trade', 'null'],
  ])('An event of a combined stream is read from %s', (text, stream, payload) => {
    const data = Buffer.from(text);
    const event = readEvent(data)!;
    expect(event.stream).toBe(stream);
    expect(data.subarray(event.from, event.to).toString()).toBe(payload);
  });

  it.each([
    '{"result":null,"id":1}',
    '{"data":{},"stream":"a"}',
    '{"stream":1,"data":{}}',
    '{"stream":"a","data":[1]',
    '',
    'x',
  ])('An event of a combined stream is not read from %s', (text) => {
    expect(readEvent(Buffer.from(text))).toBeUndefined();
  });
});
