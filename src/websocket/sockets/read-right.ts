import type { Client } from '../../core/access/client.ts';
import { mayRead, type ShownClient, shownClient, stillThere } from '../../pipeline/clients/shown-client.ts';
import type { LiveConfig } from '../../pipeline/live-config.ts';

/** Who opened something of an account's own: a client, or whoever had a listen key that says nothing of its client. */
export type Reader = Client | 'unknown';

/**
 * Whether who opened something of an account's own may go on hearing it: Binance goes on sending whatever the
 * configuration becomes, so each new one is asked again. A client needs `read`, its account and the key that it came
 * with. Who came by an unknown listen key alone needs one client that may read, whichever it is.
 */
export class ReadRight {
  readonly #client: ShownClient | undefined;
  #judged: LiveConfig | undefined;
  #holds = false;

  /** @param config under which it was opened */
  constructor(reader: Reader, config: LiveConfig) {
    this.#client = reader === 'unknown' ? undefined : shownClient(config.settings, reader);
  }

  holds(config: LiveConfig): boolean {
    if (config !== this.#judged) {
      this.#judged = config;
      this.#holds = this.#client === undefined ? mayAnybodyRead(config) : mayStillRead(this.#client, config);
    }
    return this.#holds;
  }
}

/** True where an unknown listen key or listen token is taken for what it may be: that of a client that may read. */
export function mayAnybodyRead({ settings }: LiveConfig): boolean {
  return settings.anonymousEnabled && settings.clients.values().some(mayRead);
}

function mayStillRead(shown: ShownClient, { settings }: LiveConfig): boolean {
  const client = stillThere(settings, shown);
  return client !== undefined && mayRead(client);
}
