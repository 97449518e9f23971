import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { PROXY_ERRORS } from '../../src/core/errors.ts';
import { DAY_MS } from '../../src/core/intervals.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { send } from '../support/clients/http.ts';
import { type Family, readPrometheusText } from '../support/fixtures/prometheus-text.ts';
import { startTestProxy, TEST_KEY, TEST_SECRET } from '../support/servers/proxy.ts';
import { wsEnv } from '../support/servers/ws-upstream.ts';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description?: string };
}

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly targets: readonly { readonly expr: string }[];
}

const rules = (
  parse(read('deploy/prometheus-alerts.yaml')) as { groups: { rules: Rule[] }[] }
).groups.flatMap((group) => group.rules);
const dashboard = JSON.parse(read('deploy/grafana-dashboard.json')) as {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: string }[] };
};

/** What stands in PromQL without being a metric or a label. */
const WORDS = new Set('abs and by histogram_quantile increase label_values or rate sum time'.split(' '));

/** The metrics of an expression, each with the labels that are asked of it; label values and durations are left out. */
function metricsIn(expr: string): readonly { readonly name: string; readonly labels: readonly string[] }[] {
  const texts = expr.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""').replaceAll(/\[[^\]]*\]/g, '');
  const groups = [...texts.matchAll(/\b(?:by|on)\s*\(([^)]*)\)/g)].flatMap(([, list = '']) =>
    list.split(/,\s*/),
  );
  const found = texts
    .replaceAll(/\b(?:by|on)\s*\([^)]*\)/g, '')
    .matchAll(/([a-zA-Z_:][\w:]*)\s*(?:\{([^}]*)\})?/g);
  return [...found].flatMap(([, name = '', selector = '']) => {
    if (WORDS.has(name) || name === 'instance') return [];
    const labels = selector.split(/,\s*/).flatMap((each) => /^(\w+)\s*(?:=~|!~|!=|=)/.exec(each)?.[1] ?? []);
    return [{ name, labels: [...labels, ...groups] }];
  });
}

const BOT_KEY = 'B'.repeat(64);
const TRADE = '/fapi/v1/order?symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.01';
const asBot = { headers: { 'x-mbx-apikey': BOT_KEY } };
let families: ReadonlyMap<string, Family>;
beforeAll(async () => {
  const restrictions = { ipRestrict: false, tradingAuthorityExpirationTime: Date.now() + 90 * DAY_MS };
  const simulator = await startSimulator({
    accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET, restrictions }],
  });
  const proxy = await startTestProxy({
    upstream: simulator.url,
    env: {
      ...wsEnv({ wsUrl: simulator.url.replace('http', 'ws') }),
      ...{ BOT_CLIENT_KEY: BOT_KEY, DESK_URL: 'http://127.0.0.1:9/nobody' },
      BINANCE_PROXY_KEY_PREFLIGHT: 'enforce',
    },
    yaml: `clients: { bot: { envPrefix: BOT, permissions: [read, futures-trade], symbols: [BTCUSDT], stopAfterRefusals: 10 } }
notices: [{ name: desk, kind: slack, envPrefix: DESK }]
accounts: { main: { envPrefix: BINANCE, watch: [usdm] } }`,
  });
  while (proxy.records('watch.began').length === 0) await pause(20);
  await send(proxy.port, TRADE, { method: 'POST', ...asBot });
  while (proxy.parts.watch.ownOrders[0]?.realised.USDT === undefined) await pause(20);
  await send(proxy.port, '/api/v3/account', asBot);
  await send(proxy.port, '/sapi/v1/capital/withdraw/apply', { method: 'POST', ...asBot });
  simulator.ban(60_000);
  await send(proxy.port, '/api/v3/account', asBot);
  const operatorPort = Number(new URL(proxy.operatorUrl).port);
  families = readPrometheusText((await send(operatorPort, '/metrics')).text);
  await proxy.close();
  await simulator.close();
});

/** Prometheus' own series and labels. */
const SCRAPE_LABELS = ['instance', 'job', 'le'];

function unknownIn(expr: string): readonly string[] {
  return metricsIn(expr).flatMap(({ name, labels }) => {
    if (name === 'up') return [];
    const family = families.get(name) ?? families.get(name.replace(/_(?:bucket|sum|count)$/, ''));
    if (family === undefined) return [name];
    if (family.type === 'histogram' && family.name === name) return [`${name} without its suffix`];
    const known = new Set([
      ...family.samples.flatMap((sample) => Object.keys(sample.labels)),
      ...SCRAPE_LABELS,
    ]);
    return labels.filter((label) => !known.has(label)).map((label) => `${name}{${label}}`);
  });
}

