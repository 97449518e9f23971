import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import {
  closeDoors,
  type Door,
  type DoorCall,
  describeEveryDoor,
  FRAME_DOOR,
  HTTP_DOOR,
} from '../support/clients/doors.ts';
import { send } from '../support/clients/http.ts';
import { openWsStage, type WsStage } from '../support/servers/ws-stage.ts';

const KEYS = { BOT: 'B', RICH: 'R', FREE: 'F', STRICT: 'S' } as const;
const keyOf = (name: keyof typeof KEYS) => KEYS[name].repeat(64);
const SECRET = 'strict-secret-'.repeat(4);
const ENV = {
  ...Object.fromEntries(Object.keys(KEYS).map((name) => [`${name}_CLIENT_KEY`, keyOf(name as 'BOT')])),
  STRICT_CLIENT_SECRET: SECRET,
};
const ALL = '[market-data, read, spot-margin-trade, futures-trade]';
const YAML = `
clients:
  bot: { account: main, envPrefix: BOT, permissions: ${ALL}, order: { maxNotional: { USDT: "100" }, maxNotionalPerDay: { USDT: "100" } } }
  rich: { account: main, envPrefix: RICH, permissions: ${ALL}, order: { maxNotional: { USDT: "1000000000000" } } }
  free: { account: main, envPrefix: FREE, permissions: ${ALL} }
  strict: { account: main, envPrefix: STRICT, permissions: ${ALL}, requireSignature: true }
`;
const MARKET = { symbol: 'BTCUSDT', side: 'BUY', type: 'MARKET', quantity: '0.0001' };
const SPOT: DoorCall = { rest: ['POST', '/api/v3/order'], frame: 'order.place' };
const FUTURES: DoorCall = { rest: ['POST', '/fapi/v1/order'], frame: 'order.place', api: '/ws-fapi/v1' };
const CONDITIONAL: DoorCall = {
  rest: ['POST', '/fapi/v1/algoOrder'],
  frame: 'algoOrder.place',
  api: '/ws-fapi/v1',
};
const READ: DoorCall = { rest: ['GET', '/api/v3/account'], frame: 'account.status' };
const APPS = [HTTP_DOOR, FRAME_DOOR];

let stage: WsStage;
beforeAll(async () => {
  stage = await openWsStage('HMAC', { env: ENV, yaml: YAML });
});
afterAll(async () => {
  await closeDoors();
  await stage.close();
});

/** What reached the exchange so far, but for the look-ups of prices, which are no client's. */
const arrived = () =>
  stage.simulator.requests.filter(({ method, path }) => method !== 'GET' || path === '/api/v3/account')
    .length + stage.simulator.frames.length;
let before = 0;
beforeEach(() => {
  before = arrived();
});

async function expectRefused(door: Door, call: DoorCall, error: string, code: number, rule?: string) {
  expect(await door.call(stage, call)).toMatchObject({ error, code, outcome: 'not-sent' });
  expect(arrived()).toBe(before);
  if (rule !== undefined) expect(stage.proxy.records('call.refused').at(-1)).toMatchObject({ rule });
}

describeEveryDoor('an order beyond the book', APPS, (door) => {
  it.each(['BUY', 'SELL'])('An order beyond the book that was read does not leave: %s', async (side) => {
    const { json } = await send(stage.proxy.port, '/api/v3/depth?symbol=BTCUSDT&limit=1000');
    const levels = json?.[side === 'BUY' ? 'asks' : 'bids'] as [string, string][];
    const total = levels.reduce((sum, [, quantity]) => sum + Number(quantity), 0);
    const rich = { ...SPOT, key: keyOf('RICH') };
    for (const beyond of [1, 2, 1_000]) {
      const params = { ...MARKET, side, quantity: (total + beyond).toFixed(5) };
      await expectRefused(door, { ...rich, params }, 'PROXY_ORDER_REFUSED', -2010, 'unvaluable');
    }
    const within = { ...MARKET, side, quantity: '0.001' };
    expect(await door.call(stage, { ...rich, params: within })).toMatchObject({ outcome: 'answered' });
    expect(arrived()).toBe(before + 1);
  });
});

