import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { send } from '../../support/clients/http.ts';
import { eventually, refusedUpgrade } from '../../support/clients/ws-app.ts';
import {
  type EgressProxy,
  type EgressProxyOptions,
  startHttpProxy,
  startSocksProxy,
} from '../../support/egress/egress-proxies.ts';
import {
  HEDGE_APP,
  MAIN_APP,
  startBehind,
  startTlsExchange,
  startTlsFront,
  type TlsExchange,
  twoAccounts,
} from '../../support/egress/egress-stage.ts';
import { makeThrowAwayCertificate } from '../../support/fixtures/throw-away-certificate.ts';
import { askOperator, type TestProxy } from '../../support/servers/proxy.ts';

const USER = 'hedge-fund';
const PASSWORD = 'word-of-the-hedge-fund';
const ORDER = 'symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price=20000';
const SETTING = 'accounts.hedge.egress (HEDGE_EGRESS_PROXY)';
/** The exchange is open to direct connections: one that was made after all would arrive. */
const REACHABLE = '127.0.0.1';

let exchange: TlsExchange;
let impostor: Awaited<ReturnType<typeof startTlsFront>>;
beforeAll(async () => {
  exchange = await startTlsExchange();
  impostor = await startTlsFront(makeThrowAwayCertificate(), Number(new URL(exchange.simulator.url).port));
});
afterAll(async () => {
  await impostor.close();
  await exchange.close();
});

let proxy: TestProxy | undefined;
let way: EgressProxy | undefined;
afterEach(async () => {
  await proxy?.close();
  await way?.kill();
  proxy = undefined;
  way = undefined;
});

/** The hedge's account alone leaves through the way. */
async function start(
  scheme: string,
  opened: EgressProxy,
  password = PASSWORD,
  origins?: string,
): Promise<TestProxy> {
  way = opened;
  proxy = await startBehind(
    exchange,
    twoAccounts({ hedge: '{ envPrefix: HEDGE }' }),
    {
      HEDGE_EGRESS_PROXY: `${scheme}://${USER}:${password}@${opened.address}`,
      ...(origins === undefined ? {} : { BINANCE_PROXY_UPSTREAM_SPOT: origins }),
    },
    REACHABLE,
  );
  return proxy;
}

const order = (params = '') =>
  send(proxy?.port ?? 0, '/api/v3/order', { method: 'POST', headers: HEDGE_APP, body: ORDER + params });
const arrived = () => exchange.simulator.requests.filter(({ path }) => /order|account$/.test(path)).length;

/** What is seen by whoever may see anything. */
async function everythingShown(...replies: readonly string[]): Promise<string> {
  const shown = [...replies, ...(proxy?.lines ?? [])];
  for (const path of ['/readyz', '/metrics', '/operator/status', '/orders/unresolved'])
    shown.push((await askOperator(proxy?.operatorUrl ?? '', path)).text);
  return shown.join('\n');
}

type Start = (options?: EgressProxyOptions) => Promise<EgressProxy>;
const http: Start = (options) => startHttpProxy({ credentials: `${USER}:${PASSWORD}`, ...options });
const socks: Start = (options) => startSocksProxy({ credentials: `${USER}:${PASSWORD}`, ...options });
const stranger: Start = () => startHttpProxy({ tls: makeThrowAwayCertificate() });

const closed: readonly [
  what: string,
  scheme: string,
  start: Start,
  prepare: (way: EgressProxy) => unknown,
  why: RegExp,
][] = [
  [
    'an http proxy that is away',
    'http',
    http,
    (it) => it.kill(),
    /its proxy could not be reached \(ECONNREFUSED\)/,
  ],
  [
    'a SOCKS proxy that is away',
    'socks5',
    socks,
    (it) => it.kill(),
    /its proxy could not be reached \(ECONNREFUSED\)/,
  ],
  [
    'an http proxy that wants other credentials',
    'http',
    () => startHttpProxy({ credentials: 'another:one' }),
    () => {},
    /its proxy wants another user name and password \(407\)/,
  ],
  [
    'a SOCKS proxy that wants other credentials',
    'socks5',
    () => startSocksProxy({ credentials: 'another:one' }),
    () => {},
    /its proxy wants another user name and password/,
  ],
  [
    'an http proxy that answers 502',
    'http',
    http,
    (it) => it.misbehave({ kind: 'status', status: 502 }),
    /its proxy answered CONNECT with status 502/,
  ],
  [
    'an http proxy that answers 403',
    'http',
    http,
    (it) => it.misbehave({ kind: 'status', status: 403 }),
    /its proxy answered CONNECT with status 403/,
  ],
  [
    'a SOCKS proxy that finds no host',
    'socks5',
    socks,
    (it) => it.misbehave({ kind: 'reply', reply: 4 }),
    /its proxy refused the connection \(HostUnreachable\)/,
  ],
  [
    'an http proxy that answers nonsense',
    'http',
    http,
    (it) => it.misbehave({ kind: 'garbage' }),
    /its proxy gave no valid answer/,
  ],
  [
    'a SOCKS proxy that answers nonsense',
    'socks5',
    socks,
    (it) => it.misbehave({ kind: 'garbage' }),
    /its proxy gave no valid answer/,
  ],
  [
    'an http proxy that hangs up',
    'http',
    http,
    (it) => it.misbehave({ kind: 'hang-up' }),
    /its proxy closed the connection/,
  ],
  [
    'a SOCKS proxy that hangs up',
    'socks5',
    socks,
    (it) => it.misbehave({ kind: 'hang-up' }),
    /its proxy closed the connection/,
  ],
  [
    'an http proxy that dies before the first byte',
    'http',
    http,
    (it) => it.misbehave({ kind: 'die-in-tunnel' }),
    /no verified TLS connection/,
  ],
  [
    'a SOCKS proxy that dies before the first byte',
    'socks5',
    socks,
    (it) => it.misbehave({ kind: 'die-in-tunnel' }),
    /no verified TLS connection/,
  ],
  [
    'an http proxy that answers in Binance’s place',
    'http',
    http,
    (it) => it.misbehave({ kind: 'intercept', port: impostor.port }),
    /no verified TLS connection \(DEPTH_ZERO_SELF_SIGNED_CERT\)/,
  ],
  [
    'a SOCKS proxy that answers in Binance’s place',
    'socks5',
    socks,
    (it) => it.misbehave({ kind: 'intercept', port: impostor.port }),
    /no verified TLS connection \(DEPTH_ZERO_SELF_SIGNED_CERT\)/,
  ],
  [
    'an https proxy that nobody vouches for',
    'https',
    stranger,
    () => {},
    /the certificate of its proxy is not trusted \(DEPTH_ZERO_SELF_SIGNED_CERT\)/,
  ],
  [
    'an https proxy that speaks plain HTTP',
    'https',
    http,
    () => {},
    /its proxy could not be reached \(E\w+\)/,
  ],
];

