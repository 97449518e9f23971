import type { IncomingMessage, Server } from 'node:http';
import { ProxyError } from '../core/errors.ts';
import type { ConnectionRefusals } from './connection-refusals.ts';

/**
 * What Node's own HTTP parser refuses (raw UTF-8 in the request line, broken framing), and what it hands over outside of
 * a request, still get an answer that a Binance library can read.
 */
export function answerParserErrors(server: Server, refusals: ConnectionRefusals): void {
  server.removeAllListeners('clientError');
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy();
    else refusals.refuse(socket, malformed('http parser', 'this is not HTTP as the proxy can read it'));
  });
  server.on('connect', (_request, socket) => {
    // Node takes its own listener off: without one a reset connection would end the whole process.
    socket.on('error', () => socket.destroy());
    refusals.refuse(socket, malformed('CONNECT', 'CONNECT is not served'));
  });
  server.on('checkExpectation', ({ socket }: IncomingMessage) => {
    refusals.refuse(socket, malformed('Expect', 'the expectation of its Expect header is not known'));
  });
}

function malformed(rule: string, why: string): ProxyError {
  return new ProxyError('PROXY_MALFORMED_REQUEST', `Malformed request: ${why}.`, { rule });
}
