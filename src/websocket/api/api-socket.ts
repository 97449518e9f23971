import type { RawData } from 'ws';
import type { ProxyError } from '../../core/errors.ts';
import { readFrame, type WsFrame } from '../../core/frames/frame.ts';
import { readAnswerHead } from '../../core/frames/frame-answer.ts';
import { errorFrame, resultFrame } from '../../core/frames/frame-error.ts';
import type { WsMethod, WsMethods } from '../../core/frames/frame-methods.ts';
import type { SocketFamily } from '../../core/upstream.ts';
import { toProxyError } from '../../http/error-handler.ts';
import type { Exchange } from '../../pipeline/call-context.ts';
import { settle, withdraw } from '../../pipeline/finish.ts';
import { lostFrameAnswer, readFrameAnswer } from '../../pipeline/read-frame-answer.ts';
import { learn } from '../../pipeline/reserve.ts';
import { unreachable } from '../../upstream/open-socket.ts';
import type { SocketLimits } from '../sockets/socket-limits.ts';
import { type PairOptions, type PairOwner, SocketPair } from '../sockets/socket-pair.ts';
import { isBadFrame, refusals } from './bad-frames.ts';
import {
  type AdmittedFrame,
  admitFrame,
  authenticateFrame,
  beginFrame,
  chargeFrame,
  type FrameContext,
  frameToSend,
} from './frame-carrier.ts';
import { answerSession } from './session.ts';
import { UserDataRight } from './user-data-right.ts';

/** A frame that was sent and has no answer yet. */
interface Pending {
  readonly exchange: Exchange;
  readonly method: WsMethod;
  readonly frame: WsFrame;
  readonly admitted: AdmittedFrame;
  /** The id under which it was sent: the app's own, unless that is in use. */
  readonly sentId: string;
  readonly isSecond: boolean;
  readonly sentMs: number;
}

export interface ApiSocketOptions extends PairOptions {
  readonly family: SocketFamily;
  readonly methods: WsMethods;
  readonly context: FrameContext;
  readonly limits: SocketLimits;
  readonly onAppGone: () => void;
}

/** How much of an answer is read to find its id and status. */
const HEAD_BYTES = 1_024;
const LARGE_BYTES = 262_144;

/** One app on a signed WebSocket API: what REST's one route does for a request, this does for each frame. */
export class ApiSocket implements PairOwner {
  readonly #options: ApiSocketOptions;
  readonly #pair: SocketPair;
  readonly #userData = new UserDataRight();
  readonly #pending = new Map<string, Pending>();
  /** Frames that are admitted or sent anew at this moment. */
  #busy = 0;
  #second = 0;
  #framesInSecond = 0;
  #badFrames = 0;

  constructor(options: ApiSocketOptions) {
    this.#options = options;
    this.#pair = new SocketPair(options, this);
    options.app.once('close', options.onAppGone);
  }

