import { ProxyError } from '../core/errors.ts';
import { HOUR_MS, SECOND_MS } from '../core/intervals.ts';
import { addsNothing, type KnownCall } from '../core/orders/reduces.ts';
import type { Credential } from '../core/signing/credential.ts';
import { type AccountKey, KeyQuestions, type KeyQuestionsOptions } from './key-questions.ts';
import { KeyVerdicts, type KeyVerdictsOptions, type PreflightVerdict } from './key-verdicts.ts';
import { repeat } from './repeat.ts';

type Verdicts = ReadonlyMap<string, PreflightVerdict>;

/** Says whether a key may sign, by what the key itself is allowed to do at Binance. */
export interface KeyGate {
  /**
   * @param use the call that the key would sign; left out, what signs anything at all
   * @throws ProxyError PROXY_NOT_READY while the answer is missing, for good when the key may too much, and for what
   * adds risk when a pass was not renewed
   */
  assertSignable(account: string, credential: Credential | undefined, use?: KnownCall): void;
  /** Asks about every key; with `enforce` one that may too much ends in a failed verdict. */
  check(): Promise<void>;
  /** Judges by a new configuration: new keys are asked about, and take over once they passed. */
  reloaded(): void;
  /** Keeps questions: hourly, and every few seconds for what was not answered. */
  start(): void;
  stop(): void;
  /** By account: the verdicts on the keys that sign. */
  readonly verdicts: Verdicts;
  /** By account: the verdicts on new keys that have not taken over. */
  readonly waiting: Verdicts;
}

export interface KeyGateOptions
  extends KeyQuestionsOptions,
    Pick<KeyVerdictsOptions, 'granted' | 'monotonicNow' | 'wallNow'> {
  /** A verdict is asked for again when it is as old as this, in ms. */
  readonly renewMs?: number;
  /** Until an open question is asked again, in ms. */
  readonly retryMs?: number;
  /** A pass that was not renewed for so long ends, in ms. */
  readonly lastsMs?: number;
}

const OVERDUE =
  'What the key of this account may do could not be read for hours: until it can, only reads, cancels and orders that reduce pass.';

export function createKeyGate(options: KeyGateOptions): KeyGate {
  const { renewMs = HOUR_MS, retryMs = 5 * SECOND_MS, lastsMs = 3 * HOUR_MS } = options;
  const verdicts = new KeyVerdicts({ ...options, renewMs, lastsMs });
  const questions = new KeyQuestions(options, verdicts);
  const ticking = repeat(async () => {
    if (options.mode() !== 'off') questions.tick();
    return retryMs;
  });

  return {
    get verdicts() {
      return verdictsOf(questions.keys().filter(questions.isInForce));
    },
    get waiting() {
      return verdictsOf(questions.keys().filter((each) => !questions.isInForce(each)));
    },
    async check() {
      if (options.mode() !== 'off') await questions.askAll(questions.keys());
    },
    reloaded() {
      if (options.mode() !== 'off') questions.reload();
    },
    start: () => ticking.start(retryMs),
    stop: () => ticking.stop(),
    assertSignable(account, credential, use) {
      if (options.mode() !== 'enforce') return;
      if (credential === undefined) throw notReady('Signing is stopped for this account: it has no key.');
      const key = { account, keyDigest: credential.keyDigest, exchange: options.exchange() };
      const verdict = verdicts.of(key);
      if (verdict.kind === 'failed' || verdict.kind === 'pending') {
        const why = verdict.kind === 'failed' ? verdict.problems.join(' ') : `${verdict.reason}.`;
        throw notReady(`Signing is stopped for this account: ${why}`);
      }
      if (verdicts.isOverdue(key) && (use === undefined || !addsNothing(use))) throw notReady(OVERDUE);
    },
  };

  function verdictsOf(keys: readonly AccountKey[]): Verdicts {
    return new Map(keys.map(({ key }) => [key.account, verdicts.of(key)]));
  }
}

function notReady(message: string): ProxyError {
  return new ProxyError('PROXY_NOT_READY', message, { rule: 'key preflight' });
}
