import { createHash } from 'node:crypto';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { send } from '../helpers/http.ts';
import { startTestProxy, type TestProxy } from '../helpers/proxy.ts';
import { startUpstream, type Upstream } from '../helpers/upstream.ts';

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
  it('arrives byte for byte, whatever its bytes, coding and framing', async () => {
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
      { numRuns: 150 },
    );
  });

  it('is streamed: a large one passes whole, with its head before its end', async () => {
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
    const { body } = await send(proxy.port, '/api/v3/exchangeInfo');
    expect(createHash('sha256').update(body).digest('hex')).toBe(expected.digest('hex'));
  });

  it('brings allow-listed headers and the proxy’s own, and nothing else', async () => {
    upstream.respond((_received, response) => {
      response
        .writeHead(200, {
          'content-type': 'application/json;charset=UTF-8',
          'x-mbx-used-weight-1m': '77',
          'x-mbx-uuid': 'u-1',
          'x-sapi-used-ip-weight-1m': '5',
          'set-cookie': 'a=b',
          server: 'edge',
          'x-proxy-outcome': 'forged',
        })
        .end('{"orderId":12345678901234567890,"clientOrderId":"abc"}');
    });
    const { headers } = await send(proxy.port, '/api/v3/order?symbol=A', { method: 'POST' });
    expect(headers).toMatchObject({
      'x-mbx-used-weight-1m': '77',
      'x-mbx-uuid': 'u-1',
      'x-sapi-used-ip-weight-1m': '5',
      'x-proxy-outcome': 'answered',
    });
    expect(headers['x-proxy-weight']).toBe('1');
    expect([headers['set-cookie'], headers.server]).toEqual([undefined, undefined]);
    const record = proxy.records('call.completed').at(-1);
    expect(record).toMatchObject({
      orderId: '12345678901234567890',
      outcome: 'answered',
      weightUsed: 77,
      uuid: 'u-1',
      status: 200,
    });
  });

  it('that is a redirect is not followed', async () => {
    const elsewhere = await startUpstream();
    try {
      for (const [method, target] of CALLS) {
        upstream.respond((_received, response) => {
          response.writeHead(307, { location: `${elsewhere.url}/api/v3/time` }).end();
        });
        const reply = await send(proxy.port, target, { method });
        expect([reply.status, reply.headers.location]).toEqual([307, undefined]);
      }
      expect(elsewhere.received).toEqual([]);
    } finally {
      await elsewhere.close();
    }
  });
});
