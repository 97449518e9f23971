import { type FileHandle, open } from 'node:fs/promises';

const CHUNK = 65_536;
const LINE_BREAK = 0x0a;

/**
 * The lines of a file from its end to its beginning, in portions of about 64 kB. Between two of them others have their
 * turn, so that a long search holds nothing up.
 * @param numbered finds an end further in front, for a search that goes on where an earlier one stopped
 */
export async function* linesBackwards(path: string, numbered?: Numbered): AsyncGenerator<readonly string[]> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    let end = numbered === undefined ? size : await endBefore(file, size, numbered);
    /** The end of a line whose beginning stands before what was read. */
    let rest: Buffer = Buffer.alloc(0);
    while (end > 0) {
      const length = Math.min(CHUNK, end);
      end -= length;
      const bytes = Buffer.concat([await readAt(file, end, length), rest]);
      const first = end === 0 ? -1 : bytes.indexOf(LINE_BREAK);
      if (end > 0 && first === -1) {
        rest = bytes;
        continue;
      }
      rest = end === 0 ? Buffer.alloc(0) : Buffer.from(bytes.subarray(0, first));
      yield bytes
        .toString('utf8', first + 1)
        .split('\n')
        .filter((line) => line !== '')
        .reverse();
    }
  } finally {
    await file.close();
  }
}

/** Lines that bear rising numbers, of which those before one are wanted. */
export interface Numbered {
  readonly before: number;
  /** Undefined for a line without a number. */
  readonly numberOf: (line: string) => number | undefined;
}

/** Where lines end that are surely not wanted; of those before it some may not be wanted either. */
async function endBefore(file: FileHandle, size: number, { before, numberOf }: Numbered): Promise<number> {
  let low = 0;
  let high = size;
  while (high - low > CHUNK) {
    const middle = low + Math.floor((high - low) / 2);
    const bytes = await readAt(file, middle, Math.min(CHUNK, size - middle));
    const start = bytes.indexOf(LINE_BREAK) + 1;
    const end = bytes.indexOf(LINE_BREAK, start);
    const number = start === 0 || end === -1 ? undefined : numberOf(bytes.toString('utf8', start, end));
    if (number === undefined || middle + start >= high) break;
    if (number < before) low = middle + start;
    else high = middle + start;
  }
  return high;
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  let held = 0;
  while (held < length) {
    const { bytesRead } = await file.read(bytes, held, length - held, position + held);
    if (bytesRead === 0) break;
    held += bytesRead;
  }
  return bytes.subarray(0, held);
}
