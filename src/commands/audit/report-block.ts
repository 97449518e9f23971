import type { ClientDay, Latency } from '../../audit/reading/trail-report.ts';
import { tableLine, visible } from '../base/cli-table.ts';

/** What the numbers are, to be read once. */
export const REPORT_LEGEND =
  'Traded notional is what was ordered in calls that Binance answered with 2xx: price times quantity, or quoteOrderQty.\n' +
  'Fills are not in the records; MARKET orders by quantity and COIN-M contracts are counted as orders without a value.';

/** The indent, and the name of a number. */
const WIDTHS = [0, 9];

/** One client's day as a few lines for people. */
export function reportBlock(day: ClientDay): string {
  const rows = rowsOf(day).map(([name, text]) => tableLine(['', name, text], WIDTHS));
  return [`${day.day}  ${visible(day.client)}`, ...rows].join('\n');
}

function rowsOf(day: ClientDay): readonly (readonly [name: string, text: string])[] {
  const { calls, answered, refused, unknown, unfinished, orders, unvaluedOrders, weight } = day;
  const rows: [name: string, text: string][] = [
    [
      'calls',
      `${calls}: ${answered} answered, ${refused} refused, ${unknown} unknown, ${unfinished} unfinished`,
    ],
  ];
  for (const [reason, count] of Object.entries(day.refusals)) {
    rows.push(['refused', `${count} × ${visible(reason)}`]);
  }
  rows.push(['orders', `${orders}${unvaluedOrders > 0 ? ` (${unvaluedOrders} without a value)` : ''}`]);
  for (const [quote, sum] of Object.entries(day.notional)) rows.push(['notional', `${sum} ${quote}`]);
  rows.push(['weight', String(weight)]);
  if (day.durationMs !== undefined) rows.push(['latency', latency(day.durationMs)]);
  if (day.upstreamMs !== undefined) rows.push(['of that', `${latency(day.upstreamMs)} at Binance`]);
  return rows;
}

function latency({ p50, p95, p99, max }: Latency): string {
  return `p50 ${p50} ms, p95 ${p95} ms, p99 ${p99} ms, max ${max} ms`;
}
