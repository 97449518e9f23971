import { rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { ProxyError } from '../../src/core/errors.ts';
import { createCallMetrics } from '../../src/operator/call-metrics.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { type Reply, send, sendRaw } from '../support/clients/http.ts';
import { hasPrometheusClient, readWithPrometheusClient } from '../support/clients/prometheus-client.ts';
import { folderWith } from '../support/fixtures/config-folder.ts';
import { readPrometheusText, sampleOf } from '../support/fixtures/prometheus-text.ts';
import { startTestProxy, TEST_KEY, TEST_SECRET, type TestProxy } from '../support/servers/proxy.ts';

const BOT_KEY = 'issuedKEYissuedKEYissuedKEYissuedKEYissuedKEYissuedKEYissuedKEY1';
const YAML = `
clients:
  bot: { account: main, envPrefix: BOT, permissions: [market-data, read, spot-margin-trade], requestsPerSecond: 1000 }
`;

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator({
    accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET, balances: { USDT: '1000' } }],
  });
});
afterAll(() => simulator.close());

async function startProxy(env: Readonly<Record<string, string>> = {}, yaml = YAML): Promise<TestProxy> {
  simulator.reset();
  const proxy = await startTestProxy({
    upstream: simulator.url,
    yaml,
    env: { BOT_CLIENT_KEY: BOT_KEY, ...env },
  });
  onTestFinished(() => proxy.close());
  return proxy;
}

function operator(proxy: TestProxy, path = '/metrics'): Promise<Reply> {
  return send(Number(new URL(proxy.operatorUrl).port), path);
}

async function scrape(proxy: TestProxy) {
  return readPrometheusText((await operator(proxy)).text);
}

const asBot = { headers: { 'x-mbx-apikey': BOT_KEY } };

