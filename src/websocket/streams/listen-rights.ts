import { ProxyError } from '../../core/errors.ts';
import type { LiveConfig } from '../../pipeline/live-config.ts';
import type { ReadRight } from '../sockets/read-right.ts';
import type { Readers } from '../sockets/readers.ts';
import { refusalText } from './stream-control.ts';

export interface ListenRightsOptions {
  readonly readers: Pick<Readers, 'rightsToNames'>;
  readonly config: () => LiveConfig;
  /** Told of each SUBSCRIBE that is refused. */
  readonly onRefused: (method: 'SUBSCRIBE', error: ProxyError) => void;
}

/** To which listen keys an app subscribed on a socket that was open already. */
export class ListenRights {
  readonly #options: ListenRightsOptions;
  readonly #rights = new Map<string, ReadRight>();

  constructor(options: ListenRightsOptions) {
    this.#options = options;
  }

  /** False once the right to one of them was taken away. */
  hold(config: LiveConfig): boolean {
    return this.#rights.values().every((right) => right.holds(config));
  }

  /** Takes the rights to the listen keys among names of streams. Returns the JSON text of the error that refuses them. */
  take(names: readonly string[]): string | undefined {
    const { readers, config, onRefused } = this.#options;
    try {
      for (const [key, right] of readers.rightsToNames(names, config())) this.#rights.set(key, right);
      return undefined;
    } catch (error) {
      if (!(error instanceof ProxyError)) throw error;
      onRefused('SUBSCRIBE', error);
      return refusalText(error);
    }
  }
}
