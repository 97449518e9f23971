import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AuditRecord } from '../../core/records/record.ts';
import { dayFiles } from '../file-names.ts';
import { readLines } from './read-lines.ts';

/** An order is asked for within minutes, so a restart leaves none that is older than the last two day files. */
const FILES = 2;
/** How long the event loop may be blocked at a time, in ms. */
const SLICE_MS = 10;
/** Every record of an order has it and hardly any other record, so most lines need not be parsed. */
const MARK = Buffer.from('"clientOrderId":');

/**
 * Notes the present size of a trail and returns a function that reads it up to there: the `call.signed` records of
 * orders that an earlier run left without a known end, oldest first.
 */
export function openOrdersIn(folder: string): () => Promise<AuditRecord[]> {
  const paths = existsSync(folder) ? dayFiles(folder).slice(-FILES) : [];
  const files = paths.map((name) => join(folder, name)).map((path) => ({ path, size: statSync(path).size }));
  return async () => {
    const open = new Map<string, AuditRecord>();
    let sliceEndMs = performance.now() + SLICE_MS;
    for (const { path, size } of files) {
      let position = 0;
      for (const { bytes } of readLines(path)) {
        position += bytes.length + 1;
        if (position > size) break;
        if (bytes.includes(MARK)) note(open, bytes.toString('utf8'));
        if (performance.now() < sliceEndMs) continue;
        await nextTurn();
        sliceEndMs = performance.now() + SLICE_MS;
      }
    }
    return [...open.values()];
  };
}

function note(open: Map<string, AuditRecord>, line: string): void {
  const record = parseRecord(line);
  const { requestId } = record ?? {};
  if (record === undefined || requestId === undefined) return;
  if (record.event === 'call.signed') open.set(requestId, record);
  const isKnown = record.event === 'call.completed' && record.outcome !== 'unknown';
  if (isKnown || record.event === 'call.resolved') open.delete(requestId);
}

function parseRecord(line: string): AuditRecord | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && 'event' in value
      ? (value as AuditRecord)
      : undefined;
  } catch {
    return undefined;
  }
}
