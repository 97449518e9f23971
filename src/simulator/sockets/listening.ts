import type { WebSocket } from 'ws';
import type { Exchange } from '../exchange/exchange.ts';
import { AlgoEvents } from './algo-events.ts';
import type { ApiConnection } from './api/api.ts';
import { hangUp, sendText } from './connection/stage.ts';
import { FuturesEvents } from './futures-events.ts';
import { SpotEvents } from './spot-events.ts';
import { MarketFeed } from './streams/market-feed.ts';
import type { StreamConnection } from './streams/streams.ts';

/** All open connections and their events. The markets move by themselves while there is a connection. */
export class ListeningConnections {
  readonly #apis = new Map<WebSocket, ApiConnection>();
  readonly #streams = new Map<WebSocket, StreamConnection>();
  readonly #currentExchange: () => Exchange;
  readonly #marketStepMs: number;
  readonly #feed = new MarketFeed();
  readonly #spotEvents = new SpotEvents();
  readonly #futuresEvents = new FuturesEvents();
  readonly #algoEvents = new AlgoEvents();
  /** The exchange that is followed; undefined while nobody listens. */
  #followed: Exchange | undefined;
  #steps: NodeJS.Timeout | undefined;

  constructor(currentExchange: () => Exchange, marketStepMs: number) {
    this.#currentExchange = currentExchange;
    this.#marketStepMs = marketStepMs;
  }

  get count(): number {
    return this.#apis.size + this.#streams.size;
  }

  addApi(socket: WebSocket, connection: ApiConnection): void {
    this.#follow();
    this.#apis.set(socket, connection);
    socket.on('close', () => this.#remove(socket));
  }

  addStream(socket: WebSocket, open: (feed: MarketFeed) => StreamConnection): StreamConnection {
    this.#follow();
    const connection = open(this.#feed);
    this.#streams.set(socket, connection);
    socket.on('close', () => this.#remove(socket));
    return connection;
  }

  /** Sends every listener the events since the last time. */
  settle(): void {
    if (this.#followed === undefined) return;
    const exchange = this.#currentExchange();
    if (this.#followed !== exchange) this.#start(exchange);
    const orders = this.#spotEvents.look(exchange);
    for (const { session } of this.#apis.values()) {
      for (const [owner, events] of orders) session.deliver(owner, events);
    }
    const algo = this.#algoEvents.look(exchange);
    const futures = this.#futuresEvents.look(exchange);
    const moves = this.#feed.look(exchange);
    for (const connection of this.#streams.values()) {
      connection.tellUsers(algo);
      connection.tellUsers(futures);
      connection.tellMoves(moves);
    }
  }

  announceShutdown(): void {
    const E = this.#currentExchange().nowMs();
    for (const socket of this.#apis.keys())
      sendText(socket, JSON.stringify({ event: { e: 'serverShutdown', E } }));
    for (const connection of this.#streams.values()) connection.announceShutdown(E);
  }

  closeAll(code: number | undefined, reason: string | undefined): void {
    for (const socket of [...this.#apis.keys(), ...this.#streams.keys()]) hangUp(socket, code, reason);
  }

  /** Starts to follow the exchange before the first connection is added. */
  #follow(): void {
    const exchange = this.#currentExchange();
    if (this.#followed === exchange) this.settle();
    else this.#start(exchange);
    if (this.#steps !== undefined || this.#marketStepMs === 0) return;
    this.#steps = setInterval(() => {
      this.#currentExchange().advanceMarkets();
      this.settle();
    }, this.#marketStepMs);
    this.#steps.unref();
  }

  #start(exchange: Exchange): void {
    this.#followed = exchange;
    this.#spotEvents.start(exchange);
    this.#futuresEvents.start(exchange);
    this.#algoEvents.start(exchange);
    this.#feed.start(exchange);
  }

  #remove(socket: WebSocket): void {
    this.#apis.delete(socket);
    this.#streams.delete(socket);
    if (this.count > 0) return;
    clearInterval(this.#steps);
    this.#steps = undefined;
    this.#followed = undefined;
  }
}