describe('the alert rules', () => {
  it.each(rules.map((rule) => [rule.alert, rule] as const))('%s asks for what exists', (_name, rule) => {
    expect(metricsIn(rule.expr).length).toBeGreaterThan(0);
    expect(unknownIn(rule.expr)).toEqual([]);
    expect(rule.annotations.summary).toMatch(/\.$/);
    expect(['critical', 'warning']).toContain(rule.labels.severity);
    for (const text of [rule.annotations.summary, rule.annotations.description ?? '']) {
      for (const [, label = ''] of text.matchAll(/\$labels\.(\w+)/g)) {
        const grouped = rule.expr.includes('sum by');
        const offered = metricsIn(rule.expr).flatMap(({ name }) =>
          (families.get(name)?.samples ?? []).flatMap((sample) => Object.keys(sample.labels)),
        );
        expect([label, !grouped && [...offered, ...SCRAPE_LABELS].includes(label)]).toEqual([label, true]);
      }
    }
  });

  it('The alert rules name only errors that the proxy can utter', () => {
    for (const { expr } of rules) {
      for (const [error] of expr.matchAll(/PROXY_\w+/g)) expect(Object.keys(PROXY_ERRORS)).toContain(error);
    }
  });

  it.each([
    ['clock drift', 'binance_proxy_clock_offset_seconds'],
    ['a budget above 80 %', 'binance_proxy_budget_used / binance_proxy_budget_limit > 0.8'],
    ['a limit of a client above 70 %', 'binance_proxy_limit_used_ratio > 0.7'],
    ['a hit on the denylist', 'error="PROXY_DENYLISTED"'],
    ['a frozen host', 'binance_proxy_upstream_frozen == 1'],
    ['a failing audit', 'binance_proxy_audit_available == 0'],
    ['a key that may too much', 'verdict="failed"'],
    ['an order that did not come from here', 'binance_proxy_foreign_orders_total'],
    ['an account that nobody watches', 'binance_proxy_watching == 0'],
    ['an old key', 'binance_proxy_key_age_days >= binance_proxy_key_max_age_days'],
    ['an unused key', 'binance_proxy_key_unused_days >= 20'],
    ['a right to trade that ends', 'binance_proxy_key_trading_authority_end_seconds'],
  ])('The alert rules tell of %s', (_what, part) => {
    expect(rules.filter(({ expr }) => expr.includes(part))).toHaveLength(1);
  });

  it('The Prometheus of the compose file reads the alert rules', () => {
    const prometheus = parse(read('deploy/prometheus.yaml')) as Readonly<Record<string, unknown>>;
    expect(prometheus).toMatchObject({
      rule_files: ['prometheus-alerts.yaml'],
      scrape_configs: [
        { job_name: 'binance-signing-proxy', static_configs: [{ targets: ['signing-proxy:8081'] }] },
      ],
    });
  });
});

describe('the Grafana dashboard', () => {
  it.each(dashboard.panels.map((panel) => [panel.title, panel] as const))(
    'The Grafana panel %s shows what exists',
    (_title, panel) => {
      expect(panel.targets.length).toBeGreaterThan(0);
      for (const { expr } of panel.targets) expect([expr, unknownIn(expr)]).toEqual([expr, []]);
    },
  );

  it.each([
    'binance_proxy_open_orders',
    'binance_proxy_realised_result',
    'binance_proxy_foreign_orders_total',
    'binance_proxy_watching',
    'binance_proxy_key_age_days',
    'binance_proxy_key_unused_days',
    'binance_proxy_key_trading_authority_end_seconds',
    'binance_proxy_limit_used_ratio',
  ])('The Grafana dashboard shows %s', (name) => {
    const shown = dashboard.panels.flatMap(({ targets }) => targets.flatMap(({ expr }) => metricsIn(expr)));
    expect(shown.map((metric) => metric.name)).toContain(name);
  });

  it('The Grafana dashboard has each panel once, and variables that exist', () => {
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    const variables = dashboard.templating.list.map(({ name }) => name);
    for (const [, name = ''] of JSON.stringify(dashboard).matchAll(/\$\{?(\w+)\}?/g)) {
      if (!name.startsWith('__')) expect(variables).toContain(name);
    }
  });
});

describe('the check itself', () => {
  it('The check of alerts and panels notices a metric, a label and a suffix that do not exist', () => {
    expect(unknownIn('rate(binance_proxy_call_total[5m])')).toEqual(['binance_proxy_call_total']);
    expect(unknownIn('sum by (user) (binance_proxy_calls_total{client="x"})')).toEqual([
      'binance_proxy_calls_total{user}',
    ]);
    expect(unknownIn('binance_proxy_added_seconds')).toEqual([
      'binance_proxy_added_seconds without its suffix',
    ]);
  });
});
