import { PROXY_CLIENT } from '../core/access/client.ts';
import { readBackOff, type UpstreamAnswer } from '../core/budget/back-off.ts';
import {
  clientFreezeKey,
  hostFreezeKey,
  isClientFreeze,
  isStreamFreeze,
  ordersFreezeKey,
  streamFreezeKey,
} from '../core/budget/buckets.ts';
import { keyAt, readKey } from '../core/budget/egress-keys.ts';
import { membersOf, poolOf } from '../core/budget/shared-pool.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../core/intervals.ts';
import type { Freeze } from './stores/store.ts';
import type { Charged } from './ticket.ts';

const ORDERS_WINDOW_MS = 10 * SECOND_MS;
/** Binance bans for three days at most, and clocks differ. A longer time was misread. The same number stands in budget.lua. */
const LONGEST_MS = 3 * DAY_MS + MINUTE_MS;
const LONGEST_PAUSE_MS = HOUR_MS;
/** Binance bans an address with it, and not what was asked for. */
const BANNED = 418;

interface Pauses {
  /** How many pauses without a Retry-After came before this one in a row. */
  count: number;
  untilMs: number;
}

/** Turns a 429, 418 or 403 into a freeze with an end time, and reports each freeze once. */
export class Freezes {
  /** By the freeze of a host. */
  readonly #pauses = new Map<string, Pauses>();
  readonly #reported = new Map<string, Freeze>();
  readonly #report: (event: 'frozen' | 'thawed', freeze: Freeze) => void;

  constructor(report: (event: 'frozen' | 'thawed', freeze: Freeze) => void) {
    this.#report = report;
  }

  /** The freezes that an answer asks for; none when it has no back-off, or one of orders without an account. */
  learn(charged: Charged, answer: UpstreamAnswer, nowMs: number): readonly Freeze[] {
    const { endpoint, client, account, chargedMs } = charged;
    const { upstream, isStream } = endpoint;
    const at = (key: string) => keyAt(key, charged.egress);
    const host = isStream ? streamFreezeKey(upstream) : hostFreezeKey(upstream);
    const key = at(host);
    const ofClient = at(clientFreezeKey(host, client.name));
    const backOff = readBackOff(answer, nowMs);
    if (backOff === undefined) {
      for (const each of [key, ofClient]) this.#resetPause(each, chargedMs);
      return [];
    }
    const { status } = backOff;
    if (backOff.what === 'orders') {
      if (account === undefined) return [];
      const untilMs = backOff.untilMs ?? windowEnd(nowMs, backOff.windowMs ?? ORDERS_WINDOW_MS);
      return [{ key: ordersFreezeKey(endpoint, account), untilMs: within(untilMs, nowMs), status }];
    }
    // What the proxy itself asks provokes nobody: then the page means everybody.
    if (backOff.what === 'page' && client !== PROXY_CLIENT) {
      const longest = Math.min(
        backOff.untilMs ?? this.#untimed(ofClient, status, nowMs),
        nowMs + LONGEST_PAUSE_MS,
      );
      return [{ key: ofClient, untilMs: within(longest, nowMs), status }];
    }
    const untilMs = within(backOff.untilMs ?? this.#untimed(key, status, nowMs), nowMs);
    const keys =
      status === BANNED
        ? [
            at(hostFreezeKey(upstream)),
            ...membersOf(poolOf(upstream)).map((each) => at(streamFreezeKey(each))),
          ]
        : [key];
    return keys.map((each) => ({ key: each, untilMs, status }));
  }

  /** Reports a freeze that holds, made by this process or by another one. True when it was not known. */
  noticed(freeze: Freeze): boolean {
    if (isToldByHost(freeze)) return false;
    const known = this.#reported.get(freeze.key);
    if (known === undefined) this.#report('frozen', freeze);
    if (known === undefined || known.untilMs < freeze.untilMs) this.#reported.set(freeze.key, freeze);
    if (known === undefined) this.#countPause(freeze);
    return known === undefined;
  }

  /** A pause of a client that another process began is one of the row as well. */
  #countPause({ key, untilMs }: Freeze): void {
    const last = this.#pauses.get(key);
    if (!isClientFreeze(key) || (last !== undefined && last.untilMs >= untilMs)) return;
    this.#pauses.set(key, { count: last === undefined ? 0 : last.count + 1, untilMs });
  }

  /** Reports a freeze that somebody ended before its time. */
  takenAway(key: string): void {
    const known = this.#reported.get(key);
    if (known === undefined) return;
    this.#reported.delete(key);
    this.#report('thawed', known);
  }

  /** Reports the freezes that are over. */
  sweep(nowMs: number): void {
    for (const [key, freeze] of this.#reported) {
      if (freeze.untilMs > nowMs) continue;
      this.#reported.delete(key);
      this.#report('thawed', freeze);
    }
  }

  /** Resets the pause to its first length when the call was charged after the last pause and got no back-off. */
  #resetPause(key: string, chargedMs: number): void {
    const pauses = this.#pauses.get(key);
    if (pauses !== undefined && chargedMs >= pauses.untilMs) this.#pauses.delete(key);
  }

  /** End of a freeze without Retry-After: a 429 ends with its minute; after a 418 or 403 each pause doubles. */
  #untimed(key: string, status: number, nowMs: number): number {
    if (status === 429) return windowEnd(nowMs, MINUTE_MS);
    const last = this.#pauses.get(key);
    // Calls that were under way together get the same refusal; it counts once.
    if (last !== undefined && last.untilMs > nowMs) return last.untilMs;
    const count = last === undefined ? 0 : last.count + 1;
    const first = status === 418 ? 2 * MINUTE_MS : MINUTE_MS;
    const untilMs = nowMs + Math.min(first * 2 ** count, LONGEST_PAUSE_MS);
    this.#pauses.set(key, { count, untilMs });
    return untilMs;
  }
}

/** The ban of an address shuts two hosts and is told once, of the one of REST. */
export function isToldByHost({ key, status }: Freeze): boolean {
  return status === BANNED && isStreamFreeze(readKey(key).key);
}

function windowEnd(nowMs: number, windowMs: number): number {
  return (Math.floor(nowMs / windowMs) + 1) * windowMs;
}

function within(untilMs: number, nowMs: number): number {
  return Math.min(Math.max(untilMs, nowMs + SECOND_MS), nowMs + LONGEST_MS);
}
