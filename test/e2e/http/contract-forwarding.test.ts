import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Sending, send, sendRaw } from '../../support/clients/http.ts';
import { startTestProxy, TEST_KEY, TEST_SECRET, type TestProxy } from '../../support/servers/proxy.ts';
import { type Received, startUpstream, type Upstream } from '../../support/servers/upstream.ts';

const FAMILIES = ['SPOT', 'USDM', 'COINM', 'OPTIONS', 'PORTFOLIO'] as const;
type Family = (typeof FAMILIES)[number];

const upstreams = new Map<Family, Upstream>();
let proxy: TestProxy;
beforeAll(async () => {
  for (const family of FAMILIES) upstreams.set(family, await startUpstream());
  const spot = upstreams.get('SPOT')!;
  proxy = await startTestProxy({
    upstream: spot.url,
    env: Object.fromEntries(
      FAMILIES.map((family) => [`BINANCE_PROXY_UPSTREAM_${family}`, upstreams.get(family)!.url]),
    ),
  });
});
afterAll(async () => {
  await proxy.close();
  for (const upstream of upstreams.values()) await upstream.close();
});

/** Where one call arrived, and as what. */
async function arrived(
  target: string,
  sending: Sending = {},
): Promise<Received & { readonly family: Family }> {
  const before = new Map(FAMILIES.map((family) => [family, upstreams.get(family)!.received.length]));
  const reply = await send(proxy.port, target, sending);
  expect([reply.status, reply.text]).toEqual([200, '{}']);
  const [one, ...others] = FAMILIES.flatMap((family) =>
    upstreams
      .get(family)!
      .received.slice(before.get(family))
      .map((received) => ({ ...received, family })),
  );
  expect(others).toEqual([]);
  return one!;
}

const pathOf = ({ target }: Received) => target.split('?')[0];

describe('a path keeps its own host', () => {
  it.each<[string, Family, string]>([
    ['/api/v3/account', 'SPOT', '/api/v3/account'],
    ['/sapi/v1/account/status', 'SPOT', '/sapi/v1/account/status'],
    ['/fapi/v2/account', 'USDM', '/fapi/v2/account'],
    ['/futures/data/basis', 'USDM', '/futures/data/basis'],
    ['/dapi/v1/account', 'COINM', '/dapi/v1/account'],
    ['/eapi/v1/marginAccount', 'OPTIONS', '/eapi/v1/marginAccount'],
    ['/papi/v1/account', 'PORTFOLIO', '/papi/v1/account'],
    ['/coinm/futures/data/basis', 'COINM', '/futures/data/basis'],
    ['/usdm/futures/data/basis', 'USDM', '/futures/data/basis'],
    ['/spot/api/v3/account', 'SPOT', '/api/v3/account'],
    ['/options/eapi/v1/marginAccount', 'OPTIONS', '/eapi/v1/marginAccount'],
    ['/portfolio/papi/v1/account', 'PORTFOLIO', '/papi/v1/account'],
  ])('The path %s goes to %s as %s', async (target, family, path) => {
    const one = await arrived(target);
    expect([one.family, pathOf(one)]).toEqual([family, path]);
  });
});

