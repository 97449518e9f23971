import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import type { HeaderValues } from '../../core/call/headers.ts';
import type { CallContext } from '../../pipeline/call-context.ts';
import { writeBytes, writeHead } from '../write-answer.ts';
import type { AnswerTaker } from './answer-taker.ts';
import { whenReadOn } from './slow-reader.ts';

/** One app that gets an answer as it comes, with back-pressure. */
export class ResponseTaker implements AnswerTaker {
  readonly #context: CallContext;
  readonly #reply: FastifyReply;
  readonly #response: ServerResponse;
  readonly #slowReaderMs: number;

  constructor(context: CallContext, reply: FastifyReply, slowReaderMs: number) {
    this.#context = context;
    this.#reply = reply;
    this.#response = reply.raw;
    this.#slowReaderMs = slowReaderMs;
  }

  get isGone(): boolean {
    return this.#response.destroyed;
  }

  start(giveUp: () => void): () => void {
    this.#response.once('close', giveUp);
    if (this.#response.destroyed) giveUp();
    return () => void this.#response.off('close', giveUp);
  }

  begin(status: number, headers: HeaderValues): void {
    writeHead(this.#context, this.#reply, status, headers, 'answered');
  }

  /** What comes for an app that is gone is dropped. */
  take(chunk: Buffer): boolean {
    return this.#response.destroyed || writeBytes(this.#response, chunk);
  }

  onceReady(goOn: () => void): void {
    whenReadOn(this.#response, this.#slowReaderMs, goOn);
  }
}
