import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ProxyError } from '../../../src/core/errors.ts';
import type { UnsealedRecord } from '../../../src/core/records/record.ts';
import { RefusalFlood } from '../../../src/pipeline/clients/refusal-flood.ts';
import { send } from '../../support/clients/http.ts';
import { startTestProxy, type TestProxy } from '../../support/servers/proxy.ts';
import { startUpstream, type Upstream } from '../../support/servers/upstream.ts';

const BOT = 'b'.repeat(64);
const ENV = { BOT_CLIENT_KEY: BOT };
const CLIENTS = `
clients:
  bot: { account: main, envPrefix: BOT, permissions: [market-data, read, spot-margin-trade] }
`;
const ORDER = '/api/v3/order?symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=1&timeInForce=GTC';
const headers = { 'x-mbx-apikey': BOT };

let upstream: Upstream;
let proxy: TestProxy;
let folder: string;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'reserve-'));
  upstream = await startUpstream();
});
afterEach(async () => {
  await proxy?.close();
  await upstream.close();
  rmSync(folder, { recursive: true, force: true });
});

async function open(yaml: string): Promise<void> {
  const env = { ...ENV, BINANCE_PROXY_AUDIT_DIR: join(folder, 'audit') };
  proxy = await startTestProxy({ upstream: upstream.url, env, yaml });
}

describe('the records of refusals', () => {
  it.each([
    ['a browser', { origin: 'https://a.example' }, 'PROXY_BROWSER_REFUSED'],
    ['a wrong key', { 'x-mbx-apikey': 'wrong' }, 'PROXY_UNKNOWN_CLIENT'],
  ])('Of a flood from %s few are written, without parameters; the rest is counted', async (_, sent, name) => {
    await open(CLIENTS);
    const most = 200;
    const startedMs = performance.now();
    for (let number = 0; number < most; number++)
      await send(proxy.port, `${ORDER}&junk=1`, { method: 'POST', headers: sent });
    const seconds = Math.ceil((performance.now() - startedMs) / 1_000) + 1;
    await proxy.close();
    const written = proxy.records('call.refused');
    expect(written.length).toBeLessThanOrEqual(10 * seconds);
    expect(written.every((record) => record.params === undefined)).toBe(true);
    const counted = proxy
      .records('refusals.summary')
      .flatMap(({ detail }) => Object.values(detail as object));
    const sum = counted.reduce((total: number, each: number) => total + each, 0);
    expect(written.length + sum).toBe(most);
    expect(written[0]?.error).toBe(name);
    expect(upstream.received).toEqual([]);
  });

  it('What a known client is refused has its record, every one, with its parameters', async () => {
    await open(CLIENTS);
    for (let number = 0; number < 40; number++)
      await send(proxy.port, '/fapi/v1/order?symbol=BTCUSDT&side=BUY&type=MARKET&quantity=1', {
        method: 'POST',
        headers,
      });
    const refused = proxy.records('call.refused');
    expect(refused).toHaveLength(40);
    expect(refused[0]?.params).toMatchObject({ symbol: 'BTCUSDT' });
  });

  it('Ten are admitted in a second, and a summary says how many there were of each kind', () => {
    let nowMs = 5_000;
    const records: UnsealedRecord[] = [];
    const flood = new RefusalFlood({ monotonicNow: () => nowMs, note: (record) => records.push(record) });
    const browser = new ProxyError('PROXY_BROWSER_REFUSED', '');
    const full = new ProxyError('PROXY_WEIGHT_EXHAUSTED', '');
    const admitted = (error: ProxyError, client?: string) =>
      Array.from({ length: 15 }, () => flood.admits(error, client)).filter(Boolean).length;
    expect([admitted(browser), admitted(full, 'anonymous'), admitted(full, 'bot')]).toEqual([10, 0, 15]);
    nowMs += 1_000;
    expect(admitted(full, 'anonymous')).toBe(10);
    flood.tell();
    flood.tell();
    expect(records).toEqual([
      { event: 'refusals.summary', detail: { PROXY_BROWSER_REFUSED: 5, PROXY_WEIGHT_EXHAUSTED: 20 } },
    ]);
  });
});

describe('the reserve of the audit folder', () => {
  const outcomes = async () => {
    const of = async (target: string, method: string) => {
      const reply = await send(proxy.port, target, { method, headers });
      return reply.headers['x-proxy-error'] ?? reply.status;
    };
    return [
      await of('/api/v3/account', 'GET'),
      await of('/api/v3/depth?symbol=BTCUSDT', 'GET'),
      await of(ORDER, 'POST'),
      await of('/api/v3/order?symbol=BTCUSDT&orderId=1', 'DELETE'),
    ];
  };

  it('While less is free than is kept, reads are refused and orders and cancels pass', async () => {
    await open(`${CLIENTS}\naudit: { reserveMb: 1000000000 }\n`);
    const low = 'PROXY_AUDIT_UNAVAILABLE';
    expect(await outcomes()).toEqual([low, low, 200, 200]);
    expect(upstream.received.map(({ method }) => method)).toEqual(['POST', 'DELETE']);
    expect(proxy.records('call.refused')[0]).toMatchObject({ rule: 'audit reserve' });
  });

  it('While enough is free, all pass', async () => {
    await open(`${CLIENTS}\naudit: { reserveMb: 0 }\n`);
    expect(await outcomes()).toEqual([200, 200, 200, 200]);
  });
});
