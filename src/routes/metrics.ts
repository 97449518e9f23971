import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import program from '../../package.json' with { type: 'json' };
import { type CallMetrics, createCallMetrics } from './call-metrics.ts';
import type { Line } from './line.ts';
import { createLineGauges } from './line-gauges.ts';

/** The numbers of one proxy, in a registry of its own. */
export interface Metrics {
  readonly calls: CallMetrics;
  readonly contentType: string;
  /** Everything in Prometheus' text form, the state of `line` as of now. */
  print(line: Line): Promise<string>;
}

/** @see docs/operations.md for each name, its labels and what bounds them */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const calls = createCallMetrics(registry);
  const readLine = createLineGauges(registry);
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
    print(line) {
      about.reset();
      about.set({ version: program.version, environment: line.snapshot().settings.environment }, 1);
      readLine(line);
      return registry.metrics();
    },
  };
}
