import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadCatalogue } from '../../../src/config/load-catalogue.ts';
import { createWsMethods } from '../../../src/core/frames/frame-methods.ts';
import { connectApp, type WsApp } from '../../support/clients/ws-app.ts';
import { runs } from '../../support/properties.ts';
import { startTestProxy, type TestProxy } from '../../support/servers/proxy.ts';
import { startWsUpstream, type WsUpstream, wsEnv } from '../../support/servers/ws-upstream.ts';

const READER_KEY = 'R'.repeat(64);
const YAML = `
clients:
  reader: { account: main, envPrefix: READER, permissions: [market-data, read] }
`;
const methods = createWsMethods(loadCatalogue());
const GRANTED = new Set(
  methods.all
    .filter(({ endpoint }) => ['market-data', 'read'].includes(endpoint.permission))
    .map(({ name }) => name),
);
const PATHS = ['/ws-api/v3', '/ws-fapi/v1', '/ws-dapi/v1'];

let upstream: WsUpstream;
let proxy: TestProxy;
let apps: WsApp[];
beforeAll(async () => {
  upstream = await startWsUpstream();
  const env = { ...wsEnv(upstream), READER_CLIENT_KEY: READER_KEY };
  proxy = await startTestProxy({ upstream: upstream.url, env, yaml: YAML });
  await open();
});
afterAll(async () => {
  for (const app of apps) app.socket.terminate();
  await proxy.close();
  await upstream.close();
});

async function open(): Promise<void> {
  apps = await Promise.all(
    PATHS.map((path) => connectApp(`${proxy.url}${path}`, { headers: { 'x-mbx-apikey': READER_KEY } })),
  );
}

const name = fc.oneof(
  fc.constantFrom(...methods.all.map((method) => method.name)),
  fc.constantFrom(
    'withdraw.apply',
    'capital.withdraw.apply',
    'asset.transfer',
    'session.logon',
    'order.place',
  ),
);
const asItIs = (text: string) => text;
const mutation = fc.constantFrom<(text: string) => string>(
  asItIs,
  asItIs,
  asItIs,
  asItIs,
  (text) => `v1/${text}`,
  (text) => `v2/${text}`,
  (text) => `v3/${text}`,
  (text) => `v3/v3/${text}`,
  (text) => `/${text}`,
  (text) => `${text}/`,
  (text) => text.toUpperCase(),
  (text) => ` ${text}`,
  (text) => text.replace('.', '..'),
  (text) => `${text}\u0000`,
);
/** The member that names the method, in every spelling that some reader of JSON takes for it. */
const member = fc.constantFrom(
  '"method"',
  '"method"',
  '"method"',
  '"\\u006dethod"',
  '"method":"ping","method"',
  '"Method"',
  '"method":"ping","METHOD"',
);
const params = fc.constantFrom(
  '{}',
  '{"symbol":"BTCUSDT"}',
  '{"apiKey":""}',
  '{"permission":"spot-margin-trade"}',
  '{"method":"ping"}',
  '[]',
);

describe('no frame', () => {
  it('No frame makes a method reach Binance that its client was not granted', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(2), name, mutation, member, params, async (at, method, mutate, key, given) => {
        if (apps[at]!.socket.readyState !== 1) await open();
        const app = apps[at]!;
        const text = JSON.stringify(mutate(method));
        await Promise.race([app.askRaw(`{"id":1,${key}:${text},"params":${given}}`), app.closed]);
      }),
      runs(5_000),
    );
    // What is granted, asked for by hand, so that nothing rests on what was drawn.
    await open();
    for (const method of ['time', 'depth', 'klines', 'account.status', 'openOrders.status'])
      expect(await apps[0]!.ask(method)).toMatchObject({ status: 200 });
    const sent = new Set(upstream.frames.map(({ method }) => method));
    expect([...sent].filter((method) => !GRANTED.has(method))).toEqual([]);
    expect(sent.size).toBeGreaterThanOrEqual(5);
    expect(upstream.frames.filter(({ verified }) => verified === false)).toEqual([]);
  });
});
