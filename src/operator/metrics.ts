import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import program from '../../package.json' with { type: 'json' };
import { type CallMetrics, createCallMetrics } from './call-metrics.ts';
import { createStatusGauges, type StatusGaugesDeps } from './status-gauges.ts';

/** The numbers of one proxy, in a registry of its own. */
export interface Metrics {
  readonly calls: CallMetrics;
  readonly contentType: string;
  /** Everything in Prometheus' text form, the state as of now. */
  print(): Promise<string>;
}

/** @see docs/operations.md for each name, its labels and what bounds them */
export function createMetrics(deps: StatusGaugesDeps): Metrics {
  const registry = new Registry();
  const calls = createCallMetrics(registry);
  const readStatus = createStatusGauges(registry, deps);
  const about = new Gauge({
    name: 'binance_proxy_info',
    help: 'Always 1; version of the proxy and the Binance environment that it signs for.',
    labelNames: ['version', 'environment'] as const,
    registers: [registry],
  });
  collectDefaultMetrics({ register: registry });
  return {
    calls,
    contentType: registry.contentType,
    print() {
      about.reset();
      about.set({ version: program.version, environment: deps.config().settings.environment }, 1);
      readStatus();
      return registry.metrics();
    },
  };
}
