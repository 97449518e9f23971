import type { RawData, WebSocket } from 'ws';
import type { Client } from '../../core/access/client.ts';
import type { ProxyError } from '../../core/errors.ts';
import { readFrame } from '../../core/frames/frame.ts';
import { errorFrame } from '../../core/frames/frame-error.ts';
import type { CallContext } from '../../pipeline/call-context.ts';
import { toProxyError } from '../../pipeline/refusals.ts';
import { closeWithin } from '../sockets/closing.ts';
import type { OpenSocket, OpenSockets } from '../sockets/open-sockets.ts';
import type { SocketLimits } from '../sockets/socket-limits.ts';
import type { SocketRecords } from '../sockets/socket-records.ts';
import { type FrameJudges, judgeFrame } from './judge-frame.ts';
import { RefusedFrames, type RefusedFramesOptions } from './refused-frames.ts';

interface HeldFrame {
  readonly data: RawData;
  readonly isBinary: boolean;
}

export interface FirstFrameOptions {
  readonly app: WebSocket;
  readonly sockets: OpenSockets;
  readonly limits: SocketLimits;
  readonly records: SocketRecords;
  readonly requestId: string;
  readonly wallNow: () => number;
  /** Judges frames as they will be judged once there is a socket to Binance. */
  readonly judges: FrameJudges;
  readonly refusing: Omit<RefusedFramesOptions, 'say' | 'cut'>;
  readonly arrive: (method: string | undefined, id: string) => CallContext;
  /** Opens the socket to Binance for whoever sent the first accepted frame. @throws ProxyError */
  readonly connect: (client: Client, signal: AbortSignal) => Promise<WebSocket>;
  /** Takes both ends over. */
  readonly begin: (upstream: WebSocket) => void;
  /** Writes that there was no connection. */
  readonly onRefused: (error: ProxyError) => void;
}

/**
 * An app on a signed API that did not say at its upgrade who it is: nothing is opened to Binance before its first frame
 * that is accepted, whose client decides by which way. Without one it has to go soon.
 */
export class FirstFrame implements OpenSocket {
  readonly #options: FirstFrameOptions;
  readonly #refused: RefusedFrames;
  readonly #held: HeldFrame[] = [];
  readonly #gone = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #isAlive = true;
  #isServing = false;

  constructor(options: FirstFrameOptions) {
    const { app, sockets } = options;
    this.#options = options;
    this.#refused = new RefusedFrames({
      ...options.refusing,
      say: (text) => app.send(text, ignore),
      cut: (code, rule) => void this.#cut(code, rule),
    });
    app.on('message', this.#hold).on('close', this.#end).on('pong', this.#note).on('error', ignore);
    this.#timer = setTimeout(() => void this.#cut(1008, 'no accepted frame'), options.limits.firstFrameMs);
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
    if (this.#options.app.readyState !== this.#options.app.OPEN) return;
    this.#held.push({ data, isBinary });
    if (this.#isServing) return;
    this.#isServing = true;
    this.#options.app.pause();
    void this.#serve();
  };

  readonly #end = (code?: number): void => {
    clearTimeout(this.#timer);
    this.#gone.abort();
    this.#options.sockets.delete(this);
    if (code !== undefined) this.#options.records.closed({ by: 'app', code, rule: undefined });
  };

  /** One frame after the other until one is accepted. */
  async #serve(): Promise<void> {
    const { app } = this.#options;
    for (let [frame] = this.#held; frame !== undefined; [frame] = this.#held) {
      const client = await this.#senderOf(frame);
      if (app.readyState !== app.OPEN) return;
      if (client !== undefined) return this.#open(client);
      this.#held.shift();
    }
    this.#isServing = false;
    app.resume();
  }

  /** Who sent an accepted frame; undefined of one that was refused, which has its answer then. */
  async #senderOf({ data, isBinary }: HeldFrame): Promise<Client | undefined> {
    const { judges, arrive } = this.#options;
    if (isBinary) {
      void this.#cut(1003, 'binary frame');
      return undefined;
    }
    const reading = readFrame(data.toString());
    const { id, method } = 'frame' in reading ? reading.frame : reading;
    const context = arrive(method, id);
    try {
      if (!('frame' in reading)) throw reading.error;
      const proven = judgeFrame(judges, context, reading.frame);
      // It is judged once more when it is sent: until then its signature is given back.
      proven.signed?.use[Symbol.dispose]();
      return proven.client;
    } catch (error) {
      await this.#refused.refuse(context, id, toProxyError(error));
      return undefined;
    }
  }

  async #open(client: Client): Promise<void> {
    const { app, connect, begin } = this.#options;
    clearTimeout(this.#timer);
    let upstream: WebSocket;
    try {
      upstream = await connect(client, this.#gone.signal);
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
