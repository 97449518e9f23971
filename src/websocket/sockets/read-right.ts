import type { Client } from '../../core/access/client.ts';
import type { LiveConfig } from '../../pipeline/live-config.ts';

/** Who opened something of an account's own, and under which configuration. */
export interface Reader {
  readonly client: Client;
  readonly config: LiveConfig;
  /** False for who showed no key: a listen key alone says neither which client nor which account it is of. */
  readonly isIdentified: boolean;
}

/**
 * Whether who opened something of an account's own may go on hearing it: Binance goes on sending whatever the
 * configuration becomes, so each new one is asked again. A client needs `read`, its account and the key that it came
 * with. Who came by a listen key alone needs one client that may read, whichever it is.
 */
export class ReadRight {
  readonly #reader: Reader;
  readonly #keyDigest: string | undefined;
  #judged: LiveConfig | undefined;
  #holds = false;

  constructor(reader: Reader) {
    this.#reader = reader;
    this.#keyDigest = keyDigestOf(reader.config, reader.client.name);
  }

  holds(config: LiveConfig): boolean {
    if (config !== this.#judged) {
      this.#judged = config;
      this.#holds = this.#reader.isIdentified ? this.#mayClientRead(config) : mayAnybodyRead(config);
    }
    return this.#holds;
  }

  #mayClientRead(config: LiveConfig): boolean {
    const { name, account } = this.#reader.client;
    const client = config.settings.clients.get(name);
    if (client === undefined || !mayRead(client) || client.account !== account) return false;
    return keyDigestOf(config, name) === this.#keyDigest;
  }
}

function mayAnybodyRead({ settings }: LiveConfig): boolean {
  return settings.anonymousEnabled && settings.clients.values().some(mayRead);
}

function mayRead({ permissions, policyMode }: Client): boolean {
  return permissions.has('read') || policyMode === 'report';
}

/** Undefined where no client has a key: then every caller is the client `default`. */
function keyDigestOf({ settings }: LiveConfig, name: string): string | undefined {
  return settings.clientsByKeyDigest.entries().find(([, client]) => client.name === name)?.[0];
}
