import type { AuditSink } from './sink.ts';

/** A sink that only numbers: without a folder the records stand on stdout alone. */
export function createNoAuditSink(): AuditSink {
  let seq = 0;
  return {
    keepsRecords: false,
    append(_timeMs, builds) {
      const lines = builds.map((build, index) => build(seq + index + 1));
      seq += lines.length;
      return lines;
    },
    takeRepairs: () => [],
    isWritable: () => true,
    isLow: () => false,
    close() {},
  };
}
