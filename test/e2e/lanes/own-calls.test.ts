import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clearOfWindowEnd } from '../../support/clear-of-window.ts';
import { type Reply, send } from '../../support/clients/http.ts';
import { openWsStage, type WsStage } from '../../support/servers/ws-stage.ts';

const BOT = 'b'.repeat(64);
const OTHER = 'o'.repeat(64);
const RULED = 'permissions: [market-data, read, spot-margin-trade], order: { maxNotional: { USDT: "500" } }';
const as = (key: string) => ({ 'x-mbx-apikey': key });

describe('the proxy’s own questions', () => {
  let stage: WsStage;
  beforeEach(async () => {
    await clearOfWindowEnd(60_000, 25_000);
    stage = await openWsStage('HMAC', {
      env: { BOT_CLIENT_KEY: BOT, OTHER_CLIENT_KEY: OTHER },
      yaml: `
clients:
  bot: { account: main, envPrefix: BOT, ${RULED} }
  other: { account: main, envPrefix: OTHER, weightPerMinute: 90, ${RULED} }
`,
    });
  });
  afterEach(() => stage.close());

  const order = (key: string, symbol = 'BTCUSDT'): Promise<Reply> => {
    const form = `symbol=${symbol}&side=BUY&type=MARKET&quantity=0.001`;
    return send(stage.proxy.port, `/api/v3/order?${form}`, { method: 'POST', headers: as(key) });
  };

  const asked = (path: string) => stage.simulator.requests.filter((request) => request.path === path).length;

  /** Reads until nothing is left of what reads may use, not even for the cheapest. */
  async function useUpReads(): Promise<void> {
    for (const target of [
      '/api/v3/depth?symbol=BTCUSDT&limit=5000',
      '/api/v3/depth?symbol=BTCUSDT',
      '/api/v3/ping',
    ]) {
      let status = 200;
      for (let number = 0; number < 60 && status === 200; number++)
        ({ status } = await send(stage.proxy.port, target, { headers: as(BOT) }));
      expect(status).toBe(429);
    }
  }

  it('Readers that use up their weight keep no order from being valued', async () => {
    await useUpReads();
    expect([(await order(BOT)).status, asked('/api/v3/ticker/bookTicker')]).toEqual([200, 1]);
  });

  it('What is looked up for a client is taken from its share, and no invention takes more', async () => {
    const { headers } = await order(OTHER);
    expect(headers['x-proxy-outcome']).toBe('answered');
    const names: unknown[] = [];
    for (let number = 0; number < 12; number++)
      names.push((await order(OTHER, `NO${number}USDT`)).headers['x-proxy-error']);
    expect(names.slice(0, 3)).toEqual(Array(3).fill('PROXY_ORDER_REFUSED'));
    expect(names.at(-1)).toBe('PROXY_WEIGHT_EXHAUSTED');
    expect(asked('/api/v3/exchangeInfo')).toBeLessThanOrEqual(6);
    expect((await order(BOT)).status).toBe(200);
  });

  it('A lost order is asked for although readers have used up their weight', async () => {
    await useUpReads();
    stage.simulator.inject({ kind: 'execute-then-drop', match: { method: 'POST', path: '/api/v3/order' } });
    expect((await order(BOT)).status).toBe(504);
    await expect.poll(() => stage.proxy.records('call.resolved').length, { timeout: 15_000 }).toBe(1);
    expect(stage.proxy.records('call.resolved')[0]).toMatchObject({ detail: { resolution: 'executed' } });
  });
});
