import type { WebSocket } from 'ws';
import type { Call } from '../../core/call/call.ts';
import { limitHeaders, readAnswerBody } from '../../core/frames/frame-answer.ts';
import { withOrderIds } from '../../core/frames/frame-call.ts';
import type { WsMethod } from '../../core/frames/frame-methods.ts';
import type { JsonMember } from '../../core/json.ts';
import { frameText, signFrame } from '../../core/signing/sign-frame.ts';
import type { Carrier, Seal, Send, Transfer } from '../../pipeline/carrier.ts';
import { unreachable } from '../../upstream/connections/open-socket.ts';

/** An answer frame as it came. */
export interface FrameAnswer {
  readonly status: number;
  readonly bytes: Buffer;
}

/** Puts a text on the wire under an id and hears its answer; undefined when none will come. */
type SendFrame = (text: string, sentId: string) => Promise<FrameAnswer | undefined>;

export interface FrameCarrierOptions {
  readonly method: WsMethod;
  /** JSON text of the id under which the frame came. */
  readonly id: string;
  /** The app's own parameters, without key, stamp and signature. */
  readonly params: readonly JsonMember[];
  /** The call that the parameters were read as, before order ids were given. */
  readonly received: Call;
  readonly upstream: WebSocket;
  /** JSON text of the id to send under: the app's own, unless that is in use. */
  readonly chooseId: () => string;
  readonly send: SendFrame;
  /** ms since the epoch. */
  readonly now: () => number;
}

/** The list of limits stands within the last part of an answer. */
const TAIL_BYTES = 4_096;
const NO_ANSWER: Transfer = {
  phase: 'after-bytes',
  status: undefined,
  headers: {},
  held: undefined,
  streaming: false,
  error: undefined,
  reusedConnection: false,
};

/** Carries one frame of an app to Binance and its answer back. */
export class FrameCarrier implements Carrier {
  readonly recordsAtOnce = true;
  readonly #options: FrameCarrierOptions;
  #sentId = '';

  constructor(options: FrameCarrierOptions) {
    this.#options = options;
  }

  /** JSON text of the id under which the frame was sent last. */
  get sentId(): string {
    return this.#sentId;
  }

  /** @throws ProxyError PROXY_UPSTREAM_UNREACHABLE */
  assertOpen(): void {
    const { upstream } = this.#options;
    if (upstream.readyState !== upstream.OPEN) throw unreachable();
  }

  /** An app that is gone may have orders on their way: a frame is seen to its end. */
  isWanted(): boolean {
    return true;
  }

  sign(call: Call, seal: Seal): Send {
    const { chooseId, send } = this.#options;
    const sentId = chooseId();
    this.#sentId = sentId;
    const text = this.#text(sentId, call, seal);
    return async () => {
      const answer = await send(text, sentId);
      return answer === undefined ? NO_ANSWER : this.#read(answer);
    };
  }

  #text(sentId: string, call: Call, { credential, stamp }: Seal): string {
    const { method, params, received } = this.#options;
    const sent = call === received ? params : withOrderIds(params, call);
    if (method.adds === 'nothing' || credential === undefined) return frameText(sentId, method.name, sent);
    if (method.adds === 'key' || stamp === undefined) {
      const key = { name: 'apiKey', value: credential.apiKey, kind: 'string' } as const;
      return frameText(sentId, method.name, [...sent, key]);
    }
    return signFrame(sentId, method.name, sent, credential, stamp);
  }

  /**
   * Reads an answer frame as if it had come over REST. The result of a call without security is not looked at: it says
   * nothing about an account and may be very large.
   */
  #read({ status, bytes }: FrameAnswer): Transfer {
    const isPlain = this.#options.method.endpoint.security === 'NONE' && status < 400;
    const text = bytes.toString('utf8', isPlain ? Math.max(0, bytes.length - TAIL_BYTES) : 0);
    const reading = isPlain ? { text: undefined, wellFormed: true } : readAnswerBody(text, status);
    return {
      phase: 'complete',
      status,
      headers: limitHeaders(text, status >= 400 ? reading.text : undefined, this.#options.now()),
      held: bytes,
      streaming: false,
      error: undefined,
      reading,
    };
  }
}
