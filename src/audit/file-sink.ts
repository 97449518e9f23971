import type { KeyObject } from 'node:crypto';
import { accessSync, constants, lstatSync, mkdirSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { ProxyError } from '../core/errors.ts';
import { DAY_MS } from '../core/intervals.ts';
import { type ChainHead, GENESIS, sealLine } from '../core/records/chain.ts';
import { AnchorFile } from './anchor.ts';
import { DayFile, type Durability } from './day-file.ts';
import { dayFileName, dayFiles, tornFiles } from './file-names.ts';
import { AUDIT_LOCK, FolderLock } from './folder-lock.ts';
import { folderCode, folderTrouble } from './folder-trouble.ts';
import { assertOwnFolder, takeOwnFile } from './own-files.ts';
import type { AuditRepair, AuditSink, LineBuilder } from './sink.ts';
import { findTrailEnd } from './trail-end.ts';

export interface FileAuditSinkOptions {
  readonly folder: string;
  /** Seals with HMAC-SHA256 instead of SHA-256. */
  readonly key: KeyObject | undefined;
  readonly durability: Durability;
  /** So much of the disk is kept for the records of orders and cancels, in bytes; nothing unless told. */
  readonly reserveBytes?: number;
}

/** How often the free space is measured, in ms. */
const MEASURE_EVERY_MS = 1_000;

/** How often it is looked whether the anchor is in its place, in ms, where the day's file is. */
const SEE_ANCHOR_EVERY_MS = 1_000;

/** With these the open files are still the right ones: only space is missing. */
const NO_SPACE = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/**
 * Opens the trail of a folder, which is made (0700) when there is none, for this process alone.
 * @throws ProxyError PROXY_AUDIT_UNAVAILABLE when the folder cannot be used or another process uses it
 */
export function createFileAuditSink(options: FileAuditSinkOptions): AuditSink {
  return new FileAuditSink(options);
}

class FileAuditSink implements AuditSink {
  readonly keepsRecords = true;
  readonly #options: FileAuditSinkOptions;
  #head: ChainHead = GENESIS;
  #newest: string | undefined;
  #repairs: readonly AuditRepair[] = [];
  #lock: FolderLock | undefined;
  #anchor: AnchorFile | undefined;
  #file: DayFile | undefined;
  /** Number of the day for which that file was chosen. */
  #day: number | undefined;
  #closed = false;
  #isLow = false;
  #measuredMs = Number.NEGATIVE_INFINITY;
  #anchorSeenMs = Number.NEGATIVE_INFINITY;

  constructor(options: FileAuditSinkOptions) {
    this.#options = options;
    try {
      mkdirSync(options.folder, { recursive: true, mode: 0o700 });
      this.#takeUp();
    } catch (error) {
      this.#letGo();
      if (error instanceof ProxyError) throw error;
      const named = { folder: options.folder, what: 'audit folder', variable: 'BINANCE_PROXY_AUDIT_DIR' };
      const rule = folderCode(error, options.folder);
      const message = folderTrouble(named, error);
      throw new ProxyError('PROXY_AUDIT_UNAVAILABLE', message, { rule, cause: error });
    }
  }

  append(timeMs: number, builds: readonly LineBuilder[]): readonly string[] {
    try {
      const anchor = this.#anchorInPlace();
      const file = this.#fileOf(timeMs);
      const lines: string[] = [];
      let { seq, hash } = this.#head;
      let text = '';
      for (const build of builds) {
        const line = build(++seq);
        const sealed = sealLine(line, hash, this.#options.key);
        lines.push(line);
        text += `${sealed.text}\n`;
        hash = sealed.hash;
      }
      file.append(text);
      // The records are in the file: their numbers are used up, also if the anchor should fail now.
      this.#head = { seq, hash };
      anchor.write({ seq, hash, file: file.name, length: file.length });
      return lines;
    } catch (error) {
      const code = codeOf(error);
      if (!NO_SPACE.has(code)) this.#letGo();
      throw new ProxyError(
        'PROXY_AUDIT_UNAVAILABLE',
        'The audit record could not be written, so nothing was signed or sent.',
        { rule: code, cause: error },
      );
    }
  }

  takeRepairs(): readonly AuditRepair[] {
    const repairs = this.#repairs;
    if (repairs.length > 0) this.#repairs = [];
    return repairs;
  }

  isWritable(): boolean {
    try {
      this.#anchorSeenMs = Number.NEGATIVE_INFINITY;
      this.#anchorInPlace();
      return statfsSync(this.#options.folder).bavail > 0;
    } catch {
      this.#letGo();
      return false;
    }
  }

  /** A disk that cannot be measured is no reason: what cannot be written fails by itself. */
  isLow(): boolean {
    const nowMs = performance.now();
    if (nowMs - this.#measuredMs < MEASURE_EVERY_MS) return this.#isLow;
    this.#measuredMs = nowMs;
    try {
      const { bavail, bsize } = statfsSync(this.#options.folder);
      this.#isLow = bavail * bsize < (this.#options.reserveBytes ?? 0);
    } catch {
      this.#isLow = false;
    }
    return this.#isLow;
  }

  close(): void {
    this.#closed = true;
    this.#letGo();
  }

  /**
   * The folder is not made again when it is gone: below the mount point of a volume that went away a new one would take
   * records that nobody finds.
   */
  #takeUp(): AnchorFile {
    const { folder, key } = this.#options;
    if (this.#closed) throw Object.assign(new Error('the audit trail is closed'), { code: 'EBADF' });
    assertOwnFolder(folder, 'audit folder');
    accessSync(folder, constants.W_OK | constants.X_OK);
    this.#lock = new FolderLock(folder, AUDIT_LOCK);
    restoreModes(folder);
    this.#anchor = new AnchorFile(folder, key);
    const { head, newest, repairs } = findTrailEnd(folder, this.#anchor, this.#head);
    this.#head = head;
    this.#newest = newest;
    this.#repairs = [...this.#repairs, ...repairs];
    return this.#anchor;
  }

  /**
   * The anchor, taken up anew where it or the day's file is in its place no more. A folder that was removed, renamed or
   * hidden shows in the day's file, which is asked for with each record; an anchor that was removed alone is missed within a second.
   */
  #anchorInPlace(): AnchorFile {
    const nowMs = performance.now();
    const anchor = this.#anchor;
    if (anchor !== undefined && this.#file?.isInPlace !== false) {
      if (this.#file !== undefined && nowMs - this.#anchorSeenMs < SEE_ANCHOR_EVERY_MS) return anchor;
      if (anchor.isInPlace) {
        this.#anchorSeenMs = nowMs;
        return anchor;
      }
    }
    this.#letGo();
    return this.#takeUp();
  }

  /** A clock that steps back does not open an older file again: the order of the files is the order of the chain. */
  #fileOf(timeMs: number): DayFile {
    const day = Math.floor(timeMs / DAY_MS);
    if (this.#file !== undefined && this.#day === day) return this.#file;
    this.#day = day;
    const wanted = dayFileName(timeMs);
    const name = this.#newest !== undefined && this.#newest > wanted ? this.#newest : wanted;
    if (this.#file?.name === name) return this.#file;
    const file = new DayFile(this.#options.folder, name, this.#options.durability);
    this.#file?.close();
    this.#file = file;
    this.#newest = name;
    return file;
  }

  #letGo(): void {
    const held = [this.#file, this.#anchor, this.#lock];
    this.#file = undefined;
    this.#anchor = undefined;
    this.#lock = undefined;
    for (const each of held) {
      try {
        each?.close();
      } catch {
        // A file that fails to close is gone all the same; the others must not stay open for it.
      }
    }
  }
}

/** Older files are only read, so one that was put elsewhere and linked to stays as it is. */
function restoreModes(folder: string): void {
  for (const name of [...dayFiles(folder), ...tornFiles(folder)]) {
    const path = join(folder, name);
    if (lstatSync(path).isFile()) takeOwnFile(path);
  }
}

function codeOf(error: unknown): string {
  if (error instanceof ProxyError) return error.rule ?? error.name;
  return (error as NodeJS.ErrnoException).code ?? 'unknown';
}
