import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { ProxyError } from '../core/errors.ts';
import { errorBody } from './error-handler.ts';

/**
 * What Node's own HTTP parser refuses (raw UTF-8 in the request line, broken framing), and what it hands over outside of
 * a request, still get an answer that a Binance library can read. It comes behind the answers to the calls that were
 * read before on the same connection: ahead of them it would tell an app that its order was not sent.
 */
export function answerParserErrors(
  server: Server,
  nextRequestId: () => string,
  record: (id: string, error: ProxyError) => void,
): void {
  const unanswered = new WeakMap<Duplex, Set<ServerResponse>>();
  const refused = new WeakSet<Duplex>();

  function refuse(socket: Duplex, rule: string, why: string): void {
    if (refused.has(socket)) return;
    refused.add(socket);
    // A call of which the body is still to come is the broken one itself: it will never be answered.
    const last = [...(unanswered.get(socket) ?? [])].findLast(({ req }) => req.complete);
    if (last === undefined) answer(socket, rule, why);
    else last.once('close', () => answer(socket, rule, why));
  }

  function answer(socket: Duplex, rule: string, why: string): void {
    if (!socket.writable || socket.destroyed) return;
    const error = new ProxyError('PROXY_MALFORMED_REQUEST', `Malformed request: ${why}.`, { rule });
    const requestId = nextRequestId();
    record(requestId, error);
    const body = errorBody(error);
    socket.end(
      `HTTP/1.1 ${error.status} Bad Request\r\n` +
        'content-type: application/json;charset=UTF-8\r\n' +
        `content-length: ${Buffer.byteLength(body)}\r\n` +
        `x-proxy-request-id: ${requestId}\r\nx-proxy-outcome: not-sent\r\nx-proxy-error: ${error.name}\r\n` +
        `connection: close\r\n\r\n${body}`,
    );
  }

  server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    const open = unanswered.get(socket) ?? new Set();
    unanswered.set(socket, open.add(response));
    response.once('close', () => open.delete(response));
  });
  server.removeAllListeners('clientError');
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy();
    else refuse(socket, 'http parser', 'this is not HTTP as the proxy can read it');
  });
  server.on('connect', (_request, socket) => {
    // Node takes its own listener off: without one a reset connection would end the whole process.
    socket.on('error', () => socket.destroy());
    refuse(socket, 'CONNECT', 'CONNECT is not served');
  });
  server.on('checkExpectation', ({ socket }: IncomingMessage) => {
    refuse(socket, 'Expect', 'the expectation of its Expect header is not known');
  });
}
