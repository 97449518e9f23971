import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clearOfWindowEnd } from '../../support/clear-of-window.ts';
import { send } from '../../support/clients/http.ts';
import { connectApp } from '../../support/clients/ws-app.ts';
import { HEDGE_APP, MAIN_APP, plainEnv, twoAccounts } from '../../support/egress/egress-stage.ts';
import { askOperator, startTestProxy, type TestProxy } from '../../support/servers/proxy.ts';
import { startUpstream, type Upstream } from '../../support/servers/upstream.ts';
import { startWsUpstream, type WsUpstream, wsEnv } from '../../support/servers/ws-upstream.ts';

const ORDER = 'symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price=20000';

let upstream: Upstream;
let sockets: WsUpstream;
let proxy: TestProxy;
beforeEach(async () => {
  await clearOfWindowEnd(60_000, 20_000);
  upstream = await startUpstream({ limits: 'fallback' });
  sockets = await startWsUpstream();
});
afterEach(async () => {
  await proxy.close();
  await sockets.close();
  await upstream.close();
});

/** The hedge's account leaves from another address; `ids` are put into its egress. */
async function start(ids = ''): Promise<void> {
  proxy = await startTestProxy({
    upstream: upstream.url,
    yaml: twoAccounts({ hedge: `{ localAddress: 127.0.0.2${ids} }` }),
    env: { ...plainEnv, ...wsEnv(sockets) },
  });
}

const account = (headers: Record<string, string>) => send(proxy.port, '/api/v3/account', { headers });
const order = (headers: Record<string, string>) =>
  send(proxy.port, '/api/v3/order', { method: 'POST', headers, body: ORDER });
const errorOf = async (reply: ReturnType<typeof account>) => (await reply).headers['x-proxy-error'];

/** How the stand-in answers the next call. */
function answerOnce(status: number, headers: Record<string, string>): void {
  upstream.respond((_received, response) => {
    response
      .writeHead(status, { 'content-type': 'application/json', ...headers })
      .end('{"code":-1003,"msg":"x"}');
    upstream.respond((_next, following) => {
      following.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
}

describe('budgets by egress', () => {
  it('A ban of one egress stops the account that leaves by it, and nobody else', async () => {
    await start();
    answerOnce(418, { 'retry-after': '60' });
    expect((await account(HEDGE_APP)).status).toBe(418);
    const before = upstream.received.length;
    expect(await errorOf(account(HEDGE_APP))).toBe('PROXY_UPSTREAM_FROZEN');
    expect(await errorOf(order(HEDGE_APP))).toBe('PROXY_UPSTREAM_FROZEN');
    expect(upstream.received.length).toBe(before);
    expect((await account(MAIN_APP)).status).toBe(200);
    // A call without a key leaves by the top-level way, whoever makes it.
    expect((await send(proxy.port, '/api/v3/depth?symbol=A', { headers: HEDGE_APP })).status).toBe(200);
    const operator = (path: string) => send(Number(new URL(proxy.operatorUrl).port), path);
    expect((await askOperator(proxy.operatorUrl, '/operator/status')).json?.frozen).toMatchObject([
      { upstream: 'spot', egress: 'account-hedge' },
    ]);
    const metrics = (await operator('/metrics')).text;
    expect(metrics).toMatch(/^binance_proxy_upstream_frozen\{upstream="spot"\} 0$/m);
    expect(metrics).toMatch(/^binance_proxy_upstream_frozen\{upstream="spot",egress="account-hedge"\} 1$/m);
    expect(proxy.records('upstream.frozen')).toMatchObject([
      { detail: { upstream: 'spot', egress: 'account-hedge' } },
    ]);
  });

  it('Weight that Binance reports on one egress is not taken from another one', async () => {
    await start();
    answerOnce(200, { 'x-mbx-used-weight-1m': '6000' });
    await account(HEDGE_APP);
    const before = upstream.received.length;
    expect(await errorOf(account(HEDGE_APP))).toBe('PROXY_WEIGHT_EXHAUSTED');
    expect(upstream.received.length).toBe(before);
    expect((await account(MAIN_APP)).status).toBe(200);
  });

  it('Ways with the same id share weight and bans', async () => {
    await start(', id: default');
    answerOnce(200, { 'x-mbx-used-weight-1m': '6000' });
    await account(HEDGE_APP);
    const before = upstream.received.length;
    expect(await errorOf(account(MAIN_APP))).toBe('PROXY_WEIGHT_EXHAUSTED');
    expect(upstream.received.length).toBe(before);
  });

  it('Requests and connections are counted by the id of the way, orders by account', async () => {
    await start(', id: vpn');
    await account(HEDGE_APP);
    await order(HEDGE_APP);
    await account(MAIN_APP);
    const socket = await connectApp(`${proxy.url}/ws-api/v3`, { headers: HEDGE_APP });
    const stream = await connectApp(`${proxy.url}/ws/btcusdt@trade`, { headers: HEDGE_APP });
    const { buckets } = proxy.parts.app.budgets.state;
    const used = (key: string) => buckets.find((bucket) => bucket.key === key)?.used;
    expect(used('ip:spot:raw:5M@vpn')).toBe(3);
    expect(
      buckets.filter(({ egress }) => egress !== undefined).every(({ key }) => key.endsWith('@vpn')),
    ).toBe(true);
    const connections = buckets.filter(({ kind, key }) => kind === 'quota' && key.includes('connections'));
    expect(connections.map(({ key, egress, used: count }) => [key.includes('api'), egress, count])).toEqual(
      expect.arrayContaining([
        [true, 'vpn', 1],
        [false, undefined, 1],
      ]),
    );
    const orders = buckets.filter(({ kind }) => kind === 'orders');
    expect(orders.length).toBeGreaterThan(0);
    expect(orders.every(({ key, egress }) => key.startsWith('account:hedge:') && egress === undefined)).toBe(
      true,
    );
    socket.socket.terminate();
    stream.socket.terminate();
  });
});
