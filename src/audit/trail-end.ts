import { closeSync, constants, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type ChainHead, GENESIS, readSealedLine } from '../core/records/chain.ts';
import type { AnchorFile } from './anchor.ts';
import { dayFiles, tornFileName } from './file-names.ts';
import { openOwnFile } from './own-files.ts';
import type { AuditRepair } from './sink.ts';

/** Where a trail is to be continued. */
export interface TrailEnd {
  readonly head: ChainHead;
  /** Name of the newest day file. */
  readonly newest: string | undefined;
  readonly repairs: readonly AuditRepair[];
}

const LINE_BREAK = 0x0a;
const FIRST_SPAN = 65_536;

/**
 * Finds where the trail of a folder ends. A torn last line is moved to a file of its own. The chain goes on from the
 * farthest record that the file, the anchor or this process (`known`) has seen: records that were cut off stay missing,
 * no restart heals that.
 */
export function findTrailEnd(folder: string, anchor: AnchorFile, known: ChainHead): TrailEnd {
  const names = dayFiles(folder);
  const repairs: AuditRepair[] = [];
  let last: Buffer | undefined;
  let file: string | undefined;
  for (const name of names.toReversed()) {
    const torn = setTornLineAside(folder, name);
    if (torn !== undefined) repairs.push(torn);
    last = readEnd(join(folder, name)).lastLine;
    file = name;
    if (last !== undefined) break;
  }
  const record = last === undefined ? undefined : readSealedLine(last);
  if (last !== undefined && record === undefined && file !== undefined) {
    repairs.push({ reason: 'the last line is no audit record', file });
  }
  if (anchor.isDamaged) repairs.push({ reason: 'the anchor was made with another key, or changed' });
  else if (anchor.found === undefined && last !== undefined)
    repairs.push({ reason: 'the anchor was missing' });
  const anchored = anchor.found?.genuine === true ? anchor.found : GENESIS;
  const inFile = record ?? GENESIS;
  const head = [anchored, known].reduce((far, each) => (each.seq > far.seq ? each : far), inFile);
  if (head.seq > inFile.seq) {
    repairs.push({
      reason: 'records are missing at the end',
      missingFrom: inFile.seq + 1,
      missingTo: head.seq,
    });
  }
  return { head: { seq: head.seq, hash: head.hash }, newest: names.at(-1), repairs };
}

function setTornLineAside(folder: string, name: string): AuditRepair | undefined {
  const path = join(folder, name);
  const end = readEnd(path);
  if (end.tail.length === 0) return undefined;
  const movedTo = tornFileName(folder, name);
  const aside = openSync(join(folder, movedTo), 'wx', 0o600);
  try {
    for (let at = 0; at < end.tail.length; ) at += writeSync(aside, end.tail, at);
  } finally {
    closeSync(aside);
  }
  const fd = openOwnFile(path, constants.O_RDWR);
  try {
    ftruncateSync(fd, end.wholeLength);
  } finally {
    closeSync(fd);
  }
  return { reason: 'the last line was torn', file: name, bytes: end.tail.length, movedTo };
}

interface FileEnd {
  readonly lastLine: Buffer | undefined;
  /** Length in bytes up to and with the last line break. */
  readonly wholeLength: number;
  /** What stands behind it. */
  readonly tail: Buffer;
}

/** Reads backwards until the last whole line is in sight. */
function readEnd(path: string): FileEnd {
  const fd = openOwnFile(path, constants.O_RDONLY);
  try {
    const { size } = fstatSync(fd);
    for (let span = FIRST_SPAN; ; span *= 4) {
      const start = Math.max(0, size - span);
      const bytes = Buffer.alloc(size - start);
      readSync(fd, bytes, 0, bytes.length, start);
      const end = bytes.lastIndexOf(LINE_BREAK);
      const before = end < 1 ? -1 : bytes.lastIndexOf(LINE_BREAK, end - 1);
      if (start > 0 && before === -1) continue;
      return {
        lastLine: end === -1 ? undefined : bytes.subarray(before + 1, end),
        wholeLength: start + end + 1,
        tail: bytes.subarray(end + 1),
      };
    }
  } finally {
    closeSync(fd);
  }
}
