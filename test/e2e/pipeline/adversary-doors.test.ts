import { createHmac } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { loadSettings } from '../../../src/config/load-settings.ts';
import { isTrustedHost } from '../../../src/http/local-trust.ts';
import { assertStillGuarded } from '../../../src/proxy/reload.ts';
import { startSimulator } from '../../../src/simulator/simulator.ts';
import { send } from '../../support/clients/http.ts';
import { startTestProxy, TEST_KEY, TEST_SECRET, type TestProxyOptions } from '../../support/servers/proxy.ts';
import { startUpstream } from '../../support/servers/upstream.ts';

const KEY = 'issued-key-of-the-bot-0123456789abcdefghijklmnopqrstuvwxyz';
const SECRET = 'issued-secret-of-the-bot-0123456789abcdefghijklmnopqrstuv';

async function start(options: Omit<TestProxyOptions, 'upstream'> = {}) {
  const upstream = await startUpstream();
  onTestFinished(() => upstream.close());
  const proxy = await startTestProxy({ upstream: upstream.url, ...options });
  onTestFinished(() => proxy.close());
  return { upstream, proxy };
}

describe('an app that dates its signed order', () => {
  it.each([
    ['years ahead', 4_102_444_800_000],
    ['three minutes ahead', Date.now() + 180_000],
  ])('A signed order that is dated %s is refused', async (_when, timestamp) => {
    const { upstream, proxy } = await start({
      env: { BINANCE_PROXY_CLIENT_KEY: KEY, BINANCE_PROXY_CLIENT_SECRET: SECRET },
    });
    const text = `symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1&timestamp=${timestamp}`;
    const body = `${text}&signature=${createHmac('sha256', SECRET).update(text).digest('hex')}`;
    const reply = await send(proxy.port, '/api/v3/order', {
      method: 'POST',
      headers: { 'x-mbx-apikey': KEY },
      body,
    });
    expect([reply.status, reply.json?.code, reply.headers['x-proxy-error']]).toEqual([
      400,
      -1021,
      'PROXY_STALE_REQUEST',
    ]);
    expect(upstream.received).toEqual([]);
  });
});

describe('the Host of an IPv6 listener', () => {
  it.each([
    ['[fd00::1]', true],
    ['[fd00::1]:8080', true],
    ['[FD00::1]:8080', true],
    ['[fd00::2]:8080', false],
    ['[fd00::1', false],
    ['fd00::1]', false],
    ['[::1]:8080', true],
    ['[::1].evil.com', false],
  ])('The Host %s of an IPv6 listener is trusted: %s', (host, trusted) => {
    expect(isTrustedHost(host, new Set(['fd00::1']))).toBe(trusted);
  });
});

describe('a new configuration', () => {
  const settings = (env: Readonly<Record<string, string>>) =>
    loadSettings({
      cwd: tmpdir(),
      env: { BINANCE_API_KEY: TEST_KEY, BINANCE_API_SECRET: TEST_SECRET, BINANCE_PROXY_PORT: '0', ...env },
    });
  const open = settings({ BINANCE_PROXY_HOST: '0.0.0.0', BINANCE_PROXY_CLIENT_KEY: KEY });
  const keyless = settings({});

  it('A new configuration without keys cannot leave an open listener unguarded: the old one stays', () => {
    expect(() => assertStillGuarded(open.server, keyless)).toThrow(/BINANCE_PROXY_CLIENT_KEY/);
    expect(() => assertStillGuarded(open.server, open)).not.toThrow();
    expect(() => assertStillGuarded(keyless.server, keyless)).not.toThrow();
  });
});

describe('the path of the Unix socket', () => {
  it('The path of the Unix socket is not cleared of a file that is no socket', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'signing-proxy-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const path = join(folder, 'precious.txt');
    writeFileSync(path, 'precious');
    await expect(start({ env: { BINANCE_PROXY_SOCKET: path } })).rejects.toThrow(/BINANCE_PROXY_SOCKET/);
    expect(existsSync(path) && readFileSync(path, 'utf8')).toBe('precious');
  });
});

describe('the key preflight on live', () => {
  it('The key preflight on live is not passed by a 404 from somewhere on the way', async () => {
    const exchange = await startSimulator({
      accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET }],
      sapi: false,
    });
    onTestFinished(() => exchange.close());
    const proxy = await startTestProxy({
      upstream: exchange.url,
      env: { BINANCE_PROXY_ENVIRONMENT: 'live' },
    });
    onTestFinished(() => proxy.close());
    const reply = await send(proxy.port, '/api/v3/account');
    expect([reply.status, reply.headers['x-proxy-error']]).toEqual([503, 'PROXY_NOT_READY']);
    expect((await send(proxy.port, '/api/v3/ping')).status).toBe(200);
  });
});
