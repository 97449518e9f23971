import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { send } from '../../support/clients/http.ts';
import { connectApp, refusedUpgrade, type WsApp } from '../../support/clients/ws-app.ts';
import { startTestProxy, type TestProxy } from '../../support/servers/proxy.ts';
import { startWsUpstream, type WsUpstream, wsEnv } from '../../support/servers/ws-upstream.ts';

const RIGHT_KEY = 'R'.repeat(64);
const PATH = '/ws-api/v3';
const LIMITED = { status: 429, error: { code: -1003 } };

let upstream: WsUpstream;
let proxy: TestProxy;
const apps: WsApp[] = [];
beforeEach(async () => {
  upstream = await startWsUpstream();
  const env = { ...wsEnv(upstream), BINANCE_PROXY_CLIENT_KEY: RIGHT_KEY };
  proxy = await startTestProxy({ upstream: upstream.url, env });
});
afterEach(async () => {
  for (const app of apps.splice(0)) app.socket.terminate();
  await proxy.close();
  await upstream.close();
});

async function connect(): Promise<WsApp> {
  const app = await connectApp(`${proxy.url}${PATH}`);
  apps.push(app);
  return app;
}

/** Answers to so many wrong keys in frames, over as many sockets as it takes. */
async function guessInFrames(count: number, perSocket = 20): Promise<number[]> {
  const statuses: number[] = [];
  for (let left = count; left > 0; left -= perSocket) {
    const app = await connect();
    for (let at = 0; at < Math.min(left, perSocket); at++) {
      const { status } = await app.ask('account.status', { apiKey: `guess-${left}-${at}` });
      statuses.push(status ?? 0);
    }
  }
  return statuses;
}

describe('the guessing of keys', () => {
  it('Wrong keys in frames are limited over all sockets of an address', async () => {
    const statuses = await guessInFrames(50);
    expect(statuses.slice(0, 30)).toEqual(Array(30).fill(401));
    expect(statuses.slice(30)).toEqual(Array(20).fill(429));
  });

  it('Wrong keys in frames, upgrades and requests are counted together', async () => {
    await guessInFrames(15);
    const asGuesser = { 'x-mbx-apikey': 'wrong' };
    for (let at = 0; at < 15; at++) await send(proxy.port, '/api/v3/account', { headers: asGuesser });
    expect(await refusedUpgrade(`${proxy.url}${PATH}`, { headers: asGuesser })).toMatchObject({
      status: 429,
    });
    expect(await (await connect()).ask('account.status', { apiKey: 'wrong' })).toMatchObject(LIMITED);
    expect(await send(proxy.port, '/api/v3/account', { headers: asGuesser })).toMatchObject({ status: 429 });
  });

  it('A right key is never refused for the guesses of others, in a frame, at an upgrade or in a request', async () => {
    const earlier = await connect();
    await guessInFrames(60);
    expect(await earlier.ask('account.status', { apiKey: RIGHT_KEY })).toMatchObject({ status: 200 });
    expect(await (await connect()).ask('account.status', { apiKey: RIGHT_KEY })).toMatchObject({
      status: 200,
    });
    const headers = { 'x-mbx-apikey': RIGHT_KEY };
    const shown = await connectApp(`${proxy.url}${PATH}`, { headers });
    apps.push(shown);
    expect(await shown.ask('account.status')).toMatchObject({ status: 200 });
    expect(await send(proxy.port, '/api/v3/account', { headers })).toMatchObject({ status: 200 });
  });

  it('A socket that goes on guessing is closed, also once its guesses are limited', async () => {
    await guessInFrames(30);
    const app = await connect();
    for (let at = 0; at < 30; at++)
      app.socket.send(`{"id":${at},"method":"account.status","params":{"apiKey":"w${at}"}}`);
    expect(await app.closed).toMatchObject({ code: 1008, reason: 'bad frames' });
  });

  it('A logon with a wrong key is a guess like any other', async () => {
    await guessInFrames(30);
    // Of a flood ten refusals a second have records of their own.
    await pause(1_100);
    const app = await connect();
    expect(await app.ask('session.logon', { apiKey: 'wrong' })).toMatchObject(LIMITED);
    expect(proxy.records('call.refused').at(-1)).toMatchObject({ rule: 'key guessing' });
  });
});
