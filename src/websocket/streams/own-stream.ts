import type { RawData } from 'ws';
import type { SocketFamily } from '../../core/upstream.ts';
import type { LiveConfig } from '../../pipeline/live-config.ts';
import { PacedQueue } from '../sockets/paced-queue.ts';
import type { ReadRight } from '../sockets/read-right.ts';
import { type PairOptions, type PairOwner, SocketPair } from '../sockets/socket-pair.ts';

export interface OwnStreamOptions extends PairOptions {
  readonly family: SocketFamily;
  readonly config: () => LiveConfig;
  /** Undefined for a stream that is nobody's own. */
  readonly right: ReadRight | undefined;
}

/** Binance takes 5 messages a second on spot and 10 on futures, pings and pongs included. */
export const PER_SECOND: Readonly<Record<SocketFamily, number>> = { spot: 4, usdm: 8, coinm: 8 };
const MOST_WAITING = 256;

/** One app on a market or user stream: every frame passes as it is, upward no faster than Binance allows. */
export class OwnStream implements PairOwner {
  readonly #options: OwnStreamOptions;
  readonly #pair: SocketPair;
  readonly #pace: PacedQueue<{ readonly data: Buffer; readonly isBinary: boolean }>;

  constructor(options: OwnStreamOptions) {
    this.#options = options;
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

  onDrain(): void {}

  /** Ends the stream once a new configuration took the right to it away. */
  #mayGoOn(): boolean {
    const { right, config } = this.#options;
    if (right === undefined || right.holds(config())) return true;
    if (this.#pair.isAppOpen) this.#pair.cut(1008, 'permission withdrawn');
    return false;
  }
}
