import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { send } from '../support/clients/http.ts';
import { type Family, readPrometheusText } from '../support/fixtures/prometheus-text.ts';
import { temporaryFolder } from '../support/fixtures/sample-trail.ts';
import { startTestProxy, TEST_KEY, TEST_SECRET, type TestProxy } from '../support/servers/proxy.ts';
import { startUpstream, type Upstream } from '../support/servers/upstream.ts';
import { wsEnv } from '../support/servers/ws-upstream.ts';

const RULES = fileURLToPath(new URL('../../deploy/prometheus-alerts.yaml', import.meta.url));
const DASHBOARD = fileURLToPath(new URL('../../deploy/grafana-dashboard.json', import.meta.url));
const KEY = 'issuedKEYissuedKEYissuedKEYissuedKEYissuedKEYissuedKEYissuedKEY1';
const hasPromtool = spawnSync('promtool', ['--version']).error === undefined;
if (!hasPromtool)
  process.stderr.write(
    '\nLEFT OUT: the alerts in a real Prometheus (no promtool is installed; "apt-get install prometheus" brings it)\n',
  );

/** How often Prometheus reads, and for how long each part of a sequence lasts, in readings. */
const EVERY = '15s';
const CALM = 40;
const TROUBLE = 80;
const AFTER = 80;

type Scrape = ReadonlyMap<string, number>;

let simulator: Simulator;
let silent: Upstream;
let calm: Scrape;
/** What each metric is scraped as in trouble that was really made. */
const made = new Map<string, readonly [before: Scrape, after: Scrape]>();

beforeAll(async () => {
  const restrictions = { createTime: Date.now() };
  simulator = await startSimulator({
    accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET, restrictions }],
  });
  silent = await startUpstream();
  silent.respond((_received, response) => void response.destroy());
  const asApp = { headers: { 'x-mbx-apikey': KEY } };
  const env = { BINANCE_PROXY_CLIENT_KEY: KEY };
  const proxy = await startTestProxy({
    upstream: simulator.url,
    yaml: `notices: [{ name: desk, kind: slack, envPrefix: DESK }]
accounts: { main: { envPrefix: BINANCE, watch: [spot] } }`,
    env: {
      ...{ ...env, ...wsEnv({ wsUrl: simulator.url.replace('http', 'ws') }) },
      ...{ BINANCE_PROXY_KEY_PREFLIGHT: 'enforce', DESK_URL: 'http://127.0.0.1:9/nobody' },
    },
  });
  while (proxy.records('watch.began').length === 0) await pause(20);
  calm = await scrape(proxy);
  const bound = await startTestProxy({
    upstream: simulator.url,
    env: { BOT_CLIENT_KEY: KEY },
    yaml: 'clients: { bot: { envPrefix: BOT, order: { perMinute: 10 } } }',
  });
  const unused = await scrape(bound);
  const limit = 'symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price=10000';
  for (let i = 0; i < 8; i++) await send(bound.port, `/api/v3/order?${limit}`, { method: 'POST', ...asApp });
  made.set('SigningProxyLimitAbove70Percent', [unused, await scrape(bound)]);
  await bound.close();
  for (let i = 0; i < 25; i++)
    await send(proxy.port, '/api/v3/account', { headers: { 'x-mbx-apikey': 'x' } });
  made.set('SigningProxyWrongClientKeys', [calm, await scrape(proxy)]);
  await send(proxy.port, '/sapi/v1/capital/withdraw/apply', { method: 'POST', ...asApp });
  made.set('SigningProxyDenylistHit', [calm, await scrape(proxy)]);
  simulator.ban(60_000);
  await send(proxy.port, '/api/v3/account', asApp);
  made.set('SigningProxyUpstreamFrozen', [calm, await scrape(proxy)]);
  await proxy.close();

  const lossy = await startTestProxy({ upstream: silent.url, env });
  const before = await scrape(lossy);
  const order = '/api/v3/order?symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&price=1&quantity=1';
  const { headers } = await send(lossy.port, order, { method: 'POST', ...asApp });
  expect(headers['x-proxy-outcome']).toBe('unknown');
  made.set('SigningProxyOutcomeUnknown', [before, await scrape(lossy)]);
  await lossy.close();
});
afterAll(async () => {
  await simulator.close();
  await silent.close();
});

