import type { AuditTrail } from '../audit/trail.ts';
import type { AccountWatch } from '../config/schema/watching/account-watch.ts';
import { DAY_MS, MINUTE_MS, SECOND_MS } from '../core/intervals.ts';
import type { AuditRecord } from '../core/records/record.ts';
import type { Credential } from '../core/signing/credential.ts';
import { authorityEnd, isoOf } from './key-advice.ts';
import type { KeyJudgement } from './key-switches.ts';
import type { PreflightVerdict } from './key-verdicts.ts';
import { repeat } from './repeat.ts';

/** What is known of the key of an account, by days. */
export interface KeyCareState {
  /** When Binance made it, and how long ago; absent where Binance did not tell. */
  readonly created?: string;
  readonly ageDays?: number;
  readonly maxAgeDays: number;
  /** When an app used it last; absent where none has while this proxy knew it. */
  readonly lastUsed?: string;
  /** Days since then, or since this proxy knows the key. */
  readonly unusedDays: number;
  readonly ipRestrict?: boolean;
  readonly tradingAuthorityEnds?: string;
  readonly switches?: Readonly<Record<string, boolean>>;
  /** Names of the switches that are on and that no client needs. */
  readonly tooMuch?: readonly string[];
}

export interface KeyCareOptions {
  readonly inForce: () => ReadonlyMap<string, Credential>;
  readonly verdicts: () => ReadonlyMap<string, PreflightVerdict>;
  readonly watches: () => ReadonlyMap<string, AccountWatch>;
  readonly trail: Pick<AuditTrail, 'note'>;
  /** ms since the epoch. */
  readonly wallNow: () => number;
}

interface Known {
  readonly sinceMs: number;
  lastUsedMs?: number | undefined;
  toldOldMs?: number | undefined;
  /** The day of the last record of it, counted from the epoch. */
  day?: number;
}

/** Binance deletes a key without IP restriction after 30 days without use. */
const DELETED_AFTER_DAYS = 30;
const TELL_UNUSED_DAYS = 20;
const TELL_OLD_EVERY_DAYS = 7;
/** So many hex digits of a key's digest tell two keys apart. */
const SHOWN_DIGITS = 12;

/**
 * Knows how old the keys in force are and when an app last used each. One record a day and key carries it over restarts,
 * and says so at the first use of a day; what the proxy asks by itself is no use.
 */
