import type { FastifyReply, FastifyRequest } from 'fastify';
import { ProxyError } from '../../core/errors.ts';
import type { AdmittedCall } from '../../pipeline/authorise.ts';
import type { CallContext } from '../../pipeline/call-context.ts';
import type { FinishedCall } from '../../pipeline/finish.ts';
import { keptAnswer } from '../../pipeline/sharing/share.ts';
import type { Pipeline } from '../../pipeline/wire-pipeline.ts';
import type { KeptAnswer } from '../../shared-data/kept-answers.ts';
import type { SharedCall } from '../../shared-data/shared-call.ts';
import { PENDING_MS } from '../../shared-data/shared-data.ts';
import { writeAnswer } from '../write-answer.ts';
import type { AnswerTaker } from './answer-taker.ts';
import { ResponseTaker } from './response-taker.ts';
import { SharedReader } from './shared-reader.ts';

/** The app's side of one call. */
export interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** What one caller has to do with the call that it asks for. */
export interface Part extends Disposable {
  /** The app has its answer: another call brought it. */
  readonly isAnswered: boolean;
  /** Who gets the answer, where the call is still to be sent. */
  readonly taker: AnswerTaker;
  /** The call has ended so. Resolves when the app has read it, or is gone; undefined when nobody has to be waited for. */
  end(finished: FinishedCall): Promise<unknown> | undefined;
}

export interface TakePartDeps {
  readonly pipeline: Pick<Pipeline, 'share' | 'recorder' | 'turns'>;
  readonly slowReaderMs: number;
}

/** Answers a call with what another one brings, or says who gets the answer when it is sent. */
export function createTakePart({ pipeline, slowReaderMs }: TakePartDeps) {
  const { share, recorder, turns } = pipeline;

  function answerKept(context: CallContext, kept: KeptAnswer, reply: FastifyReply): void {
    const answer = keptAnswer(kept);
    recorder.completed(context, answer, undefined);
    writeAnswer(context, { answer, lost: undefined }, reply);
  }

  /** @returns false when the call was given up before it was sent, and has to be asked for anew */
  async function follow(
    context: CallContext,
    call: SharedCall<FinishedCall>,
    reply: FastifyReply,
  ): Promise<boolean> {
    const reader = new SharedReader(call, context, reply, slowReaderMs, turns);
    // Whoever leads may wait for room of its own, which this caller has.
    const patience =
      call.sent === undefined ? setTimeout(() => reader.giveUpWaiting(), PENDING_MS) : undefined;
    const ending = await reader.ending;
    clearTimeout(patience);
    if (ending === 'abandoned') return false;
    const { result } = call;
    if (ending === 'gone' || result === undefined) {
      recorder.refused(context, hungUp());
      reply.hijack();
      return true;
    }
    const { answer, lost } = result;
    recorder.completed(context, answer, lost);
    writeAnswer(context, { answer, lost }, reply);
    return true;
  }

  /** @throws ProxyError PROXY_UPSTREAM_FROZEN; what stands for a shared answer that was lost */
  return async function takePart(
    context: CallContext,
    admitted: AdmittedCall,
    { request, reply }: Exchange,
  ): Promise<Part> {
    for (;;) {
      const found = share(context, admitted, request.raw.headers);
      if (found === undefined) return new OwnPart(new ResponseTaker(context, reply, slowReaderMs), false);
      if (found.kind === 'leading')
        return new LeadingPart(
          found.call,
          new SharedReader(found.call, context, reply, slowReaderMs, turns),
          reply,
        );
      if (found.kind === 'kept') answerKept(context, found.answer, reply);
      else if (!(await follow(context, found.call, reply))) continue;
      return new OwnPart(new ResponseTaker(context, reply, slowReaderMs), true);
    }
  };
}

/** A call of which nobody else gets anything. */
class OwnPart implements Part {
  readonly isAnswered: boolean;
  readonly taker: AnswerTaker;

  constructor(taker: AnswerTaker, isAnswered: boolean) {
    this.taker = taker;
    this.isAnswered = isAnswered;
  }

  end(): undefined {}

  [Symbol.dispose](): void {}
}

/** A call that others may join. */
class LeadingPart implements Part {
  readonly isAnswered = false;
  readonly taker: SharedCall<FinishedCall>;
  readonly #reader: SharedReader<FinishedCall>;
  readonly #reply: FastifyReply;

  constructor(call: SharedCall<FinishedCall>, reader: SharedReader<FinishedCall>, reply: FastifyReply) {
    this.taker = call;
    this.#reader = reader;
    this.#reply = reply;
  }

  async end(finished: FinishedCall): Promise<void> {
    this.taker.end(finished, finished.lost === undefined);
    if ((await this.#reader.ending) === 'gone') this.#reply.hijack();
  }

  /** Without an end of its own it leaves those who joined it to ask anew. */
  [Symbol.dispose](): void {
    this.taker.abandon();
  }
}

function hungUp(): ProxyError {
  return new ProxyError('PROXY_STALE_REQUEST', 'The client hung up while it waited for a shared answer.', {
    rule: 'client hung up',
  });
}
