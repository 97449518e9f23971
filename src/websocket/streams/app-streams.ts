import { ProxyError } from '../../core/errors.ts';
import { namesAccount } from '../../core/frames/socket-target.ts';
import { type ControlFrame, readControl, type StreamWish } from '../../core/frames/stream-event.ts';
import type { LiveConfig } from '../../pipeline/live-config.ts';
import type { ReadRight } from '../sockets/read-right.ts';
import type { Feeds } from './feeds-by-way.ts';
import type { OpenFeed } from './route-feeds.ts';
import { type ControlAnswer, controlAnswer, DONE, errorText, readControlRequest } from './stream-control.ts';
import type { Listener } from './subscriptions.ts';

export interface AppStreamsOptions {
  readonly wish: StreamWish;
  readonly group: Feeds;
  readonly open: OpenFeed;
  readonly config: () => LiveConfig;
  /** For what is no public stream: a listen key among the names. */
  readonly right: ReadRight;
}

/** Binance's limit for one connection. */
const MOST_STREAMS = 1_024;

/** The streams that one app listens to, and the answers to its control frames. */
export class AppStreams {
  readonly #options: AppStreamsOptions;
  readonly #listener: Listener;
  readonly #names = new Set<string>();
  #isCombined: boolean;
  /** True once a listen key was among its names. */
  #isPrivate = false;
  #isGone = false;

  constructor(options: AppStreamsOptions, listener: Listener) {
    this.#options = options;
    this.#listener = listener;
    this.#isCombined = options.wish.isCombined;
  }

  /** True when events come with the name of their stream around them. */
  get isCombined(): boolean {
    return this.#isCombined;
  }

  /** False once the right to a listen key among its names was taken away. */
  get mayGoOn(): boolean {
    const { right, config } = this.#options;
    return !this.#isPrivate || right.holds(config());
  }

  /** True once the app has left. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /**
   * Makes sure that there is a socket to Binance.
   * @throws ProxyError
   */
  join(): Promise<void> {
    return this.#options.group.join(this.#listener, this.#options.open);
  }

  /** Unsubscribes from everything and leaves the feeds. */
  leave(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#options.group.leave(this.#listener, this.#names);
  }

  unsubscribeAll(): void {
    this.#options.group.unsubscribe(this.#listener, this.#names);
  }

  /** The frame that answers a control frame. */
  async answer(text: string): Promise<string> {
    let id = 'null';
    try {
      const frame = readControl(text);
      id = frame.id;
      return controlAnswer(id, await this.#carryOut(frame));
    } catch (error) {
      if (!(error instanceof ProxyError)) throw error;
      return controlAnswer(id, { error: errorText(error.code, error.message) });
    }
  }

  /** Returns the JSON text of an error, undefined once Binance has accepted every stream. */
  async subscribe(wanted: readonly string[]): Promise<string | undefined> {
    const fresh = [...new Set(wanted)].filter((name) => !this.#names.has(name));
    if (this.#names.size + fresh.length > MOST_STREAMS) {
      return errorText(3, 'Invalid request: too many streams on one connection');
    }
    if (fresh.length === 0) return undefined;
    if (fresh.some(namesAccount)) {
      const { right, config } = this.#options;
      if (!right.holds(config()))
        return errorText(2, 'Invalid request: this client lacks the permission read');
      this.#isPrivate = true;
    }
    for (const name of fresh) this.#names.add(name);
    const { group, open } = this.#options;
    const error = await new Promise<string | undefined>((resolve, reject) => {
      group.subscribe(this.#listener, fresh, { open, consent: resolve }).catch(reject);
    }).catch((cause: unknown) => {
      if (cause instanceof ProxyError) return errorText(cause.code, cause.message);
      throw cause;
    });
    if (error !== undefined || this.#isGone) {
      for (const name of fresh) this.#names.delete(name);
      group.unsubscribe(this.#listener, fresh);
    }
    return error;
  }

  async #carryOut(frame: ControlFrame): Promise<ControlAnswer> {
    const request = readControlRequest(frame, { names: this.#names, isCombined: this.#isCombined });
    switch (request.kind) {
      case 'answer':
        return request.answer;
      case 'combine':
        this.#isCombined = request.isCombined;
        return DONE;
      case 'subscribe': {
        const error = await this.subscribe(request.names);
        return error === undefined ? DONE : { error };
      }
      case 'unsubscribe':
        for (const name of request.names) this.#names.delete(name);
        this.#options.group.unsubscribe(this.#listener, request.names);
        return DONE;
    }
  }
}
