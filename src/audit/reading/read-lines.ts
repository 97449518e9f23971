import { closeSync, openSync, readSync } from 'node:fs';

export interface FileLine {
  /** From 1. */
  readonly number: number;
  /** Without the line break. Valid until the next line is read. */
  readonly bytes: Buffer;
  /** False for a last line that has no line break. */
  readonly isWhole: boolean;
}

const CHUNK = 1_048_576;
const WRITE_IN_PROGRESS_MS = 20;
const LINE_BREAK = 0x0a;

/** Reads the lines of a file, 1 MiB at a time. */
export function* readLines(path: string): Generator<FileLine> {
  const fd = openSync(path, 'r');
  try {
    const chunk = Buffer.alloc(CHUNK);
    let rest: Buffer = Buffer.alloc(0);
    let number = 0;
    for (;;) {
      let length = readSync(fd, chunk);
      if (length === 0 && rest.length > 0) {
        // A running proxy may be writing this line.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, WRITE_IN_PROGRESS_MS);
        length = readSync(fd, chunk);
      }
      if (length === 0) break;
      const bytes =
        rest.length === 0 ? chunk.subarray(0, length) : Buffer.concat([rest, chunk.subarray(0, length)]);
      let from = 0;
      for (let to = bytes.indexOf(LINE_BREAK); to !== -1; to = bytes.indexOf(LINE_BREAK, from)) {
        yield { number: ++number, bytes: bytes.subarray(from, to), isWhole: true };
        from = to + 1;
      }
      rest = Buffer.from(bytes.subarray(from));
    }
    if (rest.length > 0) yield { number: number + 1, bytes: rest, isWhole: false };
  } finally {
    closeSync(fd);
  }
}
