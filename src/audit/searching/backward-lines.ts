import { type FileHandle, open } from 'node:fs/promises';

const CHUNK = 65_536;
const LINE_BREAK = 0x0a;

/**
 * The lines of a file from its end to its beginning, in portions of about 64 kB. Between two of them others have their
 * turn, so that a long search holds nothing up.
 */
export async function* linesBackwards(path: string): AsyncGenerator<readonly string[]> {
  const file = await open(path, 'r');
  try {
    let end = (await file.stat()).size;
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
