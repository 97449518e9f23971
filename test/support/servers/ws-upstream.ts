import { createHmac, createPublicKey, verify } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { TEST_KEY, TEST_SECRET } from './proxy.ts';
import { startAnswer } from './start-answers.ts';

/** A frame as it arrived, with an independent judgement of its signature. */
export interface ArrivedFrame {
  readonly text: string;
  readonly id: unknown;
  readonly method: string;
  /** Values as the sender wrote them: numbers by their source, the rest as JSON text or plain strings. */
  readonly params: Readonly<Record<string, string>>;
  /** Undefined when it carries no signature. */
  readonly verified: boolean | undefined;
}

type FrameResponder = (frame: ArrivedFrame, socket: WebSocket) => void;

export interface WsUpstream {
  /** `http://…` origin, for REST. */
  readonly url: string;
  readonly wsUrl: string;
  readonly frames: readonly ArrivedFrame[];
  /** Everything that came on streams. */
  readonly messages: readonly { readonly data: Buffer; readonly isBinary: boolean }[];
  /** Targets of the upgrades. */
  readonly targets: readonly string[];
  readonly sockets: readonly WebSocket[];
  /** Targets of REST calls but those that the proxy makes at its start. */
  readonly restTargets: readonly string[];
  respond(responder: FrameResponder): void;
  onStream(listener: (socket: WebSocket, request: IncomingMessage) => void): void;
  /** Answers the next upgrades with this HTTP status instead. */
  refuseUpgrades(status: number | undefined, retryAfter?: string): void;
  answerRest(answer: (target: string) => string): void;
  close(): Promise<void>;
}

export interface WsUpstreamOptions {
  /** PEM of a public key; otherwise HMAC with the test secret. */
  readonly publicKey?: string;
  readonly clockOffsetMs?: () => number;
}

/** A small exchange on one origin: what a proxy asks at its start over REST, and whatever a test wants over WebSockets. */
export async function startWsUpstream(options: WsUpstreamOptions = {}): Promise<WsUpstream> {
  const frames: ArrivedFrame[] = [];
  const messages: { data: Buffer; isBinary: boolean }[] = [];
  const targets: string[] = [];
  const restTargets: string[] = [];
  const sockets: WebSocket[] = [];
  const raw = new Set<Socket>();
  let responder: FrameResponder = (frame, socket) => socket.send(okFrame(frame));
  let streamListener: (socket: WebSocket, request: IncomingMessage) => void = () => {};
  let refusal: { status: number; retryAfter: string | undefined } | undefined;
  let rest = (_target: string): string => '{}';
  const server = createServer((request, response) => {
    const target = request.url ?? '';
    response.setHeader('content-type', 'application/json');
    const clockOffsetMs = options.clockOffsetMs?.() ?? 0;
    const own = request.headers['user-agent'] === undefined && startAnswer(target, { clockOffsetMs });
    if (!own) restTargets.push(target);
    response.end(own || rest(target));
  });
  const wss = new WebSocketServer({ noServer: true, maxPayload: 8 * 1024 * 1024 });
  server.on('connection', (socket: Socket) => {
    raw.add(socket);
    socket.on('close', () => raw.delete(socket));
  });
  server.on('upgrade', (request, socket, head) => {
    targets.push(request.url ?? '');
    if (refusal !== undefined) {
      const { status, retryAfter } = refusal;
      const wait = retryAfter === undefined ? '' : `retry-after: ${retryAfter}\r\n`;
      socket.end(`HTTP/1.1 ${status} No\r\n${wait}content-length: 2\r\nconnection: close\r\n\r\nno`);
      return;
    }
    wss.handleUpgrade(request, socket, head, (ws) => {
      sockets.push(ws);
      ws.on('error', () => {});
      const isApi = /^\/ws-(?:api|fapi|dapi)\//.test(request.url ?? '');
      if (!isApi) streamListener(ws, request);
      ws.on('message', (data, isBinary) => {
        if (!isApi) {
          messages.push({ data: data as Buffer, isBinary });
          return;
        }
        const frame = readArrived(data.toString(), options.publicKey);
        frames.push(frame);
        responder(frame, ws);
      });
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    wsUrl: `ws://127.0.0.1:${port}`,
    frames,
    messages,
    targets,
    restTargets,
    sockets,
    respond(next) {
      responder = next;
    },
    onStream(next) {
      streamListener = next;
    },
    refuseUpgrades(status, retryAfter) {
      refusal = status === undefined ? undefined : { status, retryAfter };
    },
    answerRest(next) {
      rest = next;
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of raw) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

/** A successful answer in Binance's shape. */
export function okFrame({ text }: ArrivedFrame, result: unknown = {}, rateLimits: unknown = []): string {
  const id = /"id":("(?:[^"\\]|\\.)*"|-?\d+|null)/.exec(text)?.[1] ?? 'null';
  return `{"id":${id},"status":200,"result":${JSON.stringify(result)},"rateLimits":${JSON.stringify(rateLimits)}}`;
}

/** What a proxy with all its upstreams here is configured with. */
export function wsEnv({ wsUrl }: Pick<WsUpstream, 'wsUrl'>): Record<string, string> {
  return Object.fromEntries(
    ['SPOT_WS_API', 'SPOT_STREAM', 'USDM_WS_API', 'USDM_STREAM', 'COINM_WS_API', 'COINM_STREAM'].map(
      (name) => [`BINANCE_PROXY_UPSTREAM_${name}`, wsUrl],
    ),
  );
}

function readArrived(text: string, publicKey: string | undefined): ArrivedFrame {
  const {
    id,
    method,
    params = {},
  } = JSON.parse(text, keepSource) as {
    id: unknown;
    method: string;
    params?: Record<string, unknown>;
  };
  const plain: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(params)) plain[name] = textOf(value);
  return { text, id, method, params: plain, verified: judge(plain, publicKey) };
}

/** Independent of the proxy's own reading: numbers become objects that print their source. */
function keepSource(_name: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number') return value;
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(context?.source ?? String(value));
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function judge(params: Record<string, string>, publicKey: string | undefined): boolean | undefined {
  const { signature, ...rest } = params;
  if (signature === undefined) return undefined;
  if (rest.apiKey !== TEST_KEY || Math.abs(Number(rest.timestamp) - Date.now()) > 60_000) return false;
  const payload = Object.keys(rest)
    .sort()
    .map((name) => `${name}=${rest[name]}`)
    .join('&');
  if (publicKey === undefined)
    return createHmac('sha256', TEST_SECRET).update(payload).digest('hex') === signature;
  const key = createPublicKey(publicKey);
  const digest = key.asymmetricKeyType === 'rsa' ? 'sha256' : null;
  return verify(digest, Buffer.from(payload), key, Buffer.from(signature, 'base64'));
}
