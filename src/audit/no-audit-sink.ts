import type { AuditSink } from '../ports/audit-sink.ts';

/** A sink that only numbers: without a folder the records stand on stdout alone. */
export function createNoAuditSink(): AuditSink {
  let seq = 0;
  return {
    append(_timeMs, build) {
      const line = build(seq + 1);
      seq++;
      return line;
    },
    takeRepairs: () => [],
    isWritable: () => true,
    close() {},
  };
}
