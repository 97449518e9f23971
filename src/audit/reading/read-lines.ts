import { closeSync, openSync, readSync } from 'node:fs';

export interface FileLine {
  /** From 1. */
  readonly number: number;
  /** Without the line break. Valid until the next line is read. */
  readonly bytes: Buffer;
  /** False for a last line that has no line break. */
  readonly isWhole: boolean;
}

/** Where a line stands. */
export interface LinePlace {
  readonly path: string;
  /** Of its first byte. */
  readonly position: number;
  /** In bytes, without the line break. */
  readonly length: number;
}

const FIRST_LENGTH = 65_536;
const WRITE_IN_PROGRESS_MS = 20;
const LINE_BREAK = 0x0a;

/** Reads the lines of a file through one buffer, which grows to the longest line: what was read is not kept. */
export function* readLines(path: string): Generator<FileLine> {
  const fd = openSync(path, 'r');
  try {
    let buffer: Buffer = Buffer.allocUnsafeSlow(FIRST_LENGTH);
    /** How many bytes at the begin of the buffer are those of a line whose end is still to be read. */
    let held = 0;
    let number = 0;
    for (;;) {
      let length = readSync(fd, buffer, held, buffer.length - held, null);
      if (length === 0 && held > 0) {
        // A running proxy may be writing this line.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, WRITE_IN_PROGRESS_MS);
        length = readSync(fd, buffer, held, buffer.length - held, null);
      }
      if (length === 0) break;
      const end = held + length;
      let from = 0;
      let to = lineEnd(buffer, held, end);
      for (; to !== -1; to = lineEnd(buffer, from, end)) {
        yield { number: ++number, bytes: buffer.subarray(from, to), isWhole: true };
        from = to + 1;
      }
      held = end - from;
      buffer.copyWithin(0, from, end);
      if (held === buffer.length) buffer = Buffer.concat([buffer], 2 * buffer.length);
    }
    if (held > 0) yield { number: number + 1, bytes: buffer.subarray(0, held), isWhole: false };
  } finally {
    closeSync(fd);
  }
}

/** Where the next line break of the first `end` bytes stands; -1 when there is none. */
function lineEnd(buffer: Buffer, from: number, end: number): number {
  const at = buffer.indexOf(LINE_BREAK, from);
  return at < end ? at : -1;
}

/** The text of one line. */
export function readLineAt({ path, position, length }: LinePlace): string {
  const fd = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(length);
    const read = readSync(fd, bytes, 0, length, position);
    return bytes.toString('utf8', 0, read);
  } finally {
    closeSync(fd);
  }
}
