import { connect, type Socket } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { Agent, Pool } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import { makeThrowAwayCertificate } from '../../support/fixtures/throw-away-certificate.ts';
import {
  type Break,
  type Fault,
  type FaultServer,
  startFaultServer,
} from '../../support/servers/fault-server.ts';

const ORDER = 'POST /api/v3/order HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nquantity=';
const BODY = '{"symbol":"BTCUSDT","orderId":1}';
const BREAKS: readonly Break[] = ['reset', 'fin', 'stall'];

let server: FaultServer;
afterEach(() => server.close());

interface Heard {
  readonly text: string;
  readonly ended: 'reset' | 'fin' | 'stall' | 'refused';
}

/** Writes `text` and listens until the other side ends, or until nothing more comes for a while. */
function say(text: string, port = server.port): Promise<Heard> {
  return new Promise((resolve) => {
    const socket: Socket = connect(port, '127.0.0.1', () => socket.write(text));
    let heard = '';
    const end = (ended: Heard['ended']) => {
      socket.destroy();
      resolve({ text: heard, ended });
    };
    socket.on('data', (bytes) => {
      heard += bytes.toString('latin1');
    });
    socket.on('end', () => end('fin'));
    socket.on('error', (error: NodeJS.ErrnoException) =>
      end(error.code === 'ECONNREFUSED' ? 'refused' : 'reset'),
    );
    socket.setTimeout(400, () => end('stall'));
  });
}

