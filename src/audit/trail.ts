import { ProxyError } from '../core/errors.ts';
import { auditLine, type UnsealedRecord } from '../core/records/record.ts';
import { SecretMask } from '../core/records/secret-mask.ts';
import { type Log, RecordPrinter, type TrailListener } from './record-printer.ts';
import type { AuditRepair, AuditSink } from './sink.ts';

interface AuditTrailState {
  /** False from a record that could not be stored until one could again. */
  readonly available: boolean;
  /** How many records could not be stored or printed. */
  readonly errors: number;
  /** Code of the last failure, e.g. `ENOSPC`. */
  readonly lastError?: string;
}

export interface AuditTrail {
  /**
   * Stores records without which nothing may happen, all or none. Where the sink keeps them they are printed two turns of
   * the event loop later, so that what waited for them does not wait for the log as well.
   * @throws ProxyError PROXY_AUDIT_UNAVAILABLE when the file cannot take them
   */
  write(...records: readonly UnsealedRecord[]): void;
  /** Stores and prints a record of what has already happened; never throws. False when it is on the log only. */
  note(record: UnsealedRecord): boolean;
  /**
   * Like write, together with all others of this turn of the event loop, in one write (and one sync). Resolves when it
   * is stored; until then nothing of what it is about may happen. Several records stand beside each other.
   * @throws ProxyError (rejection) PROXY_AUDIT_UNAVAILABLE when the file cannot take it
   */
  commit(...records: readonly UnsealedRecord[]): Promise<void>;
  /** Like note, together with all others of this turn. */
  noteBatched(record: UnsealedRecord): void;
  /**
   * Whether records can be stored, for readiness: the last real write decides. After one that failed a record is
   * written to find out, for a quota or a size limit shows in nothing but a write.
   */
  check(): boolean;
  /** True while the disk has less free than is kept for orders and cancels. */
  isLow(): boolean;
  readonly state: AuditTrailState;
  /** From now on each record is told, with the line that it is in the log; what the listener throws is nobody's trouble. */
  hearing(listener: TrailListener): void;
  close(): void;
}

export interface AuditTrailOptions {
  readonly sink: AuditSink;
  readonly log: Log;
  /** Wall clock in ms. */
  readonly now: () => number;
  /** The secrets of this process; asked for with each record because SIGHUP replaces them. */
  readonly secretMask?: () => SecretMask;
}

/** The one door to the audit trail: each record becomes one line, which goes to the sink first and then to the log. */
export function createAuditTrail(options: AuditTrailOptions): AuditTrail {
  return new Trail(options);
}

/** Records on their way, and who waits for them; where nobody does, a failure is only noted. */
interface Waiting {
  readonly records: readonly UnsealedRecord[];
  readonly waiter: { readonly resolve: () => void; readonly reject: (error: unknown) => void } | undefined;
}

class Trail implements AuditTrail {
  readonly #sink: AuditSink;
  readonly #printer: RecordPrinter;
  readonly #now: () => number;
  readonly #secretMask: () => SecretMask;
  readonly #repairs: AuditRepair[] = [];
  #waiting: Waiting[] = [];
  #available = true;
  /** True from a write that failed until one succeeds. */
  #lastWriteFailed = false;
  #errors = 0;
  #lastError: string | undefined;

  constructor({ sink, log, now, secretMask = () => SecretMask.none }: AuditTrailOptions) {
    this.#sink = sink;
    this.#printer = new RecordPrinter(log, (error, records) => this.#fail(error, records));
    this.#now = now;
    this.#secretMask = secretMask;
    this.#noteRepairs();
  }

