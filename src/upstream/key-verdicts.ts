import type { Permission } from '../core/catalogue/permission.ts';
import type { KeyFacts } from './key-advice.ts';
import { judgeKey, type KeyJudgement } from './key-switches.ts';

/** What is known of a key: of which one, its digest says. */
export type PreflightVerdict = { readonly keyDigest: string } & (
  | { readonly kind: 'pending'; readonly reason: string }
  | { readonly kind: 'skipped'; readonly reason: string }
  | KeyJudgement
);

/** One key of one account at one exchange: what is judged. */
export interface JudgedKey {
  readonly account: string;
  /** SHA-256 of the API key in hex. */
  readonly keyDigest: string;
  /** Where the key is asked about: a verdict of one exchange says nothing about another. */
  readonly exchange: string;
}

/** What Binance said of a key; `no-sapi` where the exchange has no such question. */
export type KeyAnswer = KeyFacts | 'no-sapi';

/** One question about one key, on its way. */
export interface KeyQuestion {
  readonly key: JudgedKey;
  readonly number: number;
  readonly askedMs: number;
}

export interface KeyVerdictsOptions {
  /** Permissions that at least one client of the account was granted. */
  readonly granted: (account: string) => ReadonlySet<Permission>;
  readonly monotonicNow: () => number;
  /** ms since the epoch, by which the end of a right is judged. */
  readonly wallNow: () => number;
  /** A verdict is asked for again when it is as old as this, in ms. */
  readonly renewMs: number;
  /** A pass that is older than this was not renewed and ends, in ms. */
  readonly lastsMs: number;
}

interface Known {
  verdict: PreflightVerdict;
  answer: KeyAnswer | undefined;
  /** Number and time of the question that was answered; 0 and undefined before the first answer. */
  answeredNumber: number;
  answeredMs: number | undefined;
  /** A question was asked that no answer has come to. */
  isOpen: boolean;
}

/**
 * The verdicts on keys, each under the key that it judged: an answer about one key never counts for another, and the
 * answer to a later question outlasts one that comes late.
 */
export class KeyVerdicts {
  readonly #options: KeyVerdictsOptions;
  readonly #known = new Map<string, Known>();
  #questions = 0;

  constructor(options: KeyVerdictsOptions) {
    this.#options = options;
  }

  of(key: JudgedKey): PreflightVerdict {
    return this.#known.get(nameOf(key))?.verdict ?? unread(key.keyDigest);
  }

  /** True for a pass that was not renewed in time. */
  isOverdue(key: JudgedKey): boolean {
    const known = this.#known.get(nameOf(key));
    return known?.verdict.kind === 'passed' && this.#ageOf(known) > this.#options.lastsMs;
  }

  /** True for a key that was never judged, whose question is open, or whose verdict has to be renewed. */
  isDue(key: JudgedKey): boolean {
    const known = this.#known.get(nameOf(key));
    return known === undefined || known.isOpen || this.#ageOf(known) >= this.#options.renewMs;
  }

  ask(key: JudgedKey): KeyQuestion {
    const name = nameOf(key);
    const known = this.#known.get(name);
    if (known !== undefined) known.isOpen = true;
    else this.#known.set(name, newlyKnown(key));
    return { key, number: ++this.#questions, askedMs: this.#options.monotonicNow() };
  }

  /** Takes an answer; false when a later question was answered before. */
  answered({ key, number, askedMs }: KeyQuestion, answer: KeyAnswer): boolean {
    const known = this.#known.get(nameOf(key));
    if (known === undefined || number <= known.answeredNumber) return false;
    known.answer = answer;
    known.answeredNumber = number;
    known.answeredMs = askedMs;
    known.isOpen = false;
    known.verdict = this.#judge(key, answer);
    return true;
  }

  /**
   * No usable answer came: what was known holds on, and the question stays open.
   * @returns true when this is why nothing is known of the key, and was not known before
   */
  unanswered({ key }: KeyQuestion, reason: string): boolean {
    const known = this.#known.get(nameOf(key));
    if (known?.verdict.kind !== 'pending' || known.verdict.reason === reason) return false;
    known.verdict = { kind: 'pending', keyDigest: key.keyDigest, reason };
    return true;
  }

  /** Judges the last answer anew: what clients were granted may have changed. */
  judgeAgain(key: JudgedKey): void {
    const known = this.#known.get(nameOf(key));
    if (known?.answer !== undefined) known.verdict = this.#judge(key, known.answer);
  }

  /**
   * Lets go of what is known of other keys. What calls that are under way may still be signed with, or what is still
   * being asked, is kept until it has grown old.
   */
  forgetOthers(used: readonly JudgedKey[]): void {
    const names = new Set(used.map(nameOf));
    for (const [name, known] of this.#known) {
      if (!names.has(name) && this.#ageOf(known) > this.#options.lastsMs) this.#known.delete(name);
    }
  }

  #judge({ account, keyDigest }: JudgedKey, answer: KeyAnswer): PreflightVerdict {
    if (answer === 'no-sapi') return { kind: 'skipped', keyDigest, reason: 'this environment has no /sapi' };
    const { granted, wallNow } = this.#options;
    return { ...judgeKey(answer, { granted: granted(account), nowMs: wallNow() }), keyDigest };
  }

  #ageOf({ answeredMs }: Known): number {
    return answeredMs === undefined ? Number.POSITIVE_INFINITY : this.#options.monotonicNow() - answeredMs;
  }
}

function nameOf({ account, keyDigest, exchange }: JudgedKey): string {
  return `${keyDigest} ${exchange} ${account}`;
}

function unread(keyDigest: string): PreflightVerdict {
  return { kind: 'pending', keyDigest, reason: 'the key permissions were not read yet' };
}

function newlyKnown({ keyDigest }: JudgedKey): Known {
  return {
    verdict: unread(keyDigest),
    answer: undefined,
    answeredNumber: 0,
    answeredMs: undefined,
    isOpen: true,
  };
}