describe('a way out that is closed', () => {
  it.each(closed)(
    'Through %s nothing is sent, nothing goes directly instead, and no address is told',
    async (_what, scheme, begin, prepare, why) => {
      const opened = await begin();
      await start(scheme, opened);
      const before = arrived();
      await prepare(opened);
      const placed = await order();
      const read = await send(proxy?.port ?? 0, '/api/v3/account', { headers: HEDGE_APP });
      const socket = await refusedUpgrade(`${proxy?.url.replace('http', 'ws')}/ws-api/v3`, {
        headers: HEDGE_APP,
      });
      for (const { status, headers, json } of [placed, read]) {
        expect([status, headers['x-proxy-error'], headers['x-proxy-outcome'], json?.code]).toEqual([
          502,
          'PROXY_UPSTREAM_UNREACHABLE',
          'not-sent',
          -1001,
        ]);
        expect(json?.msg).toContain(`Binance could not be reached through ${SETTING}: `);
        expect(json?.msg).toMatch(why);
      }
      expect([socket.status, socket.headers['x-proxy-outcome']]).toEqual([502, 'not-sent']);
      expect(socket.body).toContain(SETTING);
      expect(arrived()).toBe(before);

      const shown = await everythingShown(placed.text, read.text, socket.body);
      const secrets = [USER, PASSWORD, opened.address, btoa(`${USER}:${PASSWORD}`)];
      expect(secrets.filter((secret) => shown.includes(secret))).toEqual([]);
      // Whoever leaves by another way is not concerned.
      expect((await send(proxy?.port ?? 0, '/api/v3/account', { headers: MAIN_APP })).status).toBe(200);
    },
    30_000,
  );

  it.each([
    ['http', http],
    ['socks5', socks],
  ] as const)(
    'A %s proxy that dies after a byte was written leaves an order unknown, and it is not sent again',
    async (scheme, begin) => {
      const opened = await begin();
      await start(scheme, opened);
      exchange.simulator.inject({
        kind: 'stall',
        execute: true,
        match: { path: '/api/v3/order', method: 'POST' },
      });
      const before = arrived();
      const placing = order('&newClientOrderId=dies-on-the-way');
      await eventually(() => arrived() > before);
      await opened.kill();
      const reply = await placing;
      expect([reply.status, reply.headers['x-proxy-error'], reply.headers['x-proxy-outcome']]).toEqual([
        504,
        'PROXY_OUTCOME_UNKNOWN',
        'unknown',
      ]);
      expect(reply.json?.msg).toContain('dies-on-the-way');
      expect(arrived()).toBe(before + 1);
    },
  );

  it('A further origin is tried when the proxy cannot reach the first, and not when the proxy itself fails', async () => {
    const opened = await http();
    const origins = `https://localhost:${exchange.port},https://${REACHABLE}:${exchange.port}`;
    await start('http', opened, PASSWORD, origins);
    opened.misbehave({ kind: 'hang-up' });
    expect((await order()).status).toBe(502);
    expect(opened.tunnels.map(({ target }) => target)).toEqual([`localhost:${exchange.port}`]);
    opened.misbehave({ kind: 'status', status: 502 });
    expect((await order()).status).toBe(502);
    expect(opened.tunnels.map(({ target }) => target).slice(1)).toEqual([
      `localhost:${exchange.port}`,
      `${REACHABLE}:${exchange.port}`,
    ]);
  });

  it('A localAddress that this machine does not have sends nothing', async () => {
    proxy = await startBehind(
      exchange,
      twoAccounts({ hedge: '{ localAddress: 192.0.2.77 }' }),
      {},
      REACHABLE,
    );
    const before = arrived();
    const reply = await order();
    expect([reply.status, reply.headers['x-proxy-outcome']]).toEqual([502, 'not-sent']);
    expect(reply.json?.msg).toContain(
      'through accounts.hedge.egress: its localAddress is no address of this machine (EADDRNOTAVAIL)',
    );
    expect(arrived()).toBe(before);
  });
});
