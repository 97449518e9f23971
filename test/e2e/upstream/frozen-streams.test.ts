import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { send } from '../../support/clients/http.ts';
import { connectApp, refusedUpgrade, type WsApp } from '../../support/clients/ws-app.ts';
import { startTestProxy, type TestProxy } from '../../support/servers/proxy.ts';
import { startWsUpstream, type WsUpstream, wsEnv } from '../../support/servers/ws-upstream.ts';

const LISTEN_KEY = 'pqia91ma19a5s61cv6a81va65sdf19v8a65a1a5s61cv6a81va65sdf19v8a65a1';
const STREAMS = ['/ws/btcusdt@trade', '/stream?streams=ethusdt@trade', `/ws/${LISTEN_KEY}`];

let rest: WsUpstream;
let streams: WsUpstream;
let proxy: TestProxy;
const apps: WsApp[] = [];
beforeEach(async () => {
  rest = await startWsUpstream();
  streams = await startWsUpstream();
  const env = { ...wsEnv(rest), BINANCE_PROXY_UPSTREAM_SPOT_STREAM: streams.wsUrl };
  proxy = await startTestProxy({ upstream: rest.url, env });
});
afterEach(async () => {
  for (const app of apps.splice(0)) app.socket.terminate();
  await proxy.close();
  await rest.close();
  await streams.close();
});

async function connect(path: string): Promise<WsApp> {
  const app = await connectApp(`${proxy.url}${path}`);
  apps.push(app);
  return app;
}

/** Lets the signed API of spot answer a call with this status, which is a freeze. */
async function freezeBy(status: 418 | 429): Promise<void> {
  const retryAfter = Date.now() + 60_000;
  rest.respond(({ id }, socket) => {
    const error = { code: -1003, msg: 'Too many requests.', data: { serverTime: Date.now(), retryAfter } };
    socket.send(JSON.stringify({ id, status, error }));
  });
  const api = await connect('/ws-api/v3');
  expect(await api.ask('account.status')).toMatchObject({ status });
  expect((await send(proxy.port, '/api/v3/ping')).status).toBe(429);
}

const frozen = () =>
  proxy.records('upstream.frozen').map(({ detail }) => (detail as { upstream: string }).upstream);

describe('a ban of the address', () => {
  it('A 418 shuts the streams of its family as well, with the time to wait, and leaves open ones open', async () => {
    const open = await connect('/ws/btcusdt@trade');
    await freezeBy(418);
    const before = streams.targets.length;
    for (const path of [`/ws/${LISTEN_KEY}`, '/stream?streams=a@trade&timeUnit=MICROSECOND']) {
      const refused = await refusedUpgrade(`${proxy.url}${path}`);
      expect(refused).toMatchObject({ status: 429 });
      expect(Number(refused.headers['retry-after'])).toBeGreaterThan(30);
      expect(JSON.parse(refused.body)).toMatchObject({ code: -1003 });
    }
    expect(streams.targets.length).toBe(before);
    expect(open.socket.readyState).toBe(1);
    expect(frozen()).toEqual(['spot']);
    await connect('/market/ws/btcusdt@aggTrade');
  });

  it('A 418 at the door of the streams shuts REST and the signed API of its family', async () => {
    streams.refuseUpgrades(418, '40');
    expect(await refusedUpgrade(`${proxy.url}${STREAMS[0]}`)).toMatchObject({ status: 429 });
    const before = rest.targets.length + rest.restTargets.length;
    expect((await send(proxy.port, '/api/v3/ping')).status).toBe(429);
    expect(await refusedUpgrade(`${proxy.url}/ws-api/v3`)).toMatchObject({ status: 429 });
    expect(rest.targets.length + rest.restTargets.length).toBe(before);
  });
});

describe('too many requests', () => {
  it.each(STREAMS)('A 429 of REST leaves %s open, which is on another host', async (path) => {
    await freezeBy(429);
    await connect(path);
    expect(streams.targets).toHaveLength(1);
    expect(await refusedUpgrade(`${proxy.url}/ws-api/v3`)).toMatchObject({ status: 429 });
    expect(frozen()).toEqual(['spot']);
  });

  it('A 429 at the door of the streams shuts it and nothing else', async () => {
    streams.refuseUpgrades(429, '40');
    expect(await refusedUpgrade(`${proxy.url}${STREAMS[0]}`)).toMatchObject({ status: 429 });
    streams.refuseUpgrades(undefined);
    const before = streams.targets.length;
    for (const path of STREAMS)
      expect(await refusedUpgrade(`${proxy.url}${path}`)).toMatchObject({ status: 429 });
    expect(streams.targets.length).toBe(before);
    expect((await send(proxy.port, '/api/v3/ping')).status).toBe(200);
    await connect('/ws-api/v3');
    await connect('/market/ws/btcusdt@aggTrade');
  });
});
