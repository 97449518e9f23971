import type { RawData, WebSocket } from 'ws';
import type { SocketFamily } from '../../core/upstream.ts';
import { Backpressure } from './backpressure.ts';
import { closeLike, closeWithin, faultOf, LOST } from './closing.ts';
import { Heartbeat } from './heartbeat.ts';
import type { OpenSocket, OpenSockets } from './open-sockets.ts';
import type { SocketLimits } from './socket-limits.ts';
import type { SocketRecords } from './socket-records.ts';

export interface PairOptions {
  readonly sockets: OpenSockets;
  readonly monotonicNow: () => number;
  readonly records: SocketRecords;
  readonly limits: SocketLimits;
  readonly family: SocketFamily;
  /** Names the socket in the records. */
  readonly socketId: string;
  readonly app: WebSocket;
  /** Paused until the pair takes it up. */
  readonly upstream: WebSocket;
}

/** What a pair tells its owner. */
export interface PairOwner {
  onAppFrame(data: RawData, isBinary: boolean): void;
  onUpstreamFrame(data: RawData, isBinary: boolean): void;
  /** The socket to Binance is gone. Messages for the app must be sent in the same turn of the event loop. */
  onUpstreamGone(): void;
  /** True while answers are awaited that matter also when the app is gone. */
  isAwaiting(): boolean;
  tick(nowMs: number): void;
  /** Called before the proxy closes the socket on shutdown. */
  onDrain(): void;
}

/**
 * An app's socket and its own socket to Binance: one to one, so that nothing of one app can reach or hold up another.
 * Frames keep their bytes, closings their codes; pings are answered on each side by itself.
 */
export class SocketPair implements OpenSocket {
  readonly toApp: Backpressure;
  readonly toUpstream: Backpressure;
  readonly #options: PairOptions;
  readonly #owner: PairOwner;
  readonly #records: SocketRecords;
  readonly #heartbeats: readonly Heartbeat[];
  #onEmpty: (() => void) | undefined;

  constructor(options: PairOptions, owner: PairOwner) {
    const { limits, family, app, upstream, monotonicNow } = options;
    this.#options = options;
    this.#owner = owner;
    this.#records = options.records;
    this.toApp = new Backpressure(upstream, app, limits, monotonicNow, () => this.cut(1013, 'slow reader'));
    this.toUpstream = new Backpressure(app, upstream, limits, monotonicNow, () =>
      this.cut(1013, 'slow upstream'),
    );
    const { pingEveryMs, appSilentMs, upstreamSilentMs } = limits;
    const endFor = (rule: string) => this.#records.closed({ by: 'proxy', code: 1006, rule });
    this.#heartbeats = [
      new Heartbeat(app, {
        pingEveryMs,
        silentMs: appSilentMs[family],
        onSilent: () => endFor('no pong from the app'),
      }),
      new Heartbeat(upstream, {
        pingEveryMs,
        silentMs: upstreamSilentMs,
        onSilent: () => endFor('no pong from Binance'),
      }),
    ];
    for (const [socket, sender] of [
      [app, 'the app'],
      [upstream, 'Binance'],
    ] as const) {
      socket.on('error', (error) => {
        const fault = faultOf(error);
        if (fault !== undefined)
          this.#records.closed({ by: 'proxy', code: fault.code, rule: `${fault.rule} from ${sender}` });
      });
    }
    app.on('message', (data, isBinary) => {
      this.#records.framesUp++;
      this.#owner.onAppFrame(data, isBinary);
    });
    upstream.on('message', (data, isBinary) => {
      this.#records.framesDown++;
      this.#owner.onUpstreamFrame(data, isBinary);
    });
    app.on('close', (code) => this.#appGone(code));
    upstream.on('close', (code, reason) => this.#upstreamGone(code, reason.toString()));
    options.sockets.add(this);
    this.#records.opened();
    upstream.resume();
    // Either end may have gone while the other was being made.
    if (app.readyState === app.CLOSED) this.#appGone(1006);
    if (upstream.readyState === upstream.CLOSED) this.#upstreamGone(1006, '');
  }

  get isAppOpen(): boolean {
    return this.#options.app.readyState === this.#options.app.OPEN;
  }

  get isUpstreamOpen(): boolean {
    return this.#options.upstream.readyState === this.#options.upstream.OPEN;
  }

  /** Ends the pair by a rule of the proxy's own: the app hears the code, the log says the rule. */
  cut(code: number, rule: string): void {
    this.#records.closed({ by: 'proxy', code, rule });
    void this.#close(this.#options.app, code, rule);
    this.letGo();
  }

  /** Lets the socket to Binance go once nothing is awaited from it any more. */
  letGo(): void {
    if (this.#owner.isAwaiting() && this.isUpstreamOpen) return;
    this.#onEmpty?.();
    const { app, upstream } = this.#options;
    if (app.readyState >= app.CLOSING && this.isUpstreamOpen) void this.#close(upstream, 1000, '');
  }

  tick(nowMs: number): void {
    this.toApp.tick(nowMs);
    this.toUpstream.tick(nowMs);
    this.#owner.tick(nowMs);
  }

  ping(): void {
    for (const heartbeat of this.#heartbeats) heartbeat.ping();
  }

  async drain(): Promise<void> {
    const { app, upstream, limits } = this.#options;
    this.#owner.onDrain();
    if (this.#owner.isAwaiting() && this.isUpstreamOpen) {
      await new Promise<void>((resolve) => {
        this.#onEmpty = resolve;
        setTimeout(resolve, limits.drainMs).unref();
      });
    }
    this.#records.closed({ by: 'proxy', code: 1001, rule: 'shutdown' });
    await Promise.all([this.#close(app, 1001, 'shutdown'), this.#close(upstream, 1000, '')]);
  }

  #appGone(code: number): void {
    this.#records.closed({ by: 'app', code, rule: undefined });
    this.letGo();
    this.#forget();
  }

  /** What the owner tells the app about its lost answers goes out in this turn, before the app's socket is closed. */
  #upstreamGone(code: number, reason: string): void {
    this.#owner.onUpstreamGone();
    setImmediate(() => {
      this.#records.closed({ by: 'binance', code, rule: undefined });
      const { app } = this.#options;
      closeLike(app, code, reason);
      void this.#close(app, LOST, '');
      this.#forget();
    });
  }

  #close(socket: WebSocket, code: number, reason: string): Promise<void> {
    return closeWithin(socket, this.#options.limits.closeTimeoutMs, code, reason);
  }

  #forget(): void {
    const { sockets, app, upstream } = this.#options;
    if (app.readyState === app.CLOSED && upstream.readyState === upstream.CLOSED) sockets.delete(this);
  }
}
