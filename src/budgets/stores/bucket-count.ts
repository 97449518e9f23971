import { type Bucket, countingOf } from '../../core/budget/buckets.ts';
import {
  addRolling,
  advanceRolling,
  emptyRolling,
  type RollingState,
  rollingEndOf,
  roomAt,
  seedRolling,
  settleRolling,
  usedOfRolling,
} from '../../core/budget/rolling.ts';
import {
  addCharge,
  advance,
  type BucketState,
  type ChargeEnding,
  type ChargeMark,
  emptyBucket,
  reconcile,
  refund,
  usedOf,
  windowEndOf,
} from '../../core/budget/window.ts';
import type { BucketUse } from './store.ts';

/** The count of one bucket in this process, in a fixed window or in a rolling one. It is brought to the present first. */
export interface BucketCount {
  bucket: Bucket;
  readonly state: BucketState | RollingState;
}

export function newCount(bucket: Bucket, nowMs: number): BucketCount {
  const counting = countingOf(bucket);
  const isPooled = counting === 'pooled';
  return {
    bucket,
    state: counting === 'rolling' ? emptyRolling(nowMs) : emptyBucket(nowMs, bucket.windowMs, isPooled),
  };
}

export function bringToPresent({ bucket, state }: BucketCount, nowMs: number): void {
  if (isRolling(state)) advanceRolling(state, nowMs, bucket.windowMs);
  else advance(state, nowMs, bucket.windowMs);
}

export function usedIn({ state }: BucketCount): number {
  return isRolling(state) ? usedOfRolling(state) : usedOf(state);
}

/** When a weight that does not fit below the ceiling is worth another try, in ms. */
export function freeAgainAt({ bucket, state }: BucketCount, weight: number, ceiling: number): number {
  return isRolling(state)
    ? roomAt(state, weight, ceiling, bucket.windowMs)
    : windowEndOf(state, bucket.windowMs);
}

export function take({ state }: BucketCount, weight: number, nowMs: number): ChargeMark {
  return isRolling(state) ? addRolling(state, weight, nowMs) : addCharge(state, weight);
}

/** Ends a charge that was sent. */
export function settle(
  { bucket, state }: BucketCount,
  { mark, weight, ending }: { mark: ChargeMark; weight: number; ending: ChargeEnding },
  nowMs: number,
): void {
  if (isRolling(state)) settleRolling(state, mark, weight, ending.counted, nowMs);
  else {
    const lowers = countingOf(bucket) === 'falling';
    reconcile(state, { mark, weight, ending, windowMs: bucket.windowMs, lowers }, nowMs);
  }
}

/** Takes a charge out as if it had never been made. */
export function giveBack({ state }: BucketCount, mark: ChargeMark, weight: number, nowMs: number): void {
  if (isRolling(state)) settleRolling(state, mark, weight, 0, nowMs);
  else refund(state, mark, weight);
}

/** Counts at least what another store has counted. */
export function seedCount({ bucket, state }: BucketCount, used: number, nowMs: number): void {
  if (isRolling(state)) seedRolling(state, used, nowMs, bucket.windowMs);
  else {
    state.reported = Math.max(state.reported, used);
    if (state.own !== undefined) state.own = Math.max(state.own, used);
  }
}

/** Takes a charge that the seed contains out of it again. `window` is the one in which it was charged. */
export function takeFromSeed({ state }: BucketCount, weight: number, window: number | undefined): void {
  if (isRolling(state)) state.seeded = Math.max(0, state.seeded - weight);
  else if (window === state.window) {
    state.reported -= weight;
    if (state.own !== undefined) state.own -= weight;
  }
}

export function useOf(count: BucketCount): BucketUse {
  const { bucket, state } = count;
  const common = { bucket, startedMs: state.startedMs, used: usedIn(count) };
  return isRolling(state)
    ? { ...common, reported: state.seeded, untilMs: rollingEndOf(state, bucket.windowMs) }
    : { ...common, reported: state.reported, untilMs: windowEndOf(state, bucket.windowMs) };
}

function isRolling(state: BucketState | RollingState): state is RollingState {
  return 'times' in state;
}
