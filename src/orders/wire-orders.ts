import { UnsafePathError } from '../audit/own-files.ts';
import { ConfigError } from '../config/problems/config-error.ts';
import type { Settings } from '../config/schema/settings.ts';
import type { AuditRecord } from '../core/records/record.ts';
import type { UpstreamName } from '../core/upstream.ts';
import type { NotionalLedger } from './day-ledger.ts';
import { createFileNotionalLedger } from './file-ledger.ts';
import { createMemoryNotionalLedger } from './memory-ledger.ts';
import { createOrderLimits, type OrderLimits, type OrderLimitsOptions } from './order-limits.ts';
import type { AskUpstream } from './order-lookup.ts';
import { createPriceBook } from './price-book.ts';
import { toUnknownCall } from './recorded-call.ts';
import { OrderResolver, type OrderResolverOptions } from './resolver.ts';

export interface OrdersDeps {
  /** Text of one public answer; rejects for everything but an answer of status 200. */
  readonly fetchPublic: (upstream: UpstreamName, target: string) => Promise<string>;
  readonly ask: AskUpstream;
  readonly onReport: OrderLimitsOptions['onReport'];
  readonly onResolved: OrderResolverOptions['onResolved'];
  readonly monotonicNow: () => number;
  readonly wallNow: () => number;
  /** Pauses of the resolver in ms; undefined takes its own. */
  readonly pausesMs: readonly number[] | undefined;
}

export interface Orders {
  readonly limits: OrderLimits;
  readonly resolver: OrderResolver;
  /** Takes up the orders that an earlier run left open: their `call.signed` records. */
  resume(records: readonly AuditRecord[]): void;
}

/** What judges orders before they are sent, and what asks for them when their answer was lost. */
export function wireOrders(settings: Settings, deps: OrdersDeps): Orders {
  const { fetchPublic, ask, onReport, onResolved, monotonicNow, wallNow, pausesMs } = deps;
  const priceBook = createPriceBook({
    fetchJson: async (upstream, target) => JSON.parse(await fetchPublic(upstream, target)) as unknown,
    now: monotonicNow,
  });
  const resolver = new OrderResolver({
    ask,
    onResolved,
    now: wallNow,
    ...(pausesMs === undefined ? {} : { pausesMs }),
  });
  const limits = createOrderLimits({ priceBook, ledger: openLedger(settings, wallNow()), onReport });
  return {
    limits,
    resolver,
    resume(records) {
      const calls = records.flatMap((record) => toUnknownCall(record) ?? []);
      // Without its key an order cannot be asked for; it stays open in the audit until the account is back.
      resolver.restore(calls.filter(({ account }) => settings.accounts.has(account)));
    },
  };
}

/** @throws ConfigError when the state folder cannot be used */
function openLedger({ stateDir }: Settings, nowMs: number): NotionalLedger {
  if (stateDir === undefined) return createMemoryNotionalLedger();
  try {
    return createFileNotionalLedger(stateDir, nowMs);
  } catch (error) {
    const { message } = error as Error;
    const wrong = `The state folder ${stateDir} cannot be used: ${message}.`;
    const source = 'BINANCE_PROXY_STATE_DIR';
    throw new ConfigError([{ message: error instanceof UnsafePathError ? message : wrong, source }]);
  }
}
