import { type Decimal, ExactDecimal } from '../core/decimal.ts';
import type { DayEntry } from '../core/orders/rolling-day.ts';
import type { Reservation } from './day-ledger.ts';

/** A line of the state file: room taken, room given back, or the first number that was never given out. */
export type LedgerLine =
  | { readonly take: DayEntry }
  | { readonly back: Reservation }
  | { readonly next: number };

/** A sum has more digits than any single number that a client may send. */
const AMOUNT = /^\d{1,600}(?:\.\d{1,600})?$/;

export function formatLine(line: LedgerLine): string {
  if ('next' in line) return `${JSON.stringify({ next: line.next })}\n`;
  if ('back' in line) return `${JSON.stringify({ back: line.back.id, client: line.back.client })}\n`;
  const { id, client, atMs, orders, amounts } = line.take;
  const texts: [string, string][] = [];
  for (const [asset, amount] of amounts) texts.push([asset, amount.toFixed()]);
  return `${JSON.stringify({ take: id, client, atMs, orders, amounts: texts })}\n`;
}

/** Undefined for a text that no {@link formatLine} wrote whole. */
export function parseLine(text: string): LedgerLine | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const { next, take, back, client, atMs, orders, amounts } = parsed as Record<string, unknown>;
  if (isCount(next)) return { next };
  if (typeof client !== 'string') return undefined;
  if (isCount(back)) return { back: { id: back, client } };
  if (!isCount(take) || !isCount(atMs) || !isCount(orders) || !Array.isArray(amounts)) return undefined;
  const sums = new Map<string, Decimal>();
  for (const pair of amounts) {
    if (!Array.isArray(pair)) return undefined;
    const [asset, text]: unknown[] = pair;
    if (typeof asset !== 'string' || typeof text !== 'string' || !AMOUNT.test(text)) return undefined;
    sums.set(asset, new ExactDecimal(text));
  }
  return { take: { id: take, client, atMs, orders, amounts: sums } };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
