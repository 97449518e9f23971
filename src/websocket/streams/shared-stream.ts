import type { RawData, WebSocket } from 'ws';
import { ProxyError } from '../../core/errors.ts';
import { namesAccount } from '../../core/frames/socket-target.ts';
import {
  type ControlFrame,
  readControl,
  type StreamEvent,
  type StreamWish,
} from '../../core/frames/stream-event.ts';
import type { LiveConfig } from '../../pipeline/live-config.ts';
import { Backpressure } from '../sockets/backpressure.ts';
import { closeLike, closeWithin } from '../sockets/closing.ts';
import type { OpenSocket, OpenSockets } from '../sockets/open-sockets.ts';
import type { ReadRight } from '../sockets/read-right.ts';
import type { SocketLimits } from '../sockets/socket-limits.ts';
import type { SocketRecords } from '../sockets/socket-records.ts';
import type { Listener, OpenFeed, RouteFeeds } from './route-feeds.ts';

export interface SharedStreamOptions {
  readonly sockets: OpenSockets;
  readonly monotonicNow: () => number;
  readonly records: SocketRecords;
  readonly limits: SocketLimits;
  readonly wish: StreamWish;
  readonly group: RouteFeeds;
  readonly open: OpenFeed;
  readonly config: () => LiveConfig;
  /** For what is no public stream: a listen key among the names. */
  readonly right: ReadRight;
}

/** Binance's own bound for one connection. */
const MOST_STREAMS = 1_024;
/** Nobody holds up a socket that others listen to as well. */
const NOBODY = { pause() {}, resume() {} };
const NULL = 'null';

/** One app on public streams that it shares with others: to it, it looks like a socket of its own. */
export class SharedStream implements OpenSocket, Listener {
  readonly #options: SharedStreamOptions;
  readonly #records: SocketRecords;
  readonly #names = new Set<string>();
  #isCombined: boolean;
  #end: { readonly app: WebSocket; readonly flow: Backpressure } | undefined;
  /** True once a listen key was among its names. */
  #isPrivate = false;
  #isGone = false;
  #isAlive = true;
  #second = 0;
  #framesInSecond = 0;
  #turn: Promise<void> = Promise.resolve();

  constructor(options: SharedStreamOptions) {
    this.#options = options;
    this.#isCombined = options.wish.isCombined;
    this.#records = options.records;
  }

  /**
   * Makes sure that there is a socket to Binance before the app is let in.
   * @throws ProxyError
   */
  join(): Promise<void> {
    return this.#options.group.join(this, this.#options.open);
  }

  /** Takes the app up once its upgrade stands, with the streams that its URL names. */
  attach(app: WebSocket): void {
    const { sockets, monotonicNow, limits, wish } = this.#options;
    const flow = new Backpressure(NOBODY, app, limits, monotonicNow, () => this.cut(1013, 'slow reader'));
    this.#end = { app, flow };
    const note = () => {
      this.#isAlive = true;
    };
    app.on('ping', note).on('pong', note).on('message', note);
    app.on('error', () => {});
    app.on('message', (data, isBinary) => this.#onFrame(data, isBinary));
    app.on('close', (code) => {
      this.#records.closed({ by: 'app', code, rule: undefined });
      this.dispose();
      sockets.delete(this);
    });
    sockets.add(this);
    this.#records.opened();
    if (this.#isGone) this.cut(1014, 'connection lost');
    else if (wish.names.length > 0) {
      this.#turn = this.#subscribe(wish.names).then((error) => {
        // A name that Binance does not know makes no error in a URL; what the proxy cannot ask for does.
        if (error?.includes('"code":-') === true) this.cut(1013, 'subscription failed');
      });
    }
  }

  /** Gives up what it listens to. */
  dispose(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#options.group.leave(this, this.#names);
  }

  hear({ from, to }: StreamEvent, data: Buffer): void {
    this.#records.framesDown++;
    this.#end?.flow.pass(this.#isCombined ? data : data.subarray(from, to), false);
  }

  notice(data: Buffer, isBinary: boolean): void {
    this.#end?.flow.pass(data, isBinary);
  }

