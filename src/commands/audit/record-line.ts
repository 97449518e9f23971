import { styleText } from 'node:util';
import type { AuditRecord } from '../../core/records/record.ts';
import { tableLine, visible } from '../base/cli-table.ts';

type Colour = 'dim' | 'red' | 'green' | 'yellow' | 'magenta' | 'cyan';
type Value = string | readonly string[] | undefined;

/** Widths are fixed, because a record is printed before the next one is read. */
const COLUMNS: readonly (readonly [title: string, width: number])[] = [
  ['TIME (UTC)', 23],
  ['CLIENT', 14],
  ['EVENT', 15],
  ['CALL', 34],
  ['ABOUT', 44],
  ['RESULT', 0],
];
const TITLES = COLUMNS.map(([title]) => title);
const WIDTHS = COLUMNS.map(([, width]) => width);

/** The line above the records. */
export function recordHeading(isColoured: boolean): string {
  return paint(tableLine(TITLES, WIDTHS), 'dim', isColoured);
}

/** One record as one line for people; nothing in it can move the cursor or break the line. */
export function recordLine(record: AuditRecord, isColoured: boolean): string {
  const { time, client = '', event, method, path } = record;
  const cells = [
    time.replace('T', ' ').replace('Z', ''),
    client,
    event,
    [method, path].filter((part) => part !== undefined).join(' '),
    event.startsWith('call.') || event === 'policy.reported' ? aboutCall(record) : aboutLife(record),
    result(record),
  ];
  return paint(tableLine(cells.map(visible), WIDTHS), colourOf(record), isColoured);
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