/** Every series as Prometheus would store it. */
async function scrape(proxy: TestProxy): Promise<Scrape> {
  const { text } = await send(Number(new URL(proxy.operatorUrl).port), '/metrics');
  const series = new Map<string, number>([['up{instance="proxy:8081",job="binance-signing-proxy"}', 1]]);
  for (const { samples } of (readPrometheusText(text) as ReadonlyMap<string, Family>).values()) {
    for (const { name, labels, value } of samples) {
      const all = { ...labels, instance: 'proxy:8081', job: 'binance-signing-proxy' };
      const list = Object.entries(all).map(([label, text]) => `${label}=${JSON.stringify(text)}`);
      series.set(`${name}{${list.join(',')}}`, value);
    }
  }
  return series;
}

/** Trouble that no test can make within seconds, as the scrape would show it: values by the begin of their series. */
const SHOWN: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  SigningProxyDown: { up: 0 },
  SigningProxyNotReady: { binance_proxy_ready: 0 },
  SigningProxyClockDrift: { binance_proxy_clock_offset_seconds: -3 },
  SigningProxyClockStale: { binance_proxy_clock_age_seconds: 400 },
  SigningProxyBudgetAbove80Percent: { binance_proxy_budget_used: 1e6 },
  SigningProxyBudgetUnderestimated: { binance_proxy_budget_reported: 1e6 },
  SigningProxyOrdersFrozen: { binance_proxy_orders_frozen: 1 },
  SigningProxyStopped: { binance_proxy_state: 1 },
  SigningProxyCancelLeft: { binance_proxy_cancel_left: 2 },
  SigningProxyAuditFailing: { binance_proxy_audit_available: 0 },
  SigningProxyKeyPreflight: { 'binance_proxy_key_preflight{account="main",verdict="failed"': 1 },
  SigningProxySharedBudgetAway: { binance_proxy_budget_degraded: 1 },
  SigningProxyKeyOld: { binance_proxy_key_age_days: 1_000 },
  SigningProxyKeyUnused: { binance_proxy_key_unused_days: 25 },
  SigningProxyForeignOrder: { binance_proxy_foreign_orders_total: 2 },
  SigningProxyNotWatching: { binance_proxy_watching: 0 },
  SigningProxyNoticesFail: { 'binance_proxy_notices_total{notice="desk",end="failed"': 3 },
};

function shown(values: Readonly<Record<string, number>>): readonly [Scrape, Scrape] {
  const after = new Map(calm);
  for (const [begin, value] of Object.entries(values)) {
    const found = [...calm.keys()].filter((name) =>
      name.startsWith(begin.includes('{') ? begin : `${begin}{`),
    );
    expect([begin, found.length > 0]).toEqual([begin, true]);
    for (const name of found) after.set(name, value);
  }
  return [calm, after];
}

