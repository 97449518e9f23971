import { RollingDay } from '../core/orders/rolling-day.ts';
import type { NotionalLedger } from './day-ledger.ts';

/** Daily sums that are forgotten when the process ends. */
export function createMemoryNotionalLedger(): NotionalLedger {
  const day = new RollingDay();
  return {
    reserve(claim, limits, nowMs) {
      const granted = day.take(claim, limits, nowMs);
      return typeof granted === 'string' ? { refusedBy: granted } : { reservation: granted };
    },
    use: (client, limits, nowMs) => day.use(client, limits, nowMs),
    keep() {},
    refund(reservation) {
      day.refund(reservation);
    },
    sums: (client, nowMs) => day.sums(client, nowMs),
    close() {},
  };
}
