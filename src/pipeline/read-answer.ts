import type { HeaderValues } from '../core/call/headers.ts';
import type { Endpoint } from '../core/catalogue/endpoint.ts';
import { type Ending as CallEnding, classify, type Verdict } from '../core/outcome/classify.ts';
import { type OrderAnswer, readElementCodes, readOrderAnswer } from '../core/outcome/order-answer.ts';
import type { Ending } from '../http/relay.ts';
import { readableBody } from './readable-body.ts';

/** One sending, ended: what came, what it says, and what it means. */
export interface Answer {
  readonly ending: Ending;
  readonly verdict: Verdict;
  /** What the body says of code, message and order; empty when it was streamed or cannot be read. */
  readonly said: OrderAnswer;
  readonly bodyText: string | undefined;
}

export function readAnswer(endpoint: Endpoint, ending: Ending): Answer {
  const bodyText =
    ending.held === undefined
      ? undefined
      : readableBody(ending.held, headerOf(ending.headers, 'content-encoding'));
  const said = bodyText === undefined ? {} : readOrderAnswer(bodyText);
  return { ending, verdict: classify(toCallEnding(endpoint, ending, bodyText, said)), said, bodyText };
}

/** One header of an answer, whatever its number. */
export function headerOf(headers: HeaderValues, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' || value === undefined ? value : value[0];
}

function toCallEnding(
  endpoint: Endpoint,
  ending: Ending,
  bodyText: string | undefined,
  said: OrderAnswer,
): CallEnding {
  const contentType = headerOf(ending.headers, 'content-type');
  const elementCodes = bodyText === undefined ? undefined : readElementCodes(bodyText);
  // What a batch says first is said of its first element: taken for the whole, it would hide that others were accepted.
  const isBatch = bodyText?.trimStart().startsWith('[') === true;
  const broken = ending.phase === 'body' || (ending.held !== undefined && bodyText === undefined);
  return {
    upstream: endpoint.upstream,
    path: endpoint.path,
    method: endpoint.method,
    effect: endpoint.effect,
    phase: ending.phase === 'complete' ? 'body' : ending.phase === 'aborted' ? 'after-bytes' : ending.phase,
    headersTimeout: isTimeout(ending.error),
    ...(ending.status === undefined ? {} : { status: ending.status }),
    ...(said.code === undefined || isBatch ? {} : { code: said.code }),
    ...(said.msg === undefined || isBatch ? {} : { msg: said.msg }),
    ...(elementCodes === undefined ? {} : { elementCodes }),
    ...(contentType === undefined ? {} : { contentType }),
    ...(broken || isGarbledJson(contentType, bodyText) ? { wellFormed: false } : {}),
  };
}

function isTimeout(error: Error | undefined): boolean {
  return error !== undefined && 'code' in error && error.code === 'UND_ERR_HEADERS_TIMEOUT';
}

function isGarbledJson(contentType: string | undefined, bodyText: string | undefined): boolean {
  if (bodyText === undefined || contentType === undefined || !/json/i.test(contentType)) return false;
  try {
    JSON.parse(bodyText);
    return false;
  } catch {
    return true;
  }
}
