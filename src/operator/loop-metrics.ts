import { performance } from 'node:perf_hooks';
import { collectDefaultMetrics, Gauge, type Registry } from 'prom-client';

/** Longer than any process lives: the library's sampler would wake an idle one a hundred times a second. */
const NEVER_MS = 2_147_483_647;
/** What that sampler would have told. */
const SAMPLED = ['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99'];

/**
 * Registers the metrics of the process and of its event loop. The delay of the loop is measured when the metrics are
 * read, and how busy it was since they were last read comes from Node's own count: neither needs a timer.
 */
export function createLoopMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: NEVER_MS });
  for (const name of SAMPLED) registry.removeSingleMetric(`nodejs_eventloop_lag_${name}_seconds`);
  let before = performance.eventLoopUtilization();
  const utilization: Gauge = new Gauge({
    name: 'binance_proxy_event_loop_utilization',
    help: 'Part of the time since the metrics were last read in which the event loop was busy, 0 to 1.',
    registers: [registry],
    collect() {
      const now = performance.eventLoopUtilization();
      utilization.set(performance.eventLoopUtilization(now, before).utilization);
      before = now;
    },
  });
}
