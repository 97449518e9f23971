import { ProxyError } from '../../core/errors.ts';
import { type ControlFrame, invalid, readControl } from '../../core/frames/control-frame.ts';
import type { StreamWish } from '../../core/frames/stream-event.ts';
import type { Feeds } from './feeds-by-way.ts';
import { ListenRights, type ListenRightsOptions } from './listen-rights.ts';
import type { OpenFeed } from './route-feeds.ts';
import {
  type ControlAnswer,
  controlAnswer,
  DONE,
  errorText,
  readControlRequest,
  refusalText,
} from './stream-control.ts';
import type { Listener } from './subscriptions.ts';

/** Among the names may be a listen key, which is no public stream. */
export interface AppStreamsOptions extends ListenRightsOptions {
  readonly wish: StreamWish;
  readonly group: Feeds;
  readonly open: OpenFeed;
}

/** Binance's limit for one connection. */
const MOST_STREAMS = 1_024;

/** The streams that one app listens to, and the answers to its control frames. */
export class AppStreams {
  readonly #options: AppStreamsOptions;
  readonly #listener: Listener;
  readonly #names = new Set<string>();
  #isCombined: boolean;
  readonly #rights: ListenRights;
  #isGone = false;

  constructor(options: AppStreamsOptions, listener: Listener) {
    this.#options = options;
    this.#listener = listener;
    this.#rights = new ListenRights(options);
    this.#isCombined = options.wish.isCombined;
  }

  /** True when events come with the name of their stream around them. */
  get isCombined(): boolean {
    return this.#isCombined;
  }

  /** False once the right to a listen key among its names was taken away. */
  get mayGoOn(): boolean {
    return this.#rights.hold(this.#options.config());
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
    const reading = readControl(text);
    if ('error' in reading) return controlAnswer(reading.id, { error: errorText(reading.error) });
    return controlAnswer(reading.frame.id, await this.#carryOut(reading.frame));
  }

  /** Returns the JSON text of an error, undefined once Binance has accepted every stream. */
  async subscribe(wanted: readonly string[]): Promise<string | undefined> {
    const fresh = [...new Set(wanted)].filter((name) => !this.#names.has(name));
    if (this.#names.size + fresh.length > MOST_STREAMS) {
      return errorText({ ...invalid('too many streams on one connection'), code: 3 });
    }
    if (fresh.length === 0) return undefined;
    const { group, open } = this.#options;
    const refusal = this.#rights.take(fresh);
    if (refusal !== undefined) return refusal;
    for (const name of fresh) this.#names.add(name);
    const error = await new Promise<string | undefined>((resolve, reject) => {
      group.subscribe(this.#listener, fresh, { open, consent: resolve }).catch(reject);
    }).catch((error: unknown) => {
      if (error instanceof ProxyError) return refusalText(error);
      throw error;
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
