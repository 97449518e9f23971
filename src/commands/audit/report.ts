import { readRecords } from '../../audit/reading/read-records.ts';
import { isSelected } from '../../audit/reading/selection.ts';
import { filesOf, sizeOf, trailsOf } from '../../audit/reading/trail-paths.ts';
import { TrailReport } from '../../audit/reading/trail-report.ts';
import { loadCatalogue } from '../../config/load-catalogue.ts';
import { type Action, EXIT, type Values } from '../base/cli.ts';
import { RANGE, readRange, TRAIL_PATH } from './arguments.ts';
import { print } from './print.ts';
import { startProgress } from './progress.ts';
import { REPORT_LEGEND, reportBlock } from './report-block.ts';

const OPTIONS = { ...RANGE, json: { type: 'boolean' } } as const;

/** `audit report`: adds up what each client did on each day. */
export const report: Action<typeof OPTIONS> = { options: OPTIONS, ...TRAIL_PATH, run };

async function run(values: Values<typeof OPTIONS>, paths: readonly string[]): Promise<number> {
  const selection = readRange(values);
  const totals = new TrailReport(loadCatalogue());
  const files = trailsOf(paths).flatMap(filesOf);
  const progress = await startProgress('Adding up', sizeOf(files));
  try {
    for (const { record, text } of readRecords(files)) {
      if (isSelected(record, selection)) totals.add(record);
      if (progress.isDue(text.length)) await progress.show();
    }
  } finally {
    progress.end();
  }
  const days = totals.results();
  if (values.json === true) {
    for (const day of days) await print(`${JSON.stringify(day)}\n`);
  } else if (days.length === 0) {
    await print('No calls in these records.\n');
  } else {
    await print(`${days.map(reportBlock).join('\n\n')}\n\n${REPORT_LEGEND}\n`);
  }
  return EXIT.ok;
}
