import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { LogRecord } from '../servers/proxy.ts';

/** One viewer of the stream of records. */
export interface EventReader {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  /** All records so far. */
  readonly records: readonly LogRecord[];
  /** How many it was told to have missed. */
  readonly missed: number;
  readonly hasEnded: boolean;
  /** Takes nothing from the socket until it is resumed. */
  pause(): void;
  resume(): void;
  close(): void;
}

/** Opens the stream as a browser does, over a socket of its own. */
export async function readEvents(
  port: number,
  headers: Readonly<Record<string, string>>,
): Promise<EventReader> {
  const outgoing: ClientRequest = request({
    host: '127.0.0.1',
    port,
    path: '/operator/events',
    headers: { ...headers, accept: 'text/event-stream' },
    agent: false,
  });
  outgoing.on('error', () => {});
  outgoing.end();
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  const records: LogRecord[] = [];
  let missed = 0;
  let hasEnded = false;
  let text = '';
  incoming.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    const events = text.split('\n\n');
    text = events.pop() ?? '';
    for (const event of events) {
      const [, name, data] = /^event: (\w+)\ndata: (.*)$/.exec(event) ?? [];
      if (name === 'records') records.push(...(JSON.parse(data ?? '[]') as LogRecord[]));
      if (name === 'missed') missed += Number(data);
    }
  });
  incoming.on('error', () => {});
  incoming.on('close', () => {
    hasEnded = true;
  });
  return {
    status: incoming.statusCode ?? 0,
    headers: incoming.headers,
    records,
    get missed() {
      return missed;
    },
    get hasEnded() {
      return hasEnded;
    },
    pause: () => void incoming.pause(),
    resume: () => void incoming.resume(),
    close: () => void outgoing.destroy(),
  };
}
