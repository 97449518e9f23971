/** What a sink found and mended, or could only note, when it took up a trail. */
export interface AuditRepair {
  /** In words: what was found. */
  readonly reason: string;
  readonly file?: string;
  /** Length of the torn line in bytes. */
  readonly bytes?: number;
  /** The file that the torn line was moved to. */
  readonly movedTo?: string;
  /** First and last number of records that are gone. */
  readonly missingFrom?: number;
  readonly missingTo?: number;
}

/** Makes a record's line of its number. */
export type LineBuilder = (seq: number) => string;

/** Where audit records go to stay: numbers them and, with a folder, keeps them as a chain. */
export interface AuditSink {
  /** True when a record stays where it was stored; without that the log is all there is. */
  readonly keepsRecords: boolean;
  /**
   * Numbers, seals and stores the records of one moment, in one write, before it returns.
   * @param timeMs - the records' time, decides the file
   * @param builds - each makes a record's line of its number
   * @returns the lines that they made
   * @throws ProxyError PROXY_AUDIT_UNAVAILABLE when they are not surely stored. Whoever is told so never asks again for
   * the same records: they may stand there all the same
   */
  append(timeMs: number, builds: readonly LineBuilder[]): readonly string[];
  /** What was found since the last asking. */
  takeRepairs(): readonly AuditRepair[];
  /** True when the next record can be stored as far as one can tell without storing it; takes the folder up again when it is back. */
  isWritable(): boolean;
  /** True while less is free than is kept for orders and cancels, as measured lately. */
  isLow(): boolean;
  close(): void;
}
