import { Spot } from '@binance/spot';
import { MainClient } from 'binance';
import { binance } from 'ccxt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStage, type Stage, thrownBy } from '../../support/processes/library-scenario.ts';

const said = (error: unknown) => [Object(error).constructor.name, (error as Error).message];

describe('libraries under cancel-only', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage('an issued key pair');
    await stage.proxy.parts.stops.enter({
      ...{ state: 'cancel-only', scope: { kind: 'proxy', name: '' }, reason: 'a test', cancel: 'none' },
      ...{ operator: 'alice', channel: 'test' },
    });
  });
  afterAll(() => stage.close());

  it('ccxt throws once, for what it takes as the refusal of the order', async () => {
    const api = Object.fromEntries(
      Object.entries<string>(new binance().urls.api).map(([name, url]) => [
        name,
        stage.baseUrl + new URL(url).pathname,
      ]),
    );
    const exchange = new binance({
      apiKey: stage.key,
      secret: stage.secret,
      enableRateLimit: false,
      urls: { api },
    });
    const error = await thrownBy(() => exchange.createOrder('BTC/USDT', 'limit', 'buy', 0.01, 50_000));
    expect(said(error)).toEqual([
      'InvalidOrder',
      expect.stringContaining('Stopped: the proxy is cancel-only'),
    ]);
    expect(await exchange.fetchOpenOrders('BTC/USDT')).toEqual([]);
  });

  it('@binance/spot throws once, with the sentence', async () => {
    const spot = new Spot({
      configurationRestAPI: { apiKey: stage.key, apiSecret: stage.secret ?? 'none', basePath: stage.baseUrl },
    }).restAPI;
    const error = await thrownBy(() =>
      spot.newOrder({
        symbol: 'BTCUSDT',
        side: 'BUY',
        type: 'LIMIT',
        timeInForce: 'GTC',
        quantity: 0.01,
        price: 50_000,
      } as never),
    );
    expect(said(error)).toEqual([
      'BadRequestError',
      expect.stringContaining('Stopped: the proxy is cancel-only'),
    ]);
  });

  it('binance rejects once, with code and sentence', async () => {
    const main = new MainClient({
      api_key: stage.key,
      api_secret: stage.secret ?? 'none',
      baseUrl: stage.baseUrl,
    });
    const error = (await thrownBy(() =>
      main.submitNewOrder({
        symbol: 'BTCUSDT',
        side: 'BUY',
        type: 'LIMIT',
        timeInForce: 'GTC',
        quantity: 0.01,
        price: 50_000,
      }),
    )) as unknown as { code: number; message: string };
    expect([error.code, error.message]).toEqual([
      -2010,
      expect.stringContaining('Stopped: the proxy is cancel-only'),
    ]);
  });

  it('None of them tried again by itself, and nothing left', () => {
    expect(stage.proxy.records('call.refused').filter(({ error }) => error === 'PROXY_STOPPED')).toHaveLength(
      3,
    );
    expect(stage.simulator.requests.filter(({ method }) => method === 'POST')).toEqual([]);
  });
});
