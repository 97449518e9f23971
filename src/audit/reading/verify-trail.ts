import type { KeyObject } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { auditKeyId } from '../../core/records/chain.ts';
import { ChainCheck } from '../../core/records/chain-check.ts';
import { ANCHOR_FILE, type Anchor, readAnchor } from '../anchor.ts';
import { dayOfFile, tornFiles } from '../file-names.ts';
import { readLines } from './read-lines.ts';
import type { TrailPaths } from './trail-paths.ts';

export interface VerifyOptions {
  /** Keys in the order of their use; empty for a trail without a key. */
  readonly keys: readonly KeyObject[];
  /** Number of the first record of a whole folder; 1 unless older files were archived. */
  readonly firstSeq: number;
}

/** The first problem of a trail. */
interface TrailProblem {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly message: string;
}

export interface TrailVerdict {
  readonly problem: TrailProblem | undefined;
  readonly files: number;
  readonly records: number;
  readonly firstSeq: number | undefined;
  readonly lastSeq: number | undefined;
  /** What the verdict does not cover, and which torn lines were set aside. */
  readonly notes: readonly string[];
}

/** Checks a trail from its first line to its anchor, and finds the first problem. */
export function verifyTrail(trail: TrailPaths, options: VerifyOptions): TrailVerdict {
  const steps = verifySteps(trail, options);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** The same in steps, one for each line: it yields the bytes that were read with it. */
export function* verifySteps(
  trail: TrailPaths,
  options: VerifyOptions,
): Generator<number, TrailVerdict, void> {
  // The anchor is read first: it may be older than the file of a running proxy, never newer.
  const anchor = findAnchor(trail, options.keys);
  const check = new ChainCheck({
    keys: options.keys,
    firstSeq: trail.isWhole ? options.firstSeq : undefined,
    anchored: anchor?.genuine === true ? anchor : undefined,
  });
  let records = 0;
  let end: Place = { file: trail.folder, line: 0 };
  const verdict = (problem: TrailProblem | undefined): TrailVerdict => ({
    problem,
    files: trail.names.length,
    records,
    firstSeq: check.first,
    lastSeq: check.head?.seq,
    notes: notesOn(trail, anchor, check),
  });
  const keyProblem = wrongKey(trail, anchor, options.keys);
  if (keyProblem !== undefined) return verdict(keyProblem);
  for (const name of trail.names) {
    const file = join(trail.folder, name);
    end = { file, line: 0 };
    for (const { number, bytes, isWhole } of readLines(file)) {
      end = { file, line: number };
      const message = isWhole
        ? check.next(bytes, dayOfFile(name), number === 1)
        : 'this last line is cut: it has no line break';
      if (message !== undefined) return verdict({ ...end, message });
      records++;
      yield bytes.length + 1;
    }
  }
  return verdict(wrongEnd(trail, anchor, check, end));
}

interface Place {
  readonly file: string;
  readonly line: number;
}

/** The anchor of a folder. For single files it counts only when it names one of them. */
function findAnchor(trail: TrailPaths, keys: readonly KeyObject[]): Anchor | undefined {
  const candidates = keys.length === 0 ? [undefined] : keys;
  const anchors = candidates.map((key) => readAnchor(trail.folder, key));
  const anchor = anchors.find((one) => one?.genuine === true) ?? anchors[0];
  if (anchor === undefined || trail.isWhole || trail.names.includes(anchor.file)) return anchor;
  return undefined;
}

function wrongKey(
  trail: TrailPaths,
  anchor: Anchor | undefined,
  keys: readonly KeyObject[],
): TrailProblem | undefined {
  if (anchor === undefined || anchor.genuine) return undefined;
  const place = { file: join(trail.folder, ANCHOR_FILE), line: 1 };
  if (keys.length === 0 && anchor.keyId !== auditKeyId(undefined)) {
    return { ...place, message: 'the trail is sealed with a key: name its file with --key-file' };
  }
  if (keys.length > 0 && !keys.some((key) => auditKeyId(key) === anchor.keyId)) {
    const made = anchor.keyId === auditKeyId(undefined) ? 'without a key' : 'with another key';
    return { ...place, message: `the anchor was made ${made}` };
  }
  return undefined;
}

function wrongEnd(
  trail: TrailPaths,
  anchor: Anchor | undefined,
  check: ChainCheck,
  end: Place,
): TrailProblem | undefined {
  if (anchor === undefined) {
    if (!trail.isWhole) return undefined;
    const file = join(trail.folder, ANCHOR_FILE);
    const isThere = existsSync(file);
    if (trail.names.length === 0 && !isThere) {
      return { file: trail.folder, line: 0, message: 'there is no audit trail here' };
    }
    const message = isThere
      ? 'the anchor cannot be read'
      : 'the anchor is missing: a cut tail could not be told';
    return { file, line: 1, message };
  }
  if (!anchor.genuine) {
    return { file: join(trail.folder, ANCHOR_FILE), line: 1, message: 'the anchor was changed' };
  }
  const lastSeq = check.head?.seq ?? 0;
  if (lastSeq >= anchor.seq) return undefined;
  const missing = `records ${lastSeq + 1} to ${anchor.seq}`;
  if (!trail.names.includes(anchor.file)) {
    const file = join(trail.folder, anchor.file);
    return { file, line: 1, message: `the file that the anchor names is missing, with ${missing}` };
  }
  return { file: end.file, line: end.line + 1, message: `the tail was cut: ${missing} are missing` };
}

function notesOn(trail: TrailPaths, anchor: Anchor | undefined, check: ChainCheck): string[] {
  const notes: string[] = [];
  if (anchor === undefined && !trail.isWhole) {
    notes.push('no anchor names these files: a tail cut off the last one could not be told');
  }
  if (!trail.isWhole && check.first !== undefined && check.first > 1) {
    notes.push(`what came before record ${check.first} was not looked at`);
  }
  const torn = trail.isWhole ? tornFiles(trail.folder) : [];
  if (torn.length > 0) notes.push(`torn lines that were set aside: ${torn.join(', ')}`);
  return notes;
}
