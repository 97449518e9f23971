import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import { send } from '../../support/clients/http.ts';
import { hmacSigner, SignedCaller } from '../../support/clients/signed-caller.ts';
import { startTestProxy, TEST_KEY, TEST_SECRET, type TestProxy } from '../../support/servers/proxy.ts';
import {
  hasRedisServer,
  type RedisServer,
  sayWhatIsLeftOut,
  startRedisServer,
} from '../../support/servers/redis-server.ts';
import { wsEnv } from '../../support/servers/ws-upstream.ts';

const BOT = 'B'.repeat(64);
const GRID = 'G'.repeat(64);
const client = (prefix: string, more: string) =>
  `{ account: main, envPrefix: ${prefix}, permissions: [market-data, read, spot-margin-trade, futures-trade], symbols: [BTCUSDT]${more} }`;
const yaml = (more: string) => `
accounts: { main: { envPrefix: BINANCE, watch: [spot, usdm] } }
clients:
  bot: ${client('BOT', more)}
  grid: ${client('GRID', '')}
throttle: { replicas: 2 }
`;
/** More than a slow machine needs between two beats. */
const DEAD_MAN = yaml(', deadMan: { silenceMs: 5000 }');
const PLAIN = yaml('');
const LIMIT = 'symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=20000';
/** Somebody else's account, whose order meets one of the client's. */
const SELLER = 'S'.repeat(64);
const SELL = { symbol: 'BTCUSDT', side: 'SELL', type: 'MARKET', quantity: '1' };

sayWhatIsLeftOut('what the dead man cancels of two proxies');

