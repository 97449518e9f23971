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

/** Where audit records go to stay: numbers them and, with a folder, keeps them as a chain. */
export interface AuditSink {
  /**
   * Numbers, seals and stores one record before it returns.
   * @param timeMs - the record's time, decides the file
   * @param build - makes the record's line of its number
   * @returns the line that `build` made
   * @throws ProxyError PROXY_AUDIT_UNAVAILABLE when it could not be stored; the number is not used up then
   */
  append(timeMs: number, build: (seq: number) => string): string;
  /** What was found since the last asking. */
  takeRepairs(): readonly AuditRepair[];
  /** True when the next record can be stored as far as one can tell without storing it; takes the folder up again when it is back. */
  isWritable(): boolean;
  close(): void;
}
