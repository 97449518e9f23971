import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { parse, stringify } from 'yaml';
import { send } from '../clients/http.ts';
import { type Family, readPrometheusText } from '../fixtures/prometheus-text.ts';
import { temporaryFolder } from '../fixtures/sample-trail.ts';
import type { TestProxy } from '../servers/proxy.ts';

export const RULES = fileURLToPath(new URL('../../../deploy/prometheus-alerts.yaml', import.meta.url));

/** How often Prometheus reads, and for how long each part of a sequence lasts, in readings. */
const EVERY = '15s';
export const CALM = 40;
export const TROUBLE = 80;
export const AFTER = 80;

export type Scrape = ReadonlyMap<string, number>;

/** Every series as Prometheus would store it. */
export async function scrape(proxy: TestProxy): Promise<Scrape> {
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

/** The readings of what an alert asks for. */
export function inputFor(alert: string, before: Scrape, after: Scrape) {
  const metrics = metricsOf(alert);
  const input = inputOf(before, after).filter(({ series }) =>
    metrics.some((name) => series.startsWith(`${name}{`)),
  );
  expect(input).not.toEqual([]);
  return input;
}

/** Every reading of the whole sequence: calm, trouble, calm. What counts goes on from where it stands. */
export function inputOf(before: Scrape, after: Scrape) {
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

export function runPromtool(test: Readonly<Record<string, unknown>>): void {
  const path = join(temporaryFolder(), 'sequence.yaml');
  writeFileSync(
    path,
    stringify({ rule_files: [RULES], evaluation_interval: EVERY, tests: [{ interval: EVERY, ...test }] }),
  );
  const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', path], { encoding: 'utf8' });
  expect([status, stdout.includes('SUCCESS') ? '' : `${stdout}${stderr}`]).toEqual([0, '']);
}

export const at = (readings: number) => `${readings * 15}s`;

/** @param meanwhile whether it fires in the trouble: 1 or 0; it does not before and after it */
export function expectFiring(alert: string, input: readonly unknown[], meanwhile = 1): void {
  const firing = (time: string, value: number) => ({
    expr: `count(ALERTS{alertname="${alert}",alertstate="firing"}) > bool 0 or vector(0)`,
    eval_time: time,
    exp_samples: [{ labels: '{}', value }],
  });
  runPromtool({
    input_series: input,
    promql_expr_test: [
      firing(at(CALM - 1), 0),
      firing(at(CALM + 60), meanwhile),
      firing(at(CALM + TROUBLE + 79), 0),
    ],
  });
}

/** The metrics that an alert asks for. */
function metricsOf(alert: string): readonly string[] {
  const { groups } = parse(readFileSync(RULES, 'utf8')) as {
    groups: { rules: { alert: string; expr: string }[] }[];
  };
  const expr = groups.flatMap(({ rules }) => rules).find((rule) => rule.alert === alert)?.expr ?? '';
  return [...new Set([...expr.matchAll(/\b(?:binance_proxy_\w+|up)\b/g)].map(([name]) => name))];
}

/** A single increase is seen for five minutes: the sequence asks at the end of the trouble, so it is moved there. */
export function holdIncrease(input: readonly { readonly series: string; readonly values: string }[]) {
  return input.map(({ series, values }) => {
    const all = values.split(' ');
    const isCounter = /^[^{]+_total\{/.test(series);
    // 50 readings of calm more: the increase comes ten readings before the alert is asked for.
    const moved = [...Array<string>(50).fill(all[0] ?? '_'), ...all].slice(0, all.length);
    return { series, values: (isCounter ? moved : all).join(' ') };
  });
}
