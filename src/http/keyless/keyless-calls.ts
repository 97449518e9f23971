import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { ANONYMOUS, type Client } from '../../core/access/client.ts';
import { malformedRequest, ProxyError } from '../../core/errors.ts';

/** What callers without a key may use of a connection: one call at a time, and no body. */
export class KeylessCalls {
  readonly #busy = new WeakMap<Socket, ServerResponse>();

  /**
   * To be called before anything of the body is read.
   * @throws ProxyError PROXY_MALFORMED_REQUEST, PROXY_CLIENT_RATE_LIMITED
   */
  begin({ name }: Client, { headers, socket }: IncomingMessage, response: ServerResponse): void {
    if (name !== ANONYMOUS) return;
    const { 'content-length': length, 'transfer-encoding': transfer } = headers;
    if (transfer !== undefined || (length !== undefined && Number(length) !== 0))
      throw malformedRequest('a call without a key has no body');
    if (this.#busy.has(socket)) {
      throw new ProxyError(
        'PROXY_CLIENT_RATE_LIMITED',
        'Without a key one call at a time is served on a connection.',
        { rule: 'one call at a time', retryAfterSeconds: 1 },
      );
    }
    this.#busy.set(socket, response);
    const end = () => {
      if (this.#busy.get(socket) === response) this.#busy.delete(socket);
    };
    response.once('finish', end);
    response.once('close', end);
  }
}
