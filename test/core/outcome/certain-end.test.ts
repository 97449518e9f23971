import { describe, expect, it } from 'vitest';
import { hasCertainEnd } from '../../../src/core/outcome/certain-end.ts';

describe('the end of an answer', () => {
  it.each([
    [{}],
    [{ 'transfer-encoding': 'gzip' }],
    [{ 'transfer-encoding': 'gzip, chunked' }],
    [{ 'transfer-encoding': 'chunked, gzip' }],
    [{ 'transfer-encoding': 'identity' }],
    [{ 'transfer-encoding': ['gzip', 'chunked'] }],
    [{ 'transfer-encoding': 'gzip', 'content-length': '10' }],
    [{ 'content-length': ['10', '12'] }],
    [{ 'content-length': '-1' }],
    [{ 'content-length': '' }],
  ])('The end of an answer with %o is not certain', (headers) => {
    expect(hasCertainEnd('GET', 200, headers)).toBe(false);
    expect(hasCertainEnd('POST', 400, headers)).toBe(false);
  });

  it.each([[{ 'content-length': '0' }], [{ 'content-length': '17' }], [{ 'transfer-encoding': 'Chunked' }]])(
    'The end of an answer with %o is certain',
    (headers) => {
      expect(hasCertainEnd('POST', 200, headers)).toBe(true);
    },
  );

  it.each([
    ['HEAD', 200],
    ['GET', 204],
    ['GET', 304],
  ])('An answer to %s with status %i has no body that could be cut', (method, status) => {
    expect(hasCertainEnd(method, status, {})).toBe(true);
  });
});
