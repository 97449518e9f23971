import type { KeyObject } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  readFileSync,
  readSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { auditKeyId, type ChainHead, chainHash, GENESIS } from '../core/records/chain.ts';
import { openOwnFile } from './own-files.ts';

export const ANCHOR_FILE = 'audit.anchor';

/** Where the trail ended when the anchor was written: what a cut tail is told by. */
export interface Anchor extends ChainHead {
  /** Name of the day file of that record; empty before the first record. */
  readonly file: string;
  /** Length of that file in bytes, that record included. */
  readonly length: number;
  /** Which key seals the trail, `none` without one. */
  readonly keyId: string;
  /** False when the anchor's own MAC does not fit the key. */
  readonly genuine: boolean;
}

/** Fixed, so that it is overwritten in place by one write within one page, and needs no space on a full disk. */
const ANCHOR_LENGTH = 512;

/** The text of an anchor: one JSON object, padded with spaces. */
function formatAnchor(
  place: ChainHead & { readonly file: string; readonly length: number },
  key: KeyObject | undefined,
  keyId = auditKeyId(key),
): string {
  const { seq, hash, file, length } = place;
  const open = `{"seq":${seq},"hash":"${hash}","file":"${file}","length":${length},"keyId":"${keyId}"`;
  const text = key === undefined ? `${open}}` : `${open},"mac":"${chainHash(open, key)}"}`;
  return `${text.padEnd(ANCHOR_LENGTH - 1)}\n`;
}

/** Reads an anchor's text; undefined when it is none. */
function parseAnchor(text: string, key: KeyObject | undefined): Anchor | undefined {
  let fields: Readonly<Record<string, unknown>>;
  try {
    fields = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { seq, hash, file, length, keyId } = fields;
  if (typeof seq !== 'number' || typeof hash !== 'string' || typeof file !== 'string') return undefined;
  if (typeof length !== 'number' || typeof keyId !== 'string') return undefined;
  const genuine = formatAnchor({ seq, hash, file, length }, key) === text;
  return { seq, hash, file, length, keyId, genuine };
}

/** The anchor of a folder; undefined when there is none that can be read. */
export function readAnchor(folder: string, key: KeyObject | undefined): Anchor | undefined {
  try {
    return parseAnchor(readFileSync(join(folder, ANCHOR_FILE), 'utf8'), key);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * The open anchor. It is written after the record, without a sync of its own: after a kill it may lag behind the file by
 * one record, it never leads, so what it names must be there.
 */
export class AnchorFile {
  readonly #path: string;
  readonly #fd: number;
  readonly #device: number;
  readonly #inode: number;
  readonly #key: KeyObject | undefined;
  readonly #keyId: string;
  /** What it said when it was opened. */
  readonly found: Anchor | undefined;
  /** True when it said something that this key did not seal. */
  readonly isDamaged: boolean;

  constructor(folder: string, key: KeyObject | undefined) {
    this.#key = key;
    this.#keyId = auditKeyId(key);
    this.#path = join(folder, ANCHOR_FILE);
    this.#fd = openOwnFile(this.#path, constants.O_RDWR | constants.O_CREAT);
    try {
      const { dev, ino } = fstatSync(this.#fd);
      this.#device = dev;
      this.#inode = ino;
      const bytes = Buffer.alloc(ANCHOR_LENGTH);
      const length = readSync(this.#fd, bytes, 0, ANCHOR_LENGTH, 0);
      this.found = parseAnchor(bytes.toString('latin1', 0, length), key);
      this.isDamaged = length > 0 && this.found?.genuine !== true;
      if (length === 0) this.write({ ...GENESIS, file: '', length: 0 });
      else ftruncateSync(this.#fd, ANCHOR_LENGTH);
    } catch (error) {
      closeSync(this.#fd);
      throw error;
    }
  }

  /** False when the path names another file by now, or none: the folder was removed, renamed or hidden by a mount. */
  get isInPlace(): boolean {
    const stats = statSync(this.#path, { throwIfNoEntry: false });
    return stats !== undefined && stats.ino === this.#inode && stats.dev === this.#device;
  }

  write(place: ChainHead & { readonly file: string; readonly length: number }): void {
    const text = formatAnchor(place, this.#key, this.#keyId);
    if (writeSync(this.#fd, text, 0, 'latin1') !== ANCHOR_LENGTH)
      throw Object.assign(new Error('short write of the anchor'), { code: 'ENOSPC' });
  }

  close(): void {
    closeSync(this.#fd);
  }
}
