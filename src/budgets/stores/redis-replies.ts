import type { Bucket, CallCharge } from '../../core/budget/buckets.ts';
import type { ChargeMark } from '../../core/budget/window.ts';
import type { Attendance } from './membership.ts';
import type { BucketUse, ChargeOutcome, Freeze } from './store.ts';

/** The outcome, and the use of the buckets after it; empty when a key was frozen. */
export interface SharedCharge {
  /** Without one nothing was charged, because this process holds no lease. */
  readonly outcome: ChargeOutcome | 'outside';
  readonly uses: readonly BucketUse[];
}

/** What is known of a bucket that this process has not used itself. */
export type ForeignUse = Pick<BucketUse, 'used' | 'reported' | 'untilMs'>;

export interface SharedLook {
  readonly attendance: Attendance;
  readonly freezes: readonly Freeze[];
  readonly uses: readonly BucketUse[];
  /** By the key that bears its bucket in the store; undefined unless asked for. */
  readonly all: ReadonlyMap<string, ForeignUse> | undefined;
}

type Numbers = readonly number[];
type ChargeReply = readonly [
  kind: ChargeOutcome['kind'] | 'outside',
  /** Counted from 1, as Lua does. */
  index: number,
  untilMs: number,
  ...rest: readonly unknown[],
];

/** Reads what the script answers to a charge. */
export function readCharge({ charges, freezeKeys }: CallCharge, reply: unknown): SharedCharge {
  const [kind, index, untilMs, ...rest] = reply as ChargeReply;
  if (kind === 'outside') return { outcome: kind, uses: [] };
  if (kind === 'frozen') {
    const freeze = { key: freezeKeys[index - 1] ?? '', untilMs, status: Number(rest[0]) };
    return { outcome: { kind, freeze }, uses: [] };
  }
  const marks: ChargeMark[] = [];
  const uses: BucketUse[] = [];
  charges.forEach(({ bucket }, i) => {
    const [window = 0, round = 0, slot = 0, startedMs = 0, used = 0, reported = 0, endMs = 0] = rest[
      i
    ] as Numbers;
    marks.push({ startedMs, window, round, slot });
    uses.push({ bucket, startedMs, used, reported, untilMs: endMs });
  });
  if (kind === 'charged') return { outcome: { kind, receipt: { charges, marks } }, uses };
  const full = charges[index - 1];
  if (full === undefined) throw new Error('the script named a bucket that was not asked for');
  return { outcome: { kind, bucket: full.bucket, untilMs }, uses };
}

/** The first row of a look. */
export function readAttendance(reply: unknown): Attendance {
  const [row] = reply as readonly [readonly [number, number, number, string]];
  const [atMs, neighbours, all, memory] = row;
  return { atMs, neighbours, all, memory };
}

/** The rows of a look behind the first: freezes, then buckets. */
export function readLook(
  reply: unknown,
  freezeKeys: readonly string[],
  buckets: readonly Bucket[],
): Pick<SharedLook, 'freezes' | 'uses'> {
  const rows = (reply as readonly Numbers[]).slice(1);
  const freezes: Freeze[] = [];
  freezeKeys.forEach((key, i) => {
    const [untilMs = 0, status = 0] = rows[i] ?? [];
    if (untilMs > 0) freezes.push({ key, untilMs, status });
  });
  const uses = buckets.map((bucket, i) => {
    const [untilMs = 0, startedMs = 0, used = 0, reported = 0] = rows[freezeKeys.length + i] ?? [];
    return { bucket, startedMs, used, reported, untilMs };
  });
  return { freezes, uses };
}

/** The last row of a look. */
export function readAll(reply: unknown): ReadonlyMap<string, ForeignUse> {
  const rows = ((reply as readonly unknown[]).at(-1) ?? []) as readonly ForeignRow[];
  return new Map(rows.map(([key, used, reported, untilMs]) => [key, { used, reported, untilMs }]));
}

type ForeignRow = readonly [key: string, used: number, reported: number, untilMs: number];
