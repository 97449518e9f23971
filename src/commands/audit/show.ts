import { readRecords } from '../../audit/reading/read-records.ts';
import { asksForSubject, isSelected, namesSubject, type Selection } from '../../audit/reading/selection.ts';
import { filesOf, sizeOf, trailsOf } from '../../audit/reading/trail-paths.ts';
import type { AuditRecord } from '../../core/records/record.ts';
import { type Action, EXIT, type Values } from '../base/cli.ts';
import { RANGE, readRange, SUBJECT, TRAIL_PATH } from './arguments.ts';
import { FORM, RecordPrinter } from './printer.ts';
import { startProgress } from './progress.ts';

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
  const calls = asksForSubject(selection) ? await callsOf(files, selection) : undefined;
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
async function callsOf(files: readonly string[], selection: Selection): Promise<ReadonlySet<string>> {
  const calls = new Set<string>();
  const progress = await startProgress('Looking for the calls', sizeOf(files));
  try {
    for (const { record, text } of readRecords(files)) {
      if (record.requestId !== undefined && namesSubject(record, selection)) calls.add(record.requestId);
      if (progress.isDue(text.length)) await progress.show();
    }
  } finally {
    progress.end();
  }
  return calls;
}

function belongs(record: AuditRecord, calls: ReadonlySet<string>, selection: Selection): boolean {
  return record.requestId === undefined ? namesSubject(record, selection) : calls.has(record.requestId);
}
