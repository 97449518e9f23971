import type { WebSocket } from 'ws';
import type { JsonObject, JsonValue } from '../../base/json-value.ts';
import type { WebSocketOptions } from '../../base/socket-options.ts';
import type { SpotMarket } from '../../spot/market.ts';
import { looksLikeListenKey, ownerOfListenKey } from '../connection/listen-keys.ts';
import type { FrameDraft } from '../connection/records.ts';
import { hangUp, type SocketStage, sendText } from '../connection/stage.ts';
import { allMarketMessages } from './all-market-streams.ts';
import { marketEvents } from './market-events.ts';
import type { MarketFeed, MarketMove } from './market-feed.ts';
import { isCarried, type KlineStream, type MarketStream, readStreamName } from './stream-names.ts';
import type { StreamTarget } from './stream-target.ts';

const CONTROL = /^(?:SUBSCRIBE|UNSUBSCRIBE|LIST_SUBSCRIPTIONS|SET_PROPERTY|GET_PROPERTY)$/;

/** One connection to market or user streams. */
export class StreamConnection {
  readonly #socket: WebSocket;
  readonly #stage: SocketStage;
  readonly #target: StreamTarget;
  readonly #feed: MarketFeed;
  readonly #number: number;
  readonly #options: WebSocketOptions;
  readonly #names = new Set<string>();
  /** Accounts whose stream is open here, by listen key. */
  readonly #owners = new Map<string, string>();
  #isCombined: boolean;
  #second = { startMs: 0, messages: 0 };

  constructor(
    socket: WebSocket,
    stage: SocketStage,
    target: StreamTarget,
    feed: MarketFeed,
    options: WebSocketOptions,
    number: number,
  ) {
    this.#socket = socket;
    this.#stage = stage;
    this.#target = target;
    this.#feed = feed;
    this.#options = options;
    this.#number = number;
    this.#isCombined = target.isCombined;
    for (const name of target.names) this.#subscribe(name);
  }

  /** Counts a message of the client. One too many in a second ends the connection. */
  count(): boolean {
    const nowMs = performance.now();
    if (nowMs - this.#second.startMs >= 1_000) this.#second = { startMs: nowMs, messages: 0 };
    this.#second.messages++;
    const limit = this.#options.streamMessagesPerSecond ?? (this.#target.route === '' ? 5 : 10);
    if (this.#second.messages <= limit) return true;
    hangUp(this.#socket, 1008, 'Too many requests');
    return false;
  }

  /** Answers one control frame. */
  receive(text: string): void {
    const frame = readControl(text);
    const draft = this.#newDraft(text, frame);
    this.#stage.record(draft);
    if (!this.count()) return;
    const { method, params, id } = frame;
    let error: JsonObject | undefined;
    let result: JsonValue = null;
    if (method === undefined || !CONTROL.test(method))
      error = { code: 2, msg: 'Invalid request: unknown variant' };
    else if (method === 'LIST_SUBSCRIPTIONS') result = [...this.#names];
    else if (method === 'GET_PROPERTY' || method === 'SET_PROPERTY') {
      if (params[0] !== 'combined') error = { code: 0, msg: 'Unknown property' };
      else if (method === 'GET_PROPERTY') result = this.#isCombined;
      else this.#isCombined = params[1] === true;
    } else if (!params.every((name) => typeof name === 'string'))
      error = { code: 2, msg: 'Invalid request: invalid type' };
    else if (method === 'UNSUBSCRIBE') for (const name of params) this.#unsubscribe(name);
    else if (new Set([...this.#names, ...params]).size > (this.#options.streamsPerConnection ?? 1_024))
      error = { code: 3, msg: 'Invalid request: too many streams' };
    else for (const name of params) this.#subscribe(name);
    const body = error === undefined ? { result } : { error };
    draft.status = error === undefined ? 200 : 400;
    draft.code = error === undefined ? undefined : Number(error.code);
    sendText(this.#socket, `${JSON.stringify(body).slice(0, -1)},"id":${id}}`);
  }

  /** Sends the events of this connection's streams for the moves of the markets. */
  tellMoves(moves: ReadonlyMap<SpotMarket, MarketMove>): void {
    const { exchange } = this.#stage;
    for (const name of this.#names) {
      if (!isCarried(this.#target.route, name)) continue;
      const everywhere = allMarketMessages(exchange, name, moves, this.#target.route !== '');
      for (const message of everywhere ?? []) this.#send(name, message);
      const stream = readStreamName(exchange, name);
      if (stream === undefined) continue;
      // A reset forgets which books are watched.
      this.#watch(stream);
      const move = moves.get(stream.market);
      if (move === undefined) continue;
      const isDerivative = this.#target.route !== '' || stream.symbol.endsWith('USD_PERP');
      for (const event of marketEvents(exchange, stream, move, isDerivative)) this.#send(name, event);
    }
  }

  /** Sends the USD-M user data of the listen keys that are open here, and `listenKeyExpired` for a closed key. */
  tellUsers(events: ReadonlyMap<string, readonly JsonObject[]>): void {
    const { exchange } = this.#stage;
    for (const [listenKey, owner] of this.#owners) {
      for (const event of events.get(owner) ?? []) {
        if (this.#target.events?.has(String(event.e)) !== false) this.#send(listenKey, event);
      }
      if (ownerOfListenKey(exchange, listenKey) !== undefined) continue;
      this.#owners.delete(listenKey);
      this.#send(listenKey, { e: 'listenKeyExpired', E: exchange.nowMs(), listenKey });
    }
  }

  announceShutdown(E: number): void {
    this.#send('!serverShutdown', { e: 'serverShutdown', E });
  }

  #send(stream: string, data: JsonValue): void {
    sendText(this.#socket, JSON.stringify(this.#isCombined ? { stream, data } : data));
  }

  #subscribe(name: string): void {
    this.#names.add(name);
    const { exchange } = this.#stage;
    if (looksLikeListenKey(name)) {
      const found = ownerOfListenKey(exchange, name);
      if (found?.product === '/fapi/v1') this.#owners.set(name, found.owner);
      return;
    }
    const stream = readStreamName(exchange, name);
    if (stream !== undefined) this.#watch(stream);
  }

  #watch(stream: MarketStream | KlineStream): void {
    if (stream.kind === 'depth' && stream.levels === undefined) this.#feed.watchDepth(stream.market);
  }

  #unsubscribe(name: string): void {
    this.#names.delete(name);
    this.#owners.delete(name);
  }

  #newDraft(text: string, { id, method }: ControlFrame): FrameDraft {
    const known = { connection: this.#number, path: this.#target.path, text, id, method };
    return { ...known, verified: true, account: undefined, status: undefined, code: undefined };
  }
}

interface ControlFrame {
  /** JSON text. */
  readonly id: string;
  readonly method: string | undefined;
  readonly params: readonly unknown[];
}

function readControl(text: string): ControlFrame {
  try {
    const { id = null, method, params = [] } = JSON.parse(text) as Readonly<Record<string, unknown>>;
    return {
      id: JSON.stringify(id),
      method: typeof method === 'string' ? method : undefined,
      params: Array.isArray(params) ? params : [],
    };
  } catch {
    return { id: 'null', method: undefined, params: [] };
  }
}
