import type { IncomingHttpHeaders } from 'node:http';
import type { Client } from '../../core/access/client.ts';
import { ProxyError } from '../../core/errors.ts';
import { listenKeyIn } from '../../core/frames/stream-query.ts';
import type { CallContext } from '../../pipeline/call-context.ts';
import { anonymousIn } from '../../pipeline/clients/identify.ts';
import type { KeyHolders } from '../../pipeline/clients/key-holders.ts';
import { mayRead } from '../../pipeline/clients/shown-client.ts';
import type { LiveConfig } from '../../pipeline/live-config.ts';
import type { Stops } from '../../stops/stops.ts';
import { mayAnybodyRead, type Reader, ReadRight } from './read-right.ts';

const NO_READ = 'this client lacks the permission read';

export interface ReadersDeps {
  readonly keyHolders: Pick<KeyHolders, 'holderOf'>;
  readonly stops: Pick<Stops, 'assertMayOpen'>;
}

/** Says who reads by a listen key or listen token on one socket of an app. */
export class Readers {
  /**
   * True when nothing but a key or what a key was needed for opens an account's own: the upgrade had an Origin, and no
   * more than its being the listener's own says that this is no browser.
   */
  readonly mustProve: boolean;
  readonly #keyHolders: ReadersDeps['keyHolders'];
  readonly #stops: ReadersDeps['stops'];
  readonly #identified: Client | undefined;
  readonly #openedUnder: LiveConfig;

  constructor(
    { keyHolders, stops }: ReadersDeps,
    { identified, config }: Pick<CallContext, 'identified' | 'config'>,
    { origin }: IncomingHttpHeaders,
  ) {
    this.#keyHolders = keyHolders;
    this.#stops = stops;
    this.#identified = identified;
    this.#openedUnder = config;
    this.mustProve = origin !== undefined;
  }

  /** Who stands for callers without a key on this socket. */
  anonymous({ settings }: LiveConfig): Client | undefined {
    return this.mustProve ? undefined : anonymousIn(settings);
  }

  /**
   * Whose a listen key or listen token is; undefined when nobody may come by it: its holders are gone, or callers that
   * nobody knows are shut out.
   */
  readerOf(key: string, config: LiveConfig): Reader | undefined {
    const holder = this.#keyHolders.holderOf(key, config.settings);
    if (holder === 'lost') return undefined;
    if (holder !== 'unknown') return holder;
    return this.anonymous(config) === undefined ? undefined : 'unknown';
  }

  /**
   * Whoever a listen key belongs to, nothing of an account's own is opened under a halt.
   * @throws ProxyError PROXY_STOPPED
   */
  assertMayOpen(keys: readonly string[], config: LiveConfig): void {
    for (const key of keys) {
      const reader = this.#identified ?? this.readerOf(key, config);
      const client = reader === 'unknown' ? this.anonymous(config) : reader;
      if (client !== undefined) this.#stops.assertMayOpen(client.name, client.account);
    }
  }

  /**
   * The rights to the listen keys among names of streams, by listen key.
   * @throws ProxyError PROXY_PERMISSION_DENIED when one of them may not be heard, PROXY_STOPPED
   */
  rightsToNames(names: readonly string[], config: LiveConfig): ReadonlyMap<string, ReadRight> {
    const rights = new Map<string, ReadRight>();
    for (const key of names.map(listenKeyIn)) {
      if (key === undefined) continue;
      const right = this.#rightTo(key, config);
      if (right === undefined) throw new ProxyError('PROXY_PERMISSION_DENIED', NO_READ, { rule: 'read' });
      rights.set(key, right);
    }
    this.assertMayOpen([...rights.keys()], config);
    return rights;
  }

  /** The rights to a socket that carries these listen keys from its opening on. */
  rightsTo(keys: readonly string[]): readonly ReadRight[] {
    const config = this.#openedUnder;
    if (this.#identified !== undefined) return [new ReadRight(this.#identified, config)];
    if (keys.length === 0) return [new ReadRight('unknown', config)];
    return keys.map((key) => new ReadRight(this.readerOf(key, config) ?? 'unknown', config));
  }

  /** Undefined where there is none. */
  #rightTo(key: string, config: LiveConfig): ReadRight | undefined {
    if (this.#identified !== undefined) {
      const right = new ReadRight(this.#identified, this.#openedUnder);
      return right.holds(config) ? right : undefined;
    }
    const reader = this.readerOf(key, config);
    if (reader === undefined) return undefined;
    if (reader === 'unknown' ? !mayAnybodyRead(config) : !mayRead(reader)) return undefined;
    return new ReadRight(reader, config);
  }
}
