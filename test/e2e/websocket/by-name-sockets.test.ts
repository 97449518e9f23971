import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { connectApp, refusedUpgrade } from '../../support/clients/ws-app.ts';
import { type ByNameFiles, makeByNameFiles } from '../../support/servers/by-name-files.ts';
import { startTestProxy, type TestProxy } from '../../support/servers/proxy.ts';
import { startWsUpstream, type WsUpstream } from '../../support/servers/ws-upstream.ts';

const KEY = 'K'.repeat(64);
const LISTEN_KEY = 'L'.repeat(64);
const FAMILIES = ['spot', 'usdm', 'coinm'] as const;
const KINDS = ['WS_API', 'STREAM'] as const;

let files: ByNameFiles;
/** One exchange for each host of Binance's, by the variable that names it. */
let exchanges: ReadonlyMap<string, WsUpstream>;
let proxy: TestProxy;
beforeAll(async () => {
  files = makeByNameFiles();
  const names = FAMILIES.flatMap((family) => KINDS.map((kind) => `${family.toUpperCase()}_${kind}`));
  const started = names.map(async (name) => [name, await startWsUpstream()] as const);
  exchanges = new Map(await Promise.all(started));
  const origins = [...exchanges].map(([name, { wsUrl }]) => [`BINANCE_PROXY_UPSTREAM_${name}`, wsUrl]);
  proxy = await startTestProxy({
    upstream: exchanges.get('SPOT_WS_API')!.url,
    env: { ...files.env, ...Object.fromEntries(origins), BINANCE_PROXY_CLIENT_KEY: KEY },
  });
});
afterAll(async () => {
  await proxy.close();
  for (const exchange of exchanges.values()) await exchange.close();
  files.remove();
});

const optionsFor = (host: string, headers: Readonly<Record<string, string>> = { 'x-mbx-apikey': KEY }) => ({
  ca: files.ca,
  servername: host.split(':')[0]!.toLowerCase(),
  headers: { host, ...headers },
});
const urlOf = (target: string) => `wss://127.0.0.1:${proxy.namedPorts[0]!}${target}`;
const targets = () =>
  [...exchanges].flatMap(([name, exchange]) => exchange.targets.map((target) => `${name} ${target}`));

let before: number;
beforeEach(() => {
  before = targets().length;
});

describe('a socket by name', () => {
  it.each([
    ['ws-api.binance.com', '/ws-api/v3', 'SPOT_WS_API /ws-api/v3'],
    ['WS-API.binance.com:9443', '/ws-api/v3', 'SPOT_WS_API /ws-api/v3'],
    ['ws-fapi.binance.com', '/ws-fapi/v1', 'USDM_WS_API /ws-fapi/v1'],
    ['ws-dapi.binance.com.', '/ws-dapi/v1', 'COINM_WS_API /ws-dapi/v1'],
    ['stream.binance.com:9443', '/ws/btcusdt@trade', 'SPOT_STREAM /stream'],
    ['stream.binance.com', '/stream?streams=btcusdt@depth', 'SPOT_STREAM /stream'],
    ['data-stream.binance.vision', '/stream?streams=btcusdt@bookTicker', 'SPOT_STREAM /stream'],
    ['fstream.binance.com', '/ws/btcusdt@aggTrade', 'USDM_STREAM /stream'],
    ['fstream.binance.com', '/market/stream?streams=btcusdt@kline_1m', 'USDM_STREAM /market/stream'],
    ['fstream.binance.com', `/private/ws/${LISTEN_KEY}`, `USDM_STREAM /private/ws/${LISTEN_KEY}`],
    ['dstream.binance.com', '/ws/btcusd_perp@aggTrade', 'COINM_STREAM /stream'],
    ['dstream.binance.com', `/ws/${LISTEN_KEY}`, `COINM_STREAM /ws/${LISTEN_KEY}`],
  ])('By the name %s a socket at %s reaches %s', async (host, target, reached) => {
    const app = await connectApp(urlOf(target), optionsFor(host));
    await expect.poll(targets).toContain(reached);
    expect(proxy.records('socket.opened').at(-1)?.detail).toMatchObject({
      byName: host.toLowerCase().replace(/\.?(?::\d+)?$/, ''),
    });
    await app.close();
  });

  it.each([
    ['api.binance.com', '/ws-api/v3'],
    ['ws-api.binance.com', '/ws-fapi/v1'],
    ['ws-api.binance.com', '/ws/btcusdt@trade'],
    ['stream.binance.com', '/ws-api/v3'],
    ['stream.binance.com', '/market/ws/btcusdt@aggTrade'],
    ['stream.binance.com', '/coinm/ws/btcusd_perp@trade'],
    ['dstream.binance.com', `/private/ws/${LISTEN_KEY}`],
    ['data-stream.binance.vision', `/ws/${LISTEN_KEY}`],
    ['fapi.binance.com', '/ws-fapi/v1'],
  ])('By the name %s no socket is served at %s', async (host, target) => {
    const refused = await refusedUpgrade(urlOf(target), optionsFor(host));
    expect([refused.status, JSON.parse(refused.body)]).toMatchObject([404, { code: -1020 }]);
    expect(targets()).toHaveLength(before);
  });

  it.each([
    ['a name of its own', 'localhost', {}, 421],
    ['a foreign name', 'ws-api.binance.com.evil.example', {}, 421],
    ['a browser', 'ws-api.binance.com', { origin: 'https://evil.example' }, 403],
    ['a browser of the same site', 'ws-api.binance.com', { 'sec-fetch-site': 'same-origin' }, 403],
    ['a wrong key', 'ws-api.binance.com', { 'x-mbx-apikey': 'W'.repeat(64) }, 401],
  ])('An upgrade by name from %s is refused', async (_who, host, headers, status) => {
    const options = { ...optionsFor(host, headers), servername: 'ws-api.binance.com' };
    const refused = await refusedUpgrade(urlOf('/ws-api/v3'), options);
    expect(refused.status).toBe(status);
    expect(targets()).toHaveLength(before);
  });

  it('The records of a frame by name say by which', async () => {
    const app = await connectApp(urlOf('/ws-fapi/v1'), optionsFor('ws-fapi.binance.com'));
    expect(await app.ask('account.balance', {}, 7)).toMatchObject({ status: 200 });
    await app.close();
    const signed = proxy.records('call.signed').at(-1)!;
    expect(signed).toMatchObject({ upstream: 'usdm', detail: { byName: 'ws-fapi.binance.com', id: '7' } });
    await expect
      .poll(() => proxy.records('socket.closed').at(-1)?.detail)
      .toMatchObject({ byName: 'ws-fapi.binance.com', by: 'app' });
  });
});
