import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { send } from '../../support/clients/http.ts';
import { connectApp, eventually, type WsApp } from '../../support/clients/ws-app.ts';
import {
  type EgressProxy,
  type EgressProxyOptions,
  seenBy,
  startHttpProxy,
  startSocksProxy,
} from '../../support/egress/egress-proxies.ts';
import {
  EXCHANGE,
  HEDGE_APP,
  HEDGE_KEY,
  MAIN_APP,
  startBehind,
  startTlsExchange,
  type TlsExchange,
  twoAccounts,
} from '../../support/egress/egress-stage.ts';
import { TEST_KEY, TEST_SECRET, type TestProxy } from '../../support/servers/proxy.ts';

const CREDENTIALS = 'office:p%40ss:word-of-the-office';
const PLAIN_CREDENTIALS = 'office:p@ss:word-of-the-office';
const ORDER = 'symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price=20000';

let exchange: TlsExchange;
beforeAll(async () => {
  exchange = await startTlsExchange();
});
afterAll(() => exchange.close());

let proxy: TestProxy | undefined;
const ways: EgressProxy[] = [];
const apps: WsApp[] = [];
afterEach(async () => {
  for (const app of apps.splice(0)) app.socket.terminate();
  await proxy?.close();
  for (const way of ways.splice(0)) await way.kill();
});

async function connect(path: string, headers: Record<string, string> = {}): Promise<WsApp> {
  const app = await connectApp(`${proxy?.url}${path}`, { headers });
  apps.push(app);
  return app;
}

const rest = (method: string, target: string, headers: Record<string, string>, body?: string) =>
  send(proxy?.port ?? 0, target, { method, headers, ...(body === undefined ? {} : { body }) });

const kinds: readonly [string, (options: EgressProxyOptions) => Promise<EgressProxy>][] = [
  ['http', startHttpProxy],
  ['https', (options) => startHttpProxy({ ...options, tls: exchange.certificate })],
  ['socks5', startSocksProxy],
];

/** What was asked of a way and what went through it, and that none of it can be read. */
function expectNothingReadable(way: EgressProxy): void {
  expect(new Set(way.tunnels.map(({ target }) => target))).toEqual(new Set([`${EXCHANGE}:${exchange.port}`]));
  const seen = seenBy(way);
  expect(seen.length).toBeGreaterThan(1_000);
  for (const text of [TEST_KEY, HEDGE_KEY, TEST_SECRET, 'signature', 'BTCUSDT', 'HTTP/1.1', '/api/v3'])
    expect(seen).not.toContain(text);
}

describe.each(kinds)('a way out through a proxy of kind %s', (scheme, startWay) => {
  it(`Everything leaves through the ${scheme} proxy: REST, the signed API, streams and user data, and nothing can be read on it`, async () => {
    const way = await startWay({ credentials: PLAIN_CREDENTIALS });
    ways.push(way);
    proxy = await startBehind(exchange, twoAccounts({ top: '{ envPrefix: OFFICE }' }), {
      OFFICE_EGRESS_PROXY: `${scheme}://${CREDENTIALS}@${way.address}`,
    });
    const before = exchange.simulator.requests.length;
    expect((await rest('GET', '/api/v3/depth?symbol=BTCUSDT', {})).status).toBe(200);
    expect((await rest('GET', '/api/v3/account', MAIN_APP)).status).toBe(200);
    const placed = await rest('POST', '/api/v3/order', HEDGE_APP, ORDER);
    expect([placed.status, placed.headers['x-proxy-outcome']]).toEqual([200, 'answered']);
    expect(exchange.simulator.requests.length).toBe(before + 3);

    const restOnly = way.tunnels.length;
    const api = await connect('/ws-api/v3', MAIN_APP);
    expect(await api.ask('account.status')).toMatchObject({ status: 200 });
    expect(await api.ask('userDataStream.subscribe')).toMatchObject({ status: 200 });
    const stream = await connect('/ws/btcusdt@trade');
    await rest('POST', '/api/v3/order', MAIN_APP, 'symbol=BTCUSDT&side=BUY&type=MARKET&quoteOrderQty=20');
    await stream.until((_reply, text) => text.includes('"trade"'));
    await api.until(({ event }) => event?.e === 'executionReport');
    expect(way.tunnels.length).toBeGreaterThanOrEqual(restOnly + 2);

    expectNothingReadable(way);
    expect(new Set(way.tunnels.map(({ credentials }) => credentials))).toEqual(new Set([PLAIN_CREDENTIALS]));
    expect(exchange.simulator.frames.every(({ verified }) => verified)).toBe(true);
  });
});

