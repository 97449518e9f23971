import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { send } from '../../support/clients/http.ts';
import { startTestProxy, type TestProxy } from '../../support/servers/proxy.ts';
import { hasRedisServer, sayWhatIsLeftOut, startRedisServer } from '../../support/servers/redis-server.ts';
import { startUpstream, type Upstream } from '../../support/servers/upstream.ts';

const BOT = 'b'.repeat(64);
const OTHER = 'o'.repeat(64);
const PERMISSIONS = 'permissions: [market-data, read, spot-margin-trade]';
const YAML = `
clients:
  bot: { account: main, envPrefix: BOT, ${PERMISSIONS} }
  other: { account: main, envPrefix: OTHER, ${PERMISSIONS} }
`;
const ENV = { BOT_CLIENT_KEY: BOT, OTHER_CLIENT_KEY: OTHER };
const PLAYFUL =
  '/api/v3/order?symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=1&timeInForce=GTC&newClientOrderId=drop';
const READ = '/api/v3/account';
const CANCEL = '/api/v3/order?symbol=BTCUSDT&orderId=1';
const FROZEN = 'PROXY_UPSTREAM_FROZEN';
sayWhatIsLeftOut('a firewall’s page over Redis');
const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function page(response: ServerResponse): void {
  response.writeHead(403, { 'content-type': 'text/html' }).end('<html>403 Forbidden</html>');
}

/** Binance behind a firewall that takes offence at one word, or at the whole address. */
async function openExchange(
  isAddressMeant: () => boolean = () => false,
): Promise<Upstream & { pings: number }> {
  let pings = 0;
  const upstream = await startUpstream({
    ownQuestion: (target, response) => {
      if (target !== '/api/v3/ping') return false;
      pings++;
      if (!isAddressMeant()) return false;
      page(response);
      return true;
    },
  });
  closers.push(() => upstream.close());
  upstream.respond(({ target, body }, response) => {
    if (isAddressMeant() || `${target}${body}`.includes('drop')) page(response);
    else response.end('{}');
  });
  return Object.defineProperty(upstream as Upstream & { pings: number }, 'pings', { get: () => pings });
}

async function openProxy(upstream: Upstream, env: Readonly<Record<string, string>> = {}): Promise<TestProxy> {
  const proxy = await startTestProxy({ upstream: upstream.url, env: { ...ENV, ...env }, yaml: YAML });
  closers.push(() => proxy.close());
  return proxy;
}

/** What becomes of one call: its status, or the refusal's name. */
async function ask({ port }: TestProxy, key: string, target: string, method = 'GET') {
  const reply = await send(port, target, { method, headers: { 'x-mbx-apikey': key } });
  return reply.headers['x-proxy-error'] ?? reply.status;
}

describe('the page of a firewall', () => {
  it('It stops the client that provoked it and nobody else; its own cancels pass', async () => {
    const upstream = await openExchange();
    const proxy = await openProxy(upstream);
    expect(await ask(proxy, BOT, PLAYFUL, 'POST')).toBe(403);
    const before = upstream.received.length;
    expect(await ask(proxy, BOT, READ)).toBe(FROZEN);
    expect(upstream.received.length).toBe(before);
    expect(await ask(proxy, BOT, CANCEL, 'DELETE')).toBe(200);
    for (const [target, method] of [
      [READ, 'GET'],
      [CANCEL, 'DELETE'],
    ] as const)
      expect(await ask(proxy, OTHER, target, method)).toBe(200);
    expect((await send(proxy.port, '/api/v3/depth?symbol=BTCUSDT')).status).toBe(200);
    await expect.poll(() => upstream.pings).toBe(1);
    expect(proxy.records('upstream.frozen').map(({ detail }) => detail)).toEqual([
      expect.objectContaining({ upstream: 'spot', client: 'bot', status: 403 }),
    ]);
  });

  it('It stops everybody once a harmless call of the proxy’s own got one as well', async () => {
    let isAddressMeant = false;
    const upstream = await openExchange(() => isAddressMeant);
    const proxy = await openProxy(upstream);
    isAddressMeant = true;
    expect(await ask(proxy, BOT, READ)).toBe(403);
    await expect.poll(() => proxy.records('upstream.frozen').length).toBe(2);
    expect(proxy.records('upstream.frozen')[1]?.detail).not.toHaveProperty('client');
    const before = upstream.received.length;
    for (const key of [BOT, OTHER])
      for (const [target, method] of [
        [READ, 'GET'],
        [CANCEL, 'DELETE'],
      ] as const)
        expect(await ask(proxy, key, target, method)).toBe(FROZEN);
    expect(upstream.received.length).toBe(before);
  });

  it.skipIf(!hasRedisServer)('Over Redis it stops that client at the other proxies', async () => {
    const redis = await startRedisServer();
    closers.push(() => redis.stop());
    const upstream = await openExchange();
    const env = { BINANCE_PROXY_REDIS_URL: redis.url.reveal() };
    const first = await openProxy(upstream, env);
    const second = await openProxy(upstream, env);
    expect(await ask(second, BOT, READ)).toBe(200);
    expect(await ask(first, BOT, PLAYFUL, 'POST')).toBe(403);
    await expect.poll(() => ask(second, BOT, READ)).toBe(FROZEN);
    expect(await ask(second, BOT, CANCEL, 'DELETE')).toBe(200);
    expect(await ask(second, OTHER, READ)).toBe(200);
  });
});
