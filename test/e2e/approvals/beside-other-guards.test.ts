import { hash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import { send } from '../../support/clients/http.ts';
import { startTestProxy, TEST_KEY, TEST_SECRET, type TestProxy } from '../../support/servers/proxy.ts';

const TOKEN = 'alice'.repeat(12);
const BOT_KEY = 'B'.repeat(64);
const OTHER_KEY = 'C'.repeat(64);
const CLIENT = 'account: main, permissions: [market-data, read, spot-margin-trade]';
const YAML = `
clients:
  bot: { ${CLIENT}, envPrefix: BOT, order: { priceBand: 5% }, approval: { outsideBand: true, symbols: [ETHUSDT] } }
  other: { ${CLIENT}, envPrefix: OTHER, order: { priceBand: 5% } }
operators:
  alice: { envPrefix: ALICE }
`;

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator({
    accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET, balances: { USDT: '1000000' } }],
    marketStepMs: 0,
  });
});
afterAll(() => simulator.close());

let folder: string;
let proxy: TestProxy;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'approvals-'));
  proxy = await startTestProxy({
    upstream: simulator.url,
    yaml: YAML,
    env: {
      BOT_CLIENT_KEY: BOT_KEY,
      OTHER_CLIENT_KEY: OTHER_KEY,
      ALICE_OPERATOR_TOKEN_SHA256: hash('sha256', TOKEN),
      BINANCE_PROXY_STATE_DIR: join(folder, 'state'),
    },
  });
});
afterEach(async () => {
  await proxy.close();
  rmSync(folder, { recursive: true, force: true });
});

const operate = (path: string, body: unknown) =>
  send(Number(new URL(proxy.operatorUrl).port), path, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

async function order(price: string, symbol = 'BTCUSDT', key = BOT_KEY) {
  const { status, headers } = await send(proxy.port, '/api/v3/order', {
    method: 'POST',
    headers: { 'x-mbx-apikey': key },
    body: `symbol=${symbol}&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=${price}`,
  });
  return { status, error: headers['x-proxy-error'], id: String(headers['x-proxy-approval']) };
}

const digestOf = (id: string) => proxy.parts.decisions.show(id).digest;
const approve = (id: string) =>
  operate(`/operator/approvals/${id}`, { decision: 'approve', digest: digestOf(id) });

async function marketPrice(): Promise<number> {
  const { json } = await send(proxy.port, '/api/v3/ticker/bookTicker?symbol=BTCUSDT');
  return Number(json?.askPrice);
}

const arrivals = () => simulator.requests.filter(({ path }) => path.startsWith('/api/v3/order')).length;

describe('an order outside of the price band', () => {
  it('It is asked for where its client has that, passes once with a yes, and no other client has it so', async () => {
    const market = await marketPrice();
    const before = arrivals();
    const inside = (market * 1.01).toFixed(2);
    const outside = (market * 1.2).toFixed(2);
    expect(await order(outside, 'BTCUSDT', OTHER_KEY)).toMatchObject({ error: 'PROXY_ORDER_REFUSED' });
    const asked = await order(outside);
    expect(asked).toMatchObject({ status: 400, error: 'PROXY_APPROVAL_PENDING' });
    expect(arrivals()).toBe(before);
    expect(proxy.records('approval.asked').at(-1)).toMatchObject({ rule: 'approval.outsideBand' });
    expect((await order(inside)).status).toBe(200);
    expect(arrivals()).toBe(before + 1);
    expect((await approve(asked.id)).json).toMatchObject({ state: 'approved' });
    expect((await order(outside)).status).toBe(200);
    expect((await order(outside)).error).toBe('PROXY_APPROVAL_PENDING');
    expect(arrivals()).toBe(before + 2);
  });
});

describe('a stop beside an ask', () => {
  it.each([
    ['the proxy', {}],
    ['the account', { account: 'main' }],
    ['the client', { client: 'bot' }],
    ['the symbol', { symbol: 'ETHUSDT' }],
  ])('A yes is void once a state holds for %s, and stays void when the state is lifted', async (_, scope) => {
    const asked = await order('100', 'ETHUSDT');
    expect(asked.error).toBe('PROXY_APPROVAL_PENDING');
    await approve(asked.id);
    const before = arrivals();
    const stop = await operate('/operator/states', {
      ...scope,
      state: 'cancel-only',
      reason: 'test',
      cancel: 'none',
    });
    expect(stop.status).toBe(200);
    expect(proxy.records('approval.voided')).toMatchObject([{ approval: { id: asked.id } }]);
    expect((await order('100', 'ETHUSDT')).error).toBe('PROXY_STOPPED');
    expect((await operate('/operator/states', { ...scope, state: 'run', reason: 'over' })).status).toBe(200);
    const again = await order('100', 'ETHUSDT');
    expect(again.error).toBe('PROXY_APPROVAL_PENDING');
    expect(again.id).not.toBe(asked.id);
    expect(arrivals()).toBe(before);
  });

  it('A stop of another client or symbol leaves a yes as it is', async () => {
    const asked = await order('100', 'ETHUSDT');
    await approve(asked.id);
    for (const scope of [{ client: 'other' }, { symbol: 'BTCUSDT' }])
      await operate('/operator/states', { ...scope, state: 'cancel-only', reason: 'test', cancel: 'none' });
    expect(proxy.records('approval.voided')).toEqual([]);
    expect((await order('100', 'ETHUSDT')).error).not.toBe('PROXY_APPROVAL_PENDING');
  });
});