/** Every reading of the whole sequence: calm, trouble, calm. What counts goes on from where it stands. */
function inputOf(before: Scrape, after: Scrape) {
  return [...new Set([...before.keys(), ...after.keys()])].map((series) => {
    const first = before.get(series);
    const then = after.get(series);
    const isCounter = /^[^{]+_(?:total|bucket|count|sum)\{/.test(series);
    const text = (value: number | undefined) =>
      value === undefined ? '_' : String(value).replace('Infinity', 'Inf');
    const part = (value: number | undefined, length: number) => Array<string>(length).fill(text(value));
    return {
      series,
      values: [...part(first, CALM), ...part(then, TROUBLE), ...part(isCounter ? then : first, AFTER)].join(
        ' ',
      ),
    };
  });
}

function runPromtool(test: Readonly<Record<string, unknown>>): void {
  const path = join(temporaryFolder(), 'sequence.yaml');
  writeFileSync(
    path,
    stringify({ rule_files: [RULES], evaluation_interval: EVERY, tests: [{ interval: EVERY, ...test }] }),
  );
  const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', path], { encoding: 'utf8' });
  expect([status, stdout.includes('SUCCESS') ? '' : `${stdout}${stderr}`]).toEqual([0, '']);
}

const names = (
  parse(readFileSync(RULES, 'utf8')) as { groups: { rules: { alert: string }[] }[] }
).groups.flatMap(({ rules }) => rules.map(({ alert }) => alert));

const at = (readings: number) => `${readings * 15}s`;

function expectFiring(alert: string, input: readonly unknown[]): void {
  const firing = (time: string, value: number) => ({
    expr: `count(ALERTS{alertname="${alert}",alertstate="firing"}) > bool 0 or vector(0)`,
    eval_time: time,
    exp_samples: [{ labels: '{}', value }],
  });
  runPromtool({
    input_series: input,
    promql_expr_test: [firing(at(CALM - 1), 0), firing(at(CALM + 60), 1), firing(at(CALM + TROUBLE + 79), 0)],
  });
}

describe.skipIf(!hasPromtool)('the alerts in a real Prometheus', () => {
  it.each(names.filter((name) => name !== 'SigningProxySlow'))(
    'The alert %s fires in its trouble, and ends with it',
    (alert) => {
      const [before, after] = made.get(alert) ?? shown(SHOWN[alert] ?? {});
      const metrics = metricsOf(alert);
      const input = inputOf(before, after).filter(({ series }) =>
        metrics.some((name) => series.startsWith(`${name}{`)),
      );
      expect(input).not.toEqual([]);
      expectFiring(alert, alert in SHOWN ? input : holdIncrease(input));
    },
  );

  it('The alert SigningProxySlow fires while one call in ten takes 100 ms, and ends with it', () => {
    const bucket = (le: string, perReading: number) => {
      let count = 0;
      const values = Array.from({ length: CALM + TROUBLE + AFTER }, (_, reading) => {
        const isSlow = reading >= CALM && reading < CALM + TROUBLE;
        count += isSlow ? perReading : 100;
        return count;
      });
      return {
        series: `binance_proxy_added_seconds_bucket{instance="proxy:8081",job="binance-signing-proxy",le="${le}",upstream="spot"}`,
        values: values.join(' '),
      };
    };
    expectFiring('SigningProxySlow', [
      bucket('0.001', 90),
      bucket('0.05', 90),
      bucket('0.1', 100),
      bucket('+Inf', 100),
    ]);
  });

  it('Every query of the dashboard has an answer', () => {
    const dashboard = JSON.parse(readFileSync(DASHBOARD, 'utf8')) as {
      panels: { targets: { expr: string }[] }[];
    };
    const queries = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
    expect(queries.length).toBeGreaterThan(10);
    const [before, after] = made.get('SigningProxyUpstreamFrozen') ?? [calm, calm];
    runPromtool({
      input_series: inputOf(before, after),
      promql_expr_test: queries.map((expr) => ({
        expr: `count(${expr.replaceAll('$instance', '.*').replaceAll('$__rate_interval', '5m')}) > bool 0`,
        eval_time: at(CALM + 10),
        exp_samples: [{ labels: '{}', value: 1 }],
      })),
    });
  });

  it('The rules and the configuration of Prometheus are valid', () => {
    const folder = fileURLToPath(new URL('../../deploy', import.meta.url));
    expect(execFileSync('promtool', ['check', 'rules', RULES], { encoding: 'utf8' })).toContain('SUCCESS');
    expect(
      execFileSync('promtool', ['check', 'config', 'prometheus.yaml'], { cwd: folder, encoding: 'utf8' }),
    ).toContain('SUCCESS');
  });
});

/** The metrics that an alert asks for. */
function metricsOf(alert: string): readonly string[] {
  const { groups } = parse(readFileSync(RULES, 'utf8')) as {
    groups: { rules: { alert: string; expr: string }[] }[];
  };
  const expr = groups.flatMap(({ rules }) => rules).find((rule) => rule.alert === alert)?.expr ?? '';
  return [...new Set([...expr.matchAll(/\b(?:binance_proxy_\w+|up)\b/g)].map(([name]) => name))];
}

/** A single increase is seen for five minutes: the sequence asks at the end of the trouble, so it is moved there. */
function holdIncrease(input: readonly { readonly series: string; readonly values: string }[]) {
  return input.map(({ series, values }) => {
    const all = values.split(' ');
    const isCounter = /^[^{]+_total\{/.test(series);
    // 50 readings of calm more: the increase comes ten readings before the alert is asked for.
    const moved = [...Array<string>(50).fill(all[0] ?? '_'), ...all].slice(0, all.length);
    return { series, values: (isCounter ? moved : all).join(' ') };
  });
}
