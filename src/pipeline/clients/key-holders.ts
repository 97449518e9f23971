import { hash } from 'node:crypto';
import type { Settings } from '../../config/schema/settings.ts';
import type { Client } from '../../core/access/client.ts';
import type { Endpoint } from '../../core/catalogue/endpoint.ts';
import { RecentMap } from '../../core/recent-map.ts';
import { mayRead, type ShownClient, shownClient, stillThere } from './shown-client.ts';

/**
 * Whose a listen key or listen token is: a client's; `unknown` when this process did not hand it out; `lost` when every
 * client that it was handed to is gone, or has another key by now.
 */
export type Holder = Client | 'unknown' | 'lost';

const MOST_KNOWN = 10_000;
const MOST_HOLDERS = 16;

/**
 * Remembers to which clients the answers of Binance handed out listen keys and listen tokens: who shows one later is
 * known by it, as by a key. Only digests are kept. What a restart or a crowd makes forgotten is unknown again.
 */
export class KeyHolders {
  /** The last one that got it comes last. */
  readonly #holders = new RecentMap<string, ShownClient[]>(MOST_KNOWN);

  /** Notes what the answer to a call handed out, if anything. */
  note(
    { securityType, method }: Endpoint,
    client: Client,
    settings: Settings,
    bodyText: string | undefined,
  ): void {
    if (securityType !== 'USER_STREAM' || method === 'GET' || bodyText === undefined) return;
    const key = handedOut(bodyText);
    if (key === undefined) return;
    const digest = hash('sha256', key);
    const holder = shownClient(settings, client);
    const others = (this.#holders.get(digest) ?? []).filter(
      ({ name, keyDigest }) => name !== holder.name || keyDigest !== holder.keyDigest,
    );
    this.#holders.set(digest, [...others, holder].slice(-MOST_HOLDERS));
  }

  /** Of several clients the last one that may still read. */
  holderOf(key: string, settings: Settings): Holder {
    const holders = this.#holders.get(hash('sha256', key));
    if (holders === undefined) return 'unknown';
    const there = holders.map((shown) => stillThere(settings, shown)).filter((each) => each !== undefined);
    return there.findLast(mayRead) ?? there.at(-1) ?? 'lost';
  }

  /** The account of the first of these keys whose holder is known. */
  accountOf(keys: readonly string[], settings: Settings): string | undefined {
    for (const key of keys) {
      const holder = this.holderOf(key, settings);
      if (typeof holder !== 'string') return holder.account;
    }
    return undefined;
  }
}

function handedOut(bodyText: string): string | undefined {
  try {
    const { listenKey, token } = JSON.parse(bodyText) as Readonly<Record<string, unknown>>;
    return [listenKey, token].find((value) => typeof value === 'string' && value !== '') as
      | string
      | undefined;
  } catch {
    return undefined;
  }
}
