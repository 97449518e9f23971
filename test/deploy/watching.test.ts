import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { PROXY_ERRORS } from '../../src/core/errors.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { send } from '../support/clients/http.ts';
import { type Family, readPrometheusText } from '../support/fixtures/prometheus-text.ts';
import { startTestProxy, TEST_KEY, TEST_SECRET } from '../support/servers/proxy.ts';

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
const WORDS = new Set('abs histogram_quantile increase label_values or rate sum by'.split(' '));

/** The metrics of an expression, each with the labels that are asked of it; label values and durations are left out. */
function metricsIn(expr: string): readonly { readonly name: string; readonly labels: readonly string[] }[] {
  const texts = expr.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""').replaceAll(/\[[^\]]*\]/g, '');
  const groups = [...texts.matchAll(/\bby\s*\(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(/,\s*/));
  const found = texts.replaceAll(/\bby\s*\([^)]*\)/g, '').matchAll(/([a-zA-Z_:][\w:]*)\s*(?:\{([^}]*)\})?/g);
  return [...found].flatMap(([, name = '', selector = '']) => {
    if (WORDS.has(name) || name === 'instance') return [];
    const labels = selector.split(/,\s*/).flatMap((each) => /^(\w+)\s*(?:=~|!~|!=|=)/.exec(each)?.[1] ?? []);
    return [{ name, labels: [...labels, ...groups] }];
  });
}

const BOT_KEY = 'B'.repeat(64);
const asBot = { headers: { 'x-mbx-apikey': BOT_KEY } };
let families: ReadonlyMap<string, Family>;
beforeAll(async () => {
  const simulator = await startSimulator({ accounts: [{ apiKey: TEST_KEY, hmacSecret: TEST_SECRET }] });
  const proxy = await startTestProxy({
    upstream: simulator.url,
    env: {
      ...{ BOT_CLIENT_KEY: BOT_KEY, DESK_URL: 'http://127.0.0.1:9/nobody' },
      BINANCE_PROXY_KEY_PREFLIGHT: 'enforce',
    },
    yaml: `clients: { bot: { envPrefix: BOT, stopAfterRefusals: 10 } }
notices: [{ name: desk, kind: slack, envPrefix: DESK }]
accounts: { main: { envPrefix: BINANCE, watch: [spot] } }`,
  });
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
