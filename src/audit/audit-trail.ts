import { AUDIT_LEVELS, auditLevel, auditLine, type UnsealedRecord } from '../core/audit-record.ts';
import { ProxyError } from '../core/errors.ts';
import { SecretFence } from '../core/secret-fence.ts';
import type { AuditRepair, AuditSink } from '../ports/audit-sink.ts';

export interface AuditTrailState {
  /** False from a record that could not be stored until one could again. */
  readonly available: boolean;
  /** How many records could not be stored or printed. */
  readonly errors: number;
  /** Code of the last failure, e.g. `ENOSPC`. */
  readonly lastError?: string;
}

export interface AuditTrail {
  /**
   * Stores a record without which nothing may happen, then prints it.
   * @throws ProxyError PROXY_AUDIT_UNAVAILABLE when the file cannot take it
   */
  write(record: UnsealedRecord): void;
  /** Stores and prints a record of what has already happened; never throws. False when it is on the log only. */
  writeLenient(record: UnsealedRecord): boolean;
  /** Asks the sink whether it could store a record now, and notes a recovery; for readiness. */
  check(): boolean;
  readonly state: AuditTrailState;
  close(): void;
}

export interface AuditTrailOptions {
  readonly sink: AuditSink;
  /** Takes a complete JSON line without its line break, and pino's number for its level: print it or, by that level, not. */
  readonly log: (line: string, level: number) => void;
  /** Wall clock in ms. */
  readonly now: () => number;
  /** The secrets of this process; asked for with each record because SIGHUP replaces them. */
  readonly fence?: () => SecretFence;
}

/** The one door to the audit trail: each record becomes one line, which goes to the sink first and then to the log. */
export function createAuditTrail(options: AuditTrailOptions): AuditTrail {
  return new Trail(options);
}

class Trail implements AuditTrail {
  readonly #sink: AuditSink;
  readonly #log: AuditTrailOptions['log'];
  readonly #now: () => number;
  readonly #fence: () => SecretFence;
  readonly #repairs: AuditRepair[] = [];
  #available = true;
  #errors = 0;
  #lastError: string | undefined;

  constructor({ sink, log, now, fence = () => SecretFence.none }: AuditTrailOptions) {
    this.#sink = sink;
    this.#log = log;
    this.#now = now;
    this.#fence = fence;
    this.#noteRepairs();
  }

  get state(): AuditTrailState {
    const state = { available: this.#available, errors: this.#errors };
    return this.#lastError === undefined ? state : { ...state, lastError: this.#lastError };
  }

  write(record: UnsealedRecord): void {
    this.#store(record);
    this.#noteRepairs();
  }

  writeLenient(record: UnsealedRecord): boolean {
    const stored = this.#tryToStore(record);
    if (!stored) this.#print(() => auditLine(record, undefined, this.#now(), this.#fence()), record);
    this.#noteRepairs();
    return stored;
  }

  check(): boolean {
    this.#available = this.#sink.isWritable();
    this.#noteRepairs();
    return this.#available;
  }

  close(): void {
    this.#sink.close();
  }

  #store(record: UnsealedRecord): void {
    const timeMs = this.#now();
    const fence = this.#fence();
    let line: string;
    try {
      line = this.#sink.append(timeMs, (seq) => auditLine(record, seq, timeMs, fence));
    } catch (error) {
      this.#available = false;
      this.#fail(error);
      throw error;
    }
    this.#available = true;
    this.#print(() => line, record);
  }

  #tryToStore(record: UnsealedRecord): boolean {
    try {
      this.#store(record);
      return true;
    } catch {
      return false;
    }
  }

  /** A log that fails stops nothing: the file has the record, and without a file there is no promise to keep. */
  #print(line: () => string, record: UnsealedRecord): void {
    try {
      this.#log(line(), AUDIT_LEVELS[auditLevel(record)]);
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#errors++;
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
