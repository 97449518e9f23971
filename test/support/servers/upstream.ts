import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { type StatedLimits, startAnswer } from './start-answers.ts';

export interface Received {
  readonly method: string;
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

type Responder = (received: Received, response: ServerResponse) => void;

export interface Upstream {
  readonly url: string;
  /** Everything received but the proxy's own questions. */
  readonly received: readonly Received[];
  /** What is answered from now on. */
  respond(responder: Responder): void;
  close(): Promise<void>;
}

export interface UpstreamOptions {
  readonly tls?: { readonly key: string; readonly cert: string };
  readonly clockOffsetMs?: number;
  readonly limits?: StatedLimits;
  /** What else the proxy's own questions are answered, by target. */
  readonly answers?: Readonly<Record<string, unknown>>;
  /** Answers some of the proxy's own questions instead; false leaves one to the rest. */
  readonly ownQuestion?: (target: string, response: ServerResponse) => boolean;
}

/** The proxy's own questions come without a user agent. */
function answerTheProxy(target: string, response: ServerResponse, options: UpstreamOptions): void {
  if (options.ownQuestion?.(target, response) === true) return;
  const given = options.answers?.[target];
  const answer = given === undefined ? startAnswer(target, options) : JSON.stringify(given);
  response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' });
  response.end(answer ?? '{}');
}

/** A recording upstream that answers whatever a test wants, and by itself what the proxy asks at its start. */
export async function startUpstream(options: UpstreamOptions = {}): Promise<Upstream> {
  const received: Received[] = [];
  const sockets = new Set<Socket>();
  let responder: Responder = (_received, response) => {
    response.writeHead(200, { 'content-type': 'application/json;charset=UTF-8' }).end('{}');
  };
  const server = options.tls === undefined ? createServer() : createSecureServer(options.tls);
  server.on('request', (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const one = {
        method: request.method ?? '',
        target: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks).toString('latin1'),
      };
      if (one.headers['user-agent'] === undefined) {
        answerTheProxy(one.target, response, options);
        return;
      }
      received.push(one);
      responder(one, response);
    });
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    received,
    respond(next) {
      responder = next;
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}
