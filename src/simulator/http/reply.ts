import type { IncomingHttpHeaders } from 'node:http';
import { gzipSync } from 'node:zlib';
import type { ExchangeError } from '../base/exchange-error.ts';
import type { JsonValue } from '../base/json-value.ts';

const JSON_TYPE = 'application/json;charset=UTF-8';
const COMPRESSED_FROM_BYTES = 1_024;

/** An HTTP answer. */
export interface Reply {
  readonly status: number;
  readonly body: Buffer;
  readonly code: number | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

export function jsonReply(
  status: number,
  value: JsonValue,
  headers: Readonly<Record<string, string>> = {},
  code?: number,
): Reply {
  const body = Buffer.from(JSON.stringify(value));
  return { status, body, code, headers: { 'Content-Type': JSON_TYPE, ...headers } };
}

export function errorReply(error: ExchangeError, headers: Readonly<Record<string, string>> = {}): Reply {
  return jsonReply(error.status, error.toBody(), { ...headers, ...error.headers }, error.code);
}

/** The page that the edge in front of the exchange answers with, e.g. for a path that does not exist. */
export function edgePage(status: number, title: string): Reply {
  const page = `<html>\r\n<head><title>${status} ${title}</title></head>\r\n<body>\r\n<center><h1>${status} ${title}</h1></center>\r\n</body>\r\n</html>\r\n`;
  return { status, body: Buffer.from(page), code: undefined, headers: { 'Content-Type': 'text/html' } };
}

/** Compresses a large body for a caller that accepts gzip. */
export function compressed(reply: Reply, headers: IncomingHttpHeaders): Reply {
  const accepts = /(?:^|,)\s*gzip\s*(?:;\s*q=(?!0(?:\.0*)?\s*(?:,|$))[^,]*)?(?:,|$)/i;
  if (reply.body.length < COMPRESSED_FROM_BYTES || !accepts.test(headers['accept-encoding'] ?? ''))
    return reply;
  return {
    ...reply,
    body: gzipSync(reply.body),
    headers: { ...reply.headers, 'Content-Encoding': 'gzip', Vary: 'Accept-Encoding' },
  };
}
