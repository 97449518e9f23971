import { once } from 'node:events';
import { createConnection } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { send, sendRaw } from '../../support/clients/http.ts';
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
beforeEach(() => {
  upstream.respond((_received, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
});

const HEAD = 'Host: localhost\r\nUser-Agent: an app\r\n';
const CLOSE = 'Connection: close\r\n';

interface Parsed {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly json: { readonly code?: number; readonly msg?: string };
}

/** All answers that stand in what came over one connection; each has a length. */
function parseAll(text: string): Parsed[] {
  const answers: Parsed[] = [];
  let rest = text;
  while (rest !== '') {
    const end = rest.indexOf('\r\n\r\n');
    const [first = '', ...lines] = rest.slice(0, end).split('\r\n');
    const headers = Object.fromEntries(
      lines.map((line) => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
      }),
    );
    const length = Number(headers['content-length']);
    const body = rest.slice(end + 4, end + 4 + length);
    answers.push({
      status: Number(first.split(' ')[1]),
      headers,
      json: JSON.parse(body) as Parsed['json'],
    });
    rest = rest.slice(end + 4 + length);
  }
  return answers;
}

/** Answers orders late and with a length. */
function answerLate(body: string): void {
  upstream.respond((_received, response) => {
    setTimeout(() => {
      response
        .writeHead(200, { 'content-type': 'application/json', 'content-length': body.length })
        .end(body);
    }, 60);
  });
}

describe('whatever a stranger writes, the answer is one that a Binance library can read', () => {
  it.each([
    ['HTTP/1.1 without a Host', 'GET /api/v3/account HTTP/1.1\r\n', 421, -1000, 'PROXY_UNKNOWN_HOST'],
    [
      'a second Host',
      `GET /api/v3/account HTTP/1.1\r\n${HEAD}host: evil.example\r\n`,
      421,
      -1000,
      'PROXY_UNKNOWN_HOST',
    ],
    [
      'an expectation that nobody knows',
      `POST /api/v3/order HTTP/1.1\r\n${HEAD}Expect: the-unexpected\r\nContent-Length: 8\r\n`,
      400,
      -1100,
      'PROXY_MALFORMED_REQUEST',
    ],
    [
      'a method that Fastify has no name for',
      `QUERY /api/v3/account HTTP/1.1\r\n${HEAD}`,
      404,
      -1020,
      'PROXY_UNKNOWN_ENDPOINT',
    ],
    [
      'a head that is too long',
      `GET /api/v3/time?a=${'x'.repeat(70_000)} HTTP/1.1\r\n${HEAD}`,
      400,
      -1100,
      'PROXY_MALFORMED_REQUEST',
    ],
  ])('A Binance library can read the refusal of %s', async (_what, head, status, code, name) => {
    const before = upstream.received.length;
    const [answer] = parseAll(await sendRaw(proxy.port, `${head}${CLOSE}\r\n`));
    expect([answer?.status, answer?.json.code, answer?.headers['x-proxy-error']]).toEqual([
      status,
      code,
      name,
    ]);
    expect(answer?.headers['x-proxy-outcome']).toBe('not-sent');
    const requestId = answer?.headers['x-proxy-request-id'];
    expect(proxy.records('call.refused').some((record) => record.requestId === requestId)).toBe(true);
    expect(upstream.received.length).toBe(before);
  });

  it.each(['gzip, chunked', 'deflate, chunked', 'chunked, chunked'])(
    'A body that claims the transfer coding %s is refused and does not leave',
    async (coding) => {
      const before = upstream.received.length;
      const [answer] = parseAll(
        await sendRaw(
          proxy.port,
          `POST /api/v3/order HTTP/1.1\r\n${HEAD}${CLOSE}Transfer-Encoding: ${coding}\r\n\r\n8\r\nsymbol=A\r\n0\r\n\r\n`,
        ),
      );
      expect([400, 415]).toContain(answer?.status);
      expect([answer?.json.code, answer?.headers['x-proxy-outcome']]).toEqual([-1100, 'not-sent']);
      expect(upstream.received.length).toBe(before);
    },
  );

  it.each(['PATCH', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY'])(
    'The denylist holds on %s too',
    async (method) => {
      const before = upstream.received.length;
      const reply = await send(proxy.port, '/sapi/v1/capital/withdraw/apply', { method });
      expect([reply.status, reply.headers['x-proxy-error']]).toEqual([403, 'PROXY_DENYLISTED']);
      expect(upstream.received.length).toBe(before);
    },
  );
});

describe('a client that offers HTTP/2 in its first request (java.net.http does)', () => {
  const offer = 'Upgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n';
  it.each([
    ['GET', '/api/v3/account', ''],
    ['POST', '/api/v3/order', 'symbol=A'],
    ['DELETE', '/api/v3/order?symbol=A', ''],
  ])('A client that offers HTTP/2 is served %s by HTTP/1.1', async (method, target, body) => {
    answerLate('{"orderId":1}');
    const text = await sendRaw(
      proxy.port,
      `${method} ${target} HTTP/1.1\r\n${HEAD}Connection: Upgrade, HTTP2-Settings, close\r\n${offer}Content-Length: ${body.length}\r\n\r\n${body}`,
    );
    const [answer] = parseAll(text);
    expect([answer?.status, answer?.headers['x-proxy-outcome']]).toEqual([200, 'answered']);
    expect(upstream.received.at(-1)?.headers.upgrade).toBeUndefined();
  });
});

describe('bytes behind a call', () => {
  it.each([
    ['garbage (a Content-Length that counts characters)', '}]\r\n\r\n'],
    ['CONNECT', 'CONNECT api.binance.com:443 HTTP/1.1\r\nHost: localhost\r\n\r\n'],
    [
      'a call whose chunks are broken',
      `POST /api/v3/order HTTP/1.1\r\n${HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\n`,
    ],
  ])('With %s behind it, an order gets its own answer first', async (_what, behind) => {
    answerLate('{"orderId":7}');
    const answers = parseAll(
      await sendRaw(
        proxy.port,
        `POST /api/v3/order HTTP/1.1\r\n${HEAD}Content-Length: 8\r\n\r\nsymbol=A${behind}`,
      ),
    );
    expect(answers.map(({ status, headers }) => [status, headers['x-proxy-outcome']])).toEqual([
      [200, 'answered'],
      [400, 'not-sent'],
    ]);
    expect(proxy.records('call.completed').at(-1)).toMatchObject({ outcome: 'answered', orderId: '7' });
  });
});

describe('a connection that is torn down', () => {
  it.each([
    ['after CONNECT', 'CONNECT api.binance.com:443 HTTP/1.1\r\nHost: localhost\r\n\r\n'],
    ['after garbage', 'garbage\r\n\r\n'],
    ['after a wrong expectation', `GET /api/v3/time HTTP/1.1\r\n${HEAD}Expect: x\r\n\r\n`],
    ['within a head', 'POST /api/v3/order HTTP/1.1\r\nHost: loc'],
    ['within a body', `POST /api/v3/order HTTP/1.1\r\n${HEAD}Content-Length: 80000\r\n\r\nsymbol=A`],
    ['within a chunk', `POST /api/v3/order HTTP/1.1\r\n${HEAD}Transfer-Encoding: chunked\r\n\r\n8\r\nsym`],
    [
      'after the offer of another protocol',
      `GET /api/v3/time HTTP/1.1\r\n${HEAD}Connection: Upgrade\r\nUpgrade: tls/1.0\r\n\r\n`,
    ],
    ['after an upgrade', `GET /ws/x HTTP/1.1\r\n${HEAD}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`],
  ])('A reset %s does not stop the proxy, and nothing leaves it', async (_what, bytes) => {
    const escaped: unknown[] = [];
    const onEscaped = (error: unknown) => escaped.push(error);
    process.on('uncaughtExceptionMonitor', onEscaped);
    onTestFinished(() => void process.off('uncaughtExceptionMonitor', onEscaped));
    const before = upstream.received.filter(({ method }) => method !== 'GET').length;
    for (let turn = 0; turn < 12; turn++) {
      const socket = createConnection(proxy.port, '127.0.0.1');
      socket.on('error', () => {});
      await once(socket, 'connect');
      socket.write(bytes + 'x'.repeat(turn % 2 === 0 ? 0 : 20_000));
      await pause(turn % 4);
      socket.resetAndDestroy();
    }
    expect((await send(proxy.port, '/api/v3/ping')).status).toBe(200);
    expect(escaped).toEqual([]);
    expect(upstream.received.filter(({ method }) => method !== 'GET').length).toBe(before);
  });
});