  lost(code: number, reason: string): void {
    this.#records.closed({ by: 'binance', code, rule: undefined });
    if (this.#end === undefined) {
      this.dispose();
      return;
    }
    closeLike(this.#end.app, code, reason);
    void closeWithin(this.#end.app, this.#options.limits.closeTimeoutMs, 1014, '');
  }

  cut(code: number, rule: string): void {
    this.#records.closed({ by: 'proxy', code, rule });
    if (this.#end !== undefined) {
      void closeWithin(this.#end.app, this.#options.limits.closeTimeoutMs, code, rule);
    }
    this.#options.group.unsubscribe(this, this.#names);
  }

  tick(nowMs: number): void {
    this.#end?.flow.tick(nowMs);
    const { right, config } = this.#options;
    if (!this.#isPrivate || right.holds(config())) return;
    if (this.#end?.app.readyState === this.#end?.app.OPEN) this.cut(1008, 'permission withdrawn');
  }

  ping(): void {
    const app = this.#end?.app;
    if (app === undefined || app.readyState !== app.OPEN) return;
    if (this.#isAlive) app.ping();
    else app.terminate();
    this.#isAlive = false;
  }

  async drain(): Promise<void> {
    this.#records.closed({ by: 'proxy', code: 1001, rule: 'shutdown' });
    if (this.#end !== undefined) {
      await closeWithin(this.#end.app, this.#options.limits.closeTimeoutMs, 1001, 'shutdown');
    }
  }

  #onFrame(data: RawData, isBinary: boolean): void {
    const { monotonicNow, limits } = this.#options;
    if (this.#isGone || this.#end?.app.readyState !== this.#end?.app.OPEN) return;
    this.#records.framesUp++;
    const second = Math.floor(monotonicNow() / 1_000);
    this.#framesInSecond = second === this.#second ? this.#framesInSecond + 1 : 1;
    this.#second = second;
    if (this.#framesInSecond > limits.framesPerSecond) this.cut(1008, 'too many frames');
    else if (isBinary) this.cut(1003, 'binary frame');
    else this.#turn = this.#turn.then(() => this.#control(data.toString()));
  }

  async #control(text: string): Promise<void> {
    if (this.#isGone) return;
    let id = NULL;
    try {
      const frame = readControl(text);
      id = frame.id;
      const { result, error } = await this.#answer(frame);
      this.#say(error === undefined ? `{"result":${result},"id":${id}}` : `{"error":${error},"id":${id}}`);
    } catch (error) {
      if (!(error instanceof ProxyError)) throw error;
      this.#say(`{"error":${errorText(error.code, error.message)},"id":${id}}`);
    }
  }

  /** @throws ProxyError when a socket to Binance would be needed and cannot be had */
  async #answer({ method, params }: ControlFrame): Promise<{ result?: string; error?: string | undefined }> {
    const names = params.map((source) => (source[0] === '"' ? (JSON.parse(source) as string) : undefined));
    switch (method) {
      case 'LIST_SUBSCRIPTIONS':
        return { result: JSON.stringify([...this.#names]) };
      case 'GET_PROPERTY':
        if (names[0] !== 'combined') return { error: errorText(0, 'Unknown property') };
        return { result: String(this.#isCombined) };
      case 'SET_PROPERTY':
        if (names[0] !== 'combined') return { error: errorText(0, 'Unknown property') };
        if (params[1] !== 'true' && params[1] !== 'false') {
          return { error: errorText(1, 'Invalid value type: expected Boolean') };
        }
        this.#isCombined = params[1] === 'true';
        return { result: NULL };
      case 'SUBSCRIBE':
      case 'UNSUBSCRIBE': {
        const streams = names.filter((name) => name?.isWellFormed() === true && name !== '');
        if (streams.length === 0 || streams.length < params.length) {
          return { error: errorText(2, 'Invalid request: params must be stream names') };
        }
        if (method === 'SUBSCRIBE')
          return { result: NULL, error: await this.#subscribe(streams as string[]) };
        for (const name of streams as string[]) this.#names.delete(name);
        this.#options.group.unsubscribe(this, streams as string[]);
        return { result: NULL };
      }
      default:
        return { error: errorText(2, 'Invalid request: unknown method') };
    }
  }

  async #subscribe(wanted: readonly string[]): Promise<string | undefined> {
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
      group.subscribe(this, fresh, open, resolve).catch(reject);
    }).catch((cause: unknown) => {
      if (cause instanceof ProxyError) return errorText(cause.code, cause.message);
      throw cause;
    });
    if (error !== undefined || this.#isGone) {
      for (const name of fresh) this.#names.delete(name);
      group.unsubscribe(this, fresh);
    }
    return error;
  }

  #say(text: string): void {
    this.#end?.flow.pass(text, false);
  }
}

function errorText(code: number, msg: string): string {
  return JSON.stringify({ code, msg });
}
