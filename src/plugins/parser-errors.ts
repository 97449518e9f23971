import type { Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { ProxyError } from '../core/errors.ts';
import { errorBody } from './error-handler.ts';

const REASONS: Readonly<Record<number, string>> = { 400: 'Bad Request', 413: 'Content Too Large' };

/**
 * What Node's own HTTP parser refuses (raw UTF-8 in the request line, broken framing), and the methods that it hands
 * over outside of a request, still get an answer that a Binance library can read.
 */
export function answerParserErrors(
  server: Server,
  nextRequestId: () => string,
  record: (id: string, error: ProxyError) => void,
): void {
  function refuse(socket: Duplex, error: ProxyError): void {
    if (!socket.writable || ('bytesWritten' in socket && socket.destroyed)) return;
    const requestId = nextRequestId();
    record(requestId, error);
    const body = errorBody(error);
    socket.end(
      `HTTP/1.1 ${error.status} ${REASONS[error.status] ?? 'Error'}\r\n` +
        'content-type: application/json;charset=UTF-8\r\n' +
        `content-length: ${Buffer.byteLength(body)}\r\n` +
        `x-proxy-request-id: ${requestId}\r\nx-proxy-outcome: not-sent\r\nx-proxy-error: ${error.name}\r\n` +
        `connection: close\r\n\r\n${body}`,
    );
  }

  server.removeAllListeners('clientError');
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    refuse(
      socket,
      new ProxyError(
        'PROXY_MALFORMED_REQUEST',
        'Malformed request: this is not HTTP as the proxy can read it.',
        {
          rule: 'http parser',
        },
      ),
    );
  });
  server.on('connect', (_request, socket) => {
    refuse(
      socket,
      new ProxyError('PROXY_MALFORMED_REQUEST', 'Malformed request: CONNECT is not served.', {
        rule: 'CONNECT',
      }),
    );
  });
}
