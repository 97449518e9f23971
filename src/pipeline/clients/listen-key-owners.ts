import { hash } from 'node:crypto';
import type { CallContext } from '../call-context.ts';

/** The oldest are forgotten first; Binance lets a listen key live for an hour without use. */
const MOST_KNOWN = 10_000;
const LISTEN_KEY = /"listen(?:Key|Token)"\s*:\s*"([A-Za-z0-9]{40,})"/;
const NAMES = /[A-Za-z0-9]{40,}/g;

/** Which account a listen key is of, for those that were asked for through this proxy; kept as digests. */
export class ListenKeyOwners {
  readonly #accounts = new Map<string, string>();

  /** Notes the listen key that an answer gave out, if it gave one. */
  note({ account, endpoint, method, config }: CallContext, bodyText: string | undefined): void {
    // Where every account leaves by the same way nobody asks.
    if (config.settings.egress.accounts.size === 0 || account === undefined || method === 'GET') return;
    const key = endpoint?.permission === 'read' ? LISTEN_KEY.exec(bodyText ?? '')?.[1] : undefined;
    if (key === undefined) return;
    const digest = hash('sha256', key);
    this.#accounts.delete(digest);
    this.#accounts.set(digest, account);
    if (this.#accounts.size > MOST_KNOWN) this.#accounts.delete(this.#accounts.keys().next().value ?? '');
  }

  /** The account of the first listen key in a text that is known. */
  ownerIn(text: string): string | undefined {
    if (this.#accounts.size === 0) return undefined;
    for (const [name] of text.matchAll(NAMES)) {
      const account = this.#accounts.get(hash('sha256', name));
      if (account !== undefined) return account;
    }
    return undefined;
  }
}
