import { createServer, type Server, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { gzipSync } from 'node:zlib';
import { startAnswer } from './start-answers.ts';

/** How a connection is left: RST, FIN, or open without another byte. */
export type Break = 'reset' | 'fin' | 'stall';

/** What a healthy answer would be; the default is a 200 with `{"symbol":"BTCUSDT","orderId":1}`, or what Binance says. */
export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export type Fault =
  | { readonly at: 'nowhere'; readonly answer?: Answer }
  /** The port is closed: a connection is refused. */
  | { readonly at: 'before-accept' }
  /** The connection is accepted and broken at once; applies to new connections only. */
  | { readonly at: 'after-accept'; readonly how: Break }
  /** After `bytes` bytes of the request; with fewer bytes than a request it is never complete. */
  | { readonly at: 'request-bytes'; readonly bytes: number; readonly how: Break }
  | { readonly at: 'after-request'; readonly how: Break }
  | { readonly at: 'after-status-line'; readonly how: Break; readonly answer?: Answer }
  | { readonly at: 'mid-head'; readonly how: Break; readonly answer?: Answer }
  | { readonly at: 'mid-body'; readonly how: Break; readonly answer?: Answer }
  /** content-length is off by `by` bytes; when it promises too much, the connection ends after the body. */
  | { readonly at: 'content-length'; readonly by: number; readonly answer?: Answer }
  | { readonly at: 'bad-chunk'; readonly answer?: Answer }
  /** content-encoding gzip over a body that is none, or whose end is missing. */
  | { readonly at: 'wrong-gzip'; readonly kind: 'no-gzip' | 'truncated'; readonly answer?: Answer }
  /** Bytes that are no HTTP. */
  | { readonly at: 'garbage' }
  /** An interim 100 before the answer. */
  | { readonly at: 'continue'; readonly answer?: Answer }
  /** The answer twice over on one request. */
  | { readonly at: 'two-answers'; readonly answer?: Answer }
  /** A whole keep-alive answer, and the connection is gone right behind it. */
  | { readonly at: 'after-answer'; readonly how: 'reset' | 'fin'; readonly answer?: Answer }
  /** The answer in pieces of `bytes` bytes, `pauseMs` apart. */
  | { readonly at: 'drip'; readonly bytes: number; readonly pauseMs: number; readonly answer?: Answer };

/** A request that arrived whole: an upstream may have executed it. */
interface SeenRequest {
  readonly method: string;
  readonly target: string;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
  /** Number of the connection it came on, from 1. */
  readonly connection: number;
}

export interface FaultServer {
  readonly port: number;
  /** Origin, e.g. `http://127.0.0.1:49152`. */
  readonly url: string;
  /** Whole requests so far, in order. */
  readonly requests: readonly SeenRequest[];
  /** Connections accepted so far. */
  readonly connections: number;
  /** Connections that are open now. */
  readonly openConnections: number;
  /**
   * One fault stays for all requests to come; a list is used up one by one, then answers are healthy. `before-accept`
   * cannot stand in a list: it closes the port until another plan opens it, which has to be awaited.
   */
  plan(faults: Fault | readonly Fault[]): Promise<void>;
  /** Breaks every open connection, as an upstream does that is tired of idle ones. */
  dropConnections(how: 'reset' | 'fin'): void;
  close(): Promise<void>;
}

export interface FaultServerOptions {
  /** PEM texts; the server then speaks TLS. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

const HEALTHY: Fault = { at: 'nowhere' };

/** Long enough for the other side to read what was written: a RST takes unread bytes away from it. */
const READ_BEFORE_RESET_MS = 20;

interface Wire {
  /** Speaks plain text, within TLS when there is TLS. */
  readonly socket: Socket;
  /** The TCP connection itself, which alone can be reset. */
  readonly tcp: Socket;
}

/** Starts an upstream on the loopback interface that fails as planned. It keeps count of the whole requests it saw. */
export async function startFaultServer(options: FaultServerOptions = {}): Promise<FaultServer> {
  const requests: SeenRequest[] = [];
  const wires = new Set<Wire>();
  let connections = 0;
  let lasting: Fault = HEALTHY;
  let queue: Fault[] = [];
  const upcoming = (): Fault => queue[0] ?? lasting;
  const next = (): Fault => queue.shift() ?? lasting;

  const server = createServer({ allowHalfOpen: true }, (tcp) => {
    connections++;
    const isBroken = upcoming().at === 'after-accept';
    const socket =
      options.tls === undefined || isBroken ? tcp : new TLSSocket(tcp, { isServer: true, ...options.tls });
    const wire: Wire = { socket, tcp };
    wires.add(wire);
    tcp.on('close', () => wires.delete(wire));
    tcp.on('error', () => {});
    socket.on('error', () => {});
    socket.on('end', () => socket.end());
    tcp.setNoDelay(true);
    const fault = isBroken ? next() : HEALTHY;
    if (fault.at === 'after-accept') {
      socket.resume();
      breakOff(wire, fault.how);
    } else serve(wire, connections, next, requests);
  });
  await listen(server, 0);
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the fault server has no port');
  const { port } = address;

  return {
    port,
    url: `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    requests,
    get connections() {
      return connections;
    },
    get openConnections() {
      return wires.size;
    },
    async plan(faults) {
      queue = isList(faults) ? [...faults] : [];
      lasting = isList(faults) ? HEALTHY : faults;
      const isRefused = lasting.at === 'before-accept';
      if (isRefused === server.listening) await (isRefused ? stop(server, wires) : listen(server, port));
    },
    dropConnections(how) {
      for (const wire of wires) breakOff(wire, how);
    },
    close: () => stop(server, wires),
  };
}

/** Reads requests one after the other (head and content-length, which is all our own client sends) and plays faults. */
function serve(wire: Wire, connection: number, next: () => Fault, requests: SeenRequest[]): void {
  const { socket } = wire;
  let buffer: Buffer = Buffer.alloc(0);
  let fault: Fault | undefined;
  let isOver = false;
  socket.on('data', (bytes: Buffer) => {
    if (isOver) return;
    buffer = Buffer.concat([buffer, bytes]);
    while (buffer.length > 0 && !isOver) {
      fault ??= next();
      if (fault.at === 'request-bytes' && buffer.length >= fault.bytes) {
        isOver = true;
        breakOff(wire, fault.how);
        return;
      }
      const request = readRequest(buffer, connection);
      if (request === undefined) return;
      requests.push(request.seen);
      buffer = buffer.subarray(request.length);
      isOver = play(wire, fault, request.seen);
      fault = undefined;
    }
  });
}

function readRequest(
  buffer: Buffer,
  connection: number,
): { readonly seen: SeenRequest; readonly length: number } | undefined {
  const end = buffer.indexOf('\r\n\r\n');
  if (end === -1) return undefined;
  const [requestLine = '', ...lines] = buffer.subarray(0, end).toString('latin1').split('\r\n');
  const [method = '', target = ''] = requestLine.split(' ');
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  const from = end + 4;
  const to = from + Number(headers.get('content-length') ?? 0);
  if (buffer.length < to) return undefined;
  const body = buffer.subarray(from, to).toString('utf8');
  return { seen: { method, target, headers, body, connection }, length: to };
}

/** Plays the part of a fault that comes after a whole request; true when the connection is of no further use. */
function play(wire: Wire, fault: Fault, request: SeenRequest): boolean {
  const { socket } = wire;
  switch (fault.at) {
    case 'after-request':
      breakOff(wire, fault.how);
      return true;
    case 'garbage':
      socket.end(Buffer.from('\u0016\u0003\u0001 this is not HTTP at all\r\n\r\n', 'latin1'));
      return true;
    case 'after-status-line':
    case 'mid-head':
    case 'mid-body':
      socket.write(headlong(fault.at, fault.answer), () => breakLater(wire, fault.how));
      return true;
    case 'content-length':
      socket.write(render(fault.answer, fault.by));
      if (fault.by > 0) socket.end();
      return fault.by > 0;
    case 'bad-chunk': {
      const head = renderHead(fault.answer, { 'transfer-encoding': 'chunked' });
      socket.end(`${head}5\r\n{"sym\r\nZZ\r\nno chunk\r\n`);
      return true;
    }
    case 'wrong-gzip': {
      const packed = gzipSync(bodyOf(fault.answer));
      const isCut = fault.kind === 'truncated';
      const body = isCut ? packed.subarray(0, packed.length - 9) : Buffer.from(bodyOf(fault.answer));
      const headers = { 'content-encoding': 'gzip', 'content-length': String(body.length) };
      socket.write(Buffer.concat([Buffer.from(renderHead(fault.answer, headers)), body]));
      return false;
    }
    case 'continue':
      socket.write(`HTTP/1.1 100 Continue\r\n\r\n${render(fault.answer)}`);
      return false;
    case 'two-answers':
      socket.write(render(fault.answer) + render(fault.answer));
      return false;
    case 'after-answer':
      socket.write(render(fault.answer), () => breakLater(wire, fault.how));
      return true;
    case 'drip':
      drip(socket, Buffer.from(render(fault.answer)), fault.bytes, fault.pauseMs);
      return false;
    case 'nowhere':
      socket.write(render(fault.answer ?? healthyAnswer(request)));
      return false;
    default:
      // A fault of the connection or of the port; the connection stood already, so it is answered.
      socket.write(render({}));
      return false;
  }
}

/** The proxy asks without a user agent, and at its start what Binance would know. */
function healthyAnswer({ target, headers }: SeenRequest): Answer {
  const body = headers.has('user-agent') ? undefined : startAnswer(target);
  return body === undefined ? {} : { body };
}

function breakOff({ socket, tcp }: Wire, how: Break): void {
  if (how === 'reset') tcp.resetAndDestroy();
  if (how === 'fin') socket.end();
}

function breakLater(wire: Wire, how: Break): void {
  if (how === 'reset') setTimeout(() => breakOff(wire, how), READ_BEFORE_RESET_MS);
  else breakOff(wire, how);
}

function headlong(at: 'after-status-line' | 'mid-head' | 'mid-body', answer: Answer | undefined): string {
  const whole = render(answer);
  const head = whole.indexOf('\r\n\r\n') + 4;
  if (at === 'after-status-line') return whole.slice(0, whole.indexOf('\r\n') + 2);
  if (at === 'mid-head') return whole.slice(0, head - 6);
  return whole.slice(0, head + Math.ceil((whole.length - head) / 2));
}

function bodyOf(answer: Answer = {}): string {
  return answer.body ?? '{"symbol":"BTCUSDT","orderId":1}';
}

function render(answer: Answer | undefined, lengthBy = 0): string {
  const body = bodyOf(answer);
  const length = String(Buffer.byteLength(body) + lengthBy);
  return renderHead(answer, { 'content-length': length }) + body;
}

function renderHead(answer: Answer = {}, framing: Readonly<Record<string, string>>): string {
  const headers = { 'content-type': 'application/json;charset=UTF-8', ...answer.headers, ...framing };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${answer.status ?? 200} -\r\n${lines.join('')}\r\n`;
}

function drip(socket: Socket, bytes: Buffer, size: number, pauseMs: number): void {
  socket.write(bytes.subarray(0, size));
  const rest = bytes.subarray(size);
  if (rest.length === 0) return;
  const timer = setTimeout(() => drip(socket, rest, size, pauseMs), pauseMs);
  socket.once('close', () => clearTimeout(timer));
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Closes the port and every connection. */
function stop(server: Server, wires: ReadonlySet<Wire>): Promise<void> {
  return new Promise((resolve) => {
    for (const { socket, tcp } of wires) {
      socket.destroy();
      tcp.destroy();
    }
    if (server.listening) server.close(() => resolve());
    else resolve();
  });
}

function isList(faults: Fault | readonly Fault[]): faults is readonly Fault[] {
  return Array.isArray(faults);
}
