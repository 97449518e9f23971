import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../../src/simulator/simulator.ts';
import { send } from '../../support/clients/http.ts';
import { startTestProxy, TEST_KEY, TEST_SECRET, type TestProxy } from '../../support/servers/proxy.ts';

const KEY = 'B'.repeat(64);
const ORDER = '/api/v3/order?symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=50000';
let simulator: Simulator;
let proxy: TestProxy;
beforeAll(async () => {
  simulator = await startSimulator({
    accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET }],
    marketStepMs: 0,
  });
  proxy = await startTestProxy({
    upstream: simulator.url,
    env: { BOT_CLIENT_KEY: KEY },
    yaml: 'clients: { bot: { account: main, envPrefix: BOT, permissions: [read, spot-margin-trade], stopAfterRefusals: 3 } }\n',
  });
});
afterAll(async () => {
  await proxy.close();
  await simulator.close();
});

it('A client whose orders Binance refuses in a row may only cancel, until an operator says otherwise', async () => {
  const place = () => send(proxy.port, ORDER, { method: 'POST', headers: { 'x-mbx-apikey': KEY } });
  for (let time = 0; time < 3; time++) expect((await place()).headers['x-proxy-outcome']).toBe('answered');
  expect((await place()).headers['x-proxy-error']).toBe('PROXY_STOPPED');
  expect(proxy.parts.stops.list()).toMatchObject([
    {
      scope: 'client',
      name: 'bot',
      state: 'cancel-only',
      operator: 'proxy',
      reason: 'Binance refused 3 orders in a row',
    },
  ]);
});
