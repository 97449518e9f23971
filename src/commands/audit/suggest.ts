import { readRecords } from '../../audit/reading/read-records.ts';
import { isSelected } from '../../audit/reading/selection.ts';
import { filesOf, sizeOf, trailsOf } from '../../audit/reading/trail-paths.ts';
import { PolicySuggestion } from '../../audit/searching/policy-suggestion.ts';
import { loadCatalogue } from '../../config/load-catalogue.ts';
import { type Action, EXIT, UsageError, type Values } from '../base/cli.ts';
import { readRange } from './arguments.ts';
import { print } from './print.ts';
import { startProgress } from './progress.ts';

const OPTIONS = { since: { type: 'string' }, until: { type: 'string' } } as const;
/** What is read unless told otherwise: two weeks have seen every weekday twice. */
const USUAL_SINCE = '14d';

/** `audit suggest`: the least rules that a client's own history needs. */
export const suggest: Action<typeof OPTIONS> = {
  options: OPTIONS,
  argument: 'the name of a client and the path of an audit folder or file',
  isRepeatable: true,
  run,
};

async function run(
  values: Values<typeof OPTIONS>,
  [client = '', ...paths]: readonly string[],
): Promise<number> {
  if (paths.length === 0)
    throw new UsageError('audit suggest needs a client and a path: audit suggest bot audit.');
  const selection = readRange({ since: USUAL_SINCE, ...values, client });
  const suggestion = new PolicySuggestion(client, loadCatalogue());
  const files = trailsOf(paths).flatMap(filesOf);
  const progress = await startProgress('Reading', sizeOf(files));
  try {
    for (const { record, text } of readRecords(files)) {
      if (isSelected(record, selection)) suggestion.add(record);
      if (progress.isDue(text.length)) await progress.show();
    }
  } finally {
    progress.end();
  }
  await print(suggestion.print());
  return EXIT.ok;
}
