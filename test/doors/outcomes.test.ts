import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  closeDoors,
  type Door,
  type DoorCall,
  describeEveryDoor,
  FRAME_DOOR,
  HTTP_DOOR,
  OWN_DOOR,
} from '../support/clients/doors.ts';
import { eventually } from '../support/clients/ws-app.ts';
import { TEST_SECRET } from '../support/servers/proxy.ts';
import { openWsStage, type WsStage } from '../support/servers/ws-stage.ts';

const BOT_KEY = 'B'.repeat(64);
const YAML = `
clients:
  bot:
    account: main
    envPrefix: BOT
    permissions: [market-data, read, spot-margin-trade]
    order: { maxPerDay: 2 }
`;
const ORDER = {
  symbol: 'BTCUSDT',
  side: 'BUY',
  type: 'LIMIT',
  timeInForce: 'GTC',
  quantity: '0.001',
  price: '20000.00',
};
const PLACE: DoorCall = {
  rest: ['POST', '/api/v3/order'],
  frame: 'order.place',
  params: ORDER,
  key: BOT_KEY,
};
const READ: DoorCall = { rest: ['GET', '/api/v3/account'], frame: 'account.status', key: BOT_KEY };
/** A signed read that the proxy itself may make as well. */
const OWN_READ: DoorCall = { ...READ, rest: ['GET', '/sapi/v1/account/apiRestrictions'] };
const APPS = [HTTP_DOOR, FRAME_DOOR];
const ALL_DOORS = [...APPS, OWN_DOOR];

let folder: string;
let stage: WsStage;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'doors-'));
  const env = { BOT_CLIENT_KEY: BOT_KEY, BINANCE_PROXY_AUDIT_DIR: join(folder, 'audit') };
  stage = await openWsStage('HMAC', { env, yaml: YAML });
});
afterEach(async () => {
  await closeDoors();
  await stage.close();
  rmSync(folder, { recursive: true, force: true });
});

const readAt = (door: Door) => (door === OWN_DOOR ? OWN_READ : READ);
const arrived = () => stage.simulator.requests.length + stage.simulator.frames.length;
/** How often a timestamp was stamped and sent for this call. */
const ordersArrived = () =>
  stage.simulator.requests.filter(({ method, path }) => method === 'POST' && path === '/api/v3/order')
    .length + stage.simulator.frames.filter(({ text }) => text.includes('"order.place"')).length;

/** The next answer to the order is lost: it arrives, and the connection ends. */
function loseNext(door: Door): void {
  if (door === HTTP_DOOR)
    stage.simulator.inject({ kind: 'drop-after-read', match: { path: '/api/v3/order', method: 'POST' } });
  else stage.simulator.injectSocket({ kind: 'close-unexecuted', match: { method: 'order.place' } });
}

/** Binance refuses the next order with this code. */
function refuseNext(door: Door, status: number, code: number): void {
  if (door === HTTP_DOOR) {
    const match = { path: '/api/v3/order', method: 'POST' };
    const body = JSON.stringify({ code, msg: 'No.' });
    stage.simulator.inject({ kind: 'status', status, body, contentType: 'application/json', match });
  } else {
    const match = { method: 'order.place' };
    stage.simulator.injectSocket({ kind: 'error', status, code, message: 'No.', match });
  }
}

describeEveryDoor('records', ALL_DOORS, (door) => {
  it('A signed call has one record before it is sent and one after its answer', async () => {
    await door.call(stage, readAt(door));
    const seen = stage.proxy.lines.length;
    expect(await door.call(stage, readAt(door))).toMatchObject({ outcome: 'answered', error: undefined });
    const records = stage.proxy.records('call.signed', 'call.completed');
    const fresh = records.slice(-2);
    expect(stage.proxy.lines.length).toBe(seen + 2);
    expect(fresh.map(({ event }) => event)).toEqual(['call.signed', 'call.completed']);
    expect(fresh[0]?.requestId).toBe(fresh[1]?.requestId);
    expect(fresh[1]).toMatchObject({
      account: 'main',
      outcome: 'answered',
      client: door === OWN_DOOR ? 'proxy' : 'bot',
    });
    expect(JSON.stringify(fresh)).not.toContain(TEST_SECRET);
  });

  it('A call whose record cannot be stored does not leave', async () => {
    await door.call(stage, readAt(door));
    rmSync(join(folder, 'audit'), { recursive: true });
    const before = arrived();
    expect(await door.call(stage, readAt(door))).toMatchObject({
      error: 'PROXY_AUDIT_UNAVAILABLE',
      code: -1016,
      outcome: 'not-sent',
    });
    expect(arrived()).toBe(before);
  });
});