  onAppFrame(data: RawData, isBinary: boolean): void {
    const { limits, context } = this.#options;
    if (!this.#pair.isAppOpen) return;
    const second = Math.floor(context.line.monotonicNow() / 1_000);
    this.#framesInSecond = second === this.#second ? this.#framesInSecond + 1 : 1;
    this.#second = second;
    if (this.#framesInSecond > limits.framesPerSecond) this.#pair.cut(1008, 'too many frames');
    else if (isBinary) this.#pair.cut(1003, 'binary frame');
    else void this.#serve(data.toString());
  }

  onUpstreamFrame(data: RawData, isBinary: boolean): void {
    const bytes = data as Buffer;
    const head = isBinary ? undefined : headOf(bytes);
    const pending = head === undefined ? undefined : this.#pending.get(head.id);
    if (head === undefined || pending === undefined) {
      if (this.#mayHear()) this.#pair.toApp.pass(bytes, isBinary);
      return;
    }
    this.#pending.delete(head.id);
    void this.#answer(pending, head.status, bytes);
  }

  onUpstreamGone(): void {
    for (const pending of this.#pending.values()) this.#lose(pending);
    this.#pending.clear();
  }

  isAwaiting(): boolean {
    return this.#pending.size + this.#busy > 0;
  }

  tick(nowMs: number): void {
    const { answerTimeoutMs } = this.#options.limits;
    for (const [id, pending] of this.#pending) {
      if (nowMs - pending.sentMs < answerTimeoutMs) break;
      this.#pending.delete(id);
      this.#lose(pending);
    }
    this.#pair.letGo();
  }

  onDrain(): void {
    this.#say(`{"event":{"e":"serverShutdown","E":${Math.floor(this.#options.line.wallNow())}}}`);
  }

  /** One frame from reading to sending; whatever refuses is answered under the frame's id and recorded. */
  async #serve(text: string): Promise<void> {
    const { context, family, methods, line } = this.#options;
    const reading = readFrame(text);
    const isFrame = 'frame' in reading;
    const id = isFrame ? reading.frame.id : reading.id;
    const exchange = beginFrame(context, isFrame ? reading.frame.method : reading.method, id);
    this.#busy++;
    try {
      if (!isFrame) throw reading.error;
      if (line.stopping()) throw refusals.stopping();
      const { frame } = reading;
      const method = methods.find(family, frame.method);
      if (method === undefined) throw refusals.unknownMethod();
      const authenticated = authenticateFrame(context, exchange, method, frame);
      this.#badFrames = 0;
      if (method.kind !== 'call') {
        this.#say(resultFrame(id, answerSession(context, method.kind, frame, authenticated)));
        return;
      }
      if (this.#pending.size >= this.#options.limits.unanswered) throw refusals.tooManyUnanswered();
      const admitted = await admitFrame(context, exchange, method, authenticated);
      this.#send({ exchange, method, frame, admitted, isSecond: false });
    } catch (error) {
      withdraw(line, exchange);
      this.#refuse(exchange, id, toProxyError(error));
    } finally {
      this.#busy--;
      if (!this.#pair.isAppOpen) this.#pair.letGo();
    }
  }

  /** @throws ProxyError when nothing was sent */
  #send(going: Omit<Pending, 'sentId' | 'sentMs'>): void {
    const { line, upstream } = this.#options;
    const { exchange, method, frame, admitted } = going;
    if (!this.#pair.isUpstreamOpen) throw unreachable();
    const sentId = this.#pending.has(frame.id) ? JSON.stringify(exchange.requestId) : frame.id;
    const startMs = line.monotonicNow();
    const text = frameToSend(line, exchange, method, sentId, admitted);
    const sentMs = line.monotonicNow();
    exchange.signMs = sentMs - startMs;
    if (method.endpoint.security === 'SIGNED') line.recorder.signed(exchange);
    this.#pending.set(sentId, { ...going, sentId, sentMs });
    this.#pair.toUpstream.pass(text, false);
    if (upstream.readyState !== upstream.OPEN) this.onUpstreamGone();
  }

  async #answer(pending: Pending, status: number, data: Buffer): Promise<void> {
    const { line } = this.#options;
    const { exchange, method, frame, sentId, isSecond } = pending;
    const { endpoint } = method;
    const answer = readFrameAnswer(endpoint, status, data, line.clock.now() ?? line.wallNow());
    exchange.upstreamMs = (exchange.upstreamMs ?? 0) + line.monotonicNow() - pending.sentMs;
    if (answer.verdict.retry === 'restamp' && method.adds === 'signature' && !isSecond) {
      learn(line, exchange, answer);
      if (await this.#sendAnew(pending)) return;
    }
    settle(line, exchange, endpoint, answer);
    exchange.leave?.();
    if (status < 400) this.#userData.note(exchange, answer.bodyText);
    if (sentId === frame.id) this.#pair.toApp.pass(data, false);
    else this.#say(data.toString('utf8').replace(sentId, () => frame.id));
    this.#pair.letGo();
  }

  /** Binance refused the timestamp: certainly nothing was done, so the frame goes once more with a clock measured anew. */
  async #sendAnew(pending: Pending): Promise<boolean> {
    const { line, context } = this.#options;
    this.#busy++;
    try {
      await line.clock.resync();
      const charged = chargeFrame(context, pending.exchange, pending.admitted);
      if (charged instanceof Promise) await charged;
      this.#send({ ...pending, isSecond: true });
      return true;
    } catch {
      return false;
    } finally {
      this.#busy--;
    }
  }

  #lose({ exchange, method, frame, sentMs }: Pending): void {
    const { line } = this.#options;
    exchange.upstreamMs = (exchange.upstreamMs ?? 0) + line.monotonicNow() - sentMs;
    const lost = settle(line, exchange, method.endpoint, lostFrameAnswer(method.endpoint));
    exchange.leave?.();
    if (lost !== undefined) this.#say(errorFrame(frame.id, lost, exchange.requestId, line.wallNow()));
  }

  #refuse(exchange: Exchange, id: string, error: ProxyError): void {
    const { line, limits } = this.#options;
    line.recorder.refused(exchange, error);
    this.#say(errorFrame(id, error, exchange.requestId, line.clock.now() ?? line.wallNow()));
    if (!isBadFrame(error)) return;
    if (++this.#badFrames >= limits.badFramesInARow) this.#pair.cut(1008, 'bad frames');
  }

  #say(text: string): void {
    this.#pair.toApp.pass(text, false);
  }

  #mayHear(): boolean {
    if (this.#userData.holds(this.#options.line.snapshot())) return true;
    this.#pair.cut(1008, 'permission withdrawn');
    return false;
  }
}

function headOf(data: Buffer) {
  if (data.length <= HEAD_BYTES) return readAnswerHead(data.toString('utf8'));
  const head = readAnswerHead(data.toString('utf8', 0, HEAD_BYTES));
  return head ?? (data.length > LARGE_BYTES ? undefined : readAnswerHead(data.toString('utf8')));
}
