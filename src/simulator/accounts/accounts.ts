import { badKeyFormat, keyRejected } from '../base/exchange-error.ts';
import type { ApiRestrictions, SimulatorAccount } from '../base/options.ts';
import { hmacVerifier, publicKeyVerifier, type Verifier } from './signatures.ts';

/** An account of the exchange with its one key. The secret is kept only inside the verifier. */
export interface Account {
  /** Name in the ledger. */
  readonly owner: string;
  readonly uid: number;
  readonly apiKey: string;
  readonly verifySignature: Verifier;
  restrictions: ApiRestrictions;
}

const KEY_FORMAT = /^[A-Za-z0-9]{64}$/;
const FIRST_UID = 354_937_868;

/** All accounts, found by their key. */
export class Accounts {
  readonly #byKey = new Map<string, Account>();

  /** @throws TypeError when an account has no key material, two kinds of it, or a key twice */
  constructor(specifications: readonly SimulatorAccount[]) {
    for (const specification of specifications) {
      const { apiKey } = specification;
      if (this.#byKey.has(apiKey)) throw new TypeError('two accounts have the same key');
      const position = this.#byKey.size;
      const same = this.find(specification.sameAccountAs);
      this.#byKey.set(apiKey, {
        owner: same?.owner ?? `account-${position}`,
        uid: same?.uid ?? FIRST_UID + position,
        apiKey,
        verifySignature: verifierOf(specification),
        restrictions: { ...defaultRestrictions(), ...specification.restrictions },
      });
    }
  }

  /** Each account once, by its first key. */
  all(): readonly Account[] {
    const owners = new Map<string, Account>();
    for (const account of this.#byKey.values())
      if (!owners.has(account.owner)) owners.set(account.owner, account);
    return [...owners.values()];
  }

  find(apiKey: string | undefined): Account | undefined {
    return apiKey === undefined ? undefined : this.#byKey.get(apiKey);
  }

  /** @throws ExchangeError -2014 for a missing or ill-formed key, -2015 for an unknown one */
  identify(header: string | readonly string[] | undefined): Account {
    const apiKey = typeof header === 'string' ? header : undefined;
    const account = this.find(apiKey);
    if (account !== undefined) return account;
    throw apiKey !== undefined && KEY_FORMAT.test(apiKey) ? keyRejected() : badKeyFormat();
  }
}

function verifierOf({ hmacSecret, publicKeyPem }: SimulatorAccount): Verifier {
  if (hmacSecret !== undefined && publicKeyPem === undefined) return hmacVerifier(hmacSecret);
  if (publicKeyPem !== undefined && hmacSecret === undefined) return publicKeyVerifier(publicKeyPem);
  throw new TypeError('an account needs either hmacSecret or publicKeyPem');
}

function defaultRestrictions(): ApiRestrictions {
  return {
    ipRestrict: true,
    createTime: 1_700_000_000_000,
    enableReading: true,
    enableWithdrawals: false,
    enableInternalTransfer: false,
    enableMargin: true,
    enableFutures: true,
    permitsUniversalTransfer: false,
    enableVanillaOptions: true,
    enableFixApiTrade: false,
    enableFixReadOnly: false,
    enableSpotAndMarginTrading: true,
    enablePortfolioMarginTrading: true,
  };
}
