import { KEY_QUESTION_PATH } from '../core/budget/key-question.ts';
import { ProxyError } from '../core/errors.ts';
import type { Credential } from '../core/signing/credential.ts';
import { causeOf } from './connections/connection-trouble.ts';
import { readKeyFacts } from './key-switches.ts';
import type { JudgedKey, KeyAnswer, KeyQuestion, KeyVerdicts, PreflightVerdict } from './key-verdicts.ts';

type PreflightMode = 'enforce' | 'warn' | 'off';

/** What a judged key is to its account: the one that signs, one that signs from now on, or one that waits. */
export type KeyRole = 'in force' | 'takes over' | 'waiting';

/** One signed GET of the proxy's own; rejects when no whole answer came. */
export interface AskWithKey {
  get(call: {
    readonly upstream: 'spot';
    readonly target: string;
    readonly account: string;
    readonly credential: Credential;
  }): Promise<{ readonly status: number; readonly text: string }>;
}

export interface KeyQuestionsOptions {
  readonly mode: () => PreflightMode;
  /** The key of each account as it is configured. */
  readonly configured: () => ReadonlyMap<string, Credential>;
  /** The key of each account that signs. */
  readonly inForce: () => ReadonlyMap<string, Credential>;
  /** Puts the configured key of an account in place of the one in force. */
  readonly takeOver: (account: string) => void;
  /** Where keys are asked about. */
  readonly exchange: () => string;
  /** False where the environment has no /sapi, so that a 404 is no reason to wait. */
  readonly hasSapi: () => boolean;
  /** How Binance is asked with the key that the question is about. */
  readonly ownCalls: AskWithKey;
  readonly onVerdict: (account: string, verdict: PreflightVerdict, role: KeyRole) => void;
  /** Nothing is known of a key, for this reason; told once for each reason. */
  readonly onUnanswered: (account: string, keyDigest: string, reason: string) => void;
  /** The pass of a key in force was not renewed and has ended. */
  readonly onOverdue: (account: string) => void;
}

/** A key that is or will be an account's, and what it is known by. */
export interface AccountKey {
  readonly key: JudgedKey;
  readonly credential: Credential;
}

/** Asks about keys, each question signed with the key that it is about, and lets new ones take over. */
export class KeyQuestions {
  readonly #options: KeyQuestionsOptions;
  readonly #verdicts: KeyVerdicts;
  readonly #toldOverdue = new Set<string>();

  constructor(options: KeyQuestionsOptions, verdicts: KeyVerdicts) {
    this.#options = options;
    this.#verdicts = verdicts;
  }

  /** The keys that sign, and the new ones that wait. */
  keys(): AccountKey[] {
    const { configured, inForce, exchange } = this.#options;
    const keys: AccountKey[] = [];
    for (const [account, next] of configured()) {
      const present = inForce().get(account);
      for (const credential of present === undefined || present.keyDigest === next.keyDigest
        ? [next]
        : [present, next]) {
        const { keyDigest } = credential;
        keys.push({ key: { account, keyDigest, exchange: exchange() }, credential });
      }
    }
    return keys;
  }

  readonly isInForce = ({ key }: AccountKey): boolean =>
    this.#options.inForce().get(key.account)?.keyDigest === key.keyDigest;

