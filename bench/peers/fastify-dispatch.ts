import { createHmac } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import fastify from 'fastify';
import { type Dispatcher, Pool } from 'undici';

/**
 * The leanest signing proxy that Fastify and undici allow: no body parser, no streams, the answer straight from undici's
 * handler to the socket. It only signs, and shows what is left when everything else of this proxy is taken away.
 */
const { PORT, UPSTREAM = '', BSP_KEY = '', BSP_SECRET = '' } = process.env;
const pool = new Pool(UPSTREAM, { connections: 256, pipelining: 1, allowH2: false });
const BACK = ['content-type', 'content-length', 'date'];

class Relay implements Dispatcher.DispatchHandler {
  readonly #response: ServerResponse;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  onRequestStart(): void {}

  onResponseStart(_controller: unknown, status: number, headers: Record<string, string | string[] | undefined>) {
    this.#response.writeHead(
      status,
      BACK.flatMap((name) => (headers[name] === undefined ? [] : [name, headers[name]])),
    );
  }

  onResponseData(_controller: unknown, chunk: Buffer): void {
    this.#response.write(chunk.toString('latin1'), 'latin1');
  }

  onResponseEnd(): void {
    this.#response.end();
  }

  onResponseError(): void {
    this.#response.destroy();
  }
}

function send(request: IncomingMessage, response: ServerResponse, body: string): void {
  const [path = '', query = ''] = (request.url ?? '').split('?');
  const dated = `${query === '' ? '' : `${query}&`}recvWindow=5000&timestamp=${Date.now()}`;
  const signature = createHmac('sha256', BSP_SECRET)
    .update(dated + body)
    .digest('hex');
  const headers = ['x-mbx-apikey', BSP_KEY];
  if (body !== '') headers.push('content-type', 'application/x-www-form-urlencoded');
  pool.dispatch(
    {
      method: request.method as 'GET',
      path: `${path}?${dated}&signature=${signature}`,
      headers,
      body: body === '' ? null : body,
    },
    new Relay(response),
  );
}

const app = fastify({ logger: false });
app.removeAllContentTypeParsers();
app.addContentTypeParser('*', (_request, _payload, done) => done(null));
app.all('*', (request, reply) => {
  reply.hijack();
  if (request.raw.headers['content-length'] === undefined) {
    send(request.raw, reply.raw, '');
    return;
  }
  let body = '';
  request.raw.setEncoding('utf8');
  request.raw.on('data', (chunk: string) => {
    body += chunk;
  });
  request.raw.on('end', () => send(request.raw, reply.raw, body));
});
await app.listen({ host: '127.0.0.1', port: Number(PORT) });
