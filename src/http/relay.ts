import type { Dispatcher } from 'undici';
import type { HeaderValues } from '../core/call/headers.ts';
import { hasCertainEnd, uncertainEnd } from '../core/outcome/certain-end.ts';
import type { Transfer, TransferPhase } from '../pipeline/carrier.ts';
import type { AnswerTaker } from './taking/answer-taker.ts';

type Controller = Dispatcher.DispatchController;

export interface RelayOptions {
  readonly method: string;
  /** Hold the whole answer until it is complete: an order's answer is judged before anything of it is relayed. */
  readonly holdAll: boolean;
  /** Throws when the call must not leave after all; asked before its first byte. */
  readonly mayLeave: () => void;
}

/** A held answer that grows beyond this is let go: no answer to an order is that large. */
const HOLD_LIMIT_BYTES = 1024 * 1024;

/**
 * Takes one upstream answer and hands it on, byte for byte, with back-pressure. Error answers, and all
 * answers to state-changing calls, are held back until they are whole. Bodies are never decoded or joined otherwise.
 */
export class Relay implements Dispatcher.DispatchHandler {
  readonly ended: Promise<Transfer>;
  readonly #taker: AnswerTaker;
  readonly #options: RelayOptions;
  #resolve: (transfer: Transfer) => void = () => {};
  #controller: Controller | undefined;
  #phase: TransferPhase = 'not-connected';
  #status: number | undefined;
  #headers: HeaderValues = {};
  #held: Buffer[] | undefined = [];
  #heldBytes = 0;
  #streaming = false;
  #aborted = false;

  constructor(taker: AnswerTaker, options: RelayOptions) {
    this.#taker = taker;
    this.#options = options;
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** Gives the call up: nobody waits for its answer any more. Before a byte was written it never happened. */
  abort(): void {
    this.#aborted = true;
    if (this.#controller === undefined) this.#finish(hungUp());
    else this.#controller.abort(hungUp());
  }

  onRequestStart(controller: Controller): void {
    // Thrown, not aborted: that would cost a connection on which nothing was written.
    if (this.#aborted) throw hungUp();
    this.#options.mayLeave();
    this.#controller = controller;
    this.#phase = 'after-bytes';
  }

  onResponseStarted(): void {
    this.#phase = 'headers';
  }

  onResponseStart(controller: Controller, status: number, headers: HeaderValues): void {
    if (status < 200) return;
    this.#phase = 'body';
    this.#status = status;
    this.#headers = headers;
    if (!hasCertainEnd(this.#options.method, status, headers)) controller.abort(uncertainEnd());
    else if (!this.#options.holdAll && status < 400) this.#stream();
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    if (this.#held !== undefined) {
      this.#held.push(chunk);
      this.#heldBytes += chunk.length;
      if (this.#heldBytes > HOLD_LIMIT_BYTES) this.#stream();
      return;
    }
    if (this.#taker.take(chunk)) return;
    controller.pause();
    this.#taker.onceReady(() => controller.resume());
  }

  onResponseEnd(): void {
    this.#phase = 'complete';
    this.#finish(undefined);
  }

  onResponseError(_controller: Controller | undefined, error: Error): void {
    if (this.#aborted && this.#controller !== undefined) this.#phase = 'aborted';
    this.#finish(error);
  }

  #stream(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    this.#streaming = true;
    this.#taker.begin(this.#status ?? 502, this.#headers);
    for (const chunk of held) this.#taker.take(chunk);
  }

  #finish(error: Error | undefined): void {
    this.#resolve({
      phase: this.#phase,
      status: this.#status,
      headers: this.#headers,
      held: this.#held === undefined ? undefined : Buffer.concat(this.#held),
      streaming: this.#streaming,
      error,
    });
  }
}

function hungUp(): Error {
  return new Error('the client hung up');
}
