import type { KeyObject } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { ANONYMOUS, type Client, verifyingKeys } from '../../core/access/client.ts';
import { identifyClient } from '../../pipeline/clients/identify.ts';
import { type ShownClient, shownClient, stillThere } from '../../pipeline/clients/shown-client.ts';
import type { LiveConfig } from '../../pipeline/live-config.ts';

interface Session {
  /** The key that the app showed; undefined when its upgrade already said who it is. */
  readonly apiKey: string | undefined;
  /** The client that logged on, as it was configured then. */
  readonly client: Client;
  /** The issued secret or public key by which the logon's signature was verified; undefined when it had none that counts. */
  readonly signedBy: KeyObject | undefined;
  readonly sinceMs: number;
}

const MOST_KNOWN = 100;

/** Who speaks on a socket: by the key in a frame, by the session that was logged on, or by the header of the upgrade. */
export class SocketIdentity {
  readonly #headers: IncomingHttpHeaders;
  #session: Session | undefined;
  /** What a key came to, for as long as the configuration stays as it is. */
  readonly #known = new Map<string, Client | undefined>();
  /** The clients whose frames were accepted, the last one at the end. */
  #shown: ShownClient[] = [];
  #lastAccepted: Client | undefined;
  #config: LiveConfig | undefined;
  /** When the app connected, ms since the epoch. */
  readonly sinceMs: number;

  constructor(headers: IncomingHttpHeaders, sinceMs: number) {
    this.sinceMs = sinceMs;
    const { 'x-mbx-apikey': key, authorization } = headers;
    this.#headers = {
      ...(key === undefined ? {} : { 'x-mbx-apikey': key }),
      ...(authorization === undefined ? {} : { authorization }),
    };
  }

  get session(): Session | undefined {
    return this.#session;
  }

  logOn(session: Session): void {
    this.#session = session;
  }

  /** True when a logon that this client signed, with a key that it still has, stands for a frame with this key. */
  isProven(client: Client, apiKey: string | undefined): boolean {
    const session = this.#session;
    if (session === undefined || session.client.name !== client.name) return false;
    if (apiKey !== undefined && apiKey !== '' && apiKey !== session.apiKey) return false;
    const { signedBy } = session;
    return signedBy !== undefined && verifyingKeys(client).some((key) => key.equals(signedBy));
  }

  /** Notes whose frame was accepted. */
  accepted(client: Client, { settings }: LiveConfig): void {
    if (client === this.#lastAccepted || client.name === ANONYMOUS) return;
    this.#lastAccepted = client;
    const shown = shownClient(settings, client);
    const others = this.#shown.filter(({ name }) => name !== shown.name);
    this.#shown = [...others, shown].slice(-MOST_KNOWN);
  }

  /** The client that showed itself last, of those that are still there with the same key. */
  lastShown({ settings }: LiveConfig): Client | undefined {
    return this.#shown.map((shown) => stillThere(settings, shown)).findLast((client) => client !== undefined);
  }

  logOut(): void {
    this.#session = undefined;
  }

  /** A key in the frame decides, also when it is wrong. */
  clientFor(config: LiveConfig, apiKey: string | undefined): Client | undefined {
    if (config !== this.#config) {
      this.#config = config;
      this.#known.clear();
    }
    const key = apiKey === undefined || apiKey === '' ? this.#session?.apiKey : apiKey;
    if (this.#known.has(key ?? '')) return this.#known.get(key ?? '');
    const headers = key === undefined ? this.#headers : { 'x-mbx-apikey': key };
    const client = identifyClient(headers, config.settings);
    if (this.#known.size > MOST_KNOWN) this.#known.clear();
    this.#known.set(key ?? '', client);
    return client;
  }
}
