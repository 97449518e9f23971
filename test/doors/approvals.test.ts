import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { verifyApprovals } from '../../src/audit/reading/verify-approvals.ts';
import { loadCatalogue } from '../../src/config/load-catalogue.ts';
import {
  closeDoors,
  type Door,
  type DoorCall,
  describeEveryDoor,
  FRAME_DOOR,
  HTTP_DOOR,
} from '../support/clients/doors.ts';
import { send } from '../support/clients/http.ts';
import { connectApp, eventually } from '../support/clients/ws-app.ts';
import { openWsStage, type WsStage } from '../support/servers/ws-stage.ts';
import { wsEnv } from '../support/servers/ws-upstream.ts';

const KEYS = { BOT: 'B', OTHER: 'O', HELD: 'H', ONCE: 'N' } as const;
const keyOf = (name: keyof typeof KEYS) => KEYS[name].repeat(64);
const ENV = Object.fromEntries(Object.keys(KEYS).map((name) => [`${name}_CLIENT_KEY`, keyOf(name as 'BOT')]));
const GRANTED = '[market-data, read, spot-margin-trade, futures-trade, universal-transfer]';
const yaml = () => `
clients:
  bot: { account: main, envPrefix: BOT, permissions: ${GRANTED}, approval: { above: { USDT: "50" } } }
  other: { account: main, envPrefix: OTHER, permissions: ${GRANTED}, approval: { above: { USDT: "50" } } }
  held: { account: main, envPrefix: HELD, permissions: ${GRANTED}, approval: { above: { USDT: "50" }, holdMs: 30000 } }
  once: { account: main, envPrefix: ONCE, permissions: ${GRANTED}, order: { maxPerDay: 1 }, approval: { above: { USDT: "50" } } }
`;
const APPS = [HTTP_DOOR, FRAME_DOOR];
const MARKET = { symbol: 'BTCUSDT', side: 'BUY', type: 'MARKET', quoteOrderQty: '60' };
const ORDER: DoorCall = {
  rest: ['POST', '/api/v3/order'],
  frame: 'order.place',
  key: keyOf('BOT'),
  params: MARKET,
};

let stage: WsStage;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'approvals-'));
  stage = await openWsStage('HMAC', { env: { ...ENV, BINANCE_PROXY_AUDIT_DIR: folder }, yaml: yaml() });
});
afterAll(async () => {
  await closeDoors();
  await stage.close();
  rmSync(folder, { recursive: true, force: true });
});

const arrived = () =>
  stage.simulator.requests.filter(({ method, path }) => method !== 'GET' && path !== '/api/v3/time').length +
  stage.simulator.frames.length;
const decisions = () => stage.proxy.parts.decisions;
const ALICE = { operator: 'alice', channel: 'test', passkeyRequired: false };
const open = () => decisions().list();
function approve(id = open()[0]?.id ?? '') {
  return decisions().decide(ALICE, id, { decision: 'approve', digest: decisions().show(id).digest });
}
const post = (params: Record<string, string>, key = keyOf('BOT'), path = '/api/v3/order') =>
  send(stage.proxy.port, path, {
    method: 'POST',
    headers: { 'x-mbx-apikey': key },
    body: new URLSearchParams(params).toString(),
  });
const own = (id: string, key: string) =>
  send(stage.proxy.port, `/proxy/approvals/${id}`, { headers: { 'x-mbx-apikey': key } });

let before = 0;
beforeEach(() => {
  for (const { id } of open()) decisions().decide(ALICE, id, { decision: 'deny', reason: 'tidy up' });
  // A no holds for a while: each test has an amount of its own.
  before = arrived();
});
let amount = 60;
function fresh(): DoorCall {
  amount += 10;
  return { ...ORDER, params: { ...MARKET, quoteOrderQty: String(amount) } };
}

