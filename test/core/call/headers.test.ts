import { describe, expect, it } from 'vitest';
import { backHeaders, upHeaders } from '../../../src/core/call/headers.ts';

describe('headers on the way up', () => {
  it('Only the allow-listed headers go up to Binance', () => {
    const incoming = {
      accept: 'application/sbe',
      'accept-encoding': 'gzip',
      'user-agent': 'ccxt',
      'x-mbx-sbe': '3:5',
      'x-mbx-time-unit': 'MICROSECOND',
      'x-mbx-apikey': 'client key',
      authorization: 'Bearer client key',
      cookie: 'a=b',
      origin: 'http://x',
      host: 'localhost',
      connection: 'keep-alive',
      'x-forwarded-for': '1.2.3.4',
      'x-http-method-override': 'DELETE',
      traceparent: '00-1',
    };
    expect(upHeaders(incoming, undefined, false)).toEqual([
      'accept',
      'application/sbe',
      'accept-encoding',
      'gzip',
      'user-agent',
      'ccxt',
      'x-mbx-sbe',
      '3:5',
      'x-mbx-time-unit',
      'MICROSECOND',
    ]);
  });

  it('A signed call carries the real key up and says form of every body', () => {
    expect(upHeaders({ 'content-type': 'application/json' }, 'REAL', true)).toEqual([
      'content-type',
      'application/x-www-form-urlencoded',
      'x-mbx-apikey',
      'REAL',
    ]);
  });

  it('A call without a body keeps the client’s Content-Type', () => {
    expect(upHeaders({ 'content-type': 'application/json' }, undefined, false)).toEqual([
      'content-type',
      'application/json',
    ]);
  });
});

describe('headers on the way back', () => {
  it('Only the allow-listed headers and Binance’s own come back to the client', () => {
    const upstream = {
      'content-type': 'application/json;charset=UTF-8',
      'content-encoding': 'gzip',
      'content-length': '3',
      date: 'now',
      'retry-after': '7',
      'x-mbx-used-weight-1m': '5',
      'x-sapi-used-uid-weight-1m': '6',
      'x-mbx-uuid': 'u',
      'x-mbx-list': ['a', 'b'],
      'set-cookie': ['s=1'],
      connection: 'close',
      'transfer-encoding': 'chunked',
      server: 'nginx',
      location: 'http://evil',
      'x-proxy-outcome': 'forged',
      'access-control-allow-origin': '*',
    };
    expect(backHeaders(upstream)).toEqual([
      'content-type',
      'application/json;charset=UTF-8',
      'content-encoding',
      'gzip',
      'content-length',
      '3',
      'date',
      'now',
      'retry-after',
      '7',
      'x-mbx-used-weight-1m',
      '5',
      'x-sapi-used-uid-weight-1m',
      '6',
      'x-mbx-uuid',
      'u',
      'x-mbx-list',
      'a',
      'x-mbx-list',
      'b',
    ]);
  });
});
