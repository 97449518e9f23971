import { afterEach, beforeEach, expect, it } from 'vitest';
import { closeDoors, describeEveryDoor, FRAME_DOOR, HTTP_DOOR } from '../support/clients/doors.ts';
import { send } from '../support/clients/http.ts';
import { openWsStage, type WsStage } from '../support/servers/ws-stage.ts';

const BOT_KEY = 'B'.repeat(64);
const YAML = 'clients: { bot: { account: main, envPrefix: BOT } }\n';
const RULES = '/api/v3/exchangeInfo?symbol=BTCUSDT';
const ORDER = { side: 'BUY', type: 'MARKET', quantity: '0.001' };

let stage: WsStage;
beforeEach(async () => {
  stage = await openWsStage('HMAC', { env: { BOT_CLIENT_KEY: BOT_KEY }, yaml: YAML });
});
afterEach(async () => {
  await closeDoors();
  await stage.close();
});

const rules = async () => (await send(stage.proxy.port, RULES)).headers['x-proxy-cache'];

describeEveryDoor('what is kept of the trading rules', [HTTP_DOOR, FRAME_DOOR], (door) => {
  it.each([
    [-1121, { ...ORDER, symbol: 'NOSUCHUSDT' }],
    [-1013, { ...ORDER, symbol: 'BTCUSDT', quantity: '0.00001' }],
  ])('An order of any client that is answered %d drops it', async (code, params) => {
    await rules();
    expect(await rules()).toBe('hit');
    const answer = await door.call(stage, {
      rest: ['POST', '/api/v3/order'],
      frame: 'order.place',
      params,
      key: BOT_KEY,
    });
    expect(answer.code).toBe(code);
    expect(await rules()).toBeUndefined();
  });

  it('An order that is executed leaves it', async () => {
    await rules();
    const params = { ...ORDER, symbol: 'BTCUSDT' };
    await door.call(stage, { rest: ['POST', '/api/v3/order'], frame: 'order.place', params, key: BOT_KEY });
    expect(await rules()).toBe('hit');
  });
});