describeEveryDoor('an approval', APPS, (door: Door) => {
  it('A call that needs a yes does not leave, and leaves once after it, with another client order id', async () => {
    const call = fresh();
    const named = (newClientOrderId: string) => ({ ...call, params: { ...call.params, newClientOrderId } });
    expect(await door.call(stage, named('a-1'))).toMatchObject({
      error: 'PROXY_APPROVAL_PENDING',
      code: -2010,
      outcome: 'not-sent',
    });
    expect(await door.call(stage, named('a-2'))).toMatchObject({ error: 'PROXY_APPROVAL_PENDING' });
    expect(arrived()).toBe(before);
    expect(open()).toHaveLength(1);
    approve();
    expect(await door.call(stage, named('a-3'))).toMatchObject({ error: undefined, outcome: 'answered' });
    expect(arrived()).toBe(before + 1);
    expect(await door.call(stage, named('a-4'))).toMatchObject({ error: 'PROXY_APPROVAL_PENDING' });
    expect(arrived()).toBe(before + 1);
  });

  it('What was denied does not leave', async () => {
    const call = fresh();
    await door.call(stage, call);
    decisions().decide(ALICE, open()[0]?.id ?? '', { decision: 'deny', reason: 'no' });
    expect(await door.call(stage, call)).toMatchObject({ error: 'PROXY_APPROVAL_DENIED', code: -2010 });
    expect(arrived()).toBe(before);
  });

  it('The approval of one door is used at another', async () => {
    const call = fresh();
    await HTTP_DOOR.call(stage, call);
    approve();
    expect(await door.call(stage, call)).toMatchObject({ outcome: 'answered' });
  });

  it('The approval of a client is no other one’s', async () => {
    const call = fresh();
    await door.call(stage, call);
    approve();
    expect(await door.call(stage, { ...call, key: keyOf('OTHER') })).toMatchObject({
      error: 'PROXY_APPROVAL_PENDING',
    });
    expect(arrived()).toBe(before);
  });
});

describe('what an app is told', () => {
  it('A waiting call has its id in the head, when to come again, and a sentence for whoever reads nothing else', async () => {
    const { status, headers, json } = await post(fresh().params ?? {});
    expect(status).toBe(400);
    expect(headers).toMatchObject({
      ...{ 'x-proxy-error': 'PROXY_APPROVAL_PENDING', 'x-proxy-outcome': 'not-sent', 'retry-after': '5' },
      'x-proxy-approval': open()[0]?.id,
    });
    expect(json?.msg).toContain('Send the same order again');
  });

  it('A waiting frame has its id in the error', async () => {
    const app = await connectApp(`${stage.wsUrl}/ws-api/v3`);
    const { error } = await app.ask('order.place', { ...fresh().params, apiKey: keyOf('BOT') });
    expect(error?.data).toMatchObject({ proxyError: 'PROXY_APPROVAL_PENDING', proxyApproval: open()[0]?.id });
    expect(error?.data?.retryAfter).toBeGreaterThan(Date.now());
    await app.close();
  });

  it('An app asks what became of its own ask, and of no other one', async () => {
    await post(fresh().params ?? {});
    const { id, digest } = open()[0] ?? { id: '', digest: '' };
    const mine = await own(id, keyOf('BOT'));
    expect(mine.json).toEqual({
      id,
      state: 'pending',
      digest,
      decideUntil: expect.any(String),
      useUntil: null,
    });
    expect(mine.headers).toMatchObject({
      'x-proxy-outcome': 'not-sent',
      'x-proxy-request-id': expect.any(String),
    });
    expect((await own(id, keyOf('OTHER'))).status).toBe(404);
    expect((await own('0'.repeat(16), keyOf('BOT'))).status).toBe(404);
    expect((await own(id, 'x'.repeat(64))).status).toBe(401);
    expect((await send(stage.proxy.port, `/proxy/approvals/${id}`)).status).toBe(401);
    for (const method of ['POST', 'PUT', 'DELETE'])
      expect(
        (
          await send(stage.proxy.port, `/proxy/approvals/${id}`, {
            method,
            headers: { 'x-mbx-apikey': keyOf('BOT') },
          })
        ).status,
      ).toBe(404);
    approve();
    expect((await own(id, keyOf('BOT'))).json).toMatchObject({
      state: 'approved',
      useUntil: expect.any(String),
    });
  });
});

describe('a claim', () => {
  it('A refusal that comes after it gives the approval back', async () => {
    const params = fresh().params ?? {};
    const key = keyOf('ONCE');
    await post(params, key);
    approve();
    // The day of this client is full by now.
    expect((await post({ ...params, quoteOrderQty: '20' }, key)).status).toBe(200);
    const refused = await post(params, key);
    expect(refused.headers['x-proxy-error']).toBe('PROXY_ORDER_REFUSED');
    expect(open()).toMatchObject([{ state: 'approved' }]);
    expect(arrived()).toBe(before + 1);
  });

  it('A second stamp after -1021 is the same call, and takes no second approval', async () => {
    const params = fresh().params ?? {};
    await post(params);
    const { id } = approve();
    stage.simulator.inject({ kind: 'stale-timestamp', match: { path: '/api/v3/order' }, times: 1 });
    expect((await post(params)).status).toBe(200);
    const signed = stage.proxy
      .records('call.signed')
      .filter(({ approval }) => (approval as { id?: string })?.id === id);
    expect(signed).toHaveLength(2);
    expect(
      stage.proxy.records('approval.used').filter(({ approval }) => (approval as { id: string }).id === id),
    ).toHaveLength(1);
  });

  it.each(['execute-then-drop', 'drop-before-read'] as const)(
    'It stays spent when the answer is lost (%s)',
    async (kind) => {
      const params = fresh().params ?? {};
      await post(params);
      const { id } = approve();
      stage.simulator.inject({ kind, match: { path: '/api/v3/order' }, times: 1 });
      expect((await post(params)).status).toBe(504);
      expect((await own(id, keyOf('BOT'))).json).toMatchObject({ state: 'used' });
      expect((await post({ ...params, newClientOrderId: `z-${kind}` })).headers['x-proxy-error']).toBe(
        'PROXY_APPROVAL_PENDING',
      );
    },
  );
});

