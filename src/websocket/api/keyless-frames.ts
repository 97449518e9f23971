import { ANONYMOUS, type Client } from '../../core/access/client.ts';
import { tooManyUnanswered } from './bad-frames.ts';

/** The frames of one socket that came without a key and have no answer yet. */
export class KeylessFrames {
  readonly #most: number;
  #waiting = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /**
   * Counts one more until what is returned is disposed of; undefined of a frame with a key.
   * @throws ProxyError PROXY_CLIENT_RATE_LIMITED
   */
  begin({ name }: Client): Disposable | undefined {
    if (name !== ANONYMOUS) return undefined;
    if (this.#waiting >= this.#most) throw tooManyUnanswered();
    this.#waiting++;
    return { [Symbol.dispose]: () => void this.#waiting-- };
  }
}