describe.skipIf(!hasRedisServer)('what is cancelled as own on a watched account', () => {
  let simulator: Simulator;
  let redis: RedisServer;
  let folder: string;
  const proxies: TestProxy[] = [];
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'own-cancelling-'));
    redis = await startRedisServer();
    simulator = await startSimulator({
      accounts: [
        { apiKey: TEST_KEY, hmacSecret: TEST_SECRET, balances: { USDT: '1000000', BTC: '20' } },
        { apiKey: SELLER, hmacSecret: SELLER, balances: { BTC: '20' } },
      ],
      marketStepMs: 0,
    });
  });
  afterEach(async () => {
    await Promise.all(proxies.splice(0).map((proxy) => proxy.close()));
    await simulator.close();
    await redis.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** @param name of its audit folder; each proxy has one of its own */
  async function start(name: string, text: string): Promise<TestProxy> {
    const proxy = await startTestProxy({
      upstream: simulator.url,
      yaml: text,
      env: {
        ...wsEnv({ wsUrl: simulator.url.replace('http', 'ws') }),
        ...{ BOT_CLIENT_KEY: BOT, GRID_CLIENT_KEY: GRID, BINANCE_PROXY_REDIS_URL: redis.url.reveal() },
        BINANCE_PROXY_AUDIT_DIR: join(folder, name),
      },
    });
    proxies.push(proxy);
    await expect.poll(() => proxy.records('watch.began').length, { timeout: 20_000 }).toBe(2);
    return proxy;
  }
  async function close(proxy: TestProxy): Promise<void> {
    proxies.splice(proxies.indexOf(proxy), 1);
    await proxy.close();
  }
  /** The number of the order that was placed. */
  async function place(proxy: TestProxy, key: string, path: string, query = LIMIT): Promise<number> {
    const headers = { 'x-mbx-apikey': key };
    const reply = await send(proxy.port, `${path}?${query}`, { method: 'POST', headers });
    expect(reply.status, reply.text).toBe(200);
    return Number(reply.json?.orderId);
  }
  const hand = () => new SignedCaller(simulator.url, TEST_KEY, hmacSigner(TEST_SECRET));
  async function byHand(method: 'POST' | 'DELETE', path: string, pairs: Readonly<Record<string, string>>) {
    const { status, json } = await hand().call(method, path, pairs);
    expect(status).toBe(200);
    return Number((json as { orderId: number }).orderId);
  }
  const open = (proxy: TestProxy, name = 'bot') =>
    proxy.parts.watch.ownOrders.find((each) => each.client === name)?.open;
  const pairs = Object.fromEntries(new URLSearchParams(LIMIT));
  /** What was asked to be cancelled, in words. */
  const cancels = () =>
    simulator.requests
      .filter(({ method }) => method === 'DELETE')
      .map(({ path, target }) => `${path} ${new URLSearchParams(target.split('?')[1]).get('orderId')}`);
  async function resting(path: string): Promise<number[]> {
    const { json } = await hand().call('GET', path, { symbol: 'BTCUSDT' });
    return (json as { orderId: number }[]).map(({ orderId }) => orderId).sort();
  }

  it('The dead man cancels exactly what the streams say rests: of both proxies, and nothing that was filled or cancelled elsewhere', async () => {
    const one = await start('one', DEAD_MAN);
    const other = await start('other', PLAIN);
    const headers = { 'x-mbx-apikey': BOT };
    const beat = setInterval(() => void send(one.port, '/api/v3/account', { headers }).catch(() => {}), 200);
    let own: string[];
    let left: { readonly spot: number[]; readonly usdm: number[] };
    try {
      const spot = await place(one, BOT, '/api/v3/order');
      const usdm = await place(one, BOT, '/fapi/v1/order');
      const spotElsewhere = await place(other, BOT, '/api/v3/order');
      const usdmElsewhere = await place(other, BOT, '/fapi/v1/order');
      own = [
        ...[spot, spotElsewhere].map((id) => `/api/v3/order ${id}`),
        ...[usdm, usdmElsewhere].map((id) => `/fapi/v1/order ${id}`),
      ];
      left = {
        spot: [await place(one, GRID, '/api/v3/order'), await byHand('POST', '/api/v3/order', pairs)],
        usdm: [await place(other, GRID, '/fapi/v1/order'), await byHand('POST', '/fapi/v1/order', pairs)],
      };
      // The records of both say that these were placed; what became of them is known from the streams alone.
      for (const [proxy, path] of [
        [one, '/api/v3/order'],
        [other, '/api/v3/order'],
        [one, '/fapi/v1/order'],
        [other, '/fapi/v1/order'],
      ] as const) {
        const orderId = String(await place(proxy, BOT, path));
        await byHand('DELETE', path, { symbol: 'BTCUSDT', orderId });
      }
      const near = simulator.exchange.spot.market('BTCUSDT').lastPrice.sub('0.5').toFixed();
      const filled = await place(one, BOT, '/api/v3/order', LIMIT.replace('price=20000', `price=${near}`));
      const seller = new SignedCaller(simulator.url, SELLER, hmacSigner(SELLER));
      expect((await seller.call('POST', '/api/v3/order', SELL)).status).toBe(200);
      await expect
        .poll(async () => {
          const { json } = await hand().call('GET', '/api/v3/order', {
            symbol: 'BTCUSDT',
            orderId: String(filled),
          });
          return (json as { status: string }).status;
        })
        .toBe('FILLED');
      for (const proxy of [one, other]) await expect.poll(() => open(proxy), { timeout: 20_000 }).toBe(4);
      // What it placed is left to the one that hears the silence.
      await close(other);
    } finally {
      clearInterval(beat);
    }
    const before = cancels().length;
    await expect.poll(() => open(one), { timeout: 30_000 }).toBe(0);
    expect(cancels().slice(before).sort()).toEqual(own.sort());
    expect(await resting('/api/v3/openOrders')).toEqual(left.spot.sort());
    expect(await resting('/fapi/v1/openOrders')).toEqual(left.usdm.sort());
    expect(one.parts.stops.list()).toMatchObject([{ scope: 'client', name: 'bot', state: 'cancel-only' }]);
  });

  it('After a restart it is known what another proxy placed before, and an operator’s stop cancels that too', async () => {
    const first = await start('one', PLAIN);
    const other = await start('other', PLAIN);
    const own = [await place(first, BOT, '/api/v3/order'), await place(other, BOT, '/api/v3/order')];
    const foreign = await byHand('POST', '/api/v3/order', pairs);
    for (const proxy of [first, other]) await expect.poll(() => open(proxy), { timeout: 20_000 }).toBe(2);
    await close(first);
    // Its own records are gone: the names in Redis are what is left.
    const again = await start('empty', PLAIN);
    await expect.poll(() => open(again), { timeout: 20_000 }).toBe(2);
    await close(other);
    const entered = await again.parts.stops.enter({
      ...{ state: 'cancel-only', scope: { kind: 'client', name: 'bot' }, reason: 'a test', cancel: 'own' },
      ...{ operator: 'alice', channel: 'test' },
    });
    expect(entered.left).toEqual([]);
    expect(cancels().sort()).toEqual(own.map((id) => `/api/v3/order ${id}`).sort());
    expect(await resting('/api/v3/openOrders')).toEqual([foreign]);
    expect(open(again)).toBe(0);
  });
});
