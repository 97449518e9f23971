import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { ProxyError } from '../core/errors.ts';
import { errorBody } from './error-handler.ts';

/** No library of the field sends further calls on a connection before it has its answer; a proxy in between may send some. */
const MOST_UNANSWERED = 8;
/** Closed at once, a connection with unread bytes is reset, and the answer may be lost with it. */
const LINGER_MS = 2_000;

/** Refuses what has no request of its own, and whoever sends ever more calls without waiting for an answer. */
export class ConnectionRefusals {
  readonly #unanswered = new WeakMap<Duplex, Set<ServerResponse>>();
  readonly #refused = new WeakSet<Duplex>();
  readonly #nextRequestId: () => string;
  readonly #record: (id: string, error: ProxyError) => void;

  constructor(nextRequestId: () => string, record: (id: string, error: ProxyError) => void) {
    this.#nextRequestId = nextRequestId;
    this.#record = record;
  }

  /** Whether a request is to be served. What comes after a refusal on its connection was never begun, and has no answer. */
  begin({ socket }: IncomingMessage, response: ServerResponse): boolean {
    if (this.#refused.has(socket)) return false;
    const open = this.#unanswered.get(socket) ?? new Set();
    if (open.size >= MOST_UNANSWERED) {
      // Nothing further is read: it would be parsed, which is most of what it costs.
      socket.pause();
      this.refuse(socket, tooManyUnanswered());
      return false;
    }
    this.#unanswered.set(socket, open.add(response));
    response.once('close', () => open.delete(response));
    return true;
  }

  /**
   * Nothing further is served on the connection. The refusal comes behind the answers to the calls that were read before:
   * ahead of them it would tell an app that its order was not sent. Then the connection is closed.
   */
  refuse(socket: Duplex, error: ProxyError): void {
    if (this.#refused.has(socket)) return;
    this.#refused.add(socket);
    // A call of which the body is still to come is the broken one itself: it will never be answered.
    const last = [...(this.#unanswered.get(socket) ?? [])].findLast(({ req }) => req.complete);
    if (last === undefined) this.#answer(socket, error);
    else last.once('close', () => this.#answer(socket, error));
  }

  #answer(socket: Duplex, error: ProxyError): void {
    // Who does not close its side, or whose side is not read any more, would keep the connection for ever.
    setTimeout(() => socket.destroy(), LINGER_MS).unref();
    if (!socket.writable || socket.destroyed) return;
    const requestId = this.#nextRequestId();
    this.#record(requestId, error);
    const body = errorBody(error);
    const retryAfter =
      error.retryAfterSeconds === undefined ? '' : `retry-after: ${error.retryAfterSeconds}\r\n`;
    socket.end(
      `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}\r\n` +
        'content-type: application/json;charset=UTF-8\r\n' +
        `content-length: ${Buffer.byteLength(body)}\r\n` +
        `x-proxy-request-id: ${requestId}\r\nx-proxy-outcome: not-sent\r\nx-proxy-error: ${error.name}\r\n` +
        `${retryAfter}connection: close\r\n\r\n${body}`,
    );
  }
}

function tooManyUnanswered(): ProxyError {
  return new ProxyError(
    'PROXY_CLIENT_RATE_LIMITED',
    `At most ${MOST_UNANSWERED} calls may wait for their answers on one connection.`,
    { rule: 'unanswered calls on a connection', retryAfterSeconds: 1 },
  );
}
