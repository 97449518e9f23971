import { SECOND_MS } from '../intervals.ts';
import { TAIL_MS } from './budget-time.ts';

/**
 * The count of one bucket: what Binance has reported, plus every charge that the report may not contain. It is an
 * upper bound of Binance's own counter, as far as this budget can know it.
 * A report contains every charge that was answered before the reported call was charged. All other charges are added
 * until a later report is known to contain them. Rounds tell that: a call's report ends the round it was charged in.
 */
export interface BucketState {
  /** When the count began, in ms. A charge of an older, lost count is not taken out of this one. */
  readonly startedMs: number;
  /** Index of the fixed window since the epoch. */
  window: number;
  /** What was used when the last window ended. It counts again when the clock is set back. */
  previous: number;
  /** The report of Binance that is in use. */
  reported: number;
  /** The highest report of this round. */
  highestReport: number;
  round: number;
  /** Weight of calls that were answered without a report since the round began. */
  unreported: number;
  /** The same for the round before. The report that ends the present round contains it. */
  unreportedBefore: number;
  /** Weight that was answered so near to the end of the window that Binance may have counted it in the next one. */
  nearTheEnd: number;
  /**
   * All weight that was answered in this window, reported or not, where several hosts report: what one of them says may
   * leave out what another was just sent. Undefined where one host counts.
   */
  own: number | undefined;
  /** The newest slot of the ring below. */
  slot: number;
  /** Weight in flight, by the slot in which it was charged. A charge that nobody ends expires with its slot. */
  readonly inFlight: [number, number, number, number];
}

/** When a charge was made: the count, window, round and slot of its bucket. */
export interface ChargeMark {
  readonly startedMs: number;
  readonly window: number;
  readonly round: number;
  readonly slot: number;
}

/** How the charge of one bucket ended. */
export interface ChargeEnding {
  /** What Binance counts for the call as far as is known: the charge, or 0 where it was refunded. */
  readonly counted: number;
  /** Binance's counter after the call; undefined where it said nothing. */
  readonly reported: number | undefined;
}

/** A charge that nobody ends expires after three to four slots: longer than the longest call with its one retry. */
const SLOT_MS = 10 * SECOND_MS;
const SLOTS = 4;
/** A clock that is set back by less keeps the bucket in the later window. */
const STEP_BACK_MS = SECOND_MS;
/** Slots this far ahead of the clock mean that the clock was set back. */
const SLOTS_AHEAD = 6;

/**
 * A bucket without charges that begins now; both times in ms.
 * @param countsOwn whether several hosts report of it, so that no report stands for all that was sent
 */
export function emptyBucket(nowMs: number, windowMs: number, countsOwn = false): BucketState {
  return {
    startedMs: nowMs,
    window: Math.floor(nowMs / windowMs),
    previous: 0,
    reported: 0,
    highestReport: 0,
    round: 0,
    unreported: 0,
    unreportedBefore: 0,
    nearTheEnd: 0,
    own: countsOwn ? 0 : undefined,
    slot: Math.floor(nowMs / SLOT_MS),
    inFlight: [0, 0, 0, 0],
  };
}

/** Upper bound of what is used in the present window of the bucket. */
export function usedOf(state: BucketState): number {
  const answered = state.reported + state.unreported + state.unreportedBefore;
  return (state.own === undefined ? answered : Math.max(answered, state.own)) + inFlightOf(state);
}

/** Weight of the charges in flight. */
export function inFlightOf({ inFlight }: BucketState): number {
  return inFlight[0] + inFlight[1] + inFlight[2] + inFlight[3];
}

/** End of the present window of the bucket, in ms since the epoch. */
export function windowEndOf(state: BucketState, windowMs: number): number {
  return (state.window + 1) * windowMs;
}

/** Brings a bucket to the present: slots expire, the window turns, and a clock that was set back is followed. */
export function advance(state: BucketState, nowMs: number, windowMs: number): void {
  const slot = Math.floor(nowMs / SLOT_MS);
  if (slot > state.slot) expireSlots(state, slot);
  else if (slot < state.slot - SLOTS_AHEAD) rewindSlots(state, slot);
  const window = Math.floor(nowMs / windowMs);
  if (window > state.window) turn(state, window);
  else if (window < state.window && nowMs < state.window * windowMs - STEP_BACK_MS) {
    addUnreported(state, state.previous);
    state.previous = 0;
    state.window = window;
  }
}

