import { join } from 'node:path';
import type { AuditRecord } from '../../core/records/record.ts';
import { dayFileName, dayFiles } from '../file-names.ts';
import { readRecords } from '../reading/read-records.ts';
import { inTurns } from './in-turns.ts';

/** Hands over the records of an audit folder from a time on, in their order, beside everything else. */
export async function readFolderSince(
  folder: string,
  sinceMs: number,
  take: (record: AuditRecord) => void,
  monotonicNow: () => number,
): Promise<void> {
  const paths = dayFiles(folder)
    .filter((name) => name >= dayFileName(sinceMs))
    .map((name) => join(folder, name));
  await inTurns(
    readRecords(paths),
    ({ record }) => {
      if (Date.parse(record.time) >= sinceMs) take(record);
    },
    monotonicNow,
  );
}
