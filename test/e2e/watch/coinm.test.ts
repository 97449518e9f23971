import { afterEach, beforeEach, expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import { send } from '../../support/clients/http.ts';
import { startTestProxy, type TestProxy } from '../../support/servers/proxy.ts';
import { startWsUpstream, type WsUpstream, wsEnv } from '../../support/servers/ws-upstream.ts';

const BOT = 'B'.repeat(64);
const LISTEN_KEY = 'k'.repeat(64);
const YAML = `
accounts: { main: { envPrefix: BINANCE, watch: [coinm] } }
clients:
  bot: { envPrefix: BOT, permissions: [market-data, read, futures-trade], symbols: [BTCUSD_PERP], order: { maxOpen: 1 } }
`;
const ORDER = '/dapi/v1/order?symbol=BTCUSD_PERP&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=20000';

let exchange: WsUpstream;
let proxy: TestProxy;
let stream: WebSocket | undefined;
/** What a question for open orders is answered. */
let standing: unknown[];
beforeEach(async () => {
  standing = [];
  stream = undefined;
  exchange = await startWsUpstream();
  exchange.onStream((socket, { url }) => {
    if (url === `/ws/${LISTEN_KEY}`) stream = socket;
  });
  exchange.answerRest((target) => {
    const [path] = target.split('?');
    if (path === '/dapi/v1/listenKey') return JSON.stringify({ listenKey: LISTEN_KEY });
    if (path === '/dapi/v1/openOrders') return JSON.stringify(standing);
    if (path === '/dapi/v1/openAlgoOrders' || path === '/dapi/v1/allOrders') return '[]';
    return JSON.stringify({ orderId: 1, clientOrderId: nameIn(target), status: 'NEW' });
  });
  proxy = await startTestProxy({
    upstream: exchange.url,
    yaml: YAML,
    env: { ...wsEnv(exchange), BOT_CLIENT_KEY: BOT },
  });
  await expect.poll(() => proxy.records('watch.began').length, { timeout: 20_000 }).toBe(1);
});
afterEach(async () => {
  await proxy.close();
  await exchange.close();
});

const nameIn = (target: string) => new URL(target, 'http://x').searchParams.get('newClientOrderId');
const call = (method: string, target: string) =>
  send(proxy.port, target, { method, headers: { 'x-mbx-apikey': BOT } });
const tell = (order: object) => {
  const common = { s: 'BTCUSD_PERP', S: 'BUY', o: 'LIMIT', q: '1', p: '20000', T: Date.now(), ma: 'BTC' };
  stream?.send(
    JSON.stringify({ e: 'ORDER_TRADE_UPDATE', E: Date.now(), T: Date.now(), o: { ...common, ...order } }),
  );
};
const ownOrders = () => proxy.parts.watch.ownOrders;

it('Own orders of COIN-M are known and counted, those of others told, and a fill is booked in its coin', async () => {
  expect((await call('POST', ORDER)).status).toBe(200);
  const name = nameIn(exchange.restTargets.find((target) => target.startsWith('/dapi/v1/order?')) ?? '');
  tell({ c: name, x: 'NEW', X: 'NEW', i: 1 });
  const refused = await call('POST', ORDER);
  expect(refused.headers['x-proxy-error']).toBe('PROXY_ORDER_REFUSED');
  expect(exchange.restTargets.filter((target) => target.startsWith('/dapi/v1/order?'))).toHaveLength(1);
  const fill = {
    c: name,
    x: 'TRADE',
    X: 'FILLED',
    i: 1,
    t: 77,
    rp: '-0.00001234',
    N: 'BTC',
    n: '0.00000001',
  };
  // Told twice, it is one.
  tell(fill);
  tell(fill);
  await expect
    .poll(ownOrders)
    .toEqual([{ client: 'bot', account: 'main', open: 0, realised: { BTC: '-0.00001234' } }]);
  tell({ c: 'of-a-thief', x: 'NEW', X: 'NEW', i: 2 });
  tell({ c: 'autoclose-1700000000', o: 'LIQUIDATION', x: 'NEW', X: 'NEW', i: 3 });
  await expect
    .poll(() => proxy.records('order.foreign'), { timeout: 20_000 })
    .toMatchObject([
      { upstream: 'coinm', orderId: '2', detail: { origin: 'foreign' } },
      { upstream: 'coinm', orderId: '3', detail: { origin: 'exchange' } },
    ]);
  expect((await call('POST', ORDER)).status).toBe(200);
});

it('After a gap the list of open orders of COIN-M says what rests and what is foreign', async () => {
  expect((await call('POST', ORDER)).status).toBe(200);
  const name = nameIn(exchange.restTargets.find((target) => target.startsWith('/dapi/v1/order?')) ?? '');
  tell({ c: name, x: 'NEW', X: 'NEW', i: 1 });
  await expect.poll(() => ownOrders()[0]?.open).toBe(1);
  const row = { symbol: 'BTCUSD_PERP', side: 'BUY', type: 'LIMIT', status: 'NEW', origQty: '1', price: '1' };
  standing = [{ ...row, orderId: 9, clientOrderId: 'meanwhile', time: Date.now() + 1_000 }];
  stream?.terminate();
  await expect
    .poll(() => proxy.records('order.foreign'), { timeout: 30_000 })
    .toMatchObject([{ upstream: 'coinm', orderId: '9', detail: { origin: 'foreign' } }]);
  await expect.poll(() => ownOrders()[0]?.open).toBe(0);
  expect(proxy.records('watch.blind')).toHaveLength(1);
  expect(proxy.lines.join('\n')).not.toContain(LISTEN_KEY);
});