describe('ways out of accounts', () => {
  it('On a signed API the key of the first frame decides the way, and a frame of an account with another one is refused', async () => {
    const office = await startHttpProxy();
    const vpn = await startHttpProxy();
    ways.push(office, vpn);
    proxy = await startBehind(
      exchange,
      twoAccounts({ top: '{ envPrefix: OFFICE }', hedge: '{ envPrefix: HEDGE }' }),
      { OFFICE_EGRESS_PROXY: `http://${office.address}`, HEDGE_EGRESS_PROXY: `http://${vpn.address}` },
    );
    const counts = () => [office.tunnels.length, vpn.tunnels.length];
    const hedge = { apiKey: HEDGE_APP['x-mbx-apikey'] };
    const main = { apiKey: MAIN_APP['x-mbx-apikey'] };
    const [officeBefore = 0] = counts();
    const app = await connect('/ws-api/v3');
    expect(counts()).toEqual([officeBefore, 0]);
    // Both frames are sent before anything is open; both are answered, in their order.
    const replies = await Promise.all([app.ask('account.status', hedge), app.ask('account.status', hedge)]);
    expect(replies.map(({ status }) => status)).toEqual([200, 200]);
    expect(counts()).toEqual([officeBefore, 1]);
    expect(await app.ask('ping')).toMatchObject({ status: 200 });

    const frames = exchange.simulator.frames.length;
    const refused = await app.ask('account.status', main);
    expect(refused).toMatchObject({
      status: 502,
      error: { code: -1001, data: { proxyOutcome: 'not-sent', proxyError: 'PROXY_UPSTREAM_UNREACHABLE' } },
    });
    expect(refused.error?.msg).toContain('open a socket of its own');
    expect(exchange.simulator.frames.length).toBe(frames);

    const other = await connect('/ws-api/v3');
    expect(await other.ask('account.status', main)).toMatchObject({ status: 200 });
    expect(counts()).toEqual([officeBefore + 1, 1]);
    expect(await other.ask('account.status', hedge)).toMatchObject({ status: 502 });

    await vpn.kill();
    const closed = await connect('/ws-api/v3');
    const answer = await closed.ask('account.status', hedge);
    expect(answer).toMatchObject({ status: 502, error: { data: { proxyOutcome: 'not-sent' } } });
    expect(answer.error?.msg).toContain('accounts.hedge.egress (HEDGE_EGRESS_PROXY)');
    expect((await closed.closed).code).toBe(1013);
  });

  it('A stream with a listen key leaves by the way of the account that asked for it, also when its app shows no key', async () => {
    const office = await startHttpProxy();
    const vpn = await startSocksProxy();
    ways.push(office, vpn);
    proxy = await startBehind(
      exchange,
      twoAccounts({ top: '{ envPrefix: OFFICE }', hedge: '{ envPrefix: HEDGE }' }),
      { OFFICE_EGRESS_PROXY: `http://${office.address}`, HEDGE_EGRESS_PROXY: `socks5://${vpn.address}` },
    );
    const listenKey = String((await rest('POST', '/fapi/v1/listenKey', HEDGE_APP)).json?.listenKey);
    const mainKey = String((await rest('POST', '/fapi/v1/listenKey', MAIN_APP)).json?.listenKey);
    const byApi = await connect('/ws-fapi/v1', HEDGE_APP);
    const started = await byApi.ask('userDataStream.start');
    expect(started.result?.listenKey).toBe(listenKey);
    const counts = () => [office.tunnels.length, vpn.tunnels.length];
    let [atOffice = 0, atVpn = 0] = counts();
    await connect(`/private/ws/${listenKey}`);
    expect(counts()).toEqual([atOffice, ++atVpn]);
    await connect(`/private/ws/${mainKey}`);
    expect(counts()).toEqual([++atOffice, atVpn]);
    await connect(`/private/stream?listenKey=${listenKey}`);
    expect(counts()).toEqual([atOffice, ++atVpn]);

    // On a socket of public streams only the stream of the account leaves by the account's way.
    const shared = await connect('/market/ws');
    expect(counts()).toEqual([++atOffice, atVpn]);
    const control = { method: 'SUBSCRIBE', params: ['btcusdt@aggTrade', listenKey], id: 7 };
    shared.socket.send(JSON.stringify(control));
    expect(await shared.until(({ id }) => id === 7)).toEqual({ result: null, id: 7 });
    expect(counts()).toEqual([atOffice, ++atVpn]);
    shared.socket.send(JSON.stringify({ ...control, method: 'UNSUBSCRIBE', id: 8 }));
    expect(await shared.until(({ id }) => id === 8)).toEqual({ result: null, id: 8 });
    expect(proxy.lines.join('\n')).not.toContain(listenKey);
  });

  it('Each account leaves by its own way, the rest by the top-level one, and look-ups by that of the account that they are for', async () => {
    const office = await startHttpProxy();
    const vpn = await startSocksProxy({ credentials: 'vpn-user:vpn-password-of-the-hedge' });
    ways.push(office, vpn);
    proxy = await startBehind(
      exchange,
      twoAccounts({ top: '{ envPrefix: OFFICE }', hedge: '{ envPrefix: HEDGE }' }),
      {
        OFFICE_EGRESS_PROXY: `http://${office.address}`,
        HEDGE_EGRESS_PROXY: `socks5://vpn-user:vpn-password-of-the-hedge@${vpn.address}`,
        BINANCE_PROXY_KEY_PREFLIGHT: 'enforce',
      },
    );
    // The question about the key of the hedge went its way, before anything else did.
    expect(vpn.tunnels.length).toBe(1);
    const ups = (way: EgressProxy) => way.tunnels.reduce((sum, { up }) => sum + Buffer.concat(up).length, 0);
    const usedBy = async (what: () => Promise<unknown>) => {
      const before = [ups(office), ups(vpn)];
      await what();
      return [ups(office) > (before[0] ?? 0), ups(vpn) > (before[1] ?? 0)];
    };
    expect(await usedBy(() => rest('GET', '/api/v3/depth?symbol=BTCUSDT', HEDGE_APP))).toEqual([true, false]);
    expect(await usedBy(() => rest('GET', '/api/v3/account', MAIN_APP))).toEqual([true, false]);
    expect(await usedBy(() => rest('GET', '/api/v3/account', HEDGE_APP))).toEqual([false, true]);
    expect(await usedBy(() => rest('POST', '/api/v3/order', HEDGE_APP, ORDER))).toEqual([false, true]);
    expect(
      await usedBy(async () => {
        const api = await connect('/ws-api/v3', HEDGE_APP);
        expect(await api.ask('account.status')).toMatchObject({ status: 200 });
      }),
    ).toEqual([false, true]);

    // An order whose answer is lost is asked for by the way of its account.
    exchange.simulator.inject({
      kind: 'execute-then-drop',
      match: { path: '/api/v3/order', method: 'POST' },
    });
    const lost = await usedBy(async () => {
      const reply = await rest(
        'POST',
        '/api/v3/order',
        HEDGE_APP,
        `${ORDER}&newClientOrderId=lost-on-the-way`,
      );
      expect(reply.headers['x-proxy-outcome']).toBe('unknown');
      await eventually(() => proxy?.records('call.resolved').length === 1);
    });
    expect(lost).toEqual([false, true]);
    expect(await usedBy(() => connect('/ws/btcusdt@trade', HEDGE_APP))).toEqual([true, false]);
    expectNothingReadable(office);
    expectNothingReadable(vpn);
  });
});
