import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AuditRecord } from '../../core/records/record.ts';
import { dayFiles } from '../file-names.ts';
import { type LinePlace, readLineAt, readLines } from './read-lines.ts';

/** What earlier runs wrote of calls that may still matter. */
export interface EarlierCalls {
  /** The `call.signed` records of orders without a known end, oldest first. */
  readonly unfinished: readonly AuditRecord[];
  /** The signed calls of the last minutes that can be told from a repeat, oldest first. */
  readonly recent: readonly RecentCall[];
  /** The last record of what is known of each key: `key.care`. */
  readonly keyCare: readonly AuditRecord[];
  /** The calls that named orders, oldest first; none where nobody asked for them. */
  readonly named: readonly NamedCall[];
  /** When the last record was made, ms; undefined when there is none. */
  readonly lastMs: number | undefined;
  /** How much was read for it. */
  readonly bytes: number;
}

/** What a signed call says of the orders that it names. */
export type NamedCall = Pick<
  AuditRecord,
  'client' | 'account' | 'upstream' | 'path' | 'clientOrderId' | 'orders'
>;

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
 * How the record of a call begins. Of a long trail hardly a line is parsed: what the parser keeps of each would make the
 * heap grow with the history.
 */
const HEAD = /^\{"time":"[^"]+","level":\d+,"event":"([a-z.]+)","seq":\d+,"requestId":"([\w-]+)"/;
const HEAD_LENGTH = 200;
/** Where the event of a record stands: its time and a level of two digits come before it. */
const EVENT_AT = TIME_AT + TIME_LENGTH + '","level":30,"event":"'.length;
const CARE = 'key.care"';
/** Stands in every record whose outcome is unknown; what only looks like it is told apart by parsing. */
const UNKNOWN = Buffer.from('"outcome":"unknown"');

/**
 * Notes the present size of a trail and returns a function that reads it up to there.
 * @param recentSinceMs which calls are recent, ms
 * @param wantsNamed whether the calls that named orders are wanted
 */
export function earlierCallsIn(
  folder: string,
  recentSinceMs: number,
  wantsNamed = false,
): () => Promise<EarlierCalls> {
  const paths = existsSync(folder) ? dayFiles(folder).slice(-FILES) : [];
  const files = paths.map((name) => join(folder, name)).map((path) => ({ path, size: statSync(path).size }));
  return async () => {
    const calls = new Collected(new Date(recentSinceMs).toISOString(), wantsNamed);
    let sliceEndMs = performance.now() + SLICE_MS;
    for (const { path, size } of files) {
      let position = 0;
      for (const { bytes } of readLines(path)) {
        const place = { path, position, length: bytes.length };
        position += bytes.length + 1;
        if (position > size) break;
        calls.take(bytes, place);
        if (performance.now() < sliceEndMs) continue;
        await nextTurn();
        sliceEndMs = performance.now() + SLICE_MS;
      }
    }
    return { ...calls.result(), bytes: files.reduce((sum, { size }) => sum + size, 0) };
  };
}

class Collected {
  readonly #recentSince: string;
  readonly #wantsNamed: boolean;
  readonly #named: NamedCall[] = [];
  readonly #keyCare = new Map<string, AuditRecord>();
  /** Where the `call.signed` record of each open order stands. */
  readonly #open = new Map<string, LinePlace>();
  readonly #recent = new Map<string, RecentCall>();
  #lastTime = '';

  constructor(recentSince: string, wantsNamed: boolean) {
    this.#recentSince = recentSince;
    this.#wantsNamed = wantsNamed;
  }

  take(line: Buffer, place: LinePlace): void {
    const time = line.toString('latin1', TIME_AT, TIME_AT + TIME_LENGTH);
    if (time > this.#lastTime && !Number.isNaN(Date.parse(time))) this.#lastTime = time;
    if (line.toString('latin1', EVENT_AT, EVENT_AT + CARE.length) === CARE) {
      this.#noteCare(line);
      return;
    }
    const isRecent = time >= this.#recentSince;
    const isOrder = line.includes(MARK);
    if (!isRecent && !isOrder) return;
    const { event, requestId } = headOf(line);
    if (event === undefined || requestId === undefined || event === 'call.unresolved') return;
    if (event === 'call.signed') {
      if (isOrder) this.#open.set(requestId, place);
      if (isOrder && this.#wantsNamed) this.#noteNamed(line);
    } else if (this.#open.has(requestId) && isKnownEnd(event, line)) this.#open.delete(requestId);
    if (isRecent) this.#noteRecent(event, requestId, line);
  }

  result(): Omit<EarlierCalls, 'bytes'> {
    const lastMs = Date.parse(this.#lastTime);
    return {
      unfinished: Array.from(this.#open.values(), readOpen).filter((record) => record !== undefined),
      recent: [...this.#recent.values()],
      keyCare: [...this.#keyCare.values()],
      named: this.#named,
      lastMs: Number.isNaN(lastMs) ? undefined : lastMs,
    };
  }

  #noteCare(line: Buffer): void {
    const record = parseRecord(line.toString('utf8'));
    if (record !== undefined) this.#keyCare.set(`${record.account} ${record.detail?.key}`, record);
  }

  #noteNamed(line: Buffer): void {
    const record = parseRecord(line.toString('utf8'));
    if (record === undefined) return;
    const { client, account, upstream, path, clientOrderId, orders } = record;
    this.#named.push({ client, account, upstream, path, clientOrderId, orders: orders?.slice(0, 1) });
  }

  #noteRecent(event: string, requestId: string, line: Buffer): void {
    const call = this.#recent.get(requestId);
    if (event !== 'call.signed' && call === undefined) return;
    const record = parseRecord(line.toString('utf8'));
    if (record === undefined) return;
    if (event !== 'call.signed') {
      if (call !== undefined) this.#recent.set(requestId, { signed: call.signed, end: record });
      return;
    }
    const isTold = record.clientOrderId !== undefined || record.callDigest !== undefined;
    if (isTold) this.#recent.set(requestId, { signed: record, end: undefined });
  }
}

interface Head {
  readonly event?: string | undefined;
  readonly requestId?: string | undefined;
}

/** The event and the call of a record; a line that does not begin as they do is parsed. */
function headOf(line: Buffer): Head {
  const [head, event, requestId] = HEAD.exec(line.toString('latin1', 0, HEAD_LENGTH)) ?? [];
  return head === undefined ? (parseRecord(line.toString('utf8')) ?? {}) : { event, requestId };
}

function isKnownEnd(event: string, line: Buffer): boolean {
  if (event === 'call.resolved') return true;
  // A call that was refused after its record did not leave.
  if (event !== 'call.completed' && event !== 'call.refused') return false;
  return !line.includes(UNKNOWN) || parseRecord(line.toString('utf8'))?.outcome !== 'unknown';
}

/** The record of an open order; undefined for a line that was no record after all. */
function readOpen(place: LinePlace): AuditRecord | undefined {
  const record = parseRecord(readLineAt(place));
  return record?.clientOrderId === undefined ? undefined : record;
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
