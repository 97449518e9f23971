import type { RawData } from 'ws';
import { readControl, stringIn } from '../../core/frames/control-frame.ts';
import type { SocketFamily } from '../../core/upstream.ts';
import { PacedQueue } from '../sockets/paced-queue.ts';
import type { ReadRight } from '../sockets/read-right.ts';
import { type PairOptions, type PairOwner, SocketPair } from '../sockets/socket-pair.ts';
import { ListenRights, type ListenRightsOptions } from './listen-rights.ts';
import { shutdownEvent } from './shutdown-event.ts';
import { controlAnswer, errorText } from './stream-control.ts';

export interface OwnStreamOptions extends PairOptions, ListenRightsOptions {
  readonly wallNow: () => number;
  readonly isCombined: boolean;
  /** To what the socket carries from its opening on; none for a stream that is nobody's own. */
  readonly rights: readonly ReadRight[];
}

/** Binance takes 5 messages a second on spot and 10 on futures, pings and pongs included. */
export const PER_SECOND: Readonly<Record<SocketFamily, number>> = { spot: 4, usdm: 8, coinm: 8 };
const MOST_WAITING = 256;

/** One app on a market or user stream: every frame passes as it is, upward no faster than Binance allows. */
export class OwnStream implements PairOwner {
  readonly #options: OwnStreamOptions;
  readonly #pair: SocketPair;
  readonly #pace: PacedQueue<{ readonly data: Buffer; readonly isBinary: boolean }>;
  /** To what was subscribed to later. */
  readonly #later: ListenRights;
  #badFrames = 0;

  constructor(options: OwnStreamOptions) {
    this.#options = options;
    this.#later = new ListenRights(options);
    this.#pace = new PacedQueue({
      perSecond: PER_SECOND[options.family],
      mostWaiting: MOST_WAITING,
      now: options.monotonicNow,
      send: ({ data, isBinary }) => this.#pair.toUpstream.pass(data, isBinary),
    });
    this.#pair = new SocketPair(options, this);
    options.app.once('close', () => this.#pace.stop());
    options.upstream.once('close', () => this.#pace.stop());
  }

  onAppFrame(data: RawData, isBinary: boolean): void {
    if (!this.#pair.isAppOpen) return;
    const refusal = isBinary ? undefined : this.#judge(data.toString());
    if (refusal !== undefined) {
      this.#pair.toApp.pass(refusal, false);
      if (++this.#badFrames >= this.#options.limits.badFramesInARow) this.#pair.cut(1008, 'bad frames');
      return;
    }
    this.#badFrames = 0;
    if (!this.#pace.take({ data: data as Buffer, isBinary })) this.#pair.cut(1008, 'too many frames');
  }

  onUpstreamFrame(data: RawData, isBinary: boolean): void {
    if (this.#mayGoOn()) this.#pair.toApp.pass(data, isBinary);
  }

  onUpstreamGone(): void {}

  isAwaiting(): boolean {
    return false;
  }

  tick(): void {
    this.#mayGoOn();
  }

  onDrain(): void {
    const { wallNow, isCombined } = this.#options;
    this.#pair.toApp.pass(shutdownEvent(wallNow(), isCombined), false);
  }

  /**
   * Judges each listen key that an app subscribes to, as if it stood in the URL. Returns the answer that refuses it. What
   * cannot be read is answered here as well: nobody could say how Binance reads it.
   */
  #judge(text: string): string | undefined {
    const reading = readControl(text);
    if ('error' in reading) return controlAnswer(reading.id, { error: errorText(reading.error) });
    const { id, method, params } = reading.frame;
    if (method !== 'SUBSCRIBE') return undefined;
    const names = params.map(stringIn).filter((name) => name !== undefined);
    const refusal = this.#later.take(names);
    return refusal === undefined ? undefined : controlAnswer(id, { error: refusal });
  }

  /** Ends the stream once a new configuration took the right to it away. */
  #mayGoOn(): boolean {
    const config = this.#options.config();
    const { rights } = this.#options;
    if (this.#later.hold(config) && rights.every((right) => right.holds(config))) return true;
    if (this.#pair.isAppOpen) this.#pair.cut(1008, 'permission withdrawn');
    return false;
  }
}
