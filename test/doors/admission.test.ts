import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { clearOfWindowEnd } from '../support/clear-of-window.ts';
import {
  closeDoors,
  type Door,
  type DoorCall,
  describeEveryDoor,
  FRAME_DOOR,
  HTTP_DOOR,
  OWN_DOOR,
} from '../support/clients/doors.ts';
import { openWsStage, type WsStage } from '../support/servers/ws-stage.ts';

const KEYS = { BOT: 'B', READER: 'R', STRICT: 'S', SIGNER: 'O', HASTY: 'H', POOR: 'P' } as const;
const keyOf = (name: keyof typeof KEYS) => KEYS[name].repeat(64);
const SECRET = 'strict-secret-'.repeat(4);
const OWN_PAIR = generateKeyPairSync('ed25519');
const ENV = {
  ...Object.fromEntries(Object.keys(KEYS).map((name) => [`${name}_CLIENT_KEY`, keyOf(name as 'BOT')])),
  STRICT_CLIENT_SECRET: SECRET,
  SIGNER_CLIENT_PUBLIC_KEY: OWN_PAIR.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
};
const ALL = '[market-data, read, spot-margin-trade, futures-trade]';
const yaml = (denylist: string) => `
denylist: ${denylist}
clients:
  bot:
    account: main
    envPrefix: BOT
    permissions: ${ALL}
    symbols: [BTCUSDT]
    order: { types: [LIMIT], maxNotional: { USDT: "100" }, maxPerDay: 3 }
  reader: { account: main, envPrefix: READER, permissions: [market-data, read] }
  strict: { account: main, envPrefix: STRICT, permissions: ${ALL}, requireSignature: true }
  signer: { account: main, envPrefix: SIGNER, permissions: ${ALL}, requireSignature: true }
  hasty: { account: main, envPrefix: HASTY, permissions: [market-data, read], requestsPerSecond: 3 }
  poor: { account: main, envPrefix: POOR, permissions: [market-data, read], weightPerMinute: 25 }
`;
const ORDER = {
  symbol: 'BTCUSDT',
  side: 'BUY',
  type: 'LIMIT',
  timeInForce: 'GTC',
  quantity: '0.001',
  price: '20000.00',
};
const PLACE: DoorCall = { rest: ['POST', '/api/v3/order'], frame: 'order.place', params: ORDER };
const READ: DoorCall = { rest: ['GET', '/api/v3/account'], frame: 'account.status' };
const TRADES: DoorCall = {
  rest: ['GET', '/api/v3/myTrades'],
  frame: 'myTrades',
  params: { symbol: 'BTCUSDT' },
};
const NOTHING: DoorCall = { rest: ['GET', '/api/v3/nothing'], frame: 'nothing.here' };
const LISTEN_KEY: DoorCall = {
  rest: ['POST', '/fapi/v1/listenKey'],
  frame: 'userDataStream.start',
  api: '/ws-fapi/v1',
};
const APPS = [HTTP_DOOR, FRAME_DOOR];
const ALL_DOORS = [...APPS, OWN_DOOR];

let folder: string;
let stage: WsStage;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'doors-'));
  const denylist = join(folder, 'denylist.yaml');
  writeFileSync(denylist, 'deny:\n  - { path: /api/v3/myTrades, reason: a test denies it }\n');
  stage = await openWsStage('HMAC', { env: ENV, yaml: yaml(denylist) });
});
afterAll(async () => {
  await closeDoors();
  await stage.close();
  rmSync(folder, { recursive: true });
});

/** What reached the exchange so far, by either way. */
const arrived = () => stage.simulator.requests.length + stage.simulator.frames.length;
let before = 0;
beforeEach(() => {
  before = arrived();
});

/** Orders that reached the exchange; the proxy's own look-ups of prices are none. */
const ordersArrived = () =>
  stage.simulator.requests.filter(({ method, path }) => method === 'POST' && path === '/api/v3/order')
    .length + stage.simulator.frames.filter(({ text }) => text.includes('"order.place"')).length;

/** The call is refused with this error, nothing of it arrives, and the refusal has its record. */
async function expectRefused(door: Door, call: DoorCall, error: string, code: number): Promise<void> {
  const answer = await door.call(stage, call);
  expect(answer).toMatchObject({ error, code, outcome: 'not-sent' });
  expect(arrived()).toBe(before);
  if (door === OWN_DOOR) return;
  const record = stage.proxy.records('call.refused').at(-1);
  expect(record).toMatchObject({ requestId: answer.requestId, error, code, outcome: 'not-sent' });
}

async function expectAnswered(door: Door, call: DoorCall): Promise<void> {
  expect(await door.call(stage, call)).toMatchObject({
    error: undefined,
    code: undefined,
    outcome: 'answered',
  });
  expect(arrived()).toBe(before + 1);
}

describeEveryDoor('the catalogue', ALL_DOORS, (door) => {
  it('A call that no entry of the catalogue describes does not leave', async () => {
    await expectRefused(door, { ...NOTHING, key: keyOf('BOT') }, 'PROXY_UNKNOWN_ENDPOINT', -1020);
  });
});

