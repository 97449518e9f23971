import type { IncomingMessage } from 'node:http';
import { ProxyError } from '../core/errors.ts';

const MAX_BODY_BYTES = 256 * 1024;
const EMPTY = Buffer.alloc(0);

/**
 * The raw bytes of a request body. Its Content-Type is not looked at; a Content-Encoding is refused, and so is every
 * Transfer-Encoding but chunked, because what was checked would not be what is sent.
 * @throws ProxyError PROXY_BODY_TOO_LARGE, PROXY_UNSUPPORTED_MEDIA_TYPE, PROXY_MALFORMED_REQUEST when it breaks off
 */
export function readBody(request: IncomingMessage): Buffer | Promise<Buffer> {
  const {
    'content-length': length,
    'transfer-encoding': transfer,
    'content-encoding': encoding,
  } = request.headers;
  const isCoded = encoding !== undefined && encoding.toLowerCase() !== 'identity';
  if (isCoded || (transfer !== undefined && transfer.toLowerCase() !== 'chunked')) {
    throw new ProxyError('PROXY_UNSUPPORTED_MEDIA_TYPE', 'Compressed request bodies are not accepted.', {
      rule: isCoded ? 'content-encoding' : 'transfer-encoding',
    });
  }
  if (transfer === undefined && (length === undefined || Number(length) === 0)) return EMPTY;
  if (length !== undefined && Number(length) > MAX_BODY_BYTES) throw tooLarge();
  return collect(request);
}

function collect(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= MAX_BODY_BYTES) chunks.push(chunk);
      else reject(tooLarge());
    });
    request.on('end', () =>
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)),
    );
    request.on('close', () => reject(brokenOff()));
    request.on('error', () => reject(brokenOff()));
  });
}

function tooLarge(): ProxyError {
  return new ProxyError('PROXY_BODY_TOO_LARGE', `The request body is larger than ${MAX_BODY_BYTES} bytes.`, {
    rule: 'body size',
  });
}

function brokenOff(): ProxyError {
  return new ProxyError('PROXY_MALFORMED_REQUEST', 'Malformed request: the body broke off.', {
    rule: 'body broke off',
  });
}
