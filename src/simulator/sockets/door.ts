import { createPublicKey } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { ExchangeError, retryAfter } from '../base/exchange-error.ts';
import type { SimulatorAccount } from '../base/options.ts';
import type { WebSocketOptions } from '../base/socket-options.ts';
import { openRoute } from '../http/route.ts';
import { pathOf } from '../http/wire-request.ts';
import { ApiConnection } from './api/api.ts';
import { SIGNED_APIS, type SignedApi } from './api/methods.ts';
import { keepAlive } from './connection/keep-alive.ts';
import type { RecordedUpgrade } from './connection/records.ts';
import { hangUp, type SocketStage } from './connection/stage.ts';
import type { ListeningConnections } from './listening.ts';
import { readStreamTarget, type StreamTarget } from './streams/stream-target.ts';
import { StreamConnection } from './streams/streams.ts';

const WINDOW_MS = 300_000;
const LARGEST_FRAME_BYTES = 1_048_576;
const STREAM_PINGS = { pingIntervalMs: 20_000, pongTimeoutMs: 60_000 };

type Destination = { readonly api: SignedApi } | { readonly stream: StreamTarget };

/** Accepts or refuses WebSocket handshakes. */
export class SocketDoor {
  readonly #server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: LARGEST_FRAME_BYTES,
  });
  readonly #stage: SocketStage;
  readonly #options: WebSocketOptions;
  readonly #listening: ListeningConnections;
  readonly upgrades: RecordedUpgrade[] = [];
  readonly #attempts = { api: { startMs: 0, count: 0 }, stream: { startMs: 0, count: 0 } };
  #connections = 0;

  constructor(stage: SocketStage, options: WebSocketOptions, listening: ListeningConnections) {
    this.#stage = stage;
    this.#options = options;
    this.#listening = listening;
  }

  /** Handles the `upgrade` event of an HTTP server. */
  upgrade(incoming: IncomingMessage, tcp: Duplex, head: Buffer): void {
    tcp.on('error', () => tcp.destroy());
    const target = incoming.url ?? '/';
    const path = pathOf(target);
    const fault = this.#stage.faults.takeAtAccept(path);
    try {
      if (fault?.kind === 'refuse-upgrade') {
        const status = fault.status ?? 429;
        throw new ExchangeError(-1003, 'Too many connections.', { status, headers: fault.headers ?? {} });
      }
      const query = new URLSearchParams(target.slice(path.length + 1));
      const destination = this.#admit(incoming, path, query);
      this.#record(incoming, path, 101);
      this.#server.handleUpgrade(incoming, tcp, head, (socket) => {
        socket.on('error', () => socket.terminate());
        if (fault?.kind === 'close-at-accept') hangUp(socket, fault.code, fault.reason);
        else this.#open(socket, destination, query);
      });
    } catch (error) {
      if (!(error instanceof ExchangeError)) throw error;
      this.#record(incoming, path, error.status);
      refuse(tcp, error);
    }
  }

  /** @throws ExchangeError with the HTTP status that the handshake is refused with */
  #admit(incoming: IncomingMessage, path: string, query: URLSearchParams): Destination {
    const api = SIGNED_APIS.find((candidate) => candidate.path === path);
    const stream = api === undefined ? readStreamTarget(path, query) : undefined;
    if (api === undefined && stream === undefined)
      throw new ExchangeError(-1000, 'Not Found', { status: 404 });
    // Only SBE market data takes a key in the handshake. Anywhere else it is a mistake of the proxy.
    if (incoming.headers['x-mbx-apikey'] !== undefined)
      throw new ExchangeError(-1101, 'Too many parameters; an API key was sent in a handshake.');
    if (query.get('responseFormat') === 'sbe')
      throw new ExchangeError(-1155, 'SBE is not enabled.', { status: 406 });
    const { exchange } = this.#stage;
    const nowMs = exchange.nowMs();
    this.#countAttempt(api === undefined ? 'stream' : 'api', nowMs);
    if (api === undefined) return { stream: stream as StreamTarget };
    const handshake = openRoute(`GET ${api.prefix}/connect`, { weight: api.connectWeight }, () => ({}));
    exchange.rateLimits.admit(handshake, nowMs);
    exchange.rateLimits.charge(handshake, api.connectWeight, undefined, nowMs);
    return { api };
  }

  #countAttempt(kind: 'api' | 'stream', nowMs: number): void {
    const window = this.#attempts[kind];
    const startMs = Math.floor(nowMs / WINDOW_MS) * WINDOW_MS;
    if (window.startMs !== startMs) Object.assign(window, { startMs, count: 0 });
    window.count++;
    if (window.count <= (this.#options.connectionsPer5Minutes ?? 300)) return;
    const headers = retryAfter(startMs + WINDOW_MS, nowMs);
    throw new ExchangeError(-1034, 'Too many connections.', { status: 429, headers });
  }

  #open(socket: WebSocket, destination: Destination, query: URLSearchParams): void {
    const number = ++this.#connections;
    const pings = 'api' in destination ? destination.api : STREAM_PINGS;
    keepAlive(socket, { ...this.#options, ...withDefaults(this.#options, pings) });
    if ('api' in destination) {
      const connection = new ApiConnection(socket, this.#stage, destination.api, query, number);
      this.#listening.addApi(socket, connection);
      onText(socket, (text) => void connection.receive(text).catch(() => socket.terminate()));
      return;
    }
    const { stream } = destination;
    const connection = this.#listening.addStream(
      socket,
      (feed) => new StreamConnection(socket, this.#stage, stream, feed, this.#options, number),
    );
    socket.on('ping', () => connection.count());
    onText(socket, (text) => connection.receive(text));
  }

  #record({ url = '/', rawHeaders }: IncomingMessage, path: string, status: number): void {
    this.upgrades.push({ target: url, path, rawHeaders, status });
  }

  reset(): void {
    this.upgrades.length = 0;
    for (const window of Object.values(this.#attempts)) window.count = 0;
  }
}

/** The keys that can log on a session. */
export function ed25519KeysOf(accounts: readonly SimulatorAccount[]): ReadonlySet<string> {
  const isEd25519 = ({ publicKeyPem }: SimulatorAccount) =>
    publicKeyPem !== undefined && createPublicKey(publicKeyPem).asymmetricKeyType === 'ed25519';
  return new Set(accounts.filter(isEd25519).map(({ apiKey }) => apiKey));
}

function onText(socket: WebSocket, receive: (text: string) => void): void {
  socket.on('message', (content: RawData, isBinary: boolean) => {
    if (isBinary) hangUp(socket, 1003, 'Binary frames are not supported');
    else receive(content.toString());
  });
}

function withDefaults(
  { pingIntervalMs, pongTimeoutMs }: WebSocketOptions,
  pings: { readonly pingIntervalMs: number; readonly pongTimeoutMs: number },
) {
  return {
    pingIntervalMs: pingIntervalMs ?? pings.pingIntervalMs,
    pongTimeoutMs: pongTimeoutMs ?? pings.pongTimeoutMs,
  };
}

function refuse(tcp: Duplex, error: ExchangeError): void {
  const body = JSON.stringify(error.toBody());
  const headers = {
    ...error.headers,
    'Content-Type': 'application/json;charset=UTF-8',
    'Content-Length': String(Buffer.byteLength(body)),
    Connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  tcp.end(`HTTP/1.1 ${error.status} Refused\r\n${lines.join('')}\r\n${body}`);
}
