import { visible } from './record-table.ts';
import type { ClientDay, Latency } from './trail-report.ts';

/** What the numbers are, to be read once. */
export const REPORT_LEGEND =
  'Traded notional is what was ordered in calls that Binance answered with 2xx: price times quantity, or quoteOrderQty.\n' +
  'Fills are not in the records; MARKET orders by quantity and COIN-M contracts are counted as orders without a value.';

/** One client's day as a few lines for people. */
export function reportBlock(day: ClientDay): string {
  const { calls, answered, refused, unknown, unfinished, orders, unvaluedOrders, weight } = day;
  const lines = [
    `${day.day}  ${visible(day.client)}`,
    `  calls      ${calls}: ${answered} answered, ${refused} refused, ${unknown} unknown, ${unfinished} unfinished`,
  ];
  for (const [reason, count] of Object.entries(day.refusals)) {
    lines.push(`  refused    ${count} × ${visible(reason)}`);
  }
  lines.push(`  orders     ${orders}${unvaluedOrders > 0 ? ` (${unvaluedOrders} without a value)` : ''}`);
  for (const [quote, sum] of Object.entries(day.notional)) lines.push(`  notional   ${sum} ${quote}`);
  lines.push(`  weight     ${weight}`);
  if (day.durationMs !== undefined) lines.push(`  latency    ${latency(day.durationMs)}`);
  if (day.upstreamMs !== undefined) lines.push(`  of that    ${latency(day.upstreamMs)} at Binance`);
  return lines.join('\n');
}

function latency({ p50, p95, p99, max }: Latency): string {
  return `p50 ${p50} ms, p95 ${p95} ms, p99 ${p99} ms, max ${max} ms`;
}