describeEveryDoor('a parameter in another letter case', APPS, (door) => {
  it.each(['FREE', 'BOT'] as const)(
    'A parameter in another letter case does not leave, of client %s',
    async (name) => {
      for (const [call, more] of [
        [SPOT, { Quantity: '100' }],
        [SPOT, { SYMBOL: 'ETHUSDT' }],
        [SPOT, { SideEffectType: 'MARGIN_BUY' }],
        [SPOT, { QuoteOrderQty: '100000' }],
        [SPOT, { RecvWindow: '60000' }],
        [FUTURES, { ReduceOnly: 'false', reduceOnly: 'true' }],
      ] as const) {
        const params = { ...MARKET, ...more };
        await expectRefused(door, { ...call, params, key: keyOf(name) }, 'PROXY_MALFORMED_REQUEST', -1100);
      }
    },
  );
});

describeEveryDoor('a recvWindow', APPS, (door) => {
  it.each(['0', '0.000', '-1', '-5000', 'soon', '5e3', '0.0001'])(
    'A recvWindow of %s does not leave, signed or not',
    async (recvWindow) => {
      for (const call of [
        { ...READ, params: { recvWindow } },
        { ...SPOT, params: { ...MARKET, recvWindow } },
      ]) {
        await expectRefused(door, { ...call, key: keyOf('FREE') }, 'PROXY_MALFORMED_REQUEST', -1100);
        const strict = { ...call, key: keyOf('STRICT'), secret: SECRET };
        await expectRefused(door, strict, 'PROXY_MALFORMED_REQUEST', -1100);
      }
    },
  );

  it.each(['60000', '600000', '5000.125', '0.5'])('A recvWindow of %s is taken', async (recvWindow) => {
    const { error } = await door.call(stage, { ...READ, params: { recvWindow }, key: keyOf('FREE') });
    expect(error).toBeUndefined();
  });
});

describeEveryDoor('an exit', APPS, (door) => {
  const large = { symbol: 'BTCUSDT', side: 'SELL', type: 'MARKET', quantity: '1' };
  const { quantity: _, ...all } = large;
  const stop = { ...all, algoType: 'CONDITIONAL', type: 'STOP_MARKET', triggerPrice: '100' };
  const bot = keyOf('BOT');

  it.each([
    [FUTURES, large],
    [FUTURES, { ...large, positionSide: 'SHORT' }],
    [FUTURES, { ...large, side: 'BUY', positionSide: 'LONG', reduceOnly: 'true' }],
    [FUTURES, { ...large, reduceOnly: 'TRUE' }],
    [FUTURES, { ...large, reduceOnly: ' true' }],
    [CONDITIONAL, { ...stop, quantity: '1' }],
    [CONDITIONAL, { ...stop, closePosition: 'True' }],
    [CONDITIONAL, { ...stop, closePosition: 'true', quantity: '1' }],
    [SPOT, large],
    [SPOT, { ...large, reduceOnly: 'true' }],
  ])('An exit is not what only looks like one: it does not leave (%j %j)', async (call, params) => {
    await expectRefused(door, { ...call, params, key: bot }, 'PROXY_ORDER_REFUSED', -2010);
  });

  it.each([
    [FUTURES, { ...large, reduceOnly: 'true' }],
    [FUTURES, { ...large, positionSide: 'LONG' }],
    [FUTURES, { ...large, side: 'BUY', positionSide: 'SHORT' }],
  ])('An exit leaves whatever it is worth, and Binance judges it (%j %j)', async (call, params) => {
    for (let time = 0; time < 3; time++)
      expect(await door.call(stage, { ...call, params, key: bot })).toMatchObject({ error: undefined });
    expect(arrived()).toBe(before + 3);
  });
});