describeEveryDoor('outcomes', APPS, (door) => {
  it('An order whose answer is lost is unknown, is sent once, and the proxy asks what became of it', async () => {
    loseNext(door);
    const answer = await door.call(stage, PLACE);
    expect(answer).toMatchObject({ error: 'PROXY_OUTCOME_UNKNOWN', code: -1007, outcome: 'unknown' });
    expect(ordersArrived()).toBe(1);
    const { requestId } = answer;
    expect(stage.proxy.records('call.completed').at(-1)).toMatchObject({ requestId, outcome: 'unknown' });
    expect(stage.proxy.parts.resolver.open().map((open) => open.requestId)).toEqual([requestId]);
    const asked = () =>
      stage.simulator.requests.some(({ path, method }) => path === '/api/v3/order' && method === 'GET');
    await eventually(asked);
    expect(ordersArrived()).toBe(1);
  });

  it('A timestamp that Binance refuses is stamped anew, once', async () => {
    refuseNext(door, 400, -1021);
    expect(await door.call(stage, PLACE)).toMatchObject({ error: undefined, code: undefined });
    expect(ordersArrived()).toBe(2);
    expect(
      stage.proxy
        .records('call.signed')
        .slice(-2)
        .map(({ requestId }) => requestId),
    ).toEqual(Array(2).fill(stage.proxy.records('call.completed').at(-1)?.requestId));
    refuseNext(door, 400, -1021);
    refuseNext(door, 400, -1021);
    expect(await door.call(stage, PLACE)).toMatchObject({ error: undefined, code: -1021 });
    expect(ordersArrived()).toBe(4);
  });

  it('An order that Binance refused frees its place in the day, one that was lost does not', async () => {
    refuseNext(door, 400, -2010);
    expect(await door.call(stage, PLACE)).toMatchObject({ code: -2010, error: undefined });
    loseNext(door);
    expect(await door.call(stage, PLACE)).toMatchObject({ outcome: 'unknown' });
    expect(await door.call(stage, PLACE)).toMatchObject({ error: undefined, code: undefined });
    const before = ordersArrived();
    expect(await door.call(stage, PLACE)).toMatchObject({ error: 'PROXY_ORDER_REFUSED' });
    expect(ordersArrived()).toBe(before);
  });

  it('A call that has ended holds no place under way, however it ended', async () => {
    loseNext(door);
    await door.call(stage, PLACE);
    await door.call(stage, READ);
    await door.call(stage, { ...READ, rest: ['GET', '/api/v3/nothing'], frame: 'nothing' });
    expect(stage.proxy.parts.underWay.total).toBe(0);
  });
});

describeEveryDoor('freezes', ALL_DOORS, (door) => {
  it('A host that Binance closed with 429 is asked by nobody until its time is over', async () => {
    await door.call(stage, readAt(door));
    const headers = { 'retry-after': '60' };
    const body = JSON.stringify({ code: -1003, msg: 'Too many requests.' });
    stage.simulator.inject({
      kind: 'status',
      status: 429,
      body,
      headers,
      match: { path: '/api/v3/account' },
    });
    expect(await HTTP_DOOR.call(stage, READ)).toMatchObject({ code: -1003, error: undefined });
    const before = arrived();
    expect(await door.call(stage, readAt(door))).toMatchObject({
      error: 'PROXY_UPSTREAM_FROZEN',
      code: -1003,
      outcome: 'not-sent',
    });
    expect(arrived()).toBe(before);
  });
});
