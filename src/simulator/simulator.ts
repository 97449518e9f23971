import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { ApiRestrictions, SimulatorOptions, WeightFamily } from './base/options.ts';
import { Router } from './endpoints/router.ts';
import { Exchange, type Withdrawal } from './exchange/exchange.ts';
import { type Fault, Faults } from './exchange/faults.ts';
import type { RecordedRequest, RequestDraft } from './http/recorded-request.ts';
import { edgePage } from './http/reply.ts';
import { type ServeDeps, serve } from './http/serve.ts';
import type { SocketFault } from './sockets/connection/faults.ts';
import type { RecordedFrame, RecordedUpgrade } from './sockets/connection/records.ts';
import { type RunningSockets, runSockets, type SimulatorSockets } from './sockets/sockets.ts';

/** A running exchange for all upstreams of a proxy: it serves every product by its path. */
export interface Simulator extends SimulatorSockets {
  /** Origin without a trailing slash. */
  readonly url: string;
  readonly port: number;
  /** Every request, in order of arrival. */
  readonly requests: readonly RecordedRequest[];
  readonly withdrawals: readonly Withdrawal[];
  /** The state, for tests that look behind the API. */
  readonly exchange: Exchange;
  inject(fault: Fault): void;
  /** Takes back the faults that are still to happen. */
  clearFaults(): void;
  /** Sets how far the exchange's clock is ahead of this machine's. */
  setClockOffset(offsetMs: number): void;
  /** @throws TypeError when no account has the key */
  setRestrictions(apiKey: string, restrictions: Partial<ApiRestrictions>): void;
  /** Sets the REQUEST_WEIGHT that was used in this minute, as if by others on the same IP. */
  setUsedWeight(weight: number, family?: WeightFamily): void;
  ban(forMs: number): void;
  /** Forgets everything: requests, frames, faults, orders, balances, limits, clock. Connections stay open. */
  reset(): void;
  close(): Promise<void>;
}

/** Starts the embedded exchange. It listens on loopback unless told otherwise. */
export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const { port = 0, host = '127.0.0.1' } = options;
  const running = new RunningSimulator(options);
  await running.listen(port, host);
  return running;
}

class RunningSimulator implements Simulator {
  readonly #options: SimulatorOptions;
  readonly #faults = new Faults();
  readonly #server: Server;
  readonly #connections = new Set<Socket>();
  readonly #webSockets: RunningSockets;
  #exchange: Exchange;
  #requests: RequestDraft[] = [];
  #url = '';
  #port = 0;

  constructor(options: SimulatorOptions) {
    this.#options = options;
    this.#exchange = new Exchange(options);
    const router = new Router(options.sapi ?? true);
    const deps: ServeDeps = {
      exchange: () => this.#exchange,
      findRoute: (method, path) => router.find(method, path),
      faults: this.#faults,
      record: (draft) => this.#requests.push(draft),
      settle: () => this.#webSockets.settle(),
      gzip: options.gzip ?? false,
    };
    this.#server = createHttpServer(options.tls, (incoming, outgoing) => {
      serve(deps, incoming, outgoing).catch(() => incoming.socket.destroy());
    });
    this.#webSockets = runSockets(this.#server, () => this.#exchange, router, options);
    this.#server.on('connection', (socket: Socket) => {
      this.#connections.add(socket);
      socket.on('close', () => this.#connections.delete(socket));
    });
  }

  async listen(port: number, host: string): Promise<void> {
    this.#server.listen(port, host);
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
    const authority = host.includes(':') ? `[${host}]` : host;
    this.#url = `${this.#options.tls === undefined ? 'http' : 'https'}://${authority}:${this.#port}`;
  }

  get url(): string {
    return this.#url;
  }

  get port(): number {
    return this.#port;
  }

  get requests(): readonly RecordedRequest[] {
    return this.#requests;
  }

  get withdrawals(): readonly Withdrawal[] {
    return this.#exchange.withdrawals;
  }

  get exchange(): Exchange {
    return this.#exchange;
  }

  get frames(): readonly RecordedFrame[] {
    return this.#webSockets.frames;
  }

  get upgrades(): readonly RecordedUpgrade[] {
    return this.#webSockets.upgrades;
  }

  get sockets(): number {
    return this.#webSockets.sockets;
  }

  injectSocket(fault: SocketFault): void {
    this.#webSockets.injectSocket(fault);
  }

  announceShutdown(): void {
    this.#webSockets.announceShutdown();
  }

  closeSockets(code?: number, reason?: string): void {
    this.#webSockets.closeSockets(code, reason);
  }

  inject(fault: Fault): void {
    this.#faults.inject(fault);
  }

  clearFaults(): void {
    this.#faults.clear();
  }

  setClockOffset(offsetMs: number): void {
    this.#exchange.setClockOffset(offsetMs);
  }

  setRestrictions(apiKey: string, restrictions: Partial<ApiRestrictions>): void {
    const account = this.#exchange.accounts.find(apiKey);
    if (account === undefined) throw new TypeError('no account has this key');
    account.restrictions = { ...account.restrictions, ...restrictions };
  }

  setUsedWeight(weight: number, family: WeightFamily = 'spot'): void {
    this.#exchange.rateLimits.setUsedWeight(family, weight, this.#exchange.nowMs());
  }

  ban(forMs: number): void {
    this.#exchange.rateLimits.ban(forMs, this.#exchange.nowMs());
  }

  reset(): void {
    this.#exchange = new Exchange(this.#options);
    this.#requests = [];
    this.#faults.clear();
    this.#webSockets.reset();
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#connections) socket.destroy();
    await closed;
  }
}

function createHttpServer(tls: SimulatorOptions['tls'], listener: RequestListener): Server {
  const server = tls === undefined ? createServer(listener) : createTlsServer({ ...tls }, listener);
  server.keepAliveTimeout = 120_000;
  server.on('clientError', (_error, socket) => {
    const { body, status } = edgePage(400, 'Bad Request');
    const head = `HTTP/1.1 ${status} Bad Request\r\nContent-Type: text/html\r\nConnection: close`;
    if (socket.writable) socket.end(`${head}\r\nContent-Length: ${body.length}\r\n\r\n${body.toString()}`);
    else socket.destroy();
  });
  return server;
}
