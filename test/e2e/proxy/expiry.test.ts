import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { send } from '../../support/clients/http.ts';
import { connectApp, eventually, type WsApp } from '../../support/clients/ws-app.ts';
import { openWsStage, type WsStage } from '../../support/servers/ws-stage.ts';
import { wsEnv } from '../../support/servers/ws-upstream.ts';

const DAY_MS = 86_400_000;
const KEYS = { bot: 'B'.repeat(64), other: 'O'.repeat(64) };
const ENV = { BOT_CLIENT_KEY: KEYS.bot, OTHER_CLIENT_KEY: KEYS.other };
const dayIn = (days: number) => new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 10);
const yaml = (more: string) => `
clients:
  bot: { account: main, envPrefix: BOT, permissions: [market-data, read, spot-margin-trade]${more} }
  other: { account: main, envPrefix: OTHER, permissions: [market-data, read, spot-margin-trade] }
`;
const CANCEL = { symbol: 'BTCUSDT', orderId: '987654' };

let stage: WsStage;
const apps: WsApp[] = [];
beforeEach(async () => {
  stage = await openWsStage('Ed25519', { env: ENV, yaml: yaml(`, expires: ${dayIn(2)}`) });
});
afterEach(async () => {
  for (const app of apps.splice(0)) app.socket.terminate();
  await stage.close();
});

async function connect(path: string, key: string): Promise<WsApp> {
  const app = await connectApp(`${stage.wsUrl}${path}`, { headers: { 'x-mbx-apikey': key } });
  apps.push(app);
  return app;
}

const get = (path: string, key: string, method = 'GET') =>
  send(stage.proxy.port, path, { method, headers: { 'x-mbx-apikey': key } });
const account = (key: string) => get('/api/v3/account', key);

/** The exchange's clock goes on by so many days; the next signed call of another client tells the proxy so. */
async function passDays(days: number): Promise<void> {
  stage.simulator.setClockOffset(days * DAY_MS);
  expect((await account(KEYS.other)).status).toBe(200);
}

/** As SIGHUP does it, with a configuration of the bot. */
function reload(more: string): void {
  const wsUrl = stage.simulator.url.replace('http', 'ws');
  stage.proxy.reload({ ...ENV, ...wsEnv({ wsUrl }) }, yaml(more));
}

const WITHDRAWN = { code: 1008, reason: 'permission withdrawn' };
const ENDED = {
  status: 401,
  headers: { 'x-proxy-error': 'PROXY_UNKNOWN_CLIENT', 'x-proxy-outcome': 'not-sent' },
};

describe('the end of a key', () => {
  it('By server time, its last day passes and the next one does not; other keys go on', async () => {
    expect((await account(KEYS.bot)).status).toBe(200);
    await passDays(1);
    expect((await account(KEYS.bot)).status).toBe(200);
    await passDays(2);
    const before = stage.simulator.requests.length;
    expect(await account(KEYS.bot)).toMatchObject({ ...ENDED, json: { code: -2014 } });
    expect(stage.simulator.requests.length).toBe(before);
    expect((await account(KEYS.other)).status).toBe(200);
  });

  it('When the clock of the exchange is set back, the key counts again', async () => {
    await passDays(3);
    expect((await account(KEYS.bot)).status).toBe(401);
    await passDays(0);
    expect((await account(KEYS.bot)).status).toBe(200);
  });

  it('Cancels pass over each door, and public data needs no key', async () => {
    await passDays(3);
    const query = new URLSearchParams(CANCEL).toString();
    expect((await get(`/api/v3/order?${query}`, KEYS.bot, 'DELETE')).json?.code).toBe(-2011);
    const all = await get('/api/v3/openOrders?symbol=BTCUSDT', KEYS.bot, 'DELETE');
    expect(all.headers['x-proxy-outcome']).toBe('answered');
    expect((await get('/api/v3/time', KEYS.bot)).status).toBe(200);
    const app = await connect('/ws-api/v3', KEYS.bot);
    expect((await app.ask('order.cancel', CANCEL)).error?.code).toBe(-2011);
    expect((await app.ask('account.status', {})).error?.code).toBe(-2014);
    expect((await app.ask('time', {})).status).toBe(200);
  });

  it('An open socket of a signed API refuses from then on, and goes on cancelling', async () => {
    const app = await connect('/ws-api/v3', KEYS.bot);
    expect((await app.ask('account.status', {})).status).toBe(200);
    await passDays(3);
    for (let time = 0; time < 20; time++) {
      const { error } = await app.ask('account.status', {});
      expect(error).toMatchObject({ code: -2014, data: { proxyError: 'PROXY_UNKNOWN_CLIENT' } });
    }
    expect((await app.ask('order.cancel', CANCEL)).error?.code).toBe(-2011);
    expect(app.socket.readyState).toBe(app.socket.OPEN);
  });

  it('What shows an account ends within a second, and cannot be opened again', async () => {
    const futuresKey = (await get('/fapi/v1/listenKey', KEYS.bot, 'POST')).json?.listenKey;
    const path = `/private/ws/${futuresKey}`;
    const streams = [await connect(path, KEYS.bot)];
    const user = await connect('/ws-api/v3', KEYS.bot);
    expect((await user.ask('userDataStream.subscribe.signature', {})).status).toBe(200);
    await passDays(3);
    for (const app of [...streams, user]) expect(await app.closed).toEqual(WITHDRAWN);
    await eventually(() => stage.proxy.records('socket.closed').length >= 2);
    await expect(connect(path, KEYS.bot)).rejects.toThrow(/401/);
    await expect(connectApp(`${stage.wsUrl}${path}`)).rejects.toThrow(/401/);
  });

  it('A reload brings it at once, and none may move it away', async () => {
    const app = await connect('/ws-api/v3', KEYS.bot);
    expect((await app.ask('account.status', {})).status).toBe(200);
    reload(`, expires: ${dayIn(0)}`);
    expect((await account(KEYS.bot)).status).toBe(401);
    expect((await app.ask('account.status', {})).error?.code).toBe(-2014);
    expect(() => reload(`, expires: ${dayIn(5)}`)).toThrow(/would have a key that ends later/);
    expect(() => reload('')).toThrow(/would have a key that ends later/);
    // What an ended key lost is no permission that a reload takes away, so the same configuration is taken again.
    reload(`, expires: ${dayIn(0)}`);
    expect((await account(KEYS.bot)).status).toBe(401);
  });
});
