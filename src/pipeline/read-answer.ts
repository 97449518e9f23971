import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib';
import type { HeaderValues } from '../core/call/headers.ts';
import type { Endpoint } from '../core/catalogue/endpoint.ts';
import { type CallEnd, classify, type Verdict } from '../core/outcome/classify.ts';
import { isJson, type OrderAnswer, readElementCodes, readOrderAnswer } from '../core/outcome/order-answer.ts';
import type { Transfer } from './carrier.ts';

/** One sending, ended: what came, what it says, and what it means. */
export interface Answer {
  readonly transfer: Transfer;
  readonly verdict: Verdict;
  /** What the body says of code, message and order; empty when it was streamed or cannot be read. */
  readonly said: OrderAnswer;
  readonly bodyText: string | undefined;
}

const MAX_BYTES = 1024 * 1024;

/** Reads how a sending ended, whatever carried it. */
export function readAnswer(endpoint: Endpoint, transfer: Transfer): Answer {
  const { text, wellFormed } = transfer.reading ?? readHeld(transfer);
  const said = text === undefined ? {} : readOrderAnswer(text);
  return {
    transfer,
    verdict: classify(toCallEnd(endpoint, transfer, text, said, wellFormed)),
    said,
    bodyText: text,
  };
}

/** One header of an answer, whatever its number. */
export function headerOf(headers: HeaderValues, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' || value === undefined ? value : value[0];
}

function readHeld({ held, headers }: Transfer) {
  if (held === undefined) return { text: undefined, wellFormed: true };
  const text = readableBody(held, headerOf(headers, 'content-encoding'));
  const contentType = headerOf(headers, 'content-type');
  return { text, wellFormed: text !== undefined && !isGarbledJson(contentType, text) };
}

function toCallEnd(
  endpoint: Endpoint,
  transfer: Transfer,
  bodyText: string | undefined,
  said: OrderAnswer,
  wellFormed: boolean,
): CallEnd {
  const { phase, status, headers, reusedConnection } = transfer;
  const contentType = headerOf(headers, 'content-type');
  const elementCodes = bodyText === undefined ? undefined : readElementCodes(bodyText);
  // What a batch says first is said of its first element: taken for the whole, it would hide that others were accepted.
  const isBatch = bodyText?.trimStart().startsWith('[') === true;
  return {
    upstream: endpoint.upstream,
    path: endpoint.path,
    method: endpoint.method,
    effect: endpoint.effect,
    phase: phase === 'complete' ? 'body' : phase === 'aborted' ? 'after-bytes' : phase,
    headersTimeout: isTimeout(transfer.error),
    ...(reusedConnection === undefined ? {} : { reusedConnection }),
    ...(status === undefined ? {} : { status }),
    ...(said.code === undefined || isBatch ? {} : { code: said.code }),
    ...(said.msg === undefined || isBatch ? {} : { msg: said.msg }),
    ...(elementCodes === undefined ? {} : { elementCodes }),
    ...(contentType === undefined ? {} : { contentType }),
    ...(phase === 'body' || !wellFormed ? { wellFormed: false } : {}),
  };
}

function isTimeout(error: Error | undefined): boolean {
  return error !== undefined && 'code' in error && error.code === 'UND_ERR_HEADERS_TIMEOUT';
}

function isGarbledJson(contentType: string | undefined, bodyText: string): boolean {
  return contentType !== undefined && /json/i.test(contentType) && !isJson(bodyText);
}

/**
 * A held answer as text, for records and verdicts only: what is relayed are its untouched bytes. Undefined when its
 * coding is broken or unknown.
 */
function readableBody(body: Buffer, contentEncoding: string | undefined): string | undefined {
  try {
    return decode(body, contentEncoding?.trim().toLowerCase()).toString('utf8');
  } catch {
    return undefined;
  }
}

function decode(body: Buffer, coding: string | undefined): Buffer {
  const limit = { maxOutputLength: MAX_BYTES };
  switch (coding) {
    case undefined:
    case '':
    case 'identity':
      return body;
    case 'gzip':
    case 'x-gzip':
      return gunzipSync(body, limit);
    case 'deflate':
      return inflateSync(body, limit);
    case 'br':
      return brotliDecompressSync(body, limit);
    case 'zstd':
      return zstdDecompressSync(body, limit);
    default:
      throw new Error('an unknown content coding');
  }
}