describeEveryDoor('the denylist', APPS, (door) => {
  it('A call that the operator denied does not leave, whatever its client was granted', async () => {
    await expectRefused(door, { ...TRADES, key: keyOf('BOT') }, 'PROXY_DENYLISTED', -1002);
  });

  it('A denial is judged before the key is looked at', async () => {
    await expectRefused(door, TRADES, 'PROXY_DENYLISTED', -1002);
  });
});

describeEveryDoor('the key', APPS, (door) => {
  it.each([
    ['no key', undefined],
    ['an empty key', ''],
    ['a key that nobody issued', 'X'.repeat(64)],
  ])('A signed call with %s is refused', async (_what, key) => {
    const call = key === undefined ? READ : { ...READ, key };
    await expectRefused(door, call, 'PROXY_UNKNOWN_CLIENT', -2014);
  });

  it('A call with an issued key is signed with the real one and answered', async () => {
    await expectAnswered(door, { ...READ, key: keyOf('READER') });
    const sent = [...stage.simulator.requests, ...stage.simulator.frames].at(-1);
    expect(sent?.verified).toBe(true);
  });
});

describeEveryDoor('the client’s own signature', APPS, (door) => {
  describe.each<
    [by: string, name: 'STRICT' | 'SIGNER', secret: string | KeyObject, wrong: string | KeyObject]
  >([
    ['an issued secret', 'STRICT', SECRET, 'wrong'.repeat(9)],
    ['a key pair of its own', 'SIGNER', OWN_PAIR.privateKey, generateKeyPairSync('ed25519').privateKey],
  ])('by %s', (_by, name, secret, wrong) => {
    const strict = { ...PLACE, key: keyOf(name) };

    it('A client that has to sign is refused unsigned', async () => {
      await expectRefused(door, strict, 'PROXY_BAD_SIGNATURE', -1022);
      await expectRefused(door, { ...READ, key: keyOf(name) }, 'PROXY_BAD_SIGNATURE', -1022);
    });

    it('A key-only endpoint needs no signature of a client that has to sign', async () => {
      await expectAnswered(door, { ...LISTEN_KEY, key: keyOf(name) });
    });

    it('A signature that was made with another secret or key is refused', async () => {
      await expectRefused(door, { ...strict, secret: wrong }, 'PROXY_BAD_SIGNATURE', -1022);
    });

    it('A signed order is placed once, and the same bytes are refused', async () => {
      const params = { ...ORDER, newClientOrderId: `once-${name}-${door.name.length}` };
      const call = { ...strict, params, secret, timestampMs: Date.now() };
      await expectAnswered(door, call);
      before = arrived();
      await expectRefused(door, call, 'PROXY_DUPLICATE_ORDER', -2010);
    });

    it('A signed call with an old timestamp is refused as stale', async () => {
      const call = { ...READ, key: keyOf(name), secret, timestampMs: Date.now() - 120_000 };
      await expectRefused(door, call, 'PROXY_STALE_REQUEST', -1021);
    });
  });
});

describeEveryDoor('permissions', APPS, (door) => {
  it('A call that its client was not granted is refused', async () => {
    await expectRefused(door, { ...PLACE, key: keyOf('READER') }, 'PROXY_PERMISSION_DENIED', -1002);
  });
});

describeEveryDoor('order rules', APPS, (door) => {
  const placed = (change: Readonly<Record<string, string>>) => ({
    ...PLACE,
    key: keyOf('BOT'),
    params: { ...ORDER, ...change },
  });

  it.each([
    ['another symbol', { symbol: 'ETHUSDT' }],
    ['a pair beside its symbol', { pair: 'ETHUSD' }],
    ['a list of symbols beside its own', { symbols: 'BTCUSDT,ETHUSDT' }],
    ['another type', { type: 'LIMIT_MAKER' }],
    ['a value beyond the limit', { quantity: '0.01' }],
  ])('An order with %s than its client may place is refused', async (_what, change) => {
    const orders = ordersArrived();
    const call = placed(change);
    const answer = await door.call(stage, call);
    expect(answer).toMatchObject({ error: 'PROXY_ORDER_REFUSED', code: -2010, outcome: 'not-sent' });
    expect(ordersArrived()).toBe(orders);
  });
});

describeEveryDoor('the client’s share of weight', APPS, (door) => {
  it('A call beyond the share of its client is refused, at whatever door the share was used', async () => {
    await clearOfWindowEnd(60_000, 5_000);
    const call = { ...READ, key: keyOf('POOR') };
    const answers = [];
    for (let i = 0; i < 3; i++) answers.push(await door.call(stage, call));
    expect(answers.at(-1)).toMatchObject({
      error: 'PROXY_WEIGHT_EXHAUSTED',
      code: -1003,
      outcome: 'not-sent',
    });
  });
});

it('A client’s requestsPerSecond is one rate over HTTP requests and frames', async () => {
  const call = { ...READ, key: keyOf('HASTY') };
  const answers = await Promise.all(
    Array.from({ length: 3 }, () => [HTTP_DOOR.call(stage, call), FRAME_DOOR.call(stage, call)]).flat(),
  );
  const errors = answers.map(({ error }) => error);
  expect(errors.filter((error) => error === undefined)).toHaveLength(3);
  expect(errors.filter((error) => error === 'PROXY_CLIENT_RATE_LIMITED')).toHaveLength(3);
  expect(arrived()).toBe(before + 3);
});
