import { once } from 'node:events';
import { type ClientOptions, WebSocket } from 'ws';

/** What came back on one frame. */
export interface WsReply {
  readonly id?: unknown;
  readonly status?: number;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: {
    readonly code: number;
    readonly msg: string;
    readonly data?: Readonly<Record<string, unknown>>;
  };
  readonly event?: Readonly<Record<string, unknown>>;
}

interface Closing {
  readonly code: number;
  readonly reason: string;
}

/** An app's WebSocket as a plain library opens it. */
export interface WsApp {
  readonly socket: WebSocket;
  /** Everything that came, as texts. */
  readonly texts: readonly string[];
  readonly closed: Promise<Closing>;
  /** Sends `{id, method, params}` and waits for the answer with that id. */
  ask(method: string, params?: Readonly<Record<string, unknown>>, id?: number | string): Promise<WsReply>;
  /** Sends a text and waits for the next message. */
  askRaw(text: string): Promise<WsReply>;
  /** Waits for a message that `test` accepts, also one that came before. */
  until(test: (reply: WsReply, text: string) => boolean): Promise<WsReply>;
  close(): Promise<void>;
}

let lastId = 0;

/** @throws when the upgrade is refused: `UpgradeRefused` */
export async function connectApp(url: string, options: ClientOptions = {}): Promise<WsApp> {
  const socket = new WebSocket(url, { ...options });
  const texts: string[] = [];
  const waiting = new Set<() => void>();
  socket.on('message', (data) => {
    texts.push(data.toString());
    for (const wake of waiting) wake();
  });
  const closed = new Promise<Closing>((resolve) => {
    socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
    socket.once('unexpected-response', (_request, response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      response.on('end', () => reject(new UpgradeRefused(response.statusCode ?? 0, body, response.headers)));
    });
  });
  socket.on('error', () => {});

  function find(from: number, test: (reply: WsReply, text: string) => boolean): Promise<WsReply> {
    return new Promise((resolve) => {
      let at = from;
      const look = () => {
        for (; at < texts.length; at++) {
          const text = texts[at] ?? '';
          const reply = parse(text);
          if (!test(reply, text)) continue;
          waiting.delete(look);
          resolve(reply);
          return;
        }
      };
      waiting.add(look);
      look();
    });
  }

  return {
    socket,
    texts,
    closed,
    ask(method, params = {}, id = ++lastId) {
      const answer = find(texts.length, (reply) => reply.id === id);
      socket.send(JSON.stringify({ id, method, params }));
      return answer;
    },
    askRaw(text) {
      const answer = find(texts.length, () => true);
      socket.send(text);
      return answer;
    },
    until: (test) => find(0, test),
    async close() {
      if (socket.readyState === socket.CLOSED) return;
      socket.close();
      await once(socket, 'close');
    },
  };
}

export class UpgradeRefused extends Error {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, unknown>>;

  constructor(status: number, body: string, headers: Readonly<Record<string, unknown>>) {
    super(`HTTP ${status}`);
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

/** What refused an upgrade. */
export async function refusedUpgrade(url: string, options: ClientOptions = {}): Promise<UpgradeRefused> {
  try {
    const app = await connectApp(url, options);
    await app.close();
  } catch (error) {
    if (error instanceof UpgradeRefused) return error;
    throw error;
  }
  throw new Error('the upgrade was accepted');
}

/** Waits until `test` holds; the test's own time limit is the end of it. */
export async function eventually(test: () => boolean): Promise<void> {
  while (!test()) await new Promise((resolve) => setTimeout(resolve, 5));
}

function parse(text: string): WsReply {
  try {
    return JSON.parse(text) as WsReply;
  } catch {
    return {};
  }
}