  get state(): AuditTrailState {
    const state = { available: this.#available, errors: this.#errors };
    return this.#lastError === undefined ? state : { ...state, lastError: this.#lastError };
  }

  write(...records: readonly UnsealedRecord[]): void {
    this.#flush();
    this.#append(records);
    this.#printOnceGone();
    this.#noteRepairs();
  }

  note(record: UnsealedRecord): boolean {
    this.#flush();
    const stored = this.#tryToStore(record);
    if (!stored) this.#printUnstored(record);
    this.#noteRepairs();
    return stored;
  }

  commit(...records: readonly UnsealedRecord[]): Promise<void> {
    return new Promise((resolve, reject) => this.#enlist({ records, waiter: { resolve, reject } }));
  }

  noteBatched(record: UnsealedRecord): void {
    this.#enlist({ records: [record], waiter: undefined });
  }

  check(): boolean {
    this.#available = this.#sink.isWritable() && (!this.#lastWriteFailed || this.#tryAnew());
    this.#noteRepairs();
    return this.#available;
  }

  isLow(): boolean {
    return this.#sink.isLow();
  }

  hearing(listener: TrailListener): void {
    this.#printer.hearing(listener);
  }

  close(): void {
    this.#flush();
    this.#printer.print();
    this.#sink.close();
  }

  #enlist(waiting: Waiting): void {
    if (this.#waiting.push(waiting) === 1) setImmediate(() => this.#flush());
  }

  /** Stores whoever waits, in the order of their coming, before anything that is written by itself. */
  #flush(): void {
    const all = this.#waiting;
    if (all.length === 0) return;
    this.#waiting = [];
    try {
      this.#append(all.flatMap(({ records }) => records));
      for (const { waiter } of all) waiter?.resolve();
      if (all.every(({ waiter }) => waiter !== undefined)) this.#printOnceGone();
      else this.#printer.print();
    } catch (error) {
      // All fail together: each by itself might fit, but might also stand there twice then.
      for (const waiting of all) this.#giveUp(waiting, error);
    }
    this.#noteRepairs();
  }

  #giveUp({ records, waiter }: Waiting, error: unknown): void {
    if (waiter === undefined) for (const record of records) this.#printUnstored(record);
    else waiter.reject(error);
  }

  #store(records: readonly UnsealedRecord[]): void {
    this.#append(records);
    this.#printer.print();
  }

  /** Stores records; they are to be printed next. */
  #append(records: readonly UnsealedRecord[]): void {
    const timeMs = this.#now();
    const secretMask = this.#secretMask();
    let lines: readonly string[];
    try {
      lines = this.#sink.append(
        timeMs,
        records.map((record) => (seq) => auditLine(record, seq, timeMs, secretMask)),
      );
    } catch (error) {
      const isNew = !this.#lastWriteFailed;
      this.#available = false;
      this.#lastWriteFailed = true;
      this.#fail(error, records.length);
      if (isNew) this.#printUnstored({ event: 'audit.failed', detail: { code: codeOf(error) } });
      throw error;
    }
    this.#available = true;
    this.#lastWriteFailed = false;
    this.#printer.add(records, lines);
  }

  /** What waited for its record does not wait for the log too; where the log is all there is, it does. */
  #printOnceGone(): void {
    if (this.#sink.keepsRecords) this.#printer.printSoon();
    else this.#printer.print();
  }

  #tryToStore(record: UnsealedRecord): boolean {
    try {
      this.#store([record]);
      return true;
    } catch {
      return false;
    }
  }

  /** A record that tells of the recovery is what finds it out; as long as it fails it is no loss. */
  #tryAnew(): boolean {
    const errors = this.#errors;
    const stored = this.#tryToStore({ event: 'audit.restored', detail: { after: this.#lastError } });
    if (!stored) this.#errors = errors;
    return stored;
  }

  #printUnstored(record: UnsealedRecord): void {
    this.#printer.add([record], [auditLine(record, undefined, this.#now(), this.#secretMask())]);
    this.#printer.print();
  }

  #fail(error: unknown, records: number): void {
    this.#errors += records;
    this.#lastError = codeOf(error);
  }

  /** A repair waits until the chain can say it. */
  #noteRepairs(): void {
    this.#repairs.push(...this.#sink.takeRepairs());
    while (this.#available && this.#repairs.length > 0) {
      if (!this.#tryToStore({ event: 'audit.torn', detail: { ...this.#repairs[0] } })) return;
      this.#repairs.shift();
    }
  }
}

function codeOf(error: unknown): string {
  if (error instanceof ProxyError) return error.rule ?? error.name;
  return (error as NodeJS.ErrnoException).code ?? 'unknown';
}
