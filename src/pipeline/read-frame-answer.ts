import type { Endpoint } from '../core/catalogue/endpoint.ts';
import { limitHeaders, readAnswerBody } from '../core/frames/frame-answer.ts';
import { classify } from '../core/outcome/classify.ts';
import { readElementCodes, readOrderAnswer } from '../core/outcome/order-answer.ts';
import type { Answer } from './read-answer.ts';

/** The list of limits stands within the last part of an answer. */
const TAIL_BYTES = 4_096;

/**
 * Reads an answer frame as if it had come over REST. The result of a call without security is not looked at: it says
 * nothing about an account and may be very large.
 */
export function readFrameAnswer(endpoint: Endpoint, status: number, data: Buffer, nowMs: number): Answer {
  const isPlain = endpoint.security === 'NONE' && status < 400;
  const text = isPlain ? data.toString('utf8', Math.max(0, data.length - TAIL_BYTES)) : data.toString('utf8');
  const body = isPlain ? { text: undefined, wellFormed: true } : readAnswerBody(text, status);
  const said = body.text === undefined ? {} : readOrderAnswer(body.text);
  const elementCodes = body.text === undefined ? undefined : readElementCodes(body.text);
  const { upstream, path, method, effect } = endpoint;
  return {
    ending: {
      phase: 'complete',
      status,
      headers: limitHeaders(text, status >= 400 ? body.text : undefined, nowMs),
      held: undefined,
      streaming: false,
      error: undefined,
    },
    verdict: classify({
      upstream,
      path,
      method,
      effect,
      phase: 'body',
      status,
      ...(said.code === undefined ? {} : { code: said.code }),
      ...(said.msg === undefined ? {} : { msg: said.msg }),
      ...(elementCodes === undefined ? {} : { elementCodes }),
      ...(body.wellFormed ? {} : { wellFormed: false }),
    }),
    said,
    bodyText: body.text,
  };
}

/** The answer that never came: the frame was sent, and its socket died or its time is over. */
export function lostFrameAnswer({ upstream, path, method, effect }: Endpoint): Answer {
  return {
    ending: {
      phase: 'after-bytes',
      status: undefined,
      headers: {},
      held: undefined,
      streaming: false,
      error: undefined,
    },
    verdict: classify({ upstream, path, method, effect, phase: 'after-bytes', reusedConnection: false }),
    said: {},
    bodyText: undefined,
  };
}
