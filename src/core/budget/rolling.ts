import { SECOND_MS } from '../intervals.ts';
import { TAIL_MS } from './budget-time.ts';
import type { ChargeMark } from './window.ts';

/** The count of a rolling window: each call leaves it one window after Binance has counted the call at the latest. */
export interface RollingState {
  /** When the count began, in ms. */
  readonly startedMs: number;
  /** When each call was counted at the latest. Of a call in flight that lies ahead. */
  times: number[];
  /** Calls that another store counted, and when they have left at the latest. */
  seeded: number;
  seededUntilMs: number;
}

/** A call that nobody ends was counted by then: longer than the longest call with its one retry. */
const LONGEST_FLIGHT_MS = 40 * SECOND_MS;

export function emptyRolling(nowMs: number): RollingState {
  return { startedMs: nowMs, times: [], seeded: 0, seededUntilMs: 0 };
}

/** Lets go of the calls that have left the window. */
export function advanceRolling(state: RollingState, nowMs: number, windowMs: number): void {
  if (state.times.some((time) => time + windowMs <= nowMs))
    state.times = state.times.filter((time) => time + windowMs > nowMs);
  if (state.seededUntilMs <= nowMs) state.seeded = 0;
}

export function usedOfRolling({ seeded, times }: RollingState): number {
  return seeded + times.length;
}

/** When all calls of now have left the window, in ms. */
export function rollingEndOf(
  { times, seeded, seededUntilMs, startedMs }: RollingState,
  windowMs: number,
): number {
  const lastMs = Math.max(startedMs, ...times.map((time) => time + windowMs));
  return seeded > 0 ? Math.max(lastMs, seededUntilMs) : lastMs;
}

/** When so many calls have left that `room` more fit below the ceiling, in ms. */
export function roomAt(state: RollingState, room: number, ceiling: number, windowMs: number): number {
  const leaving = usedOfRolling(state) + room - ceiling;
  const time = state.times.toSorted((a, b) => a - b)[leaving - 1];
  return time === undefined ? rollingEndOf(state, windowMs) : time + windowMs;
}

export function addRolling(state: RollingState, weight: number, nowMs: number): ChargeMark {
  const slot = nowMs + LONGEST_FLIGHT_MS;
  for (let i = 0; i < weight; i++) state.times.push(slot);
  return { startedMs: state.startedMs, window: 0, round: 0, slot };
}

/** Ends a charge: it was counted by now, or, of nothing, never was. */
export function settleRolling(
  state: RollingState,
  mark: ChargeMark,
  weight: number,
  counted: number,
  nowMs: number,
): void {
  for (let i = 0; i < weight; i++) {
    const at = mark.startedMs === state.startedMs ? state.times.indexOf(mark.slot) : -1;
    if (at >= 0) state.times.splice(at, 1);
    else if (mark.startedMs === state.startedMs) continue;
    if (i < counted) state.times.push(nowMs + TAIL_MS);
  }
}

/** Counts at least what another store has counted. */
export function seedRolling(state: RollingState, used: number, nowMs: number, windowMs: number): void {
  state.seeded = Math.max(state.seeded, used);
  state.seededUntilMs = nowMs + windowMs;
}
