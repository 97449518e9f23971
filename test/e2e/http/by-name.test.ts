import { connect } from 'node:tls';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { send, sendRaw } from '../../support/clients/http.ts';
import { sendOverTls } from '../../support/clients/tls.ts';
import { type ByNameFiles, makeByNameFiles } from '../../support/servers/by-name-files.ts';
import { startTestProxy, type TestProxy } from '../../support/servers/proxy.ts';
import { startUpstream, type Upstream } from '../../support/servers/upstream.ts';

const KEY = 'K'.repeat(64);
const FAMILIES = ['spot', 'usdm', 'coinm', 'options', 'portfolio'] as const;
type Family = (typeof FAMILIES)[number];

let files: ByNameFiles;
let upstreams: Readonly<Record<Family, Upstream>>;
let proxy: TestProxy;
beforeAll(async () => {
  files = makeByNameFiles();
  const started = await Promise.all(
    FAMILIES.map(async (name) => [name, await startUpstream()] as [Family, Upstream]),
  );
  upstreams = Object.fromEntries(started) as Record<Family, Upstream>;
  const origins = started.map(([name, { url }]) => [`BINANCE_PROXY_UPSTREAM_${name.toUpperCase()}`, url]);
  proxy = await startTestProxy({
    upstream: upstreams.spot.url,
    env: { ...files.env, ...Object.fromEntries(origins), BINANCE_PROXY_CLIENT_KEY: KEY },
  });
});
afterAll(async () => {
  await proxy.close();
  await Promise.all(Object.values(upstreams).map((upstream) => upstream.close()));
  files.remove();
});

const port = () => proxy.namedPorts[0]!;
const ask = (host: string, target: string, headers = `X-MBX-APIKEY: ${KEY}\r\n`) =>
  sendOverTls(
    port(),
    `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: an app\r\n${headers}Connection: close\r\n\r\n`,
    files,
  );
/** How many calls each upstream has had. */
const counts = () => Object.fromEntries(FAMILIES.map((name) => [name, upstreams[name].received.length]));

let before: ReturnType<typeof counts>;
beforeEach(() => {
  before = counts();
});

