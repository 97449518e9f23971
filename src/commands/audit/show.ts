import { readRecords } from '../../audit/reading/read-records.ts';
import { asksForSubject, isSelected, namesSubject, type Selection } from '../../audit/reading/selection.ts';
import { filesOf, trailsOf } from '../../audit/reading/trail-paths.ts';
import type { AuditRecord } from '../../core/records/record.ts';
import { type Action, EXIT, type Values } from '../cli.ts';
import { RANGE, readRange, TRAIL_PATH } from './arguments.ts';
import { print } from './print.ts';
import { recordHeading, recordLine } from './record-line.ts';

const OPTIONS = {
  ...RANGE,
  outcome: { type: 'string' },
  event: { type: 'string' },
  symbol: { type: 'string' },
  'order-id': { type: 'string' },
  'client-order-id': { type: 'string' },
  json: { type: 'boolean' },
  table: { type: 'boolean' },
} as const;

/** `audit show`: prints the records that are asked for. */
export const show: Action<typeof OPTIONS> = { options: OPTIONS, ...TRAIL_PATH, run };

async function run(values: Values<typeof OPTIONS>, paths: readonly string[]): Promise<number> {
  const { outcome, event, symbol, 'order-id': orderId, 'client-order-id': clientOrderId } = values;
  const selection = { ...readRange(values), outcome, event, symbol, orderId, clientOrderId };
  const files = trailsOf(paths).flatMap(filesOf);
  const calls = asksForSubject(selection) ? callsOf(files, selection) : undefined;
  const isTable = values.json !== true && (values.table === true || process.stdout.isTTY);
  const isColoured = process.stdout.isTTY && !process.env.NO_COLOR;
  if (isTable) await print(`${recordHeading(isColoured)}\n`);
  for (const { record, text } of readRecords(files)) {
    if (!isSelected(record, selection)) continue;
    if (calls !== undefined && !belongs(record, calls, selection)) continue;
    await print(`${isTable ? recordLine(record, isColoured) : text}\n`);
  }
  return EXIT.ok;
}

/** The request ids of the calls that name the subject in any of their records. */
function callsOf(files: readonly string[], selection: Selection): ReadonlySet<string> {
  const calls = new Set<string>();
  for (const { record } of readRecords(files)) {
    if (record.requestId !== undefined && namesSubject(record, selection)) calls.add(record.requestId);
  }
  return calls;
}

function belongs(record: AuditRecord, calls: ReadonlySet<string>, selection: Selection): boolean {
  return record.requestId === undefined ? namesSubject(record, selection) : calls.has(record.requestId);
}
