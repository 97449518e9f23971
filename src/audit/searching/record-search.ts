import { join } from 'node:path';
import { MINUTE_MS, SECOND_MS } from '../../core/intervals.ts';
import type { AuditRecord } from '../../core/records/record.ts';
import { dayFileName, dayFiles } from '../file-names.ts';
import { parseRecord } from '../reading/read-records.ts';
import { linesBackwards, type Numbered } from './backward-lines.ts';
import { BackwardSelection, type FoundRecord, type RecordQuery } from './backward-selection.ts';

/** What a search came to: lines, the latest first. */
export interface FoundRecords {
  readonly lines: readonly string[];
  /** False when there may be more before what was searched. */
  readonly isComplete: boolean;
  /** The time of the first record that was looked at. */
  readonly backTo: string | undefined;
  /** Its number: a further search goes on before it. */
  readonly before: number | undefined;
}

/** What is searched for, and where the search begins. */
export interface Search {
  readonly query: RecordQuery;
  readonly limit: number;
  /** Only records with lower numbers than this are looked at. */
  readonly before?: number | undefined;
}

const LONGEST_MS = 3 * SECOND_MS;
/** A clock that was set back puts younger records behind older ones; further than this nobody looks. */
const CLOCK_STEP_MS = 2 * MINUTE_MS;

/** Searches the day files of an audit folder, the latest record first, for at most three seconds. */
export async function searchFolder(
  folder: string,
  search: Search,
  monotonicNow: () => number,
): Promise<FoundRecords> {
  const endMs = monotonicNow() + LONGEST_MS;
  return gather(daysOf(folder, search), search, () => monotonicNow() > endMs);
}

/** The same in lines that are at hand, the oldest first. */
export function searchLines(lines: readonly string[], search: Search): Promise<FoundRecords> {
  const portions = (async function* () {
    yield lines.toReversed();
  })();
  return gather(portions, search, () => false);
}

async function gather(
  portions: AsyncIterable<readonly string[]>,
  { query, limit, before }: Search,
  isTooLong: () => boolean,
): Promise<FoundRecords> {
  const selection = new BackwardSelection(query);
  const found: FoundRecord[] = [];
  let last: AuditRecord | undefined;
  const answer = (isComplete: boolean): FoundRecords => ({
    lines: found.toSorted(latestFirst).map(({ text }) => text),
    isComplete,
    backTo: last?.time,
    before: last?.seq ?? before,
  });
  for await (const portion of portions) {
    for (const text of portion) {
      const record = parseRecord(text);
      if (record === undefined || (before !== undefined && (record.seq ?? 0) >= before)) continue;
      if (query.sinceMs !== undefined && Date.parse(record.time) < query.sinceMs - CLOCK_STEP_MS)
        return answer(true);
      last = record;
      found.push(...selection.take({ text, record }));
      if (found.length >= limit) return answer(false);
    }
    if (isTooLong()) return answer(false);
  }
  return answer(true);
}

async function* daysOf(folder: string, { query, before }: Search): AsyncGenerator<readonly string[]> {
  const { sinceMs, untilMs } = query;
  const numbered: Numbered | undefined =
    before === undefined ? undefined : { before, numberOf: (line) => parseRecord(line)?.seq };
  for (const name of dayFiles(folder).reverse()) {
    if (sinceMs !== undefined && name < dayFileName(sinceMs)) return;
    if (untilMs !== undefined && name > dayFileName(untilMs)) continue;
    yield* linesBackwards(join(folder, name), numbered);
  }
}

function latestFirst({ record: one }: FoundRecord, { record: other }: FoundRecord): number {
  return (other.seq ?? 0) - (one.seq ?? 0) || (one.time < other.time ? 1 : -1);
}