/** Adds a charge in flight. The bucket must have been advanced. */
export function addCharge(state: BucketState, weight: number): ChargeMark {
  addInFlight(state, state.slot, weight);
  return { startedMs: state.startedMs, window: state.window, round: state.round, slot: state.slot };
}

/** Takes a charge out as if it had never been made: nothing was sent. */
export function refund(state: BucketState, mark: ChargeMark, weight: number): void {
  if (isAlive(state, mark)) addInFlight(state, mark.slot, -weight);
}

/** A charge that was sent, and how it ended. */
export interface SentCharge {
  readonly mark: ChargeMark;
  readonly weight: number;
  readonly ending: ChargeEnding;
  /** Length of the bucket's window in ms. */
  readonly windowMs: number;
  /** Whether a newer report that is lower is believed: order counts fall with fills, weights never fall. */
  readonly lowers: boolean;
}

/**
 * Ends a charge that was sent. A charge of an earlier window may have been counted in this one, so it stays. Its report
 * is not used, because it is a count of one of the two windows.
 */
export function reconcile(state: BucketState, charge: SentCharge, nowMs: number): void {
  const { mark, weight, ending } = charge;
  const alive = isAlive(state, mark);
  if (alive) addInFlight(state, mark.slot, -weight);
  if (nowMs >= windowEndOf(state, charge.windowMs) - TAIL_MS) state.nearTheEnd += ending.counted;
  if (mark.window !== state.window || mark.startedMs !== state.startedMs) {
    addUnreported(state, ending.counted);
    return;
  }
  if (ending.reported === undefined) {
    if (alive) addUnreported(state, ending.counted);
    return;
  }
  if (alive && state.own !== undefined) state.own += ending.counted;
  report(state, charge, ending.reported);
}

function addUnreported(state: BucketState, weight: number): void {
  state.unreported += weight;
  if (state.own !== undefined) state.own += weight;
}

function report(state: BucketState, { mark, lowers }: SentCharge, reported: number): void {
  if (reported > state.reported) state.reported = reported;
  if (reported > state.highestReport) state.highestReport = reported;
  if (mark.round !== state.round) return;
  if (lowers) state.reported = state.highestReport;
  state.highestReport = 0;
  state.unreportedBefore = state.unreported;
  state.unreported = 0;
  state.round++;
}

function turn(state: BucketState, window: number): void {
  const follows = window === state.window + 1;
  state.previous = follows ? usedOf(state) : 0;
  state.reported = 0;
  state.highestReport = 0;
  state.unreported = 0;
  state.unreportedBefore = follows ? state.nearTheEnd : 0;
  if (state.own !== undefined) state.own = state.unreportedBefore;
  state.nearTheEnd = 0;
  state.round++;
  state.window = window;
}

/** Takes charges that nobody ended out of the flight. Binance has most likely counted them. */
function expireSlots(state: BucketState, slot: number): void {
  const last = Math.min(slot, state.slot + SLOTS);
  for (let at = state.slot + 1; at <= last; at++) {
    const index = at % SLOTS;
    addUnreported(state, state.inFlight[index] ?? 0);
    state.inFlight[index] = 0;
  }
  state.slot = slot;
}

function rewindSlots(state: BucketState, slot: number): void {
  const sum = inFlightOf(state);
  state.inFlight.fill(0);
  state.inFlight[slot % SLOTS] = sum;
  state.slot = slot;
}

function isAlive(state: BucketState, mark: ChargeMark): boolean {
  return mark.startedMs === state.startedMs && mark.slot > state.slot - SLOTS && mark.slot <= state.slot;
}

/** Never falls below zero: after a jump of the clock a charge may end that has expired before. */
function addInFlight(state: BucketState, slot: number, weight: number): void {
  const index = slot % SLOTS;
  state.inFlight[index] = Math.max(0, (state.inFlight[index] ?? 0) + weight);
}
