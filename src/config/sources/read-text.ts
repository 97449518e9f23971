import { readFileSync } from 'node:fs';

/** A text file, or what is wrong with it. */
export type TextReading =
  | { readonly text: string }
  | { readonly code: string /** The end of a sentence: why, and what to do. */; readonly wrong: string };

/**
 * Reads a file that a person wrote. A byte order mark of UTF-8 is taken off; UTF-16, which some editors call Unicode, is
 * refused by its name.
 * @param remedy the end of the sentence, where the cause does not ask for another one
 */
export function readText(path: string, remedy: string): TextReading {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    return { code, wrong: `cannot be read (${code}): ${special(code) ?? remedy}` };
  }
  if (isUtf16(bytes)) return { code: 'UTF-16', wrong: 'is UTF-16: save it as UTF-8' };
  return { text: bytes.toString('utf8').replace(/^\uFEFF/, '') };
}

function special(code: string): string | undefined {
  switch (code) {
    case 'ERR_ACCESS_DENIED':
      return `Node’s permission model keeps this process from it, so put it below one of its --allow-fs-read, in the image /run/secrets or /etc/binance-proxy`;
    case 'EACCES':
    case 'EPERM':
      return `this user${process.getuid === undefined ? '' : ` (uid ${process.getuid()})`} may not read it or the folder that it is in, so give it to that user`;
    default:
      return undefined;
  }
}

/** By its mark, or by the zero bytes that no text of ours has. */
function isUtf16(bytes: Buffer): boolean {
  const mark = bytes.length >= 2 ? bytes.readUInt16BE(0) : 0;
  return mark === 0xfffe || mark === 0xfeff || (bytes.length % 2 === 0 && bytes.includes(0));
}