describe('a reload', () => {
  it('The asks of a client end when its rules change, and those of others do not', async () => {
    const params = fresh().params ?? {};
    await post(params);
    await post(params, keyOf('OTHER'));
    for (const { id } of open()) approve(id);
    expect(open()).toHaveLength(2);
    const env = { ...wsEnv({ wsUrl: stage.simulator.url.replace('http', 'ws') }), ...ENV };
    const tighter = yaml().replace(
      'envPrefix: BOT, permissions: [market-data, read,',
      'envPrefix: BOT, permissions: [market-data,',
    );
    stage.proxy.reload({ ...env, BINANCE_PROXY_AUDIT_DIR: folder }, tighter);
    expect(open()).toMatchObject([{ client: 'other', state: 'approved' }]);
    expect(stage.proxy.records('approval.voided').at(-1)).toMatchObject({ client: 'bot' });
    expect((await post(params)).headers['x-proxy-error']).toBe('PROXY_APPROVAL_PENDING');
  });
});

describe('a hold', () => {
  it('A call that is held passes as soon as it is approved', async () => {
    const waiting = post({ ...fresh().params, recvWindow: '60000' }, keyOf('HELD'));
    await eventually(() => open().length === 1);
    approve();
    expect((await waiting).status).toBe(200);
  });

  it('A call that is held is answered at once when it is denied', async () => {
    const waiting = post({ ...fresh().params, recvWindow: '60000' }, keyOf('HELD'));
    await eventually(() => open().length === 1);
    decisions().decide(ALICE, open()[0]?.id ?? '', { decision: 'deny', reason: 'no' });
    expect((await waiting).headers['x-proxy-error']).toBe('PROXY_APPROVAL_DENIED');
  });

  it('A call is held no longer than its own recvWindow lasts', async () => {
    const reply = await post({ ...fresh().params, recvWindow: '1000' }, keyOf('HELD'));
    expect(reply.headers['x-proxy-error']).toBe('PROXY_APPROVAL_PENDING');
    expect(arrived()).toBe(before);
  });

  it('A caller that hangs up loses nothing', async () => {
    const gone = new AbortController();
    const params = fresh().params ?? {};
    const waiting = send(stage.proxy.port, '/api/v3/order', {
      ...{ method: 'POST', headers: { 'x-mbx-apikey': keyOf('HELD') }, signal: gone.signal },
      body: new URLSearchParams(params).toString(),
    }).catch(() => 'gone');
    await eventually(() => open().length === 1);
    const refused = () => stage.proxy.records('call.refused').length;
    const count = refused();
    gone.abort();
    expect(await waiting).toBe('gone');
    await eventually(() => refused() > count);
    approve();
    expect((await post(params, keyOf('HELD'))).status).toBe(200);
  });
});

describe('the records', () => {
  it('The records alone show that every call that needed an approval has one', () => {
    const files = [join(folder, `audit-${new Date().toISOString().slice(0, 10)}.ndjson`)];
    const verdict = verifyApprovals(files, loadCatalogue());
    expect(verdict.problems).toEqual([]);
    expect(verdict.used).toBeGreaterThan(5);
  });

  it('A record that was taken out is missed', () => {
    const text = stage.proxy.lines.filter((line) => !line.includes('"event":"approval.used"')).join('\n');
    const file = join(folder, 'doctored.log');
    writeFileSync(file, `${text}\n`);
    expect(verifyApprovals([file], loadCatalogue()).problems[0]?.message).toContain(
      'no record says that it used it',
    );
    const bare = stage.proxy.lines
      .filter((line) => !line.includes('"event":"approval.used"'))
      .map((line) => line.replace(/"approval":\{"id":"[0-9a-f]+"\},?/, ''));
    writeFileSync(file, `${bare.join('\n')}\n`);
    expect(verifyApprovals([file], loadCatalogue()).problems[0]?.message).toContain(
      'needed an approval and has none',
    );
  });
});
