import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';

const CHUNK = 262_144;
const LINE_BREAK = 0x0a;

/** A file that somebody else appends to: each reading goes on where the last one ended. */
export class GrowingFile {
  readonly #path: string;
  readonly #fd: number;
  readonly #chunk = Buffer.alloc(CHUNK);
  #position: number;
  #rest: Buffer = Buffer.alloc(0);
  /** True until the line is over in whose midst the reading begins. */
  #isInMidst: boolean;

  /** @param backBytes how far before the end to begin; all of it when undefined. Only whole lines are read. */
  constructor(path: string, backBytes?: number) {
    this.#path = path;
    this.#fd = openSync(path, 'r');
    this.#position = backBytes === undefined ? 0 : Math.max(0, fstatSync(this.#fd).size - backBytes);
    this.#isInMidst = this.#position > 0 && !this.#standsBehindBreak();
  }

  /** True when the path names another file by now. A file that was moved away is the right one until there is a new one. */
  get isReplaced(): boolean {
    const now = statSync(this.#path, { throwIfNoEntry: false });
    if (now === undefined) return false;
    const { ino, dev } = fstatSync(this.#fd);
    return now.ino !== ino || now.dev !== dev;
  }

  /** The whole lines that were not read yet. */
  *lines(): Generator<string> {
    // Emptied and written anew, as copytruncate does.
    if (fstatSync(this.#fd).size < this.#position) this.#startOver();
    for (;;) {
      const length = readSync(this.#fd, this.#chunk, 0, CHUNK, this.#position);
      if (length === 0) return;
      this.#position += length;
      const bytes = Buffer.concat([this.#rest, this.#chunk.subarray(0, length)]);
      let from = 0;
      for (let to = bytes.indexOf(LINE_BREAK); to !== -1; to = bytes.indexOf(LINE_BREAK, from)) {
        if (!this.#isInMidst) yield bytes.toString('utf8', from, to);
        this.#isInMidst = false;
        from = to + 1;
      }
      this.#rest = Buffer.from(bytes.subarray(from));
    }
  }

  close(): void {
    closeSync(this.#fd);
  }

  #standsBehindBreak(): boolean {
    readSync(this.#fd, this.#chunk, 0, 1, this.#position - 1);
    return this.#chunk[0] === LINE_BREAK;
  }

  #startOver(): void {
    this.#position = 0;
    this.#rest = Buffer.alloc(0);
    this.#isInMidst = false;
  }
}
