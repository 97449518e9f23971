import { afterEach, describe, expect, it } from 'vitest';
import { send } from '../../support/clients/http.ts';
import { startTestProxy, type TestProxy } from '../../support/servers/proxy.ts';
import { startUpstream, type Upstream } from '../../support/servers/upstream.ts';

const KEY = 'K'.repeat(64);
let upstream: Upstream;
let proxy: TestProxy;

async function listenOn(host: string, more: Readonly<Record<string, string>> = {}): Promise<TestProxy> {
  upstream = await startUpstream();
  const env = { BINANCE_PROXY_HOST: host, BINANCE_PROXY_CLIENT_KEY: KEY, ...more };
  proxy = await startTestProxy({ upstream: upstream.url, env });
  return proxy;
}
afterEach(async () => {
  await proxy.close();
  await upstream.close();
});

async function statusFor(host: string): Promise<number> {
  const headers = { host, 'x-mbx-apikey': KEY };
  return (await send(proxy.port, '/api/v3/account', { headers })).status;
}

describe('a listener on every address', () => {
  it.each(['0.0.0.0', '0.0.0.0:8080'])(
    'The Host %s, which a browser can be led to, is refused',
    async (host) => {
      await listenOn('0.0.0.0');
      expect(await statusFor(host)).toBe(421);
    },
  );

  it.each(['127.0.0.1', 'localhost:8080', '[::1]'])('The Host %s is served', async (host) => {
    await listenOn('0.0.0.0');
    expect(await statusFor(host)).toBe(200);
  });

  it('The Host [::] is refused where the listener is on ::', async () => {
    await listenOn('::');
    expect(await statusFor('[::]')).toBe(421);
    expect(await statusFor('[::1]')).toBe(200);
  });

  it('The Host 0.0.0.0 is served to whoever lists it', async () => {
    await listenOn('0.0.0.0', { BINANCE_PROXY_ALLOWED_HOSTS: '0.0.0.0' });
    expect(await statusFor('0.0.0.0')).toBe(200);
  });
});
