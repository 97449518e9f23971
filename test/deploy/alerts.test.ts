import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { DAY_MS, SECOND_MS } from '../../src/core/intervals.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import {
  AFTER,
  at,
  CALM,
  expectFiring,
  holdIncrease,
  inputFor,
  inputOf,
  RULES,
  runPromtool,
  type Scrape,
  scrape,
  TROUBLE,
} from '../support/alerts/alert-sequence.ts';
import { send } from '../support/clients/http.ts';
import { startTestProxy, TEST_KEY, TEST_SECRET } from '../support/servers/proxy.ts';
import { startUpstream, type Upstream } from '../support/servers/upstream.ts';
import { wsEnv } from '../support/servers/ws-upstream.ts';

const DASHBOARD = fileURLToPath(new URL('../../deploy/grafana-dashboard.json', import.meta.url));
const LIMIT = 'symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=10000';
const KEY = 'issuedKEYissuedKEYissuedKEYissuedKEYissuedKEYissuedKEYissuedKEY1';
const hasPromtool = spawnSync('promtool', ['--version']).error === undefined;
if (!hasPromtool)
  process.stderr.write(
    '\nLEFT OUT: the alerts in a real Prometheus (no promtool is installed; "apt-get install prometheus" brings it)\n',
  );

let simulator: Simulator;
let silent: Upstream;
let calm: Scrape;
/** A client that has few orders on the books, and one that has most of what it may. */
let resting: readonly [before: Scrape, after: Scrape];
/** What each metric is scraped as in trouble that was really made. */
const made = new Map<string, readonly [before: Scrape, after: Scrape]>();

beforeAll(async () => {
  const restrictions = {
    ...{ createTime: Date.now(), ipRestrict: false },
    tradingAuthorityExpirationTime: Date.now() + 90 * DAY_MS,
  };
  simulator = await startSimulator({
    accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET, restrictions }],
  });
  silent = await startUpstream();
  silent.respond((_received, response) => void response.destroy());
  const asApp = { headers: { 'x-mbx-apikey': KEY } };
  const env = { BOT_CLIENT_KEY: KEY };
  const proxy = await startTestProxy({
    upstream: simulator.url,
    yaml: `clients: { bot: { envPrefix: BOT, permissions: [read, futures-trade], symbols: [BTCUSDT], order: { maxOpen: 10 } } }
notices: [{ name: desk, kind: slack, envPrefix: DESK }]
accounts: { main: { envPrefix: BINANCE, watch: [usdm] } }`,
    env: {
      ...{ ...env, ...wsEnv({ wsUrl: simulator.url.replace('http', 'ws') }) },
      ...{ BINANCE_PROXY_KEY_PREFLIGHT: 'enforce', DESK_URL: 'http://127.0.0.1:9/nobody' },
    },
  });
  while (proxy.records('watch.began').length === 0) await pause(20);
  const trade = '/fapi/v1/order?symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01';
  await send(proxy.port, trade, { method: 'POST', ...asApp });
  while (proxy.parts.watch.ownOrders[0]?.realised.USDT === undefined) await pause(20);
  calm = await scrape(proxy);
  for (let i = 0; i < 8; i++) await send(proxy.port, `/fapi/v1/order?${LIMIT}`, { method: 'POST', ...asApp });
  resting = [calm, await scrape(proxy)];
  const bound = await startTestProxy({
    upstream: simulator.url,
    env: { BOT_CLIENT_KEY: KEY },
    yaml: 'clients: { bot: { envPrefix: BOT, order: { perMinute: 10 } } }',
  });
  const unused = await scrape(bound);
  for (let i = 0; i < 8; i++) await send(bound.port, `/api/v3/order?${LIMIT}`, { method: 'POST', ...asApp });
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

  const lossy = await startTestProxy({ upstream: silent.url, env: { BINANCE_PROXY_CLIENT_KEY: KEY } });
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
  // The clock of the sequence begins at 0.
  SigningProxyKeyEnding: { binance_proxy_key_trading_authority_end_seconds: (10 * DAY_MS) / SECOND_MS },
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

const names = (
  parse(readFileSync(RULES, 'utf8')) as { groups: { rules: { alert: string }[] }[] }
).groups.flatMap(({ rules }) => rules.map(({ alert }) => alert));

describe.skipIf(!hasPromtool)('the alerts in a real Prometheus', () => {
  it.each(names.filter((name) => name !== 'SigningProxySlow'))(
    'The alert %s fires in its trouble, and ends with it',
    (alert) => {
      const [before, after] = made.get(alert) ?? shown(SHOWN[alert] ?? {});
      const input = inputFor(alert, before, after);
      expectFiring(alert, alert in SHOWN ? input : holdIncrease(input));
    },
  );

  it('The alert of a limit fires for orders that rest, and ends when they do not', () => {
    const alert = 'SigningProxyLimitAbove70Percent';
    const ofResting = /,?rule="order\.maxOpen"/;
    const input = inputFor(alert, ...resting).filter(({ series }) => ofResting.test(series));
    expect(input).toHaveLength(1);
    expectFiring(alert, input);
  });

  it('The alert of an unused key is silent for one with IP restriction: Binance does not delete it', () => {
    const alert = 'SigningProxyKeyUnused';
    const restricted = 'binance_proxy_key_switch{account="main",switch="ipRestrict"';
    const input = inputFor(alert, ...shown({ ...SHOWN[alert], [restricted]: 1 }));
    expect(input.some(({ series }) => series.startsWith(restricted))).toBe(true);
    expectFiring(alert, input, 0);
  });

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
