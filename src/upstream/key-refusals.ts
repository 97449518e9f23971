import type { AuditTrail } from '../audit/trail.ts';
import { KEY_QUESTION_PATH } from '../core/budget/key-question.ts';
import type { Permission } from '../core/catalogue/permission.ts';
import { DAY_MS } from '../core/intervals.ts';
import type { Credential } from '../core/signing/credential.ts';
import { type KeyFacts, switchFor } from './key-advice.ts';
import { readKeyFacts } from './key-switches.ts';
import type { PreflightVerdict } from './key-verdicts.ts';

/** One signed GET of the proxy's own; rejects when no whole answer came. */
interface AskSigned {
  get(call: {
    readonly upstream: 'spot' | 'usdm';
    readonly target: string;
    readonly account: string;
    readonly credential: Credential;
  }): Promise<{ readonly status: number; readonly text: string }>;
}

export interface KeyRefusalsOptions {
  readonly inForce: () => ReadonlyMap<string, Credential>;
  readonly verdicts: () => ReadonlyMap<string, PreflightVerdict>;
  readonly ask: AskSigned;
  readonly trail: Pick<AuditTrail, 'note'>;
  /** False while nobody is served: what is looked at by hand is explained there. */
  readonly isServing: () => boolean;
  readonly monotonicNow: () => number;
}

/** The record of a call that Binance refused for its key. */
interface RefusedCall {
  readonly account?: string;
  readonly upstream?: string;
  readonly path?: string;
  readonly permission?: Permission;
}

type Why = 'permission' | 'address' | 'deleted' | 'address or deleted' | 'not told';

interface Finding {
  readonly why: Why;
  readonly sentence: string;
  readonly address?: string | undefined;
}

const REFUSED = '"code":-2015';
/** A read whose refusal names the address that it came from. */
const ADDRESS_READ = '/fapi/v3/balance';
const UNKNOWN_KEY = -2008;
const KEY_REFUSED = -2015;

/**
 * Finds out why Binance answered −2015, as far as it can be told, and says it once: for each key and reason, and again
 * after a day.
 */
export class KeyRefusals {
  readonly #options: KeyRefusalsOptions;
  readonly #asking = new Set<string>();
  /** When what was told, in monotonic ms. */
  readonly #told = new Map<string, number>();
  /** The address that Binance last named, by account. */
  readonly #addresses = new Map<string, string>();

  constructor(options: KeyRefusalsOptions) {
    this.#options = options;
  }

  /** Hears of each record; most are none of its business. */
  readonly hear = (event: string, line: string): void => {
    if (event !== 'call.completed' || !line.includes(REFUSED) || !this.#options.isServing()) return;
    const call = JSON.parse(line) as RefusedCall;
    const credential = this.#options.inForce().get(call.account ?? '');
    if (call.account === undefined || credential === undefined || this.#asking.has(call.account)) return;
    void this.#investigate(call.account, credential, call);
  };

  async #investigate(account: string, credential: Credential, call: RefusedCall): Promise<void> {
    const verdict = this.#options.verdicts().get(account);
    const before = verdict !== undefined && 'switches' in verdict ? verdict : undefined;
    const name = `${credential.keyDigest} ${call.permission ?? ''}`;
    const nowMs = this.#options.monotonicNow();
    const toldMs = this.#told.get(name);
    if (toldMs !== undefined && nowMs - toldMs < DAY_MS) return;
    this.#asking.add(account);
    try {
      const { why, sentence, address } = await this.#find(account, credential, call, before);
      if (why !== 'not told') this.#told.set(name, nowMs);
      this.#options.trail.note({
        ...{ event: 'key.refused', account, upstream: call.upstream, path: call.path },
        code: KEY_REFUSED,
        msg: sentence,
        detail: { key: credential.keyDigest.slice(0, 12), why, address },
      });
    } finally {
      this.#asking.delete(account);
    }
  }

  async #find(
    account: string,
    credential: Credential,
    { path, permission }: RefusedCall,
    before: KeyFacts | undefined,
  ): Promise<Finding> {
    const asked = await this.#get('spot', KEY_QUESTION_PATH, account, credential);
    if (asked?.status === 200) return withoutPermission(path, permission, readKeyFacts(asked.text), before);
    const code = asked === undefined ? undefined : codeIn(asked.text);
    if (code === UNKNOWN_KEY) return { why: 'deleted', sentence: 'The key was deleted at Binance.' };
    if (code !== KEY_REFUSED)
      return { why: 'not told', sentence: 'Binance refuses the key, and did not answer why.' };
    const earlier = this.#addresses.get(account);
    const futures = await this.#get('usdm', ADDRESS_READ, account, credential);
    const address = addressIn(asked?.text ?? '') ?? addressIn(futures?.text ?? '');
    if (address !== undefined) this.#addresses.set(account, address);
    return { ...withoutKey(address, earlier, before), address };
  }

  async #get(
    upstream: 'spot' | 'usdm',
    target: string,
    account: string,
    credential: Credential,
  ): Promise<{ readonly status: number; readonly text: string } | undefined> {
    try {
      return await this.#options.ask.get({ upstream, target, account, credential });
    } catch {
      return undefined;
    }
  }
}

/** The key is there and this address may use it: what was called needs something else. */
function withoutPermission(
  path: string | undefined,
  permission: Permission | undefined,
  { switches }: KeyFacts,
  before: KeyFacts | undefined,
): Finding {
  const needed = permission === undefined ? undefined : switchFor(permission);
  const begin = `Binance takes the key from this address, but not for ${path}:`;
  if (needed === undefined || switches[needed.name] !== false)
    return {
      why: 'permission',
      sentence: `${begin} its switches are on, so look at the products and the symbols that the key is opened for.`,
    };
  const was = before?.switches[needed.name] === true ? ', and was on before' : '';
  return {
    why: 'permission',
    sentence: `${begin} "${needed.label}" (${needed.name}) is off${was}. Switch it on at Binance, or take ${permission} away here.`,
  };
}

/** The key is not taken for anything. */
function withoutKey(
  address: string | undefined,
  earlier: string | undefined,
  before: KeyFacts | undefined,
): Omit<Finding, 'address'> {
  const seen = address === undefined ? '' : ` Binance sees this machine as ${address}.`;
  if (before?.switches.ipRestrict === false)
    return {
      why: 'deleted',
      sentence: `The key is not taken any more, and it had no IP restriction: it was deleted at Binance, by hand or for not being used.${seen}`,
    };
  if (address !== undefined && earlier !== undefined && address !== earlier)
    return {
      why: 'address',
      sentence: `The address of this machine has changed from ${earlier} to ${address}: put it on the IP list of the key.`,
    };
  return {
    why: 'address or deleted',
    sentence: `The key is not taken any more: the address of this machine has changed and is not on its IP list, or it was deleted at Binance.${seen}`,
  };
}

/** The address that a refusal of the futures hosts names. */
export function addressIn(text: string): string | undefined {
  return /request ip: ?([0-9A-Fa-f.:]{3,45})/.exec(text)?.[1];
}

function codeIn(text: string): number | undefined {
  const code = /"code"\s*:\s*(-?\d{1,7})/.exec(text)?.[1];
  return code === undefined ? undefined : Number(code);
}