export class KeyCare {
  readonly #options: KeyCareOptions;
  readonly #known = new Map<string, Known>();
  readonly #ticking = repeat(async () => {
    this.review();
    return this.#isWaiting() ? SECOND_MS : MINUTE_MS;
  });
  #isRestored = false;

  constructor(options: KeyCareOptions) {
    this.#options = options;
  }

  /** Takes up what earlier runs knew; nothing is written before. */
  restore(records: Iterable<AuditRecord>): void {
    for (const { account, time, detail } of records) {
      if (account === undefined || typeof detail?.key !== 'string') continue;
      const earlier: Known = {
        sinceMs: momentIn(detail.since) ?? Date.parse(time),
        lastUsedMs: momentIn(detail.lastUsed),
        toldOldMs: momentIn(detail.toldOld),
        day: dayOf(Date.parse(time)),
      };
      const present = this.#known.get(`${account} ${detail.key}`);
      if (present?.lastUsedMs !== undefined) earlier.lastUsedMs = present.lastUsedMs;
      this.#known.set(`${account} ${detail.key}`, earlier);
    }
    this.#isRestored = true;
    this.#ticking.start(0);
  }

  /** An app used the key of an account. */
  used(account: string): void {
    const credential = this.#options.inForce().get(account);
    if (credential === undefined) return;
    const known = this.#knownOf(account, credential);
    const nowMs = this.#options.wallNow();
    const isFirst = known.lastUsedMs === undefined || dayOf(known.lastUsedMs) !== dayOf(nowMs);
    known.lastUsedMs = nowMs;
    if (isFirst && this.#isRestored) this.#record(account, credential, known);
  }

  get states(): ReadonlyMap<string, KeyCareState> {
    const states = new Map<string, KeyCareState>();
    for (const [account, credential] of this.#options.inForce())
      states.set(account, this.#stateOf(account, this.#knownOf(account, credential)));
    return states;
  }

  /** Looks at every key: what is due today is told and recorded. */
  review(): void {
    for (const account of this.#options.inForce().keys()) this.#review(account);
  }

  stop(): void {
    this.#ticking.stop();
  }

  /** True while it is not known yet what some key may do. */
  #isWaiting(): boolean {
    return [...this.#options.verdicts().values()].some(({ kind }) => kind === 'pending');
  }

  #review(account: string): void {
    const { inForce, verdicts, wallNow } = this.#options;
    const credential = inForce().get(account);
    // What is still being asked is worth the wait: the record of the day says it then.
    if (credential === undefined || verdicts().get(account)?.kind === 'pending') return;
    const known = this.#knownOf(account, credential);
    const nowMs = wallNow();
    if (known.day !== undefined && known.day >= dayOf(nowMs)) return;
    this.#tell(account, credential, known, nowMs);
    this.#record(account, credential, known);
  }

  #tell(account: string, { keyDigest }: Credential, known: Known, nowMs: number): void {
    const note = (event: 'key.unused' | 'key.old' | 'key.ending', msg: string) =>
      this.#options.trail.note({ event, account, msg, detail: { key: keyDigest.slice(0, SHOWN_DIGITS) } });
    const { ageDays, maxAgeDays, unusedDays, ipRestrict } = this.#stateOf(account, known);
    if (isForgotten({ ipRestrict, unusedDays }))
      note(
        'key.unused',
        `No app has used the key for ${unusedDays} days, and it has no IP restriction: Binance deletes such keys after ${DELETED_AFTER_DAYS}. Restrict it to this machine’s address, use it, or delete it.`,
      );
    const isTold = known.toldOldMs !== undefined && nowMs - known.toldOldMs < TELL_OLD_EVERY_DAYS * DAY_MS;
    if (ageDays !== undefined && ageDays >= maxAgeDays && !isTold) {
      known.toldOldMs = nowMs;
      note(
        'key.old',
        `The key is ${ageDays} days old (keyMaxAgeDays is ${maxAgeDays}): put a new one in its place.`,
      );
    }
    const facts = this.#factsOf(account);
    const ending = facts === undefined ? undefined : authorityEnd(facts, nowMs);
    if (ending !== undefined) note('key.ending', ending);
  }

  #record(account: string, { keyDigest }: Credential, known: Known): void {
    const { switches: _, tooMuch: __, maxAgeDays: ___, ...state } = this.#stateOf(account, known);
    known.day = dayOf(this.#options.wallNow());
    this.#options.trail.note({
      event: 'key.care',
      account,
      detail: {
        key: keyDigest.slice(0, SHOWN_DIGITS),
        since: isoOf(known.sinceMs),
        ...state,
        toldOld: known.toldOldMs === undefined ? undefined : isoOf(known.toldOldMs),
      },
    });
  }

  #stateOf(account: string, { sinceMs, lastUsedMs }: Known): KeyCareState {
    const nowMs = this.#options.wallNow();
    const facts = this.#factsOf(account);
    const { createdMs, authorityEndsMs, switches, tooMuch } = facts ?? {};
    return {
      ...(createdMs === undefined
        ? {}
        : { created: isoOf(createdMs), ageDays: daysBetween(createdMs, nowMs) }),
      maxAgeDays: this.#options.watches().get(account)?.keyMaxAgeDays ?? Number.POSITIVE_INFINITY,
      ...(lastUsedMs === undefined ? {} : { lastUsed: isoOf(lastUsedMs) }),
      unusedDays: daysBetween(lastUsedMs ?? sinceMs, nowMs),
      ...(switches?.ipRestrict === undefined ? {} : { ipRestrict: switches.ipRestrict }),
      ...(authorityEndsMs === undefined ? {} : { tradingAuthorityEnds: isoOf(authorityEndsMs) }),
      ...(switches === undefined ? {} : { switches }),
      ...(tooMuch === undefined ? {} : { tooMuch }),
    };
  }

  #factsOf(account: string): KeyJudgement | undefined {
    const verdict = this.#options.verdicts().get(account);
    return verdict !== undefined && 'switches' in verdict ? verdict : undefined;
  }

  #knownOf(account: string, { keyDigest }: Credential): Known {
    const name = `${account} ${keyDigest.slice(0, SHOWN_DIGITS)}`;
    let known = this.#known.get(name);
    if (known === undefined) {
      known = { sinceMs: this.#options.wallNow() };
      this.#known.set(name, known);
    }
    return known;
  }
}

/** True for a key that Binance deletes soon, because nobody uses it. */
export function isForgotten(key: { ipRestrict?: boolean | undefined; unusedDays: number }): boolean {
  const { ipRestrict, unusedDays } = key;
  return ipRestrict === false && unusedDays >= TELL_UNUSED_DAYS;
}

function dayOf(ms: number): number {
  return Math.floor(ms / DAY_MS);
}

function daysBetween(earlierMs: number, laterMs: number): number {
  return Math.max(0, Math.floor((laterMs - earlierMs) / DAY_MS));
}

function momentIn(value: unknown): number | undefined {
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}
