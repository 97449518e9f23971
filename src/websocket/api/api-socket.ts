import type { RawData } from 'ws';
import { type WayOut, wayOf } from '../../config/schema/ways-out.ts';
import { ANONYMOUS } from '../../core/access/client.ts';
import type { ProxyError } from '../../core/errors.ts';
import { readFrame, type WsFrame } from '../../core/frames/frame.ts';
import { errorFrame, resultFrame } from '../../core/frames/frame-error.ts';
import { SECOND_MS } from '../../core/intervals.ts';
import type { CallContext } from '../../pipeline/call-context.ts';
import { identify } from '../../pipeline/clients/identify.ts';
import { LISTEN_KEY_SHARED } from '../../pipeline/clients/listen-keys.ts';
import type { FinishedCall } from '../../pipeline/finish.ts';
import type { LiveConfig } from '../../pipeline/live-config.ts';
import { acceptParameters } from '../../pipeline/recognise.ts';
import { toProxyError } from '../../pipeline/refusals.ts';
import type { Pipeline } from '../../pipeline/wire-pipeline.ts';
import type { ServerClock } from '../../upstream/server-clock.ts';
import type { Readers } from '../sockets/readers.ts';
import { type PairOptions, type PairOwner, SocketPair } from '../sockets/socket-pair.ts';
import { ArrivedFrames } from './arrived-frames.ts';
import { otherWayOut, tooManyUnanswered } from './bad-frames.ts';
import { FrameCarrier } from './frame-carrier.ts';
import { clientOfFrame } from './frame-client.ts';
import { proofOfFrame } from './judge-frame.ts';
import { KeylessFrames } from './keyless-frames.ts';
import { PendingFrames } from './pending-frames.ts';
import { RefusedFrames } from './refused-frames.ts';
import { answerSession } from './session.ts';
import type { SocketIdentity } from './socket-identity.ts';
import { UserDataRight } from './user-data-right.ts';

export interface ApiSocketOptions extends PairOptions {
  /** How its socket to Binance leaves this machine. */
  readonly way: WayOut;
  readonly pipeline: Pipeline;
  readonly clock: Pick<ServerClock, 'nowOrLocal'>;
  readonly config: () => LiveConfig;
  readonly wallNow: () => number;
  /** Further facts of the socket, for the records of its frames. */
  readonly detail: Readonly<Record<string, string>> | undefined;
  readonly identity: SocketIdentity;
  readonly readers: Readers;
  /** Counts a wrong key; what refuses when there were too many, over all sockets and requests from the same place. */
  readonly guesses: () => Promise<ProxyError | undefined>;
}

/** One app on a signed WebSocket API: what REST's one route does for a request, this does for each frame. */
export class ApiSocket implements PairOwner {
  readonly #options: ApiSocketOptions;
  readonly #pair: SocketPair;
  readonly #userData = new UserDataRight();
  readonly #pending = new PendingFrames();
  readonly #arrived: ArrivedFrames;
  readonly #refused: RefusedFrames;
  readonly #keyless: KeylessFrames;
  /** Aborts when the app is gone: nothing waits for room any more then. */
  readonly #gone = new AbortController();
  /** Frames between their arrival and their answer. */
  #serving = 0;
  /** Frames that wait for their turn, and whose turn it is. */
  #waiting = 0;
  #turnOf = ANONYMOUS;
  #second = 0;
  #framesInSecond = 0;

