import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { EnterRequest } from '../../src/stops/entered.ts';
import { type Scope, WHOLE_PROXY } from '../../src/stops/trading-state.ts';
import {
  closeDoors,
  type DoorCall,
  describeEveryDoor,
  FRAME_DOOR,
  HTTP_DOOR,
} from '../support/clients/doors.ts';
import { openWsStage, type WsStage } from '../support/servers/ws-stage.ts';

const BOT = 'B'.repeat(64);
const OTHER = 'O'.repeat(64);
const YAML = `
clients:
  bot: { account: main, envPrefix: BOT, permissions: [market-data, read, spot-margin-trade, futures-trade] }
  other: { account: main, envPrefix: OTHER, permissions: [market-data, read, spot-margin-trade, futures-trade] }
`;
const ENV = { BOT_CLIENT_KEY: BOT, OTHER_CLIENT_KEY: OTHER };
const APPS = [HTTP_DOOR, FRAME_DOOR];
const LIMIT = {
  symbol: 'BTCUSDT',
  side: 'BUY',
  type: 'LIMIT',
  timeInForce: 'GTC',
  quantity: '0.01',
  price: '50000',
};
const PLACE: DoorCall = { rest: ['POST', '/api/v3/order'], frame: 'order.place', params: LIMIT, key: BOT };
const TEST: DoorCall = { ...PLACE, rest: ['POST', '/api/v3/order/test'], frame: 'order.test' };
const READ: DoorCall = { rest: ['GET', '/api/v3/account'], frame: 'account.status', key: BOT };
const PUBLIC: DoorCall = {
  rest: ['GET', '/api/v3/ticker/price'],
  frame: 'ticker.price',
  params: { symbol: 'BTCUSDT' },
};
const CANCEL: DoorCall = {
  rest: ['DELETE', '/api/v3/order'],
  frame: 'order.cancel',
  params: { symbol: 'BTCUSDT', origClientOrderId: 'nobody' },
  key: BOT,
};
const REPLACE: DoorCall = {
  rest: ['POST', '/api/v3/order/cancelReplace'],
  frame: 'order.cancelReplace',
  params: { ...LIMIT, cancelReplaceMode: 'STOP_ON_FAILURE', cancelOrigClientOrderId: 'nobody' },
  key: BOT,
};
const FUTURES: DoorCall = {
  rest: ['POST', '/fapi/v1/order'],
  frame: 'order.place',
  api: '/ws-fapi/v1',
  params: LIMIT,
  key: BOT,
};

let stage: WsStage;
beforeAll(async () => {
  stage = await openWsStage('HMAC', { env: ENV, yaml: YAML });
});
afterAll(async () => {
  await closeDoors();
  await stage.close();
});

const client = (name: string): Scope => ({ kind: 'client', name });
function enter(state: EnterRequest['state'], scope: Scope = WHOLE_PROXY) {
  return stage.proxy.parts.stops.enter({
    ...{ state, scope, reason: 'a test', cancel: 'none', operator: 'alice', channel: 'test' },
  });
}
afterEach(async () => {
  for (const { scope, name } of stage.proxy.parts.stops.list()) await enter('run', { kind: scope, name });
});

const arrived = () =>
  stage.simulator.requests.filter(({ method }) => method !== 'GET').length + stage.simulator.frames.length;
let before = 0;
beforeEach(() => {
  before = arrived();
});

