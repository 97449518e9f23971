import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a service of notices was sent. */
interface TakenNotice {
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Monotonic ms. */
  readonly atMs: number;
}

export interface NoticeServer {
  readonly url: string;
  readonly taken: readonly TakenNotice[];
  close(): Promise<void>;
}

type Answer = (response: ServerResponse, number: number) => void;

const TAKEN: Answer = (response) => void response.end('ok');

/** A service that takes notices, or whatever `answer` does with them. */
export async function startNoticeServer(answer: Answer = TAKEN): Promise<NoticeServer> {
  const taken: TakenNotice[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      const { url = '', headers } = request;
      answer(response, taken.push({ target: url, headers, body, atMs: performance.now() }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    taken,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
