import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AuditRecord } from '../../core/records/record.ts';
import { dayFiles } from '../file-names.ts';
import { readLines } from './read-lines.ts';

/** What earlier runs wrote of calls that may still matter. */
export interface EarlierCalls {
  /** The `call.signed` records of orders without a known end, oldest first. */
  readonly unfinished: readonly AuditRecord[];
  /** The signed calls of the last minutes that can be told from a repeat, oldest first. */
  readonly recent: readonly RecentCall[];
  /** When the last record was made, ms; undefined when there is none. */
  readonly lastMs: number | undefined;
}

export interface RecentCall {
  readonly signed: AuditRecord;
  /** What was written last of its end; undefined when nothing was. */
  readonly end: AuditRecord | undefined;
}

/** An order is asked for within minutes, so a restart leaves none that is older than the last two day files. */
const FILES = 2;
/** How long the event loop may be blocked at a time, in ms. */
const SLICE_MS = 10;
/** Every record of an order has it and hardly any other record, so most lines need not be parsed. */
const MARK = Buffer.from('"clientOrderId":');
/** Every record begins with its time, which has always the same length. */
const TIME_AT = '{"time":"'.length;
const TIME_LENGTH = '2026-01-01T00:00:00.000Z'.length;

/**
 * Notes the present size of a trail and returns a function that reads it up to there.
 * @param recentSinceMs which calls are recent, ms
 */
export function earlierCallsIn(folder: string, recentSinceMs: number): () => Promise<EarlierCalls> {
  const paths = existsSync(folder) ? dayFiles(folder).slice(-FILES) : [];
  const files = paths.map((name) => join(folder, name)).map((path) => ({ path, size: statSync(path).size }));
  return async () => {
    const calls = new Collected(new Date(recentSinceMs).toISOString());
    let sliceEndMs = performance.now() + SLICE_MS;
    for (const { path, size } of files) {
      let position = 0;
      for (const { bytes } of readLines(path)) {
        position += bytes.length + 1;
        if (position > size) break;
        calls.take(bytes);
        if (performance.now() < sliceEndMs) continue;
        await nextTurn();
        sliceEndMs = performance.now() + SLICE_MS;
      }
    }
    return calls.result();
  };
}

class Collected {
  readonly #recentSince: string;
  readonly #open = new Map<string, AuditRecord>();
  readonly #recent = new Map<string, RecentCall>();
  #lastTime = '';

  constructor(recentSince: string) {
    this.#recentSince = recentSince;
  }

  take(line: Buffer): void {
    const time = line.toString('latin1', TIME_AT, TIME_AT + TIME_LENGTH);
    if (time > this.#lastTime && !Number.isNaN(Date.parse(time))) this.#lastTime = time;
    const isRecent = time >= this.#recentSince;
    if (!isRecent && !line.includes(MARK)) return;
    const record = parseRecord(line.toString('utf8'));
    if (record?.requestId === undefined) return;
    this.#noteOpen(record, record.requestId);
    if (isRecent) this.#noteRecent(record, record.requestId);
  }

  result(): EarlierCalls {
    const lastMs = Date.parse(this.#lastTime);
    return {
      unfinished: [...this.#open.values()],
      recent: [...this.#recent.values()],
      lastMs: Number.isNaN(lastMs) ? undefined : lastMs,
    };
  }

  #noteOpen(record: AuditRecord, requestId: string): void {
    if (record.event === 'call.signed' && record.clientOrderId !== undefined)
      this.#open.set(requestId, record);
    const isKnown = record.event === 'call.completed' && record.outcome !== 'unknown';
    if (isKnown || record.event === 'call.resolved') this.#open.delete(requestId);
  }

  #noteRecent(record: AuditRecord, requestId: string): void {
    if (record.event === 'call.signed') {
      const isTold = record.clientOrderId !== undefined || record.callDigest !== undefined;
      if (isTold) this.#recent.set(requestId, { signed: record, end: undefined });
      return;
    }
    const call = this.#recent.get(requestId);
    if (call !== undefined) this.#recent.set(requestId, { signed: call.signed, end: record });
  }
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