describe('GET /metrics', () => {
  it('The metrics are Prometheus text that an independent reader accepts, on the operator listener only', async () => {
    const proxy = await startProxy();
    const reply = await operator(proxy);
    expect([reply.status, reply.headers['content-type']]).toEqual([
      200,
      'text/plain; version=0.0.4; charset=utf-8',
    ]);
    const families = readPrometheusText(reply.text);
    for (const family of families.values()) expect([family.name, family.type]).not.toContain('');
    expect([...families.keys()]).toEqual(
      expect.arrayContaining([
        'process_resident_memory_bytes',
        'nodejs_eventloop_lag_seconds',
        'binance_proxy_event_loop_utilization',
      ]),
    );
    expect(sampleOf(families, 'binance_proxy_info', { environment: 'simulator', version: '0.2.0' })).toBe(1);
    expect((await send(proxy.port, '/metrics', asBot)).status).toBe(404);
  });

  it.skipIf(!hasPrometheusClient)('Prometheus’ own client reads the metrics as they are meant', async () => {
    const proxy = await startProxy();
    await send(proxy.port, '/api/v3/account', asBot);
    const { text } = await operator(proxy);
    const meant = [...readPrometheusText(text).values()].flatMap(({ samples }) =>
      samples.map(({ name, labels, value }) => [name, labels, value]),
    );
    expect(meant.length).toBeGreaterThan(100);
    expect(readWithPrometheusClient(text)).toEqual(meant);
    expect(() => readWithPrometheusClient(`${text}binance_proxy_calls_total{client="bot} 1\n`)).toThrow();
  });

  it('The metrics count an answered call by client, upstream, permission, outcome and status class', async () => {
    const proxy = await startProxy();
    await send(proxy.port, '/api/v3/account', asBot);
    await send(proxy.port, '/api/v3/account', asBot);
    await send(proxy.port, '/api/v3/ticker/price?symbol=BTCUSDT');
    await send(proxy.port, '/api/v3/order?symbol=BTCUSDT&orderId=99', asBot);
    const families = await scrape(proxy);
    const calls = 'binance_proxy_calls_total';
    const answered = { outcome: 'answered', upstream: 'spot' };
    expect(sampleOf(families, calls, { ...answered, client: 'bot', permission: 'read', status: '2xx' })).toBe(
      2,
    );
    expect(sampleOf(families, calls, { ...answered, client: 'bot', permission: 'read', status: '4xx' })).toBe(
      1,
    );
    expect(sampleOf(families, calls, { ...answered, client: 'anonymous', permission: 'market-data' })).toBe(
      1,
    );
    expect(sampleOf(families, 'binance_proxy_signed_calls_total', { client: 'bot', account: 'main' })).toBe(
      3,
    );
  });

  it('The metrics of what a client may do begin at 0, also those of an order that is lost', async () => {
    const families = await scrape(await startProxy());
    const bot = { client: 'bot' };
    const order = { ...bot, permission: 'spot-margin-trade' };
    expect([
      sampleOf(families, 'binance_proxy_unknown_outcomes_total', order),
      sampleOf(families, 'binance_proxy_calls_total', { ...order, outcome: 'unknown', status: '5xx' }),
      sampleOf(families, 'binance_proxy_signed_calls_total', { ...bot, account: 'main', upstream: 'usdm' }),
      sampleOf(families, 'binance_proxy_policy_reported_total', bot),
    ]).toEqual([0, 0, 0, 0]);
    const { samples = [] } = families.get('binance_proxy_calls_total') ?? {};
    expect(samples.filter(({ labels }) => labels.permission === 'futures-trade')).toEqual([]);
  });

  it('The metrics split the time of a call into waiting, signing, upstream and what the proxy added', async () => {
    const proxy = await startProxy();
    const before = performance.now();
    await send(proxy.port, '/api/v3/account', asBot);
    await send(proxy.port, '/api/v3/ticker/price?symbol=BTCUSDT');
    const allSeconds = (performance.now() - before) / 1_000;
    const families = await scrape(proxy);
    const spot = { upstream: 'spot' };
    const counts = ['wait', 'signing', 'upstream', 'added'].map((part) =>
      sampleOf(families, `binance_proxy_${part}_seconds_count`, spot),
    );
    expect(counts).toEqual([2, 1, 2, 2]);
    const sum = (part: string) => sampleOf(families, `binance_proxy_${part}_seconds_sum`, spot) ?? Number.NaN;
    expect(sum('upstream')).toBeGreaterThan(0);
    expect(sum('added')).toBeGreaterThan(0);
    expect(sum('wait') + sum('upstream') + sum('added')).toBeLessThanOrEqual(allSeconds);
    const steps = families
      .get('binance_proxy_added_seconds')!
      .samples.flatMap(({ labels }) => labels.le ?? []);
    expect([steps[0], steps.at(-2)]).toEqual(['0.0001', '15']);
  });

  it('The metrics count a refusal by its error and its rule, and what never became a call', async () => {
    const proxy = await startProxy();
    await send(proxy.port, '/sapi/v1/capital/withdraw/apply', { ...asBot, method: 'POST' });
    await send(proxy.port, '/api/v3/account', { headers: { 'x-mbx-apikey': 'wrong' } });
    await send(proxy.port, '/api/v3/account', { headers: { host: 'evil.example' } });
    await sendRaw(proxy.port, 'GET /api/v3/\u00fc HTTP/1.1\r\nhost: localhost\r\n\r\n\r\n');
    const families = await scrape(proxy);
    const refused = (error: string) => sampleOf(families, 'binance_proxy_refusals_total', { error });
    expect(refused('PROXY_DENYLISTED')).toBe(1);
    expect(refused('PROXY_UNKNOWN_CLIENT')).toBe(1);
    expect(refused('PROXY_UNKNOWN_HOST')).toBe(1);
    expect(refused('PROXY_MALFORMED_REQUEST')).toBe(1);
    expect(refused('PROXY_INTERNAL')).toBe(0);
    const byRule = { error: 'PROXY_DENYLISTED', rule: 'denylist:WITHDRAW' };
    expect(sampleOf(families, 'binance_proxy_refusals_by_rule_total', byRule)).toBe(1);
    const notSent = { outcome: 'not-sent', client: 'bot', status: '4xx' };
    expect(sampleOf(families, 'binance_proxy_calls_total', notSent)).toBe(1);
  });

  it('The metrics count what report mode let pass', async () => {
    const yaml =
      'clients: { bot: { account: main, envPrefix: BOT, permissions: [read], policy: { mode: report } } }';
    const proxy = await startProxy({}, yaml);
    await send(proxy.port, '/api/v3/ping', asBot);
    const client = { client: 'bot' };
    expect(sampleOf(await scrape(proxy), 'binance_proxy_policy_reported_total', client)).toBe(1);
  });

  it('Every metric of the proxy stands in the documentation under its own name', async () => {
    const text = await readFile(new URL('../../docs/operations.md', import.meta.url), 'utf8');
    const families = [...(await scrape(await startProxy())).keys()];
    const own = families.filter((name) => name.startsWith('binance_proxy_'));
    const named = text.split('\n').flatMap((line) => {
      const [first, ...more] = line.match(/(?<=`)(?:binance_proxy)?_\w+(?=`)/g) ?? [];
      const suffixed = more.map((name) => {
        const stem = first?.replace(/_[^_]+$/, '') ?? '';
        return name.startsWith('_') ? `${stem}${name}` : name;
      });
      return first === undefined ? [] : [first, ...suffixed];
    });
    expect(own.filter((name) => !named.includes(name))).toEqual([]);
  });

  it('The metrics count a sent call whose answer got lost once, as unknown and not as a refusal', async () => {
    const proxy = await startProxy();
    simulator.inject({ kind: 'drop-after-read', match: { path: '/api/v3/order' } });
    const body = 'symbol=BTCUSDT&side=BUY&type=MARKET&quoteOrderQty=50';
    const reply = await send(proxy.port, '/api/v3/order', { ...asBot, method: 'POST', body });
    expect(reply.status).toBe(504);
    const families = await scrape(proxy);
    const labels = { client: 'bot', outcome: 'unknown', status: '5xx', permission: 'spot-margin-trade' };
    expect(sampleOf(families, 'binance_proxy_calls_total', labels)).toBe(1);
    const counted = families.get('binance_proxy_calls_total')?.samples.filter(({ value }) => value > 0);
    expect(counted).toHaveLength(1);
    expect(sampleOf(families, 'binance_proxy_refusals_total', { error: 'PROXY_OUTCOME_UNKNOWN' })).toBe(0);
  });

  it('The metrics show each budget by own count and by header, with its limit', async () => {
    const proxy = await startProxy();
    simulator.setUsedWeight(4_000);
    await send(proxy.port, '/api/v3/account', asBot);
    const families = await scrape(proxy);
    const bucket = { bucket: 'ip:spot:weight:1M', scope: 'ip', kind: 'weight', upstream: 'spot' };
    expect(sampleOf(families, 'binance_proxy_budget_limit', bucket)).toBe(6_000);
    expect(sampleOf(families, 'binance_proxy_budget_reported', bucket)).toBeGreaterThanOrEqual(4_020);
    expect(sampleOf(families, 'binance_proxy_budget_used', bucket)).toBeGreaterThanOrEqual(
      sampleOf(families, 'binance_proxy_budget_reported', bucket)!,
    );
  });

  it('The metrics show clock, key verdict and readiness', async () => {
    simulator.reset();
    simulator.setClockOffset(120_000);
    const proxy = await startTestProxy({
      upstream: simulator.url,
      env: { BINANCE_PROXY_KEY_PREFLIGHT: 'warn' },
    });
    onTestFinished(() => proxy.close());
    const families = await scrape(proxy);
    expect(sampleOf(families, 'binance_proxy_ready')).toBe(1);
    expect(sampleOf(families, 'binance_proxy_clock_synced')).toBe(1);
    expect(sampleOf(families, 'binance_proxy_clock_offset_seconds')).toBeCloseTo(120, 0);
    expect(sampleOf(families, 'binance_proxy_clock_age_seconds')).toBeGreaterThanOrEqual(0);
    const verdicts = families.get('binance_proxy_key_preflight')!.samples;
    expect(verdicts.filter(({ value }) => value === 1).map(({ labels }) => labels)).toEqual([
      { account: 'main', verdict: 'passed' },
    ]);
    expect(verdicts).toHaveLength(5);
  });

  it('The metrics show a frozen host until its time is over', async () => {
    const proxy = await startProxy();
    expect(sampleOf(await scrape(proxy), 'binance_proxy_upstream_frozen', { upstream: 'spot' })).toBe(0);
    simulator.ban(60_000);
    await send(proxy.port, '/api/v3/account', asBot);
    const families = await scrape(proxy);
    expect(sampleOf(families, 'binance_proxy_upstream_frozen', { upstream: 'spot' })).toBe(1);
    expect(sampleOf(families, 'binance_proxy_upstream_frozen', { upstream: 'usdm' })).toBe(0);
    const untilSeconds = sampleOf(families, 'binance_proxy_upstream_frozen_until_seconds', {
      upstream: 'spot',
    });
    expect(untilSeconds).toBeGreaterThan(Date.now() / 1_000);
  });

  it('The metrics show an audit folder that takes no more records', async () => {
    const folder = folderWith();
    const proxy = await startProxy({ BINANCE_PROXY_AUDIT_DIR: join(folder, 'audit') });
    expect(sampleOf(await scrape(proxy), 'binance_proxy_audit_available')).toBe(1);
    rmSync(join(folder, 'audit'), { recursive: true });
    await send(proxy.port, '/api/v3/account', asBot);
    const families = await scrape(proxy);
    expect(sampleOf(families, 'binance_proxy_audit_available')).toBe(0);
    expect(sampleOf(families, 'binance_proxy_audit_errors_total')).toBeGreaterThan(0);
    expect(sampleOf(families, 'binance_proxy_refusals_total', { error: 'PROXY_AUDIT_UNAVAILABLE' })).toBe(1);
  });

  it('The metrics grow by nothing that a hostile client sends, and repeat none of it', async () => {
    const proxy = await startProxy();
    const attack = async (mark: string) => {
      const headers = { 'x-mbx-apikey': mark, 'user-agent': mark };
      await send(proxy.port, `/api/v3/${mark}?${mark}=${mark}`, { headers });
      await send(proxy.port, `/sapi/v1/capital/withdraw/${mark}`, { headers });
      await send(proxy.port, '/api/v3/account', { headers });
      await send(proxy.port, `/api/v3/order?symbol=${mark}&orderId=1&${mark}=2`, {
        headers: { ...asBot.headers, 'user-agent': mark },
      });
      await send(proxy.port, `/api/v3/order?a=${mark}&a=${mark}`, asBot);
      await send(proxy.port, '/api/v3/order', { ...asBot, method: 'POST', body: `{"${mark}":${mark}` });
      await send(proxy.port, '/api/v3/order', { method: mark.toUpperCase() }).catch(() => {});
      await sendRaw(proxy.port, `${mark} / HTTP/1.1\r\n${mark}\r\n\r\n`);
    };
    const seriesOf = (text: string) =>
      text.split('\n').filter((line) => line.startsWith('binance_proxy_')).length;
    await attack('aaaaQQQQ');
    const before = (await operator(proxy)).text;
    for (let at = 0; at < 5; at++) await attack(`hostile${at}QQQQ`);
    const after = (await operator(proxy)).text;
    expect(seriesOf(after)).toBe(seriesOf(before));
    expect(after).not.toMatch(/QQQQ/i);
    for (const secret of [TEST_KEY, TEST_SECRET, BOT_KEY]) expect(after).not.toContain(secret);
  });

  it('The metrics keep only so many rules apart, whatever they are made of', async () => {
    const registry = new Registry();
    const metrics = createCallMetrics(registry, new Map());
    for (let at = 0; at < 500; at++) {
      metrics.refused(undefined, new ProxyError('PROXY_MALFORMED_REQUEST', 'x', { rule: `rule ${at}` }));
    }
    const families = readPrometheusText(await registry.metrics());
    expect(families.get('binance_proxy_refusals_by_rule_total')?.samples).toHaveLength(101);
    expect(sampleOf(families, 'binance_proxy_refusals_by_rule_total', { rule: 'other' })).toBe(400);
  });
});

describe('the reader of Prometheus text', () => {
  const head = '# HELP a b\n# TYPE a counter\n';
  it.each([
    ['a sample without its family', 'a 1\n'],
    ['a value that is none', `${head}a one\n`],
    ['a series twice', `${head}a{x="1"} 1\na{x="1"} 2\n`],
    ['a broken label', `${head}a{x=1} 1\n`],
    ['a missing line break', `${head}a 1`],
    [
      'a histogram that falls',
      '# HELP h b\n# TYPE h histogram\nh_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n',
    ],
  ])('The reader of Prometheus text refuses %s', (_what, text) => {
    expect(() => readPrometheusText(text)).toThrow(Error);
  });
});
