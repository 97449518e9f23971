import { styleText } from 'node:util';
import type { AuditRecord } from '../../core/records/record.ts';

type Colour = 'dim' | 'red' | 'green' | 'yellow' | 'magenta' | 'cyan';
type Value = string | readonly string[] | undefined;

const HEADINGS: readonly (readonly [title: string, width: number])[] = [
  ['TIME (UTC)', 23],
  ['CLIENT', 14],
  ['EVENT', 15],
  ['CALL', 34],
  ['ABOUT', 44],
  ['RESULT', 0],
];

/** The line above the records. */
export function tableHeading(isColoured: boolean): string {
  return paint(row(HEADINGS.map(([title]) => title)), 'dim', isColoured);
}

/** One record as one line for people; nothing in it can move the cursor or break the line. */
export function tableRow(record: AuditRecord, isColoured: boolean): string {
  const { time, client = '', event, method, path } = record;
  const cells = [
    time.replace('T', ' ').replace('Z', ''),
    client,
    event,
    [method, path].filter((part) => part !== undefined).join(' '),
    event.startsWith('call.') || event === 'policy.reported' ? aboutCall(record) : aboutLife(record),
    result(record),
  ];
  return paint(row(cells.map(visible)), colourOf(record), isColoured);
}

/** Control characters of a foreign text in their escaped form. */
export function visible(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu,
    (char) => `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );
}

function row(cells: readonly string[]): string {
  return cells
    .map((cell, index) => cell.padEnd(HEADINGS[index]?.[1] ?? 0))
    .join('  ')
    .trimEnd();
}

function paint(text: string, colour: Colour, isColoured: boolean): string {
  return isColoured ? styleText(colour, text, { validateStream: false }) : text;
}

function colourOf({ event, outcome, status = 200, level }: AuditRecord): Colour {
  if (outcome === 'unknown') return 'magenta';
  if (event === 'call.refused') return 'red';
  if (event === 'call.signed') return 'dim';
  if (event === 'call.completed') return status < 400 ? 'green' : 'yellow';
  if (level >= 50) return 'red';
  return level >= 40 ? 'yellow' : 'cyan';
}

function aboutCall({ params = {}, orderId, clientOrderId }: AuditRecord): string {
  const parts: string[] = [];
  for (const name of ['symbol', 'side', 'type', 'quantity', 'quoteOrderQty']) {
    if (params[name] !== undefined) parts.push(textOf(params[name]));
  }
  if (params.price !== undefined) parts.push(`@ ${textOf(params.price)}`);
  if (params.batchOrders !== undefined) parts.push(textOf(params.batchOrders));
  if (orderId !== undefined) parts.push(`#${textOf(orderId)}`);
  if (clientOrderId !== undefined) parts.push(`"${textOf(clientOrderId)}"`);
  return parts.join(' ');
}

function aboutLife({ detail = {} }: AuditRecord): string {
  return Object.entries(detail)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}

function result({ outcome, status, code, msg, error, rule, weight, durationMs }: AuditRecord): string {
  const parts: string[] = [];
  if (outcome !== undefined && outcome !== 'answered') parts.push(outcome);
  if (status !== undefined) parts.push(String(status));
  if (code !== undefined) parts.push(`code ${code}`);
  if (error !== undefined) parts.push(error);
  if (rule !== undefined) parts.push(`(${rule})`);
  if (msg !== undefined && error === undefined) parts.push(msg);
  if (weight !== undefined) parts.push(`weight ${weight}`);
  if (durationMs !== undefined) parts.push(`${durationMs.toFixed(1)} ms`);
  return parts.join(' ');
}

function textOf(value: Value): string {
  return [value ?? []].flat().join(',');
}
