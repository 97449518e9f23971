import type { KeyObject } from 'node:crypto';
import { type ChainHead, expectedHash, GENESIS, readSealedLine } from './chain.ts';

/** A place in a trail that the anchor names: the record of that number must carry that hash. */
export interface ChainCheckOptions {
  /** Keys in the order of their use; empty for a chain without a key. Once a record needs the next one, the earlier are done. */
  readonly keys: readonly KeyObject[];
  /** The number that the first record must have; undefined lets a chain begin anywhere. */
  readonly firstSeq: number | undefined;
  /** What the anchor says. */
  readonly anchored: ChainHead | undefined;
}

/** Walks a chain line by line and says what is wrong with the first line that does not fit. */
export class ChainCheck {
  readonly #options: ChainCheckOptions;
  #keysDone = 0;
  #head: ChainHead | undefined;
  #first: number | undefined;

  constructor(options: ChainCheckOptions) {
    this.#options = options;
  }

  /** The last record that was found right. */
  get head(): ChainHead | undefined {
    return this.#head;
  }

  /** The number of the first record. */
  get first(): number | undefined {
    return this.#first;
  }

  /**
   * Takes the next line, without its line break.
   * @param fileDay - YYYY-MM-DD of the file's name, undefined when its name has no day
   * @returns a sentence about what is wrong, undefined when the line is right
   */
  next(line: Buffer, fileDay: string | undefined, isFirstOfFile: boolean): string | undefined {
    const record = readSealedLine(line);
    if (record === undefined) return 'this is not a whole audit record';
    if (!this.#fitsAnyKey(line, record.hash)) return this.#whyHashDiffers(line, record.hash);
    const link = this.#wrongLink(record.seq, record.prev);
    if (link !== undefined) return link;
    const { anchored } = this.#options;
    if (anchored?.seq === record.seq && anchored.hash !== record.hash) {
      return `this is not the record ${record.seq} that the anchor names: it was replaced`;
    }
    // Only the first record decides the day of a file; a clock that steps back does not open an older file again.
    if (fileDay !== undefined && (isFirstOfFile ? record.day !== fileDay : record.day > fileDay)) {
      return `this record of ${record.day} stands in the file of ${fileDay}`;
    }
    this.#first ??= record.seq;
    this.#head = { seq: record.seq, hash: record.hash };
    return undefined;
  }

  #fitsAnyKey(line: Buffer, hash: string): boolean {
    const { keys } = this.#options;
    if (keys.length === 0) return expectedHash(line, undefined) === hash;
    for (let at = this.#keysDone; at < keys.length; at++) {
      if (expectedHash(line, keys[at]) !== hash) continue;
      this.#keysDone = at;
      return true;
    }
    return false;
  }

  #whyHashDiffers(line: Buffer, hash: string): string {
    if (this.#options.keys.length > 0 && expectedHash(line, undefined) === hash) {
      return 'this record was sealed without the key';
    }
    const doubt = this.#head === undefined ? ', or sealed with another key' : '';
    return `this record was changed${doubt}: its hash does not match`;
  }

  #wrongLink(seq: number, prev: string): string | undefined {
    const head = this.#head;
    if (head === undefined) return this.#wrongStart(seq, prev);
    const due = head.seq + 1;
    if (seq > due) {
      const missing = seq - due === 1 ? `record ${due} is` : `records ${due} to ${seq - 1} are`;
      return `record ${seq} stands where ${due} was due: ${missing} missing or out of order`;
    }
    if (seq < due) {
      return `record ${seq} stands where ${due} was due: it is out of order or stands here twice`;
    }
    return prev === head.hash
      ? undefined
      : 'the record before this one was replaced: its hash is not the one named here';
  }

  #wrongStart(seq: number, prev: string): string | undefined {
    const { firstSeq } = this.#options;
    if (seq === GENESIS.seq + 1 && prev !== GENESIS.hash) return 'the first record names a record before it';
    if (firstSeq === undefined || seq === firstSeq) return undefined;
    return seq > firstSeq
      ? `the trail begins with record ${seq}: records ${firstSeq} to ${seq - 1} are missing or out of order`
      : `the trail begins with record ${seq}, before the ${firstSeq} that was asked for`;
  }
}