describe('what is added', () => {
  /** Dated now: what is dated before the start may be a repeat. */
  const noise = () => `timestamp=${Date.now()}&signature=ff&recvWindow=4000`;

  it('A SIGNED endpoint gets the key, recvWindow, timestamp and, last, a signature over the bytes that are sent', async () => {
    const one = await arrived(`/api/v3/order?symbol=B%c3%A9&${noise()}`, {
      method: 'POST',
      headers: { 'x-mbx-apikey': 'whatever' },
      body: `&side=BUY&&signature=00&newClientOrderId=a+b'(*`,
    });
    const { target, body, headers } = one;
    expect(target).toBe('/api/v3/order?symbol=B%c3%A9');
    expect(body).toMatch(
      /^side=BUY&newClientOrderId=a\+b'\(\*&recvWindow=4000&timestamp=\d{13}&signature=[0-9a-f]{64}$/,
    );
    const [signed, signature] = body.split('&signature=');
    const payload = `symbol=B%c3%A9${signed}`;
    expect(signature).toBe(createHmac('sha256', TEST_SECRET).update(payload).digest('hex'));
    expect(headers['x-mbx-apikey']).toBe(TEST_KEY);
  });

  it('The stamp and the signature stand in the query where there is no body', async () => {
    const one = await arrived(`/api/v3/openOrders?${noise()}`);
    expect(one.target).toMatch(
      /^\/api\/v3\/openOrders\?recvWindow=4000&timestamp=\d{13}&signature=[0-9a-f]{64}$/,
    );
    expect(one.body).toBe('');
  });

  it('A call that its own app has signed too long ago is refused', async () => {
    for (const stamp of ['timestamp=1&signature=ff', 'timestamp=1700000000000&signature=ff']) {
      const reply = await send(proxy.port, `/api/v3/account?${stamp}`);
      expect([reply.status, reply.json?.code]).toEqual([400, -1021]);
    }
    expect((await arrived('/api/v3/account?timestamp=1')).target).not.toContain('timestamp=1&');
  });

  it('A recvWindow is never longer than configured', async () => {
    expect((await arrived('/api/v3/openOrders?recvWindow=60000')).target).toContain('recvWindow=5000&');
  });

  it.each([
    ['POST', '/fapi/v1/listenKey', ''],
    ['PUT', '/papi/v1/listenKey', ''],
    ['GET', '/fapi/v1/historicalTrades?symbol=A', '?symbol=A'],
  ])('The key-only endpoint %s %s gets the key alone', async (method, target, query) => {
    const one = await arrived(`${target}${target.includes('?') ? '&' : '?'}${noise()}`, { method });
    expect(one.target).toBe(`${pathOf(one)}${query}`);
    expect([one.body, one.headers['x-mbx-apikey']]).toEqual(['', TEST_KEY]);
  });

  it('An endpoint without security gets neither key nor signature', async () => {
    const one = await arrived(`/api/v3/depth?symbol=A&${noise()}`, { headers: { 'x-mbx-apikey': TEST_KEY } });
    expect([one.target, one.headers['x-mbx-apikey']]).toEqual(['/api/v3/depth?symbol=A', undefined]);
  });
});

describe('headers on the way up', () => {
  it('Only the allow-listed headers go up, whatever an app or a page sends', async () => {
    const allowed = {
      accept: 'application/sbe',
      'accept-encoding': 'zstd',
      'user-agent': 'an app',
      'x-mbx-sbe': '3:1',
      'x-mbx-time-unit': 'MICROSECOND',
    };
    const { headers } = await arrived('/api/v3/account', {
      headers: {
        ...allowed,
        authorization: 'Bearer x',
        cookie: 'a=b',
        referer: 'http://localhost',
        'x-forwarded-for': '1.2.3.4',
        'x-http-method-override': 'DELETE',
        'x-mbx-apikey': 'the app’s own'.replace('’', ''),
        'x-real-ip': '1.2.3.4',
        te: 'trailers',
      },
    });
    const { host, connection, ...others } = headers;
    expect(others).toEqual({ ...allowed, 'x-mbx-apikey': TEST_KEY });
    expect([host, connection]).toEqual([new URL(upstreams.get('SPOT')!.url).host, 'keep-alive']);
  });
});

describe('a body', () => {
  it('The body of a GET may be there and empty', async () => {
    const head = 'Host: localhost\r\nUser-Agent: an app\r\nConnection: close\r\n';
    const bodies = ['Content-Length: 0\r\n\r\n', 'Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n'];
    for (const body of bodies) {
      const text = await sendRaw(proxy.port, `GET /api/v3/account HTTP/1.1\r\n${head}${body}`);
      expect(text).toMatch(/^HTTP\/1\.1 200 /);
    }
  });

  it('A JSON body is sent as form, no value of it ever as a second parameter', async () => {
    const stamp = `"timestamp":${Date.now()},"recvWindow":9`;
    const { body } = await arrived('/api/v3/order', {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: `{"symbol":"A&side=SELL","price":0.10,"q":1e3,"x":true,"list":["a", {"b":1}],${stamp}}`,
    });
    expect(body).toMatch(
      /^symbol=A%26side%3DSELL&price=0\.10&q=1e3&x=true&list=%5B%22a%22%2C%20%7B%22b%22%3A1%7D%5D&newClientOrderId=bsp-[0-9a-z]{20}&recvWindow=/,
    );
  });

  it('A body and a query with the same bytes are sent once', async () => {
    const same = 'symbol=A&side=BUY';
    const one = await arrived(`/api/v3/order?${same}`, { method: 'POST', body: same });
    expect([one.target, one.body.startsWith(`${same}&`)]).toEqual(['/api/v3/order', true]);
  });
});
