import { readRecords } from '../../audit/reading/read-records.ts';
import { asksForSubject, isSelected, namesSubject, type Selection } from '../../audit/reading/selection.ts';
import { filesOf, trailsOf } from '../../audit/reading/trail-paths.ts';
import type { AuditRecord } from '../../core/records/record.ts';
import { type Action, EXIT, type Values } from '../cli.ts';
import { RANGE, readRange, SUBJECT, TRAIL_PATH } from './arguments.ts';
import { FORM, RecordPrinter } from './printer.ts';

const OPTIONS = {
  ...RANGE,
  ...SUBJECT,
  'order-id': { type: 'string' },
  'client-order-id': { type: 'string' },
  ...FORM,
} as const;

/** `audit show`: prints the records that are asked for. */
export const show: Action<typeof OPTIONS> = { options: OPTIONS, ...TRAIL_PATH, run };

async function run(values: Values<typeof OPTIONS>, paths: readonly string[]): Promise<number> {
  const { outcome, event, error, symbol, 'order-id': orderId, 'client-order-id': clientOrderId } = values;
  const selection = { ...readRange(values), outcome, event, error, symbol, orderId, clientOrderId };
  const files = trailsOf(paths).flatMap(filesOf);
  const calls = asksForSubject(selection) ? callsOf(files, selection) : undefined;
  const printer = new RecordPrinter(values);
  await printer.heading();
  for (const printed of readRecords(files)) {
    if (!isSelected(printed.record, selection)) continue;
    if (calls !== undefined && !belongs(printed.record, calls, selection)) continue;
    await printer.record(printed);
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
