import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allPairs, findPair, readCall } from '../../../src/core/call/call.ts';
import { decodedValue, encodeComponent, joinPairs } from '../../../src/core/call/form.ts';
import { readTarget } from '../../../src/core/call/target.ts';
import { ProxyError } from '../../../src/core/errors.ts';
import { callOf, refusal } from '../../support/fixtures/call.ts';
import { runs } from '../../support/properties.ts';

describe('the request target', () => {
  it.each([
    ['/api/v3/order', 'spot', '/api/v3/order'],
    ['/sapi/v1/account/info', 'spot', '/sapi/v1/account/info'],
    ['/fapi/v1/order', 'usdm', '/fapi/v1/order'],
    ['/futures/data/basis', 'usdm', '/futures/data/basis'],
    ['/coinm/futures/data/basis', 'coinm', '/futures/data/basis'],
    ['/dapi/v1/time', 'coinm', '/dapi/v1/time'],
    ['/eapi/v1/time', 'options', '/eapi/v1/time'],
    ['/papi/v1/ping', 'portfolio', '/papi/v1/ping'],
    ['/spot/api/v3/time', 'spot', '/api/v3/time'],
    ['//api/v3/order', 'spot', '/api/v3/order'],
    ['////fapi/v1/time', 'usdm', '/fapi/v1/time'],
    ['/unknown/x', undefined, '/unknown/x'],
    ['/', undefined, '/'],
    ['/API/v3/order', undefined, '/API/v3/order'],
    ['/api/v3/order/', 'spot', '/api/v3/order/'],
  ])('The target %s goes to %s as %s', (target, upstream, path) => {
    expect(readTarget(target)).toMatchObject({ upstream, path });
  });

  it.each([
    'http://api.binance.com/api/v3/order',
    '*',
    '',
    'a/api/v3/order',
    'x//api/v3/order',
    '/api/v3/../v3/order',
    '/api/./v3/order',
    '/api/v3/order/..',
    '/api//v3/order',
    '/coinm//dapi/v1/time',
    '/api/v3/%6frder',
    '/api/v3/order%2f',
    '/api/v3/order;x=1',
    '/api/v3/order#frag',
    '/api/v3/time?a=1#frag',
    '/api/v3/time?a=1?b=2',
    '/api\\v3/order',
    '/api/v3/order\u00e9',
    '/api/v3/or der',
  ])('The target %s is refused as not canonical', (target) => {
    expect(refusal(() => readTarget(target))).toBe('PROXY_MALFORMED_REQUEST');
  });
});

describe('form parameters', () => {
  it('Form parameters keep their order and their bytes', () => {
    const form = 'b=%e5%b8%81&a=1+2&c=x%20y&d=&e&f=a=b==';
    expect(joinPairs(callOf('GET', `/api/v3/time?${form}`).query)).toBe(form);
    expect(joinPairs(callOf('POST', '/api/v3/order', form).body)).toBe(form);
  });

  it('Form parameters lose empty segments', () => {
    expect(joinPairs(callOf('GET', '/api/v3/time?&a=1&&b=2&').query)).toBe('a=1&b=2');
  });

  it('Form parameters get percent-encoded where a byte must not stand raw in a URI', () => {
    const call = callOf('POST', '/api/v3/order', 'a=币&b=["x", {}]&c=<\\^`|>&d=\u0000\n#');
    expect(joinPairs(call.body)).toBe(
      'a=%E5%B8%81&b=%5B%22x%22,%20%7B%7D%5D&c=%3C%5C%5E%60%7C%3E&d=%00%0A%23',
    );
  });

  it.each(['a=%', 'a=%z1', 'a=1%2', '%zz=1'])('The form %s is refused for its broken escape', (form) => {
    expect(refusal(() => callOf('GET', `/api/v3/time?${form}`))).toBe('PROXY_MALFORMED_REQUEST');
    expect(refusal(() => callOf('POST', '/api/v3/order', form))).toBe('PROXY_MALFORMED_REQUEST');
  });

  it.each(['%74imestamp=1', 'a%5B0%5D=1', '=1', 'a b=1', '币=1', 'a"=1', 'a+b=1'])(
    'The form %s is refused, since no parameter has such a name',
    (form) => {
      expect(refusal(() => callOf('POST', '/api/v3/order', form))).toBe('PROXY_MALFORMED_REQUEST');
    },
  );

  it('A call notes the parameter names that stand twice', () => {
    expect(callOf('POST', '/sapi/v1/asset/dust?asset=BTC&asset=BNB').repeated).toEqual(['asset']);
    expect(callOf('POST', '/sapi/v1/asset/dust', 'asset=BTC&a=1&asset=BTC').repeated).toEqual(['asset']);
  });

  it('A parameter in query and body is sent once when both say the same, and refused when they differ', () => {
    const same = callOf('POST', '/api/v3/order?symbol=BTCUSDT&side=BUY', 'symbol=BTCUSDT&quantity=1');
    expect([joinPairs(same.query), joinPairs(same.body)]).toEqual(['side=BUY', 'symbol=BTCUSDT&quantity=1']);
    expect(refusal(() => callOf('POST', '/api/v3/order?symbol=BTCUSDT', 'symbol=ETHUSDT'))).toBe(
      'PROXY_DUPLICATE_PARAMETER',
    );
    expect(refusal(() => callOf('POST', '/x?asset=A', 'asset=A&asset=B'))).toBe('PROXY_DUPLICATE_PARAMETER');
  });

  it('A call gives up the stamp of its client, from query and body', () => {
    const call = callOf('POST', '/api/v3/order?timestamp=1&signature=s%2B', 'recvWindow=7&a=1&timestamp=2');
    expect(call.stamp).toEqual({ timestamp: '1', recvWindow: '7', signature: 's%2B', isRepeated: true });
    expect(allPairs(call).map(({ text }) => text)).toEqual(['a=1']);
  });

  it('A GET with form parameters in its body is refused', () => {
    expect(refusal(() => callOf('GET', '/api/v3/time', 'a=1'))).toBe('PROXY_MALFORMED_REQUEST');
    expect(callOf('DELETE', '/api/v3/order', 'symbol=X').body).toHaveLength(1);
  });
});

