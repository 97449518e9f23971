import { describe, expect, it } from 'vitest';
import { BINANCE_HOST_NAMES, binanceHost } from '../../src/core/binance-hosts.ts';
import { readTarget } from '../../src/core/call/target.ts';
import { readSocketTarget } from '../../src/core/frames/socket-target.ts';

const nameOf = (header: string | undefined, environment = 'live') => binanceHost(header, environment)?.name;
const hostNamed = (name: string, environment = 'live') => binanceHost(name, environment)!;

describe('the Host header by name', () => {
  it.each([
    ['api.binance.com', 'api.binance.com'],
    ['api.binance.com:443', 'api.binance.com'],
    ['API.Binance.COM', 'api.binance.com'],
    ['api.binance.com.', 'api.binance.com'],
    ['api.binance.com.:9443', 'api.binance.com'],
    ['api4.binance.com', 'api4.binance.com'],
    ['api-gcp.binance.com', 'api-gcp.binance.com'],
    ['data-api.binance.vision', 'data-api.binance.vision'],
    ['Stream.Binance.com:9443', 'stream.binance.com'],
  ])('The Host %s is the one of %s', (header, name) => {
    expect(nameOf(header)).toBe(name);
  });

  it.each([
    undefined,
    '',
    '.',
    ':443',
    'localhost',
    'binance.com',
    'www.binance.com',
    'api5.binance.com',
    'x.api.binance.com',
    'api.binance.com.evil.example',
    'evil-api.binance.com',
    'api.binance.com..',
    'api.binance.com:',
    'api.binance.com:443:443',
    'api.binance.com:999999',
    'api.binance.com:x',
    'user@api.binance.com',
    'api.binance.com/',
    ' api.binance.com',
    'api.binance.com, fapi.binance.com',
    'data-api.binance.com',
    'api.binance.vision',
    'apı.binance.com',
    '__proto__',
    'constructor',
  ])('The Host %s is none of Binance', (header) => {
    expect(nameOf(header)).toBeUndefined();
  });

  it('A name of the testnet or of demo mode is known in that environment alone, a live one everywhere', () => {
    for (const name of BINANCE_HOST_NAMES) {
      const kind = name.includes('testnet') ? 'testnet' : name.startsWith('demo') ? 'demo' : undefined;
      for (const environment of ['live', 'testnet', 'demo', 'simulator'])
        expect([name, environment, nameOf(name, environment)]).toEqual([
          name,
          environment,
          kind === undefined || kind === environment ? name : undefined,
        ]);
    }
  });
});

describe('what a host serves', () => {
  it.each([
    ['api1.binance.com', '/api/v3/order', 'spot'],
    ['api.binance.com', '/sapi/v1/capital/withdraw/apply', 'spot'],
    ['fapi.binance.com', '/fapi/v1/order', 'usdm'],
    ['fapi.binance.com', '/futures/data/basis', 'usdm'],
    ['dapi.binance.com', '/dapi/v1/order', 'coinm'],
    ['dapi.binance.com', '/futures/data/basis', 'coinm'],
    ['eapi.binance.com', '/eapi/v1/order', 'options'],
    ['papi.binance.com', '/papi/v1/um/order', 'portfolio'],
    ['data-api.binance.vision', '/api/v3/klines', 'spot'],
    ['data-api.binance.vision', '/api/v3/ticker/24hr', 'spot'],
  ])('On %s the path %s is one of %s', (name, path, upstream) => {
    expect(readTarget(`${path}?a=1`, hostNamed(name))).toEqual({ upstream, path, query: 'a=1' });
  });

  it.each([
    ['api.binance.com', '/fapi/v1/order'],
    ['api.binance.com', '/papi/v1/um/order'],
    ['api.binance.com', '/spot/api/v3/order'],
    ['fapi.binance.com', '/api/v3/order'],
    ['fapi.binance.com', '/coinm/futures/data/basis'],
    ['dapi.binance.com', '/fapi/v1/order'],
    ['papi.binance.com', '/sapi/v1/account/status'],
    ['stream.binance.com', '/api/v3/time'],
    ['ws-api.binance.com', '/api/v3/time'],
    ['data-api.binance.vision', '/api/v3/order'],
    ['data-api.binance.vision', '/api/v3/account'],
    ['data-api.binance.vision', '/sapi/v1/system/status'],
    ['data-api.binance.vision', '/api/v3/ticker/24hr/x'],
  ])('On %s there is no %s', (name, path) => {
    expect(readTarget(path, hostNamed(name))).toEqual({ upstream: undefined, path, query: '' });
  });

  it.each([
    ['ws-api.binance.com', '/ws-api/v3?returnRateLimits=false', 'api', 'spot'],
    ['ws-fapi.binance.com', '/ws-fapi/v1', 'api', 'usdm'],
    ['ws-dapi.binance.com', '/ws-dapi/v1', 'api', 'coinm'],
    ['stream.binance.com', '/ws/btcusdt@trade', 'stream', 'spot'],
    ['stream.binance.com', '/stream?streams=btcusdt@trade', 'stream', 'spot'],
    ['data-stream.binance.vision', '/ws', 'stream', 'spot'],
    ['fstream.binance.com', '/ws/btcusdt@aggTrade', 'stream', 'usdm'],
    ['fstream.binance.com', '/market/stream?streams=btcusdt@aggTrade', 'stream', 'usdm'],
    ['fstream.binance.com', '/pm/ws/x', 'stream', 'usdm'],
    ['dstream.binance.com', '/ws/btcusd_perp@aggTrade', 'stream', 'coinm'],
    ['dstream.binance.com', '/stream', 'stream', 'coinm'],
  ])('On %s a socket at %s is the %s of %s', (name, target, kind, family) => {
    const [path] = target.split('?');
    expect(readSocketTarget(target, hostNamed(name))).toMatchObject({ kind, family, path });
  });

  it.each([
    ['api.binance.com', '/ws/btcusdt@trade'],
    ['api.binance.com', '/ws-api/v3'],
    ['ws-api.binance.com', '/ws-fapi/v1'],
    ['ws-api.binance.com', '/ws/btcusdt@trade'],
    ['ws-api.binance.com', '/spot/ws-api/v3'],
    ['stream.binance.com', '/ws-api/v3'],
    ['stream.binance.com', '/coinm/ws/btcusd_perp@trade'],
    ['stream.binance.com', '/market/ws/btcusdt@trade'],
    ['dstream.binance.com', '/private/ws/x'],
    ['dstream.binance.com', '/usdm/ws/x'],
    ['fapi.binance.com', '/ws-fapi/v1'],
    ['data-stream.binance.vision', `/ws/${'k'.repeat(60)}`],
  ])('On %s no socket is served at %s', (name, target) => {
    expect(readSocketTarget(target, hostNamed(name))).toBeUndefined();
  });
});
