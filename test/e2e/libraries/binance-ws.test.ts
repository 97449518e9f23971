import { generateKeyPairSync } from 'node:crypto';
import { WebsocketAPIClient } from 'binance';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../../support/clients/ws-app.ts';
import {
  type AccountKey,
  expectFaithfulFrames,
  openWsStage,
  type WsStage,
} from '../../support/servers/ws-stage.ts';

const APP_KEY = 'dummy-key-of-an-app';
const APP_SECRET = 'dummy-secret-of-an-app';
const LOGON_KEY = generateKeyPairSync('ed25519')
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString();

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function connect(stage: WsStage, secret: string) {
  const events: Record<string, unknown>[] = [];
  const options = {
    api_key: APP_KEY,
    api_secret: secret,
    wsUrl: stage.wsUrl,
    attachEventListeners: false,
    muteLatencyWarning: true,
  };
  const client = new WebsocketAPIClient(options, { trace() {}, info() {}, error() {} });
  client.getWSClient().on('message', (event: unknown) => events.push(event as Record<string, unknown>));
  client.getWSClient().on('formattedUserDataMessage', () => {});
  client.getWSClient().on('exception', () => {});
  cleanups.push(() => client.disconnectAll());
  return { client, events };
}

describe.each<[string, AccountKey, string]>([
  ['an HMAC secret of its own, signing each frame', 'HMAC', APP_SECRET],
  ['an HMAC secret of its own, for an Ed25519 account', 'Ed25519', APP_SECRET],
  ['an Ed25519 key of its own, logging its session on', 'HMAC', LOGON_KEY],
  ['an Ed25519 key of its own, for an RSA account', 'RSA', LOGON_KEY],
])('binance WebsocketAPIClient with %s', (_name, account, secret) => {
  it('The library binance places an order over its socket, hears of it, and cancels it', async () => {
    const stage = await openWsStage(account);
    cleanups.push(() => stage.close());
    const { client, events } = await connect(stage, secret);
    await client.subscribeUserDataStream('mainWSAPI');
    const placed = await client.submitNewSpotOrder({
      symbol: 'BTCUSDT',
      side: 'BUY',
      type: 'LIMIT',
      timeInForce: 'GTC',
      quantity: 0.01 as never,
      price: 10_000 as never,
      newClientOrderId: 'x-QJ6WSMZX-1',
      timestamp: Date.now(),
    } as never);
    expect(placed.result).toMatchObject({ symbol: 'BTCUSDT', status: 'NEW', clientOrderId: 'x-QJ6WSMZX-1' });
    await eventually(() => heard(events, 'NEW') !== undefined);
    const cancelled = await client.cancelSpotOrder({
      symbol: 'BTCUSDT',
      origClientOrderId: 'x-QJ6WSMZX-1',
      timestamp: Date.now(),
    } as never);
    expect(cancelled.result).toMatchObject({ status: 'CANCELED', origClientOrderId: 'x-QJ6WSMZX-1' });
    await eventually(() => heard(events, 'CANCELED') !== undefined);
    const { result } = await client.getSpotAccountInformation({ timestamp: Date.now() } as never);
    expect(result.balances.length).toBeGreaterThan(0);
    expectFaithfulFrames(stage, APP_KEY, secret);
  });
});

function heard(events: readonly Record<string, unknown>[], status: string): unknown {
  return events.find((event) => JSON.stringify(event).includes(`"X":"${status}"`));
}
