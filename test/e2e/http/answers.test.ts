import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { send } from '../../support/clients/http.ts';
import { runs } from '../../support/properties.ts';
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

const CALLS = [
  ['GET', '/api/v3/depth?symbol=A'],
  ['GET', '/api/v3/account'],
  ['POST', '/api/v3/order?symbol=A'],
  ['DELETE', '/api/v3/order?symbol=A'],
] as const;

describe('an answer of Binance', () => {
  it('An answer of Binance arrives byte for byte, whatever its bytes, coding and framing', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 5000 }),
        fc.constantFrom('identity', 'gzip', 'br'),
        fc.boolean(),
        fc.constantFrom(200, 201, 400, 404, 429, 451, 500),
        fc.constantFrom(...CALLS),
        async (bytes, coding, chunked, status, [method, target]) => {
          const plain = Buffer.from(bytes);
          const body =
            coding === 'gzip' ? gzipSync(plain) : coding === 'br' ? brotliCompressSync(plain) : plain;
          upstream.respond((_received, response) => {
            response.writeHead(status === 429 ? 400 : status, {
              'content-type': 'application/octet-stream',
              ...(coding === 'identity' ? {} : { 'content-encoding': coding }),
              ...(chunked ? {} : { 'content-length': body.length }),
            });
            if (chunked)
              for (let at = 0; at < body.length; at += 999) response.write(body.subarray(at, at + 999));
            response.end(chunked ? undefined : body);
          });
          const reply = await send(proxy.port, target, { method });
          expect(reply.body.equals(body)).toBe(true);
          expect(reply.headers['content-encoding']).toBe(coding === 'identity' ? undefined : coding);
          expect(reply.status).toBe(status === 429 ? 400 : status);
        },
      ),
      runs(500),
    );
  });

  it('An answer is streamed: head and first bytes are with the app before Binance has sent the last', async () => {
    const { promise: begun, resolve: begin } = Promise.withResolvers<ServerResponse>();
    upstream.respond((_received, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).write('the beginning, ');
      begin(response);
    });
    const headers = { 'user-agent': 'an app' };
    const outgoing = request({ host: '127.0.0.1', port: proxy.port, path: '/api/v3/depth', headers }).end();
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
    const [first] = (await once(incoming, 'data')) as [Buffer];
    expect([incoming.statusCode, first.toString()]).toEqual([200, 'the beginning, ']);
    (await begun).end('the end');
    const rest = (await incoming.toArray()) as Buffer[];
    expect(Buffer.concat(rest).toString()).toBe('the end');
  });

  it.each(CALLS)('A large answer passes whole: %s %s', async (method, target) => {
    const chunk = Buffer.alloc(64 * 1024, 'x');
    const expected = createHash('sha256');
    upstream.respond((_received, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      for (let i = 0; i < 160; i++) {
        expected.update(chunk);
        response.write(chunk);
      }
      response.end();
    });
    const { body } = await send(proxy.port, target, { method });
    expect(createHash('sha256').update(body).digest('hex')).toBe(expected.digest('hex'));
  });

  it('An answer brings allow-listed headers and the proxy’s own, and nothing else', async () => {
    upstream.respond((_received, response) => {
      response
        .writeHead(200, {
          'content-type': 'application/json;charset=UTF-8',
          date: 'Tue, 20 Jan 2026 00:00:00 GMT',
          'retry-after': '7',
          'x-mbx-used-weight-1m': '77',
          'x-mbx-order-count-10s': ['1', '2'],
          'x-mbx-uuid': 'u-1',
          'x-sapi-used-ip-weight-1m': '5',
          'set-cookie': 'a=b',
          server: 'edge',
          via: '1.1 edge',
          etag: '"1"',
          location: 'https://elsewhere.example',
          'access-control-allow-origin': '*',
          'x-amz-cf-id': 'x',
          'x-proxy-outcome': 'forged',
          'x-proxy-error': 'forged',
        })
        .end('{"orderId":12345678901234567890,"clientOrderId":"abc"}');
    });
    const { headers } = await send(proxy.port, '/api/v3/order?symbol=A', { method: 'POST' });
    const record = proxy.records('call.completed').at(-1);
    // The last two are Node’s own.
    expect(headers).toEqual({
      'content-type': 'application/json;charset=UTF-8',
      date: 'Tue, 20 Jan 2026 00:00:00 GMT',
      'retry-after': '7',
      'x-mbx-used-weight-1m': '77',
      'x-mbx-order-count-10s': '1, 2',
      'x-mbx-uuid': 'u-1',
      'x-sapi-used-ip-weight-1m': '5',
      'x-proxy-request-id': record?.requestId,
      'x-proxy-outcome': 'answered',
      'x-proxy-weight': '1',
      connection: expect.any(String) as string,
      'transfer-encoding': 'chunked',
    });
    expect(record).toMatchObject({
      orderId: '12345678901234567890',
      outcome: 'answered',
      weightUsed: 77,
      uuid: 'u-1',
      status: 200,
    });
  });

  it('An answer that is a redirect is not followed', async () => {
    let connections = 0;
    const elsewhere = createServer((_request, response) => response.end()).listen(0, '127.0.0.1');
    elsewhere.on('connection', () => connections++);
    await once(elsewhere, 'listening');
    const location = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/api/v3/time`;
    try {
      for (const [method, target] of CALLS) {
        upstream.respond((_received, response) => {
          response.writeHead(307, { location }).end();
        });
        const reply = await send(proxy.port, target, { method });
        expect([reply.status, reply.headers.location]).toEqual([307, undefined]);
      }
      expect(connections).toBe(0);
    } finally {
      elsewhere.close();
    }
  });
});
