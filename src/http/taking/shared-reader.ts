import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import { ANONYMOUS } from '../../core/access/client.ts';
import type { CallContext } from '../../pipeline/call-context.ts';
import type { Turns } from '../../pipeline/clients/turns.ts';
import type { SharedCall, Taker } from '../../shared-data/shared-call.ts';
import { writeBytes, writeHead } from '../write-answer.ts';
import { whenReadOn } from './slow-reader.ts';

/** How it ended for one reader: it has all there is, its call will not be sent, or its app is gone. */
export type Ending = 'ended' | 'abandoned' | 'gone';

/** One app that goes through a shared answer at its own pace. */
export class SharedReader<R> implements Taker {
  readonly ending: Promise<Ending>;
  readonly #call: SharedCall<R>;
  readonly #context: CallContext;
  readonly #reply: FastifyReply;
  readonly #response: ServerResponse;
  readonly #slowReaderMs: number;
  readonly #turns: Turns;
  readonly #goOn = () => this.#advance();
  readonly #onClose = () => this.#finish('gone');
  #resolve: (ending: Ending) => void = () => {};
  #takenBytes = 0;
  #index = 0;
  #hasBegun = false;
  #isFull = false;
  #isDue = false;

  constructor(
    call: SharedCall<R>,
    context: CallContext,
    reply: FastifyReply,
    slowReaderMs: number,
    turns: Turns,
  ) {
    this.#call = call;
    this.#context = context;
    this.#reply = reply;
    this.#response = reply.raw;
    this.#slowReaderMs = slowReaderMs;
    this.#turns = turns;
    this.ending = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    call.join(this);
    this.#response.once('close', this.#onClose);
    if (this.#response.destroyed) this.#onClose();
    else this.more();
  }

  get takenBytes(): number {
    return this.#takenBytes;
  }

  /** Hundreds may read the same answer: each takes its next part in a turn of its client's. */
  more(): void {
    if (this.#isDue || this.#isFull) return;
    this.#isDue = true;
    this.#turns.take(this.#context.client?.name ?? ANONYMOUS, 'identified', this.#goOn);
  }

  #advance(): void {
    this.#isDue = false;
    if (this.#isFull || this.#response.destroyed) return;
    this.#takeMore();
    this.#call.progressed();
  }

  #takeMore(): void {
    this.#begin();
    for (let chunk = this.#next(); chunk !== undefined; chunk = this.#next()) {
      if (writeBytes(this.#response, chunk)) continue;
      this.#waitForReader();
      return;
    }
    const { state } = this.#call;
    if (state === 'ended') this.#finish('ended');
    else if (state === 'abandoned') this.#startOver();
  }

  /** Waits no longer for a call that is still not sent. */
  giveUpWaiting(): void {
    if (this.#call.sent === undefined) this.#finish('abandoned');
  }

  cut(): void {
    this.#response.destroy();
    this.#finish('gone');
  }

  #begin(): void {
    const { head } = this.#call;
    if (head === undefined || this.#hasBegun) return;
    this.#hasBegun = true;
    writeHead(this.#context, this.#reply, head.status, head.headers, 'answered');
  }

  #next(): Buffer | undefined {
    const chunk = this.#call.chunkAt(this.#index);
    if (chunk === undefined) return undefined;
    this.#index++;
    this.#takenBytes += chunk.length;
    return chunk;
  }

  #waitForReader(): void {
    this.#isFull = true;
    whenReadOn(this.#response, this.#slowReaderMs, () => {
      this.#isFull = false;
      this.more();
    });
  }

  /** Whoever has read a part of an answer cannot be given another one. */
  #startOver(): void {
    if (this.#hasBegun) this.cut();
    else this.#finish('abandoned');
  }

  #finish(ending: Ending): void {
    this.#response.off('close', this.#onClose);
    this.#call.leave(this);
    this.#resolve(ending);
  }
}
