import type { RawData, WebSocket } from 'ws';
import type { ProxyError } from '../../core/errors.ts';
import { readFrame } from '../../core/frames/frame.ts';
import { errorFrame } from '../../core/frames/frame-error.ts';
import { SECOND_MS } from '../../core/intervals.ts';
import { toProxyError } from '../../pipeline/refusals.ts';
import { closeWithin } from '../sockets/closing.ts';
import type { OpenSocket, OpenSockets } from '../sockets/open-sockets.ts';
import type { SocketLimits } from '../sockets/socket-limits.ts';
import type { SocketRecords } from '../sockets/socket-records.ts';

export interface FirstFrameOptions {
  readonly app: WebSocket;
  readonly sockets: OpenSockets;
  readonly limits: SocketLimits;
  readonly records: SocketRecords;
  readonly requestId: string;
  readonly wallNow: () => number;
  /** Opens the socket to Binance for whoever has this key. @throws ProxyError */
  readonly connect: (apiKey: string | undefined, signal: AbortSignal) => Promise<WebSocket>;
  /** Takes both ends over. */
  readonly begin: (upstream: WebSocket) => void;
  /** Writes that there was no connection. */
  readonly onRefused: (error: ProxyError) => void;
}

/** How long an app may say nothing, in ms. */
const SILENCE_MS = 10 * SECOND_MS;

/**
 * An app on a signed API that did not say at its upgrade who it is, where accounts leave by different ways: nothing is
 * opened to Binance before its first frame, whose key decides by which way.
 */
export class FirstFrame implements OpenSocket {
  readonly #options: FirstFrameOptions;
  readonly #held: { readonly data: RawData; readonly isBinary: boolean }[] = [];
  readonly #gone = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #isAlive = true;

  constructor(options: FirstFrameOptions) {
    const { app, sockets } = options;
    this.#options = options;
    app.on('message', this.#hold).on('close', this.#end).on('pong', this.#note).on('error', ignore);
    this.#timer = setTimeout(() => this.#cut(1008, 'no frame'), SILENCE_MS);
    this.#timer.unref();
    sockets.add(this);
  }

  tick(): void {}

  ping(): void {
    const { app } = this.#options;
    if (this.#isAlive || app.isPaused) app.ping();
    else app.terminate();
    this.#isAlive = false;
  }

  drain(): Promise<void> {
    return this.#cut(1001, 'shutdown');
  }

  readonly #note = (): void => {
    this.#isAlive = true;
  };

  readonly #hold = (data: RawData, isBinary: boolean): void => {
    this.#held.push({ data, isBinary });
    if (this.#held.length > 1) return;
    this.#options.app.pause();
    void this.#open(isBinary ? '' : data.toString());
  };

  readonly #end = (code?: number): void => {
    clearTimeout(this.#timer);
    this.#gone.abort();
    this.#options.sockets.delete(this);
    if (code !== undefined) this.#options.records.closed({ by: 'app', code, rule: undefined });
  };

  async #open(text: string): Promise<void> {
    const { app, connect, begin } = this.#options;
    clearTimeout(this.#timer);
    let upstream: WebSocket;
    try {
      upstream = await connect(apiKeyIn(text), this.#gone.signal);
    } catch (error) {
      this.#refuse(toProxyError(error));
      return;
    }
    app.off('message', this.#hold).off('close', this.#end).off('pong', this.#note).off('error', ignore);
    this.#options.sockets.delete(this);
    begin(upstream);
    for (const { data, isBinary } of this.#held) app.emit('message', data, isBinary);
    app.resume();
  }

  /** Every frame that came has its answer: nothing of it was sent. */
  #refuse(error: ProxyError): void {
    const { app, requestId, wallNow, onRefused } = this.#options;
    onRefused(error);
    for (const { data } of this.#held) {
      const reading = readFrame(data.toString());
      const id = 'frame' in reading ? reading.frame.id : reading.id;
      if (app.readyState === app.OPEN) app.send(errorFrame(id, error, requestId, wallNow()));
    }
    void this.#cut(1013, 'no connection');
  }

  #cut(code: number, rule: string): Promise<void> {
    const { app, limits, records } = this.#options;
    records.closed({ by: 'proxy', code, rule });
    return closeWithin(app, limits.closeTimeoutMs, code, rule);
  }
}

function ignore(): void {}

function apiKeyIn(text: string): string | undefined {
  const reading = readFrame(text);
  if (!('frame' in reading)) return undefined;
  return reading.frame.params.findLast(({ name }) => name === 'apiKey')?.value;
}