  async askAll(keys: readonly AccountKey[]): Promise<void> {
    await Promise.all(keys.map((each) => this.#ask(each)));
  }

  tick(): void {
    const keys = this.keys();
    for (const each of keys) {
      const { account } = each.key;
      if (!this.isInForce(each)) continue;
      if (!this.#verdicts.isOverdue(each.key)) this.#toldOverdue.delete(account);
      else if (!this.#toldOverdue.has(account)) {
        this.#toldOverdue.add(account);
        this.#options.onOverdue(account);
      }
    }
    void this.askAll(keys.filter(({ key }) => this.#verdicts.isDue(key)));
  }

  /** What a key may do is judged by the new grants at once; whatever does not sign with a pass is asked about. */
  reload(): void {
    const keys = this.keys();
    this.#verdicts.forgetOthers(keys.map(({ key }) => key));
    for (const each of keys) {
      const before = tellingOf(this.#verdicts.of(each.key));
      this.#verdicts.judgeAgain(each.key);
      const verdict = this.#verdicts.of(each.key);
      if (this.isInForce(each) && tellingOf(verdict) !== before)
        this.#options.onVerdict(each.key.account, verdict, 'in force');
    }
    void this.askAll(keys.filter((each) => !this.isInForce(each) || !this.#mayVouch(each)));
  }

  async #ask({ key, credential }: AccountKey): Promise<void> {
    const hasSapi = this.#options.hasSapi();
    const question = this.#verdicts.ask(key);
    let answer: KeyAnswer;
    try {
      const { status, text } = await this.#options.ownCalls.get({
        upstream: 'spot',
        target: KEY_QUESTION_PATH,
        account: key.account,
        credential,
      });
      if (status !== 200 && (status !== 404 || hasSapi))
        return this.#unanswered(question, `Binance answered ${describe(status, text)}`);
      answer = status === 404 ? 'no-sapi' : readKeyFacts(text);
    } catch (error) {
      const reason = error instanceof ProxyError ? error.message.replace(/\.$/, '') : causeOf(error).what;
      return this.#unanswered(question, reason);
    }
    const before = tellingOf(this.#verdicts.of(key));
    if (this.#verdicts.answered(question, answer)) this.#settle({ key, credential }, before);
  }

  #unanswered(question: KeyQuestion, reason: string): void {
    const { account, keyDigest } = question.key;
    if (this.#verdicts.unanswered(question, reason)) this.#options.onUnanswered(account, keyDigest, reason);
  }

  /** Tells a verdict on a key that is still one of the account's, and lets a new key that may sign take over. */
  #settle(judged: AccountKey, before: string): void {
    const { configured, onVerdict, takeOver, exchange } = this.#options;
    const { account, keyDigest } = judged.key;
    const isInForce = this.isInForce(judged);
    const isConfigured = configured().get(account)?.keyDigest === keyDigest;
    if ((!isInForce && !isConfigured) || judged.key.exchange !== exchange()) return;
    const verdict = this.#verdicts.of(judged.key);
    const takesOver = !isInForce && (this.#mayVouch(judged) || this.#options.mode() !== 'enforce');
    const role = isInForce ? 'in force' : takesOver ? 'takes over' : 'waiting';
    if (takesOver || tellingOf(verdict) !== before || verdict.kind === 'failed')
      onVerdict(account, verdict, role);
    if (takesOver) takeOver(account);
  }

  #mayVouch({ key }: AccountKey): boolean {
    const { kind } = this.#verdicts.of(key);
    return kind === 'passed' || kind === 'skipped';
  }
}

/** What of a verdict is worth a record when it changes. */
function tellingOf(verdict: PreflightVerdict): string {
  const { kind } = verdict;
  return kind === 'passed' || kind === 'failed'
    ? [kind, ...verdict.warnings, ...verdict.notes].join(' ')
    : kind;
}

/** What the codes of refused keys mean; `check` measures more. */
const MEANINGS: Readonly<Record<string, string>> = {
  '-1022': 'the secret or private key is not the one that belongs to this API key',
  '-2014': 'this is not what an API key looks like',
  '-2015':
    'the key is unknown there, or may not read, or this machine’s address is not on its IP list; the command check says more',
};

const NO_SUCH_QUESTION = `HTTP 404 to ${KEY_QUESTION_PATH}: where an exchange has no such path, set keyPreflight (BINANCE_PROXY_KEY_PREFLIGHT) to warn or off`;

function describe(status: number, text: string): string {
  const code = /"code"\s*:\s*(-?\d{1,7})/.exec(text)?.[1];
  if (code === undefined) return status === 404 ? NO_SUCH_QUESTION : `HTTP ${status}`;
  const meaning = MEANINGS[code];
  return `HTTP ${status}, code ${code}${meaning === undefined ? '' : `: ${meaning}`}`;
}
