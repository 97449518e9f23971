import { describe, expect, it } from 'vitest';
import { readCall } from '../../../src/core/call/call.ts';
import { assertPlainParameters } from '../../../src/core/call/plain-parameters.ts';

const read = (query: string) => readCall('GET', `/api/v3/depth?${query}`, new Uint8Array());
const accept = (query: string) => assertPlainParameters(read(query));

describe('parameters of callers without a key', () => {
  it.each([
    'symbol=BTCUSDT&limit=5000',
    'symbols=%5B%22BTCUSDT%22%2C%22ETHUSDT%22%5D',
    `symbols=${encodeURIComponent('["BTCUSDT","币安人生USDT"]')}`,
    `symbol=${encodeURIComponent('币安人生USDT')}`,
    'streams=btcusdt@trade/!ticker@arr',
    'pair=BTCUSD&contractType=PERPETUAL&interval=1m&startTime=1700000000000',
    'x=a-b_c.d~e:f,g*h',
    '',
  ])('What public parameters of Binance hold passes: %s', (query) => {
    expect(() => accept(query)).not.toThrow();
  });

  it.each([
    'symbol=BTCUSDT%27+UNION+SELECT+1--',
    'symbol=BTC USDT',
    'symbol=BTC+USDT',
    'symbol=%3Cscript%3E',
    'symbol=a%3Bb',
    'symbol=%60id%60',
    'symbol=%22',
    'symbol=(1)',
    'symbols=%5B1%2C2%5D',
    'symbols=%5B%22a%27%22%5D',
    'symbols=%5B%5B%22a%22%5D%5D',
    'symbol=%00',
    'symbol=%FF',
    'symbol=$(id)',
    'a=../../etc&b=%25',
  ])('What a firewall might take amiss does not: %s', (query) => {
    expect(() => accept(query)).toThrow('no public parameter');
  });
});
