import { Gauge, type Registry } from 'prom-client';
import type { Client } from '../core/access/client.ts';
import type { LimitUse } from '../core/limits/order-rates.ts';
import type { LiveConfig } from '../pipeline/live-config.ts';

export interface LimitGaugeDeps {
  readonly config: () => LiveConfig;
  /** Which part of each counted limit a client uses, 0 to 1. */
  readonly limitUse: (client: Client) => readonly LimitUse[];
}

/** Registers the gauge. The function that it returns sets it for every client that has a counted limit. */
export function createLimitGauge(registry: Registry, { config, limitUse }: LimitGaugeDeps): () => void {
  const used = new Gauge({
    name: 'binance_proxy_limit_used_ratio',
    help: 'Used part of a limit of a client, 0 to 1: of rates the highest of the last minute.',
    labelNames: ['client', 'rule'] as const,
    registers: [registry],
  });
  return () => {
    used.reset();
    for (const client of config().settings.clients.values())
      for (const [rule, part] of limitUse(client)) used.set({ client: client.name, rule }, part);
  };
}
