import type { RawData, WebSocket } from 'ws';
import type { StreamEvent } from '../../core/frames/stream-event.ts';
import { SECOND_MS } from '../../core/intervals.ts';
import type { SocketFamily } from '../../core/upstream.ts';
import { Backpressure } from '../sockets/backpressure.ts';
import { closeLike, closeWithin, faultOf, LOST } from '../sockets/closing.ts';
import { Heartbeat } from '../sockets/heartbeat.ts';
import type { OpenSocket, OpenSockets } from '../sockets/open-sockets.ts';
import type { SocketLimits } from '../sockets/socket-limits.ts';
import type { SocketRecords } from '../sockets/socket-records.ts';
import { AppStreams, type AppStreamsOptions } from './app-streams.ts';
import { shutdownEvent } from './shutdown-event.ts';
import type { Listener } from './subscriptions.ts';
import type { FeedEnd } from './upstream-feed.ts';

export interface SharedStreamOptions extends AppStreamsOptions {
  readonly sockets: OpenSockets;
  readonly monotonicNow: () => number;
  readonly records: SocketRecords;
  readonly limits: SocketLimits;
  readonly family: SocketFamily;
  readonly wallNow: () => number;
}

/** Stands for the feed: a slow reader must not pause a socket that others listen to. */
const NOBODY = { pause() {}, resume() {} };

/** The socket of one app on public streams that several apps share. The app cannot tell it from a socket of its own. */
export class SharedStream implements OpenSocket, Listener {
  readonly #options: SharedStreamOptions;
  readonly #records: SocketRecords;
  readonly #streams: AppStreams;
  #end: { readonly app: WebSocket; readonly flow: Backpressure; readonly heartbeat: Heartbeat } | undefined;
  #second = 0;
  #framesInSecond = 0;
  #turn: Promise<void> = Promise.resolve();

  constructor(options: SharedStreamOptions) {
    this.#options = options;
    this.#streams = new AppStreams(options, this);
    this.#records = options.records;
  }

  /**
   * Makes sure that there is a socket to Binance before the app's upgrade is accepted.
   * @throws ProxyError
   */
  join(): Promise<void> {
    return this.#streams.join();
  }

  /** Takes over the app's socket after its upgrade, and subscribes to the streams that its URL names. */
  attach(app: WebSocket): void {
    const { sockets, monotonicNow, limits, family, wish } = this.#options;
    const flow = new Backpressure(NOBODY, app, limits, monotonicNow, () => this.cut(1013, 'slow reader'));
    const heartbeat = new Heartbeat(app, {
      pingEveryMs: limits.pingEveryMs,
      silentMs: limits.appSilentMs[family],
      onSilent: () => this.#records.closed({ by: 'proxy', code: 1006, rule: 'no pong from the app' }),
    });
    this.#end = { app, flow, heartbeat };
    app.on('error', (error) => {
      const fault = faultOf(error);
      if (fault !== undefined)
        this.#records.closed({ by: 'proxy', code: fault.code, rule: `${fault.rule} from the app` });
    });
    app.on('message', (data, isBinary) => this.#onFrame(data, isBinary));
    app.on('close', (code) => {
      this.#records.closed({ by: 'app', code, rule: undefined });
      this.dispose();
      sockets.delete(this);
    });
    sockets.add(this);
    this.#records.opened();
    if (this.#streams.isGone) this.cut(LOST, 'connection lost');
    else if (wish.names.length > 0) {
      this.#turn = this.#streams.subscribe(wish.names).then((error) => {
        // Binance accepts unknown names in a URL. An error here means that the proxy could not subscribe.
        if (error?.includes('"code":-') === true) this.cut(1013, 'subscription failed');
      });
    }
  }

  /** Unsubscribes from everything and leaves the feeds. */
  dispose(): void {
    this.#streams.leave();
  }

  hear({ from, to }: StreamEvent, data: Buffer): void {
    this.#records.framesDown++;
    this.#end?.flow.pass(this.#streams.isCombined ? data : data.subarray(from, to), false);
  }

  notice(data: Buffer, isBinary: boolean): void {
    this.#end?.flow.pass(data, isBinary);
  }

  lost({ code, reason, own }: FeedEnd): void {
    this.#records.closed(
      own === undefined ? { by: 'binance', code, rule: undefined } : { by: 'proxy', ...own },
    );
    if (this.#end === undefined) {
      this.dispose();
      return;
    }
    closeLike(this.#end.app, code, reason);
    void closeWithin(this.#end.app, this.#options.limits.closeTimeoutMs, LOST, '');
  }

  cut(code: number, rule: string): void {
    void this.#close(code, rule);
    this.#streams.unsubscribeAll();
  }

  tick(nowMs: number): void {
    this.#end?.flow.tick(nowMs);
    if (this.#streams.mayGoOn) return;
    if (this.#end?.app.readyState === this.#end?.app.OPEN) this.cut(1008, 'permission withdrawn');
  }

  ping(): void {
    this.#end?.heartbeat.ping();
  }

  drain(): Promise<void> {
    this.#say(shutdownEvent(this.#options.wallNow(), this.#streams.isCombined));
    return this.#close(1001, 'shutdown');
  }

  async #close(code: number, rule: string): Promise<void> {
    this.#records.closed({ by: 'proxy', code, rule });
    if (this.#end === undefined) return;
    await closeWithin(this.#end.app, this.#options.limits.closeTimeoutMs, code, rule);
  }

  #onFrame(data: RawData, isBinary: boolean): void {
    const { monotonicNow, limits } = this.#options;
    if (this.#streams.isGone || this.#end?.app.readyState !== this.#end?.app.OPEN) return;
    this.#records.framesUp++;
    const second = Math.floor(monotonicNow() / SECOND_MS);
    this.#framesInSecond = second === this.#second ? this.#framesInSecond + 1 : 1;
    this.#second = second;
    if (this.#framesInSecond > limits.framesPerSecond) this.cut(1008, 'too many frames');
    else if (isBinary) this.cut(1003, 'binary frame');
    else this.#turn = this.#turn.then(() => this.#control(data.toString()));
  }

  async #control(text: string): Promise<void> {
    if (!this.#streams.isGone) this.#say(await this.#streams.answer(text));
  }

  #say(text: string): void {
    this.#end?.flow.pass(text, false);
  }
}