describe('a JSON body', () => {
  it('A JSON body becomes form parameters in its own order, by its own lexemes', () => {
    const body =
      '{"symbol":"BTC&x=1","2":7,"quantity":0.10000000,"1":1e-7,"flag":true,"list":[1, {"a":12345678901234567890}]}';
    expect(callOf('POST', '/fapi/v1/order', body).body.map(({ text }) => text)).toEqual([
      'symbol=BTC%26x%3D1',
      '2=7',
      'quantity=0.10000000',
      '1=1e-7',
      'flag=true',
      'list=%5B1%2C%20%7B%22a%22%3A12345678901234567890%7D%5D',
    ]);
  });

  it('A JSON body gives up the stamp of its client', () => {
    const call = callOf('POST', '/fapi/v1/order', '{"timestamp":1,"a":"b","signature":"x"}');
    expect(call.stamp).toMatchObject({ timestamp: '1', signature: 'x' });
    expect(joinPairs(call.body)).toBe('a=b');
  });

  it.each(['{"a":null}', '{"a":1', '{a:1}', '{"a":1}x', '{"a b":1}', '{"%61":1}', '{"a":"\\ud800"}', '{'])(
    'The JSON body %s is refused',
    (body) => {
      expect(refusal(() => callOf('POST', '/fapi/v1/order', body))).toBe('PROXY_MALFORMED_REQUEST');
    },
  );

  it.each(['{"a":1,"a":2}', '{"a":[{"b":1,"b":2}]}', '{"a":1,"\\u0061":2}'])(
    'The JSON body %s is refused for a name that stands twice',
    (body) => {
      expect(refusal(() => callOf('POST', '/fapi/v1/order', body))).toBe('PROXY_DUPLICATE_PARAMETER');
    },
  );

  it('A JSON body that is no UTF-8 is refused', () => {
    const bytes = Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff]), Buffer.from('"}')]);
    expect(refusal(() => readCall('POST', '/fapi/v1/order', bytes))).toBe('PROXY_MALFORMED_REQUEST');
  });

  it('A JSON body with __proto__ keeps it as a plain parameter', () => {
    expect(joinPairs(callOf('POST', '/fapi/v1/order', '{"__proto__":"x"}').body)).toBe('__proto__=x');
  });
});

describe('reading a call', () => {
  it('Reading a call throws nothing but a ProxyError, whatever bytes come', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.stringMatching(/^[/?&=%a-z0-9.;#{}"[\],:\\ ]{0,60}$/),
    );
    fc.assert(
      fc.property(
        fc.constantFrom('GET', 'POST', 'PUT', 'DELETE'),
        text,
        text,
        fc.boolean(),
        (method, target, body, json) => {
          const bytes = json ? Buffer.from(`{${body}}`) : Buffer.from(body, 'latin1');
          try {
            const call = readCall(method, `/${target}`, bytes);
            for (const pair of allPairs(call)) expect(pair.text).toMatch(/^[A-Za-z0-9_.~-]+(?:=[!-~]*)?$/);
          } catch (error) {
            expect(error).toBeInstanceOf(ProxyError);
          }
        },
      ),
      runs(5_000),
    );
  });

  it('Reading a call keeps every value that a client encodes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 30 }), (value) => {
        const call = callOf(
          'POST',
          `/api/v3/order?a=${encodeComponent(value)}`,
          JSON.stringify({ b: value }),
        );
        expect(decodedValue(findPair(call, 'a')!)).toBe(value);
        expect(decodedValue(findPair(call, 'b')!)).toBe(value);
      }),
      runs(1_000),
    );
  });
});