describe('a call by name', () => {
  it.each([
    ['api.binance.com', '/api/v3/account', 'spot'],
    ['API3.BINANCE.COM:443', '/sapi/v1/system/status', 'spot'],
    ['api-gcp.binance.com.', '/api/v3/time', 'spot'],
    ['data-api.binance.vision', '/api/v3/time', 'spot'],
    ['fapi.binance.com:443', '/fapi/v3/account', 'usdm'],
    ['fapi.binance.com', '/futures/data/basis?pair=BTCUSDT', 'usdm'],
    ['dapi.binance.com', '/futures/data/basis?pair=BTCUSD', 'coinm'],
    ['dapi.binance.com.:9443', '/dapi/v1/account', 'coinm'],
    ['eapi.binance.com', '/eapi/v1/time', 'options'],
    ['papi.binance.com', '/papi/v1/account', 'portfolio'],
  ] as const)('By the name %s the call %s reaches %s', async (host, target, family) => {
    const answer = await ask(host, target);
    expect(answer.status).toBe(200);
    expect(counts()).toEqual({ ...before, [family]: before[family]! + 1 });
    expect(upstreams[family].received.at(-1)!.target).toMatch(target.split('?')[0]!);
  });

  it.each([
    ['api.binance.com', '/fapi/v3/account'],
    ['fapi.binance.com', '/api/v3/account'],
    ['dapi.binance.com', '/fapi/v1/time'],
    ['api.binance.com', '/coinm/dapi/v1/account'],
    ['data-api.binance.vision', '/api/v3/account'],
    ['stream.binance.com', '/api/v3/time'],
    ['stream.binance.com', '/ws/btcusdt'],
    ['ws-api.binance.com', '/ws-api/v3'],
  ])('By the name %s the call %s is unknown, as at Binance', async (host, target) => {
    const answer = await ask(host, target);
    expect([answer.status, answer.json.code]).toEqual([404, -1020]);
    expect(answer.head).toMatch(/x-proxy-error: PROXY_UNKNOWN_ENDPOINT/i);
    expect(counts()).toEqual(before);
  });

  it.each([
    'localhost',
    '127.0.0.1',
    '[::1]:443',
    'www.binance.com',
    'binance.com',
    'api.binance.com.evil.example',
    'evil.example',
    'testnet.binance.vision',
    'api.binance.com..',
    'api.binance.com:',
    '',
  ])('The Host %s is refused on the listener by name', async (host) => {
    const answer = await ask(host, '/api/v3/account');
    expect([answer.status, answer.json.code]).toEqual([421, -1000]);
    expect(counts()).toEqual(before);
  });

  it.each([
    ['no Host', 'GET /api/v3/account HTTP/1.1\r\n'],
    ['two of them', 'GET /api/v3/account HTTP/1.1\r\nHost: api.binance.com\r\nHost: fapi.binance.com\r\n'],
    ['one in HTTP/1.0 only', 'GET /api/v3/account HTTP/1.0\r\n'],
  ])('A request by name with %s is refused', async (_what, head) => {
    const answer = await sendOverTls(
      port(),
      `${head}User-Agent: an app\r\nX-MBX-APIKEY: ${KEY}\r\nConnection: close\r\n\r\n`,
      files,
    );
    expect(answer.status).toBe(421);
    expect(counts()).toEqual(before);
  });

  it('A target that names another host is refused, whatever the Host says', async () => {
    const answer = await ask('api.binance.com', 'https://fapi.binance.com/fapi/v3/account');
    expect(answer.status).toBe(400);
    expect(counts()).toEqual(before);
  });

  it.each(['api.binance.com', 'fapi.binance.com:443', 'API.BINANCE.COM.'])(
    'The Host %s is refused on the plain listener',
    async (host) => {
      const headers = { host, 'x-mbx-apikey': KEY };
      const reply = await send(proxy.port, '/api/v3/account', { headers });
      expect([reply.status, reply.json?.code]).toEqual([421, -1000]);
      expect(counts()).toEqual(before);
    },
  );

  it('The listener by name speaks TLS and nothing else', async () => {
    const raw = 'GET /api/v3/time HTTP/1.1\r\nHost: api.binance.com\r\nConnection: close\r\n\r\n';
    expect(await sendRaw(port(), raw)).not.toMatch(/^HTTP/);
    expect(counts()).toEqual(before);
  });

  it('The listener by name offers HTTP/1.1 and no HTTP/2', async () => {
    const protocolFor = (ALPNProtocols: readonly string[]) =>
      new Promise((resolve) => {
        const socket = connect({
          host: '127.0.0.1',
          port: port(),
          ca: files.ca,
          servername: 'api.binance.com',
          ALPNProtocols: [...ALPNProtocols],
        });
        socket.on('secureConnect', () => {
          resolve(socket.alpnProtocol);
          socket.destroy();
        });
        socket.on('error', () => resolve('refused'));
      });
    expect(await protocolFor(['h2', 'http/1.1'])).toBe('http/1.1');
    expect(await protocolFor(['h2'])).toBe('refused');
  });
});

