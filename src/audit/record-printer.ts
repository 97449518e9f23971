import { AUDIT_LEVELS, auditLevel, type UnsealedRecord } from '../core/records/record.ts';

/** A complete JSON line without its line break, and pino's number for its level. */
interface PrintedLine {
  readonly text: string;
  readonly level: number;
}

/** Prints lines, or by their level does not, before it returns. */
export type Log = (lines: readonly PrintedLine[]) => void;

/** Hears of a record once it was stored, or could not be. */
export type TrailListener = (event: string, line: string) => void;

/** Tells who hears of records at once, and prints them in the order in which they were stored. */
export class RecordPrinter {
  readonly #log: Log;
  readonly #onFailure: (error: unknown, records: number) => void;
  readonly #listeners: TrailListener[] = [];
  #records: UnsealedRecord[] = [];
  #lines: string[] = [];

  /** @param onFailure a log that fails stops nothing: the file has the records, and without a file there is no promise to keep */
  constructor(log: Log, onFailure: (error: unknown, records: number) => void) {
    this.#log = log;
    this.#onFailure = onFailure;
  }

  hearing(listener: TrailListener): void {
    this.#listeners.push(listener);
  }

  /** These are printed next. Who hears of them does so before anything comes of them. */
  add(records: readonly UnsealedRecord[], lines: readonly string[]): void {
    this.#records.push(...records);
    this.#lines.push(...lines);
    for (const listener of this.#listeners)
      for (const [index, { event }] of records.entries()) tell(listener, event, lines[index] ?? '');
  }

  /** Two turns later: in the next one calls leave on connections that were idle. */
  printSoon(): void {
    setImmediate(() => setImmediate(() => this.print()));
  }

  print(): void {
    const records = this.#records;
    const lines = this.#lines;
    if (records.length === 0) return;
    this.#records = [];
    this.#lines = [];
    try {
      this.#log(records.map((record, index) => printed(lines[index] ?? '', record)));
    } catch (error) {
      this.#onFailure(error, records.length);
    }
  }
}

/** A record is stored by now, and what comes of it must not look as if it were not. */
function tell(listener: TrailListener, event: string, line: string): void {
  try {
    listener(event, line);
  } catch {
    // Whoever listens tells of trouble of its own.
  }
}

function printed(text: string, record: UnsealedRecord): PrintedLine {
  return { text, level: AUDIT_LEVELS[auditLevel(record)] };
}
