import type { IncomingMessage } from 'node:http';
import type { Client } from '../core/access/client.ts';
import { sharedLaneOf } from '../core/budget/buckets.ts';
import type { Endpoint } from '../core/catalogue/endpoint.ts';
import { ProxyError } from '../core/errors.ts';
import { type FullLane, LaneCounts } from '../core/lanes.ts';

const MAX_BODY_BYTES = 256 * 1024;
const EMPTY = Buffer.alloc(0);

/** What the bodies that are being read may take together, in bytes. */
const MAX_BODIES_BYTES = 32 * 1024 * 1024;

/** Whose body is read, and for what. */
export interface BodyOwner {
  readonly endpoint: Endpoint;
  readonly client: Client;
}

/**
 * Reads the bodies of all requests. What a body may need is taken before its first byte: its announced length, or the most.
 */
export class BodyReader {
  readonly #memory = new LaneCounts(MAX_BODIES_BYTES);

  /**
   * The bytes; a promise of them only where there are any.
   * @throws ProxyError PROXY_BODY_TOO_LARGE, PROXY_UNSUPPORTED_MEDIA_TYPE, PROXY_CLIENT_RATE_LIMITED
   */
  read(request: IncomingMessage, { endpoint, client }: BodyOwner): Buffer | Promise<Buffer> {
    const length = lengthOf(request);
    if (length === 0) return EMPTY;
    const room = this.#memory.take(sharedLaneOf(endpoint, client), client.name, length);
    if (typeof room === 'string') throw tooManyBodies(room);
    return collect(request).finally(() => room[Symbol.dispose]());
  }
}

/**
 * How many bytes a body has, or may have. Its Content-Type is not looked at; a Content-Encoding is refused, and so is every
 * Transfer-Encoding but chunked, because what was checked would not be what is sent.
 * @throws ProxyError PROXY_BODY_TOO_LARGE, PROXY_UNSUPPORTED_MEDIA_TYPE
 */
function lengthOf(request: IncomingMessage): number {
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
  if (transfer !== undefined) return MAX_BODY_BYTES;
  const announced = Number(length ?? 0);
  if (announced > MAX_BODY_BYTES) throw tooLarge();
  return announced;
}

/** @throws ProxyError (rejection) PROXY_BODY_TOO_LARGE, PROXY_MALFORMED_REQUEST when it breaks off */
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
    request.on('close', () => {
      if (!request.readableEnded) reject(brokenOff());
    });
    request.on('error', () => reject(brokenOff()));
  });
}

function tooManyBodies(full: FullLane): ProxyError {
  const whose = full === 'client' ? ' of this client' : '';
  return new ProxyError('PROXY_CLIENT_RATE_LIMITED', `Too many request bodies${whose} are being read.`, {
    rule: full === 'client' ? 'bodies of one client' : 'bodies',
    retryAfterSeconds: 1,
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
