import type { AuditRecord } from '../../core/records/record.ts';
import { readLines } from './read-lines.ts';

/** A record and its text in the file. */
export interface PrintedRecord {
  readonly text: string;
  readonly record: AuditRecord;
}

/**
 * Reads the audit records of files, unverified. Other lines are skipped, so a saved log of stdout can be read like a
 * file of the audit folder.
 */
export function* readRecords(paths: readonly string[]): Generator<PrintedRecord> {
  for (const path of paths) {
    for (const { bytes } of readLines(path)) {
      const text = bytes.toString('utf8');
      const record = parseRecord(text);
      if (record !== undefined) yield { text, record };
    }
  }
}

/** The record of a line; undefined when it is none. */
export function parseRecord(text: string): AuditRecord | undefined {
  if (!text.startsWith('{')) return undefined;
  try {
    const value = JSON.parse(text) as Partial<AuditRecord>;
    return typeof value.event === 'string' && typeof value.time === 'string'
      ? (value as AuditRecord)
      : undefined;
  } catch {
    return undefined;
  }
}