describe('the pipeline behind a name', () => {
  it.each([
    ['a browser', `Origin: https://api.binance.com\r\nX-MBX-APIKEY: ${KEY}\r\n`, 403, -1002],
    ['a browser of the same site', `Sec-Fetch-Site: same-origin\r\nX-MBX-APIKEY: ${KEY}\r\n`, 403, -1002],
    ['a caller without a key', '', 401, -2014],
    ['a caller with a wrong key', `X-MBX-APIKEY: ${'W'.repeat(64)}\r\n`, 401, -2014],
  ])('By name %s is refused like everywhere', async (_who, headers, status, code) => {
    const answer = await ask('api.binance.com', '/api/v3/account', headers);
    expect([answer.status, answer.json.code]).toEqual([status, code]);
    expect(counts()).toEqual(before);
  });

  it.each([
    ['api.binance.com', '/sapi/v1/capital/withdraw/apply'],
    ['fapi.binance.com', '/sapi/v1/capital/withdraw/apply'],
    ['api.binance.com', '/sapi/v9/capital/withdraw/apply'],
  ])('By the name %s a withdrawal to %s is refused by the denylist', async (host, target) => {
    const answer = await ask(host, target);
    expect([answer.status, answer.json.code]).toEqual([403, -1002]);
    expect(answer.head).toMatch(/x-proxy-error: PROXY_DENYLISTED/i);
    expect(counts()).toEqual(before);
  });

  it('The records of a call by name say by which, those of another call do not', async () => {
    await ask('API1.binance.com:443', '/api/v3/account');
    await ask('api.binance.com', '/api/v3/nothing');
    await send(proxy.port, '/api/v3/account', { headers: { 'x-mbx-apikey': KEY } });
    const byName = (event: string) => proxy.records(event).map(({ detail }) => detail);
    expect(byName('call.signed').slice(-2)).toEqual([{ byName: 'api1.binance.com' }, undefined]);
    expect(byName('call.completed').slice(-2)).toEqual([{ byName: 'api1.binance.com' }, undefined]);
    expect(byName('call.refused').at(-1)).toEqual({ byName: 'api.binance.com' });
  });

  it('The start says on which ports names are served', () => {
    const { detail } = proxy.records('proxy.started')[0]!;
    expect(detail).toMatchObject({ byName: String(port()) });
  });

  it('A new certificate serves new connections by name after a reload', async () => {
    const next = makeByNameFiles();
    try {
      proxy.reload({ ...next.env, ...upstreamEnv(), BINANCE_PROXY_CLIENT_KEY: KEY });
      await expect(ask('api.binance.com', '/api/v3/time')).rejects.toThrow(/certificate/);
      const answer = await sendOverTls(
        port(),
        'GET /api/v3/time HTTP/1.1\r\nHost: api.binance.com\r\nConnection: close\r\n\r\n',
        next,
      );
      expect(answer.status).toBe(200);
    } finally {
      proxy.reload({ ...files.env, ...upstreamEnv(), BINANCE_PROXY_CLIENT_KEY: KEY });
      next.remove();
    }
  });
});

function upstreamEnv(): Readonly<Record<string, string>> {
  return Object.fromEntries(
    FAMILIES.map((name) => [`BINANCE_PROXY_UPSTREAM_${name.toUpperCase()}`, upstreams[name].url]),
  );
}

describe('the end of a listener by name', () => {
  it('A shutdown answers the call by name that is under way, and then takes none', async () => {
    const upstream = await startUpstream();
    const own = await startTestProxy({ upstream: upstream.url, env: files.env });
    const ports = own.namedPorts;
    let answer = () => {};
    upstream.respond((_received, response) => {
      answer = () => void response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
    const bytes =
      'GET /api/v3/account HTTP/1.1\r\nHost: api.binance.com\r\nUser-Agent: an app\r\nX-MBX-APIKEY: any\r\n\r\n';
    const pending = sendOverTls(ports[0]!, bytes, files);
    await expect.poll(() => upstream.received.length).toBe(1);
    const closed = own.close();
    answer();
    expect((await pending).status).toBe(200);
    await closed;
    await upstream.close();
    await expect(sendOverTls(ports[0]!, bytes, files)).rejects.toThrow(/ECONNREFUSED/);
  });

  it('Beside a Unix socket the names are served all the same', async () => {
    const upstream = await startUpstream();
    const socket = `${files.caFile}.sock`;
    const own = await startTestProxy({
      upstream: upstream.url,
      env: { ...files.env, BINANCE_PROXY_SOCKET: socket },
    });
    const bytes = 'GET /api/v3/time HTTP/1.1\r\nHost: api.binance.com\r\nConnection: close\r\n\r\n';
    expect((await sendOverTls(own.namedPorts[0]!, bytes, files)).status).toBe(200);
    await own.close();
    await upstream.close();
  });
});
