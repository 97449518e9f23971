import { describe, expect, it } from 'vitest';
import {
  limitHeaders,
  readAnswerBody,
  readAnswerHead,
  subscriptionIdOf,
} from '../../../src/core/frames/frame-answer.ts';

describe('the head of an answer', () => {
  it.each([
    ['{"id":1,"status":200,"result":{}}', '1', 200],
    ['{"id":"a\\u00e9\\"b","status":400,"error":{}}', JSON.stringify('aé"b'), 400],
    ['{"id":null,"status":401,"error":{}}', 'null', 401],
    [' { "id" : -7 , "status" : 418 }', '-7', 418],
    ['{"status":200,"result":{"id":5},"id":"late"}', '"late"', 200],
  ])('The head of an answer is read from %s', (text, id, status) => {
    expect(readAnswerHead(text)).toEqual({ id, status });
  });

  it.each([
    '{"subscriptionId":0,"event":{"e":"executionReport","id":1,"status":200}}',
    '{"event":{"e":"serverShutdown"}}',
    '{"id":1.5,"status":200}',
    '{"id":1}',
    'garbage',
    '',
  ])('The head of an answer is not found in %s', (text) => {
    expect(readAnswerHead(text)).toBeUndefined();
  });
});

describe('the inside of an answer', () => {
  it('The body of an answer keeps digits that a double cannot hold', () => {
    const text = '{"id":1,"status":200,"result":{"orderId":12345678901234567890}}';
    expect(readAnswerBody(text, 200)).toEqual({ text: '{"orderId":12345678901234567890}', wellFormed: true });
  });

  it('The body of a refusal is its error, and a body that cannot be read is reported as such', () => {
    expect(readAnswerBody('{"id":1,"status":400,"error":{"code":-1}}', 400).text).toBe('{"code":-1}');
    expect(readAnswerBody('{"id":1,"status":200,"resu', 200)).toEqual({ text: undefined, wellFormed: false });
  });

  it('The body of an answer names the subscription that it opened', () => {
    expect(subscriptionIdOf('{"subscriptionId":0}')).toBe('0');
    expect(subscriptionIdOf('{"a":null}')).toBeUndefined();
    expect(subscriptionIdOf(undefined)).toBeUndefined();
  });
});

describe('the limits that an answer reports', () => {
  const limits = [
    { rateLimitType: 'REQUEST_WEIGHT', interval: 'MINUTE', intervalNum: 1, limit: 6000, count: 70 },
    { rateLimitType: 'ORDERS', interval: 'SECOND', intervalNum: 10, limit: 50, count: 3 },
    { rateLimitType: 'ORDERS', interval: 'DAY', intervalNum: 1, limit: 160000, count: 9 },
    { rateLimitType: 'RAW_REQUESTS', interval: 'MINUTE', intervalNum: 5, limit: 300000, count: 1 },
  ];

  it('The limits that an answer reports have the names of REST’s headers', () => {
    const text = `{"id":1,"status":200,"result":{"x":"${'y'.repeat(9_000)}"},"rateLimits":${JSON.stringify(limits)}}`;
    expect({ ...limitHeaders(text, undefined, 0) }).toEqual({
      'x-mbx-used-weight-1m': '70',
      'x-mbx-order-count-10s': '3',
      'x-mbx-order-count-1d': '9',
    });
  });

  it('The limits that an answer reports turn the moment of a retryAfter into seconds', () => {
    const error = '{"code":-1003,"msg":"","data":{"serverTime":1000,"retryAfter":4500}}';
    expect(limitHeaders('{}', error, 1000)).toMatchObject({ 'retry-after': '4' });
    expect({ ...limitHeaders('{"rateLimits":[{"x":', '{', 0) }).toEqual({});
  });
});