describe('the fault server', () => {
  it('The fault server answers and keeps whole requests in order when nothing is planned', async () => {
    server = await startFaultServer();
    const heard = await say(`${ORDER}GET /api/v3/time HTTP/1.1\r\nHost: x\r\nUser-Agent: app\r\n\r\n`);
    expect(heard.text.split('HTTP/1.1 200').length).toBe(3);
    expect(heard.text.endsWith(BODY)).toBe(true);
    expect(server.requests.map(({ method, target, body }) => [method, target, body])).toEqual([
      ['POST', '/api/v3/order', 'quantity='],
      ['GET', '/api/v3/time', ''],
    ]);
    expect(server.requests[1]?.headers.get('host')).toBe('x');
    expect(server.connections).toBe(1);
  });

  it('The fault server refuses connections while its port is closed and takes them again on the same port', async () => {
    server = await startFaultServer();
    await server.plan({ at: 'before-accept' });
    expect((await say(ORDER)).ended).toBe('refused');
    await server.plan({ at: 'nowhere' });
    expect((await say(ORDER)).text).toContain('200');
    expect(server.requests.length).toBe(1);
  });

  it.each(BREAKS)('The fault server leaves a new connection by %s before it reads', async (how) => {
    server = await startFaultServer();
    await server.plan({ at: 'after-accept', how });
    expect(await say(ORDER)).toEqual({ text: '', ended: how });
    expect(server.requests.length).toBe(0);
    expect(server.connections).toBe(1);
  });

  it.each(BREAKS)('The fault server leaves by %s after some bytes and counts nothing', async (how) => {
    server = await startFaultServer();
    await server.plan({ at: 'request-bytes', bytes: ORDER.length - 1, how });
    expect(await say(ORDER)).toEqual({ text: '', ended: how });
    expect(server.requests.length).toBe(0);
  });

  it.each(BREAKS)('The fault server leaves by %s after the whole request and counts it', async (how) => {
    server = await startFaultServer();
    await server.plan({ at: 'after-request', how });
    expect(await say(ORDER)).toEqual({ text: '', ended: how });
    expect(server.requests.length).toBe(1);
  });

  it.each([
    ['after-status-line', /^HTTP\/1\.1 200 -\r\n$/],
    ['mid-head', /^HTTP\/1\.1 200 -\r\ncontent-type: (?!.*\r\n\r\n).*$/s],
    ['mid-body', /^HTTP\/1\.1 200 -\r\n.*\r\n\r\n\{"symbol":"BTCUS$/s],
  ] as const)('The fault server breaks off %s in every way', async (at, part) => {
    server = await startFaultServer();
    for (const how of BREAKS) {
      await server.plan({ at, how });
      const heard = await say(ORDER);
      expect(heard.text).toMatch(part);
      expect(heard.ended).toBe(how);
    }
  });

  it('The fault server promises a longer or a shorter body than it sends', async () => {
    server = await startFaultServer();
    await server.plan({ at: 'content-length', by: 5 });
    const longer = await say(ORDER);
    expect(longer.text).toContain(`content-length: ${BODY.length + 5}`);
    expect(longer.ended).toBe('fin');
    await server.plan({ at: 'content-length', by: -5 });
    expect((await say(ORDER)).text).toContain(`content-length: ${BODY.length - 5}`);
  });

  it('The fault server speaks garbage, breaks chunks, and codes bodies wrongly', async () => {
    server = await startFaultServer();
    const faults: Fault[] = [
      { at: 'garbage' },
      { at: 'bad-chunk' },
      { at: 'wrong-gzip', kind: 'no-gzip' },
      { at: 'wrong-gzip', kind: 'truncated' },
    ];
    await server.plan(faults);
    expect((await say(ORDER)).text).not.toContain('HTTP/1.1');
    expect((await say(ORDER)).text).toContain('transfer-encoding: chunked\r\n\r\n5\r\n{"sym\r\nZZ');
    expect((await say(ORDER)).text).toMatch(/content-encoding: gzip\r\n.*\{"symbol"/s);
    const cut = (await say(ORDER)).text;
    const packed = Buffer.from(cut.slice(cut.indexOf('\r\n\r\n') + 4), 'latin1');
    expect(packed.subarray(0, 2)).toEqual(Buffer.from([0x1f, 0x8b]));
    expect(() => gunzipSync(packed)).toThrow();
    expect((await say(ORDER)).text).toContain(BODY);
  });

  it('The fault server sends an interim answer first, two answers at once, and answers drop by drop', async () => {
    server = await startFaultServer();
    await server.plan([{ at: 'continue' }, { at: 'two-answers' }, { at: 'drip', bytes: 40, pauseMs: 2 }]);
    expect((await say(ORDER)).text).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200/);
    expect((await say(ORDER)).text.split(BODY).length).toBe(3);
    expect((await say(ORDER)).text.endsWith(BODY)).toBe(true);
    expect(server.requests.length).toBe(3);
  });

  it('The fault server closes a connection that it kept alive right behind the answer', async () => {
    server = await startFaultServer();
    for (const how of ['fin', 'reset'] as const) {
      await server.plan({ at: 'after-answer', how, answer: { status: 503, body: '{}' } });
      const heard = await say(ORDER);
      expect(heard.text).toMatch(/^HTTP\/1\.1 503 .*\{\}$/s);
      expect(heard.ended).toBe(how);
    }
  });

  it('The fault server breaks idle pooled connections on demand, and holds none when its callers are gone', async () => {
    server = await startFaultServer();
    const pool = new Pool(server.url, { connections: 1 });
    const ask = async () => (await pool.request({ method: 'GET', path: '/' })).body.text();
    expect(await ask()).toBe(BODY);
    expect(server.openConnections).toBe(1);
    server.dropConnections('fin');
    await expect.poll(() => server.openConnections).toBe(0);
    expect(await ask()).toBe(BODY);
    expect(server.connections).toBe(2);
    await pool.close();
    await expect.poll(() => server.openConnections).toBe(0);
  });

  it('The fault server speaks TLS with a throw-away certificate and can reset beneath it', async () => {
    const tls = makeThrowAwayCertificate();
    server = await startFaultServer({ tls });
    const agent = new Agent({ connect: { ca: tls.cert } });
    const ask = async () =>
      (await agent.request({ origin: server.url, method: 'GET', path: '/' })).body.text();
    expect(await ask()).toBe(BODY);
    await server.plan({ at: 'mid-body', how: 'reset' });
    await expect(ask()).rejects.toThrow();
    await expect(fetch(server.url)).rejects.toThrow();
    expect(server.requests.length).toBe(2);
    await agent.close();
  });
});
