import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sendRaw } from '../../support/clients/http.ts';
import { startTestProxy, type TestProxy } from '../../support/servers/proxy.ts';
import { startUpstream, type Upstream } from '../../support/servers/upstream.ts';

let upstream: Upstream;
let proxy: TestProxy;
beforeAll(async () => {
  upstream = await startUpstream();
  proxy = await startTestProxy({ upstream: upstream.url });
});
afterAll(async () => {
  await proxy.close();
  await upstream.close();
});

const get = (target: string, version = '1.1') =>
  `GET ${target} HTTP/${version}\r\nHost: localhost\r\nUser-Agent: an app\r\nConnection: close\r\n\r\n`;

function parse(answer: string): {
  status: number;
  outcome: string | undefined;
  json: { code?: number; msg?: string };
} {
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  return {
    status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]),
    outcome: /^x-proxy-outcome: (.+)$/im.exec(head)?.[1],
    json: JSON.parse(body) as { code?: number; msg?: string },
  };
}

describe('the request target on the wire', () => {
  it.each([
    ['//api/v3/ping?a=1', '/api/v3/ping?a=1'],
    ['////api/v3/ping', '/api/v3/ping'],
    ['/spot/api/v3/ping', '/api/v3/ping'],
    ['//spot/api/v3/ping', '/api/v3/ping'],
    ['/api/v3/ping?', '/api/v3/ping'],
    ['/api/v3/exchangeInfo?symbols=["BTCUSDT"]', '/api/v3/exchangeInfo?symbols=%5B%22BTCUSDT%22%5D'],
  ])('The target %s leaves as %s', async (target, sent) => {
    const answer = await sendRaw(proxy.port, get(target));
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(upstream.received.at(-1)?.target).toBe(sent);
  });

  it.each([
    'http://api.binance.com/api/v3/ping',
    'http://localhost/api/v3/ping',
    '/api/v3/../v3/time',
    '/api/v3/%2e%2e/v3/time',
    '/api/v3/ping%00',
    '/api/v3/ping#x',
    '/api//v3/time',
    '/api/v3/ping;x',
    '/api/v3\\time',
    '/./api/v3/ping',
    '*',
  ])('The target %s is refused in JSON and does not leave', async (target) => {
    const before = upstream.received.length;
    const { status, outcome, json } = parse(await sendRaw(proxy.port, get(target)));
    expect([status, outcome, json.code]).toEqual([400, 'not-sent', -1100]);
    expect(upstream.received.length).toBe(before);
  });
});

describe('what Node’s parser refuses', () => {
  it.each([
    ['raw UTF-8 in the request line', Buffer.from(get('/api/v3/exchangeInfo?symbol=币'))],
    ['a space in the request line', get('/api/v3/exchangeInfo?symbols=["A", "B"]')],
    ['no HTTP at all', 'hello\r\n\r\n'],
    ['a broken header', 'GET /api/v3/time HTTP/1.1\r\nHost localhost\r\n\r\n'],
    [
      'both lengths',
      'POST /api/v3/order HTTP/1.1\r\nHost: localhost\r\nUser-Agent: an app\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    [
      'two lengths',
      'POST /api/v3/order HTTP/1.1\r\nHost: localhost\r\nUser-Agent: an app\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd',
    ],
    [
      'a bad chunk',
      'POST /api/v3/order HTTP/1.1\r\nHost: localhost\r\nUser-Agent: an app\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    ],
    ['CONNECT', 'CONNECT api.binance.com:443 HTTP/1.1\r\nHost: localhost\r\nUser-Agent: an app\r\n\r\n'],
  ])('A request with %s gets a 400 in Binance’s shape', async (_what, bytes) => {
    const before = upstream.received.length;
    const { status, outcome, json } = parse(await sendRaw(proxy.port, bytes));
    expect([status, outcome, json.code]).toEqual([400, 'not-sent', -1100]);
    expect(json.msg).toEqual(expect.any(String));
    expect(upstream.received.length).toBe(before);
  });
});

describe('what clients really do on the wire', () => {
  it('HTTP/1.0 is refused without a Host and served with one', async () => {
    expect(await sendRaw(proxy.port, 'GET /api/v3/time HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 421 /);
    expect(await sendRaw(proxy.port, get('/api/v3/ping', '1.0'))).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('A body is taken in separate segments, behind an Expect header and in chunks', async () => {
    const head =
      'POST /api/v3/order HTTP/1.1\r\nHost: localhost\r\nUser-Agent: an app\r\nConnection: close\r\n';
    expect(
      await sendRaw(proxy.port, `${head}Expect: 100-continue\r\nContent-Length: 8\r\n\r\nsymbol=A`),
    ).toContain(' 200 ');
    expect(upstream.received.at(-1)?.body).toMatch(/^symbol=A&newClientOrderId=/);
    expect(
      await sendRaw(
        proxy.port,
        `${head}Transfer-Encoding: chunked\r\n\r\n4\r\nsymb\r\n4\r\nol=B\r\n0\r\n\r\n`,
      ),
    ).toContain(' 200 ');
    expect(upstream.received.at(-1)?.body).toMatch(/^symbol=B&/);
  });

  it.each([
    [
      'application/json with an empty body',
      'POST',
      'Content-Type: application/json\r\nContent-Length: 0\r\n\r\n',
      '',
    ],
    [
      'application/json with a form body',
      'POST',
      'Content-Type: application/json\r\nContent-Length: 8\r\n\r\nsymbol=A',
      'symbol=A',
    ],
    ['a form body without a type', 'PUT', 'Content-Length: 11\r\n\r\nlistenKey=A', 'listenKey=A'],
    ['a type that is none', 'POST', 'Content-Type: ;;;\r\nContent-Length: 8\r\n\r\nsymbol=A', 'symbol=A'],
    ['DELETE with a body', 'DELETE', 'Content-Length: 8\r\n\r\nsymbol=A', 'symbol=A'],
    ['JSON without a type', 'POST', 'Content-Length: 14\r\n\r\n{"symbol":"A"}', 'symbol=A'],
  ])('The proxy takes %s', async (_what, method, rest, body) => {
    const path = method === 'PUT' ? '/fapi/v1/listenKey' : '/api/v3/order';
    const answer = await sendRaw(
      proxy.port,
      `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: an app\r\nConnection: close\r\n${rest}`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    const { body: sent, target, headers } = upstream.received.at(-1)!;
    expect(body === '' ? target : sent).toContain(body === '' ? '/api/v3/order?' : body);
    if (body !== '') expect(headers['content-type']).toBe('application/x-www-form-urlencoded');
  });

  it('The proxy keeps connections for longer than any client’s pool', async () => {
    const answer = await sendRaw(
      proxy.port,
      'GET /api/v3/time HTTP/1.1\r\nHost: localhost\r\nUser-Agent: an app\r\n\r\nGET /api/v3/time HTTP/1.1\r\nHost: localhost\r\nUser-Agent: an app\r\nConnection: close\r\n\r\n',
    );
    expect(Number(/keep-alive: timeout=(\d+)/i.exec(answer)?.[1])).toBeGreaterThanOrEqual(120);
    expect(answer.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
  });
});
