import type { RawData, WebSocket } from 'ws';
import type { AuditTrail } from '../audit/trail.ts';
import { wayOf } from '../config/schema/ways-out.ts';
import { PROXY_CLIENT } from '../core/access/client.ts';
import type { Catalogue } from '../core/catalogue/catalogue.ts';
import { createWsMethods, type WsMethods } from '../core/frames/frame-methods.ts';
import { SECOND_MS } from '../core/intervals.ts';
import { signFrame } from '../core/signing/sign-frame.ts';
import { type SocketFamily, WS_API_PATHS } from '../core/upstream.ts';
import type { LiveConfig } from '../pipeline/live-config.ts';
import { type ConnectDeps, connectSocket } from '../websocket/connect.ts';
import { callOf, connectionEndpoint } from '../websocket/connection-endpoint.ts';
import type { OpenedStream } from './account-stream.ts';

export interface UserStreamDeps extends ConnectDeps {
  readonly config: () => LiveConfig;
  readonly catalogue: Catalogue;
  readonly trail: Pick<AuditTrail, 'write' | 'note'>;
  /** The time of the exchange, ms; undefined before it was read. */
  readonly serverNow: () => number | undefined;
  readonly nextRequestId: () => string;
  /** Makes or keeps alive the listen key of an account: the text of the answer. */
  readonly listenKey: (method: 'POST' | 'PUT', family: 'usdm' | 'coinm', account: string) => Promise<string>;
}

const SUBSCRIBE = 'userDataStream.subscribe.signature';
const ANSWER_MS = 10 * SECOND_MS;
const FRAME_ID = '"watch"';

/** Opens user data streams of accounts, each in the way of its product. */
export class UserStreams {
  readonly #deps: UserStreamDeps;
  readonly #methods: WsMethods;

  constructor(deps: UserStreamDeps) {
    this.#deps = deps;
    this.#methods = createWsMethods(deps.catalogue);
  }

  /** @throws Error when there is no stream; its message holds no secret */
  open(account: string, family: SocketFamily, signal: AbortSignal): Promise<OpenedStream> {
    return family === 'spot' ? this.#openSpot(account, signal) : this.#openFutures(account, family, signal);
  }

  /** Spot has no listen keys any more: a subscription is signed on the WebSocket API. */
  async #openSpot(account: string, signal: AbortSignal): Promise<OpenedStream> {
    const socket = await this.#connect(account, 'spot', 'api', WS_API_PATHS.spot, signal);
    // Events may come in the same breath as the answer.
    const heard: string[] = [];
    const first = Promise.withResolvers<string>();
    // Whoever gave up does not wait for it any more.
    first.promise.catch(() => {});
    const collect = (raw: RawData) => {
      heard.push((raw as Buffer).toString());
      first.resolve(heard[0] ?? '');
    };
    const late = setTimeout(() => first.reject(new Error('The subscription was not answered.')), ANSWER_MS);
    late.unref();
    socket.on('message', collect);
    socket.once('close', () =>
      first.reject(new Error('The connection ended before the subscription was answered.')),
    );
    try {
      const end = await this.#subscribe(account, socket);
      socket.resume();
      end(statusIn(await first.promise));
      socket.pause();
    } catch (error) {
      socket.terminate();
      throw error;
    } finally {
      clearTimeout(late);
    }
    const takeOver = () => {
      socket.off('message', collect);
      return heard.slice(1);
    };
    return { socket, takeOver, keepAlive: undefined };
  }

  /** Signs and sends the subscription: no signed frame leaves without its record. */
  async #subscribe(account: string, socket: WebSocket): Promise<(status: number | undefined) => void> {
    const { config, trail, serverNow, budgets, nextRequestId } = this.#deps;
    const { settings, keys } = config();
    const credential = keys.get(account);
    const endpoint = this.#methods.find('spot', SUBSCRIBE)?.endpoint;
    const timestampMs = serverNow();
    if (credential === undefined || endpoint === undefined || timestampMs === undefined)
      throw new Error('The time of the exchange is not known yet.');
    const ticket = await budgets.charge({
      ...{ endpoint, call: callOf(endpoint), client: PROXY_CLIENT, account },
      recvWindowMs: settings.recvWindowMs,
    });
    const { upstream, method, path, permission } = endpoint;
    const requestId = nextRequestId();
    const call = { requestId, client: PROXY_CLIENT.name, account, upstream, method, path, permission };
    trail.write({ event: 'call.signed', ...call, weight: ticket.weight });
    const stamp = { timestampMs, recvWindow: String(settings.recvWindowMs) };
    socket.send(signFrame(FRAME_ID, SUBSCRIBE, [], credential, stamp));
    return (status) => {
      const answer = { status: status ?? 502, header: () => undefined, bodyText: undefined };
      budgets.reconcile(ticket, { ...answer, successful: status === 200 });
      trail.note({
        event: 'call.completed',
        ...call,
        status,
        outcome: status === undefined ? 'unknown' : 'answered',
      });
      if (status !== 200)
        throw new Error(`Binance answered the subscription with status ${status ?? 'unknown'}.`);
    };
  }

  async #openFutures(account: string, family: 'usdm' | 'coinm', signal: AbortSignal): Promise<OpenedStream> {
    const { listenKey } = this.#deps;
    const key = keyIn(await listenKey('POST', family, account));
    const path = family === 'usdm' ? `/private/ws/${key}` : `/ws/${key}`;
    const socket = await this.#connect(account, family, 'stream', path, signal);
    return {
      socket,
      takeOver: () => [],
      async keepAlive() {
        await listenKey('PUT', family, account);
      },
    };
  }

  #connect(
    account: string,
    family: SocketFamily,
    kind: 'api' | 'stream',
    path: string,
    signal: AbortSignal,
  ): Promise<WebSocket> {
    const config = this.#deps.config();
    const origin = config.settings.socketUpstreams[`${family}${kind === 'api' ? 'WsApi' : 'Stream'}`];
    if (origin === undefined) throw new Error(`There is no address for the streams of ${family}.`);
    const printable = kind === 'api' ? path : path.replace(/\/[^/]*$/, '');
    const target = { kind, family, path, query: '', printable, isPrivate: true } as const;
    return connectSocket(
      this.#deps,
      {
        ...{ origin, way: wayOf(config.settings.egress, account), client: PROXY_CLIENT },
        endpoint: connectionEndpoint(target),
        context: { config },
      },
      path,
      signal,
    );
  }
}

function statusIn(text: string): number | undefined {
  const { status } = Object(JSON.parse(text)) as { readonly status?: unknown };
  return typeof status === 'number' ? status : undefined;
}

/** @throws Error for an answer without a listen key */
function keyIn(text: string): string {
  const { listenKey } = Object(JSON.parse(text)) as { readonly listenKey?: unknown };
  if (typeof listenKey !== 'string' || !/^[A-Za-z0-9]{20,128}$/.test(listenKey))
    throw new Error('Binance gave no listen key.');
  return listenKey;
}