describeEveryDoor('cancel-only', APPS, (door) => {
  it('Nothing that places leaves, reads and cancels and public data pass', async () => {
    await enter('cancel-only');
    for (const call of [PLACE, REPLACE, FUTURES, { ...FUTURES, params: { ...LIMIT, reduceOnly: 'true' } }])
      expect(await door.call(stage, call)).toMatchObject({
        error: 'PROXY_STOPPED',
        code: -2010,
        outcome: 'not-sent',
      });
    expect(arrived()).toBe(before);
    expect(stage.proxy.records('call.refused').at(-1)).toMatchObject({ rule: 'state cancel-only of proxy' });
    for (const call of [READ, PUBLIC, TEST])
      expect(await door.call(stage, call)).toMatchObject({ error: undefined });
    expect(await door.call(stage, CANCEL)).toMatchObject({ error: undefined, code: -2011 });
  });

  it.each([client('bot'), { kind: 'account', name: 'main' }, { kind: 'symbol', name: 'BTCUSDT' }] as const)(
    'It holds for $kind $name and no further',
    async (scope) => {
      await enter('cancel-only', scope);
      expect(await door.call(stage, PLACE)).toMatchObject({ error: 'PROXY_STOPPED' });
      expect(arrived()).toBe(before);
      const free = { ...PLACE, params: { ...LIMIT, symbol: 'ETHUSDT', price: '2000' }, key: OTHER };
      const isFree = scope.kind !== 'account';
      expect((await door.call(stage, free)).error).toBe(isFree ? undefined : 'PROXY_STOPPED');
    },
  );

  it('The strictest of several states holds, whichever came last', async () => {
    await enter('halt', client('bot'));
    await enter('reduce-only', { kind: 'account', name: 'main' });
    expect(await door.call(stage, READ)).toMatchObject({ error: 'PROXY_STOPPED', code: -1016 });
    await enter('run', client('bot'));
    expect(await door.call(stage, READ)).toMatchObject({ error: undefined });
    expect(await door.call(stage, PLACE)).toMatchObject({ error: 'PROXY_STOPPED' });
  });
});

describeEveryDoor('reduce-only', APPS, (door) => {
  it('An order that reduces a futures position passes, one that does not is refused, and so is all of spot', async () => {
    await enter('reduce-only');
    for (const call of [PLACE, FUTURES, { ...PLACE, params: { ...LIMIT, side: 'SELL' } }])
      expect(await door.call(stage, call)).toMatchObject({ error: 'PROXY_STOPPED', code: -2010 });
    expect(arrived()).toBe(before);
    const exit = { ...FUTURES, params: { ...LIMIT, reduceOnly: 'true' } };
    expect((await door.call(stage, exit)).error).toBeUndefined();
    expect(arrived()).toBe(before + 1);
  });
});

describeEveryDoor('halt', APPS, (door) => {
  it('Only public market data passes; what places no order is answered as one that is out of service', async () => {
    await enter('halt');
    for (const call of [PLACE, REPLACE, FUTURES])
      expect(await door.call(stage, call)).toMatchObject({ error: 'PROXY_STOPPED', code: -2010 });
    for (const call of [READ, CANCEL, TEST])
      expect(await door.call(stage, call)).toMatchObject({
        error: 'PROXY_STOPPED',
        code: -1016,
        outcome: 'not-sent',
      });
    expect(arrived()).toBe(before);
    expect(await door.call(stage, PUBLIC)).toMatchObject({ error: undefined });
  });
});

describeEveryDoor('an amendment under cancel-only', APPS, (door) => {
  const AMEND: DoorCall = {
    rest: ['PUT', '/fapi/v1/order'],
    frame: 'order.modify',
    api: '/ws-fapi/v1',
    key: BOT,
  };
  const amend = (params: Readonly<Record<string, string>>) =>
    door.call(stage, { ...AMEND, params: { symbol: 'BTCUSDT', side: 'BUY', ...params } });

  it('Only a known order may be made smaller, at its own price', async () => {
    const id = `mine-${door.name.replaceAll(' ', '-')}`;
    await door.call(stage, { ...FUTURES, params: { ...LIMIT, quantity: '0.02', newClientOrderId: id } });
    await enter('cancel-only');
    before = arrived();
    for (const params of [
      { origClientOrderId: id, quantity: '0.03', price: '50000' },
      { origClientOrderId: id, quantity: '0.02', price: '50000' },
      { origClientOrderId: id, quantity: '0.01', price: '50001' },
      { origClientOrderId: id, quantity: '0.01', priceMatch: 'OPPONENT' },
      { origClientOrderId: 'a-stranger', quantity: '0.01', price: '50000' },
      { origClientOrderId: id, orderId: '1', quantity: '0.01', price: '50000' },
    ])
      expect(await amend(params)).toMatchObject({ error: 'PROXY_STOPPED', code: -2010, outcome: 'not-sent' });
    expect(arrived()).toBe(before);
    expect(
      (await amend({ origClientOrderId: id, quantity: '0.010', price: '50000.0' })).error,
    ).toBeUndefined();
    // It is known as it is now.
    expect(await amend({ origClientOrderId: id, quantity: '0.015', price: '50000' })).toMatchObject({
      error: 'PROXY_STOPPED',
    });
  });
});
