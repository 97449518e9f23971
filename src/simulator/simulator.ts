import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { outsideRecvWindow } from './base/exchange-error.ts';
import type { ApiRestrictions, SimulatorOptions, WeightFamily } from './base/options.ts';
import { Router } from './endpoints/router.ts';
import { Exchange, type Withdrawal } from './exchange/exchange.ts';
import { type Fault, Faults } from './exchange/faults.ts';
import type { RecordedRequest, RequestDraft } from './http/recorded-request.ts';
import { compressed, edgePage, errorReply, type Reply } from './http/reply.ts';
import { judge, respond } from './http/respond.ts';
import { pathOf } from './http/wire-request.ts';
import { type RunningSockets, runSockets, type SimulatorSockets } from './sockets/sockets.ts';

/** A running exchange that all upstreams of a proxy can point at: it serves every product by its path. */
export interface Simulator extends SimulatorSockets {
  /** Origin without a trailing slash. */
  readonly url: string;
  readonly port: number;
  /** Everything that arrived, in order of arrival. */
  readonly requests: readonly RecordedRequest[];
  readonly withdrawals: readonly Withdrawal[];
  /** The state itself, for tests that look behind the API. */
  readonly exchange: Exchange;
  inject(fault: Fault): void;
  /** How far the exchange's clock is ahead of this machine's. */
  setClockOffset(offsetMs: number): void;
  /** @throws TypeError when no account has the key */
  setRestrictions(apiKey: string, restrictions: Partial<ApiRestrictions>): void;
  /** Weight that a neighbour on the same IP has used in this minute. */
  setUsedWeight(weight: number, family?: WeightFamily): void;
  ban(forMs: number): void;
  /** Forgets everything: requests, frames, faults, orders, balances, limits, clock. Connections stay open. */
  reset(): void;
  close(): Promise<void>;
}

/** Starts the embedded exchange. It listens on loopback unless told otherwise. */
export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const router = new Router(options.sapi ?? true);
  const faults = new Faults();
  let exchange = new Exchange(options);
  let requests: RequestDraft[] = [];
  const sockets = new Set<Socket>();

  const listener: RequestListener = (incoming, outgoing) => {
    serve(incoming, outgoing).catch(() => incoming.socket.destroy());
  };
  const server =
    options.tls === undefined ? createServer(listener) : createTlsServer({ ...options.tls }, listener);
  server.keepAliveTimeout = 120_000;
  const webSockets: RunningSockets = runSockets(server, () => exchange, router, options);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('clientError', (_error, socket) => {
    const { body, status } = edgePage(400, 'Bad Request');
    const head = `HTTP/1.1 ${status} Bad Request\r\nContent-Type: text/html\r\nConnection: close`;
    if (socket.writable) socket.end(`${head}\r\nContent-Length: ${body.length}\r\n\r\n${body.toString()}`);
    else socket.destroy();
  });

  async function serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const method = incoming.method ?? 'GET';
    const target = incoming.url ?? '/';
    const path = pathOf(target);
    const draft = newDraft(incoming, method, target, path);
    requests.push(draft);
    const fault = faults.take(method, path);
    if (fault?.kind === 'drop-before-read') {
      incoming.socket.destroy();
      return;
    }
    draft.body = await readBody(incoming);
    const judged = judge(exchange, () => router.find(method, path), draft);
    if (fault?.kind === 'drop-after-read') {
      incoming.socket.destroy();
      return;
    }
    const instead = replyInstead(fault);
    if (fault?.kind === 'stall' && fault.execute !== true) return;
    const reply = instead ?? respond(exchange, judged);
    webSockets.settle();
    if (fault?.kind === 'stall') return;
    if (fault?.kind === 'execute-then-drop') {
      incoming.socket.destroy();
      return;
    }
    if (fault?.kind === 'delay') await sleep(fault.ms, undefined, { ref: false });
    draft.status = reply.status;
    draft.code = reply.code;
    write(outgoing, options.gzip ? compressed(reply, incoming.headers) : reply, fault);
  }

  server.listen(options.port ?? 0, options.host ?? '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const host = options.host ?? '127.0.0.1';
  const authority = host.includes(':') ? `[${host}]` : host;
  return {
    url: `${options.tls === undefined ? 'http' : 'https'}://${authority}:${port}`,
    port,
    get requests() {
      return requests;
    },
    get withdrawals() {
      return exchange.withdrawals;
    },
    get exchange() {
      return exchange;
    },
    get frames() {
      return webSockets.frames;
    },
    get upgrades() {
      return webSockets.upgrades;
    },
    get sockets() {
      return webSockets.sockets;
    },
    injectSocket: (fault) => webSockets.injectSocket(fault),
    announceShutdown: () => webSockets.announceShutdown(),
    closeSockets: (code, reason) => webSockets.closeSockets(code, reason),
    inject: (fault) => faults.inject(fault),
    setClockOffset: (offsetMs) => exchange.setClockOffset(offsetMs),
    setRestrictions(apiKey, restrictions) {
      const account = exchange.accounts.find(apiKey);
      if (account === undefined) throw new TypeError('no account has this key');
      account.restrictions = { ...account.restrictions, ...restrictions };
    },
    setUsedWeight: (weight, family = 'spot') =>
      exchange.rateLimits.setUsedWeight(family, weight, exchange.nowMs()),
    ban: (forMs) => exchange.rateLimits.ban(forMs, exchange.nowMs()),
    reset() {
      exchange = new Exchange(options);
      requests = [];
      faults.clear();
      webSockets.reset();
    },
    async close() {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function newDraft(incoming: IncomingMessage, method: string, target: string, path: string): RequestDraft {
  const headers: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return {
    method,
    target,
    path,
    rawHeaders: incoming.rawHeaders,
    headers,
    body: Buffer.alloc(0),
    security: undefined,
    verified: false,
    account: undefined,
    status: undefined,
    code: undefined,
  };
}

async function readBody(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** The answer of a fault that keeps the request from being carried out. */
function replyInstead(fault: Fault | undefined): Reply | undefined {
  if (fault?.kind === 'stale-timestamp') return errorReply(outsideRecvWindow());
  if (fault?.kind === 'redirect') {
    const page = edgePage(fault.status ?? 301, 'Moved Permanently');
    return { ...page, headers: { ...page.headers, Location: fault.location } };
  }
  if (fault?.kind !== 'status') return undefined;
  const body = Buffer.from(fault.body ?? '');
  const headers = { 'Content-Type': fault.contentType ?? 'application/json;charset=UTF-8', ...fault.headers };
  return { status: fault.status, body, code: codeOf(fault.body), headers };
}

function codeOf(body: string | undefined): number | undefined {
  const found = /"code"\s*:\s*(-?\d+)/.exec(body ?? '')?.[1];
  return found === undefined ? undefined : Number(found);
}

function write(outgoing: ServerResponse, reply: Reply, fault: Fault | undefined): void {
  outgoing.writeHead(reply.status, {
    ...reply.headers,
    'Content-Length': reply.body.length,
    'x-mbx-uuid': randomUUID(),
  });
  if (fault?.kind !== 'truncate-body') {
    outgoing.end(reply.body);
    return;
  }
  outgoing.write(reply.body.subarray(0, Math.floor(reply.body.length / 2)), () => outgoing.socket?.destroy());
}