  constructor(options: ApiSocketOptions) {
    this.#options = options;
    this.#refused = new RefusedFrames({
      ...options,
      say: (text) => this.#say(text),
      cut: (code, rule) => this.#pair.cut(code, rule),
    });
    this.#keyless = new KeylessFrames(options.limits.keylessUnanswered);
    this.#arrived = new ArrivedFrames({
      pending: this.#pending,
      hear: ({ bytes, isBinary }) => {
        if (this.#mayGoOn()) this.#pair.toApp.pass(bytes, isBinary);
      },
      onEndOfTurn: () => this.#pair.letGo(),
    });
    this.#pair = new SocketPair(options, this);
    options.app.once('close', () => this.#gone.abort());
  }

  onAppFrame(data: RawData, isBinary: boolean): void {
    const { limits, monotonicNow } = this.#options;
    if (!this.#pair.isAppOpen) return;
    const second = Math.floor(monotonicNow() / SECOND_MS);
    this.#framesInSecond = second === this.#second ? this.#framesInSecond + 1 : 1;
    this.#second = second;
    if (this.#framesInSecond > limits.framesPerSecond) this.#pair.cut(1008, 'too many frames');
    else if (isBinary) this.#pair.cut(1003, 'binary frame');
    else this.#begin(data.toString());
  }

  onUpstreamFrame(data: RawData, isBinary: boolean): void {
    this.#arrived.take({ bytes: data as Buffer, isBinary });
  }

  onUpstreamGone(): void {
    this.#arrived.answerAll();
    this.#pending.loseAll();
  }

  isAwaiting(): boolean {
    return this.#waiting + this.#serving + this.#arrived.waiting > 0;
  }

  tick(nowMs: number): void {
    this.#pending.loseSentBefore(nowMs - this.#options.limits.answerTimeoutMs);
    if (this.#mayGoOn()) this.#pair.letGo();
  }

  onDrain(): void {
    this.#say(`{"event":{"e":"serverShutdown","E":${Math.floor(this.#options.wallNow())}}}`);
  }

  /** Frames of one socket are begun in the order in which they came, whoever has logged on meanwhile. */
  #begin(text: string): void {
    const { config, identity, pipeline } = this.#options;
    if (this.#waiting === 0) this.#turnOf = identity.lastShown(config())?.name ?? ANONYMOUS;
    this.#waiting++;
    pipeline.turns.take(this.#turnOf, 'orders', () => {
      this.#waiting--;
      void this.#serve(text);
    });
  }

  /** One frame from its reading to its answer; whatever refuses is answered under the frame's id and recorded. */
  async #serve(text: string): Promise<void> {
    const reading = readFrame(text);
    const isFrame = 'frame' in reading;
    const id = isFrame ? reading.frame.id : reading.id;
    const name = isFrame ? reading.frame.method : reading.method;
    const { arrival } = this.#options.pipeline;
    const detail = { ...this.#options.detail, socket: this.#options.socketId, id };
    const context = arrival.arrive(name ?? 'WS', () => undefined, detail);
    this.#serving++;
    try {
      if (!isFrame) throw reading.error;
      arrival.assertServing();
      await this.#forward(context, reading.frame);
    } catch (error) {
      await this.#refused.refuse(context, id, toProxyError(error));
    } finally {
      this.#serving--;
      this.#pair.letGo();
    }
  }

  /** The steps of the pipeline, as `forward` takes them for a request. */
  async #forward(context: CallContext, frame: WsFrame): Promise<void> {
    const { pipeline, family, identity, clock } = this.#options;
    const { method, call, params, apiKey } = pipeline.recognise.frame(context, family, frame);
    const { endpoint } = method;
    const speaker = clientOfFrame(this.#options, context.config, method, frame, apiKey);
    const caller = identify(context, endpoint, speaker);
    acceptParameters(context, { ...caller, endpoint }, call);
    const proof = proofOfFrame(identity, method, frame, apiKey);
    const proven = pipeline.authenticate({ ...caller, endpoint, call }, proof);
    using _use = proven.signed?.use;
    const claimed = await pipeline.admit(context, proven);
    using claim = claimed.claim;
    identity.accepted(proven.client, context.config);
    this.#refused.accepted();
    pipeline.presence.watch(this.#options.app, proven.client);
    if (method.kind !== 'call') {
      if (method.kind === 'logout') pipeline.presence.loggedOut(proven.client);
      const nowMs = Math.floor(clock.nowOrLocal());
      this.#say(resultFrame(frame.id, answerSession(identity, method.kind, frame, proven, nowMs)));
      return;
    }
    if (this.#pending.size >= this.#options.limits.unanswered) throw tooManyUnanswered();
    using _keyless = this.#keyless.begin(proven.client);
    const admitted = { ...pipeline.authorise(context, claimed), way: this.#options.way };
    this.#assertWayOut(context, caller.account);
    if (pipeline.listenKeys.isShared(admitted, context.config)) {
      pipeline.recorder.answeredHere(context, LISTEN_KEY_SHARED);
      this.#say(resultFrame(frame.id, {}));
      return;
    }
    const judged = await pipeline.judge(context, admitted, this.#gone.signal);
    using _approval = judged.approval;
    using reserved = await pipeline.reserve(context, judged, this.#gone.signal);
    const carrier = this.#carrierFor(context, frame, { method, params, received: call });
    const answer = await pipeline.attempt(reserved, carrier);
    this.#relay(context, frame, pipeline.finish(reserved, answer, carrier), carrier.sentId);
    // The app that is gone does not know of its order.
    if (this.#pair.isAppOpen) claim?.heard();
  }

  /** A frame that uses an account's key leaves by that account's way or not at all. */
  #assertWayOut({ config }: CallContext, account: string | undefined): void {
    if (account === undefined) return;
    const way = wayOf(config.settings.egress, account);
    if (way.account !== this.#options.way.account) throw otherWayOut(this.#options.way, way);
  }

  #carrierFor(
    context: CallContext,
    { id }: WsFrame,
    parts: Pick<ConstructorParameters<typeof FrameCarrier>[0], 'method' | 'params' | 'received'>,
  ): FrameCarrier {
    const { upstream, clock } = this.#options;
    return new FrameCarrier({
      ...parts,
      id,
      upstream,
      chooseId: () => (this.#pending.has(id) ? JSON.stringify(context.requestId) : id),
      send: (text, sentId) => this.#send(text, sentId),
      now: () => clock.nowOrLocal(),
    });
  }

  #send(text: string, sentId: string) {
    const { upstream, monotonicNow } = this.#options;
    const answered = this.#pending.add(sentId, monotonicNow());
    this.#pair.toUpstream.pass(text, false);
    if (upstream.readyState !== upstream.OPEN) this.onUpstreamGone();
    return answered;
  }

  #relay(context: CallContext, { id }: WsFrame, { answer, lost }: FinishedCall, sentId: string): void {
    const { transfer, bodyText } = answer;
    if (lost !== undefined) {
      this.#say(errorFrame(id, lost, context.requestId, this.#options.wallNow()));
      return;
    }
    if ((transfer.status ?? 500) < 400) this.#userData.note(context, bodyText);
    const bytes = transfer.held ?? Buffer.alloc(0);
    if (sentId === id) this.#pair.toApp.pass(bytes, false);
    else this.#say(bytes.toString('utf8').replace(sentId, () => id));
  }

  #say(text: string): void {
    this.#pair.toApp.pass(text, false);
  }

  /** Ends the socket once a new configuration took the right to its user data away. */
  #mayGoOn(): boolean {
    if (this.#userData.holds(this.#options.config())) return true;
    if (this.#pair.isAppOpen) this.#pair.cut(1008, 'permission withdrawn');
    return false;
  }
}
