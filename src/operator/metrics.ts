import { Gauge, Registry } from 'prom-client';
import program from '../../package.json' with { type: 'json' };
import type { Settings } from '../config/schema/settings.ts';
import type { Catalogue } from '../core/catalogue/catalogue.ts';
import { type CallMetrics, createCallMetrics } from './call-metrics.ts';
import { needsOf } from './known-series.ts';
import { createLoopMetrics } from './loop-metrics.ts';
import { createStatusGauges, type StatusGaugesDeps } from './status-gauges.ts';

/** The numbers of one proxy, in a registry of its own. */
export interface Metrics {
  readonly calls: CallMetrics;
  readonly contentType: string;
  /** Everything in Prometheus' text form, the state as of now. */
  print(): Promise<string>;
}

interface MetricsDeps extends StatusGaugesDeps {
  readonly catalogue: Pick<Catalogue, 'endpoints'>;
}

/** @see docs/operations.md for each name, its labels and what bounds them */
export function createMetrics(deps: MetricsDeps): Metrics {
  const registry = new Registry();
  const calls = createCallMetrics(registry, needsOf(deps.catalogue.endpoints));
  let expected: Settings | undefined;
  const readStatus = createStatusGauges(registry, deps);
  const about = new Gauge({
    name: 'binance_proxy_info',
    help: 'Always 1; version of the proxy and the Binance environment that it signs for.',
    labelNames: ['version', 'environment'] as const,
    registers: [registry],
  });
  createLoopMetrics(registry);
  return {
    calls,
    contentType: registry.contentType,
    print() {
      const { settings } = deps.config();
      if (settings !== expected) calls.expect(settings);
      expected = settings;
      about.reset();
      about.set({ version: program.version, environment: settings.environment }, 1);
      readStatus();
      return registry.metrics();
    },
  };
}
