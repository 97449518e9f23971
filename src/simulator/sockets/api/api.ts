import { setTimeout as sleep } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import { ExchangeError, mandatoryParameter } from '../../base/exchange-error.ts';
import type { JsonObject } from '../../base/json-value.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { errorReply, type Reply } from '../../http/reply.ts';
import { type Judged, respond } from '../../http/respond.ts';
import type { Route } from '../../http/route.ts';
import type { WireRequest } from '../../http/wire-request.ts';
import type { FrameFault } from '../connection/faults.ts';
import { listenKeyRoutes } from '../connection/listen-keys.ts';
import type { FrameDraft } from '../connection/records.ts';
import { hangUp, type SocketStage, sendText } from '../connection/stage.ts';
import { answerText } from './answer.ts';
import { authenticateFrame, plainParameters } from './authentication.ts';
import { type FrameParameter, type RequestFrame, readRequestFrame } from './frame.ts';
import { methodName, noSuchMethod, type SignedApi } from './methods.ts';
import { Session } from './session.ts';

/** One connection to a signed WebSocket API. */
export class ApiConnection {
  readonly session: Session;
  readonly #socket: WebSocket;
  readonly #stage: SocketStage;
  readonly #api: SignedApi;
  readonly #number: number;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #ownRoutes: ReadonlyMap<string, Route>;

  constructor(socket: WebSocket, stage: SocketStage, api: SignedApi, query: URLSearchParams, number: number) {
    this.#socket = socket;
    this.#stage = stage;
    this.#api = api;
    this.#number = number;
    const unit = query.get('timeUnit');
    this.#headers = unit === null ? {} : { 'x-mbx-time-unit': unit };
    const wantsLimits = query.get('returnRateLimits') !== 'false';
    const emit = (event: JsonObject) => sendText(socket, JSON.stringify(event));
    this.session = new Session(stage.exchange.nowMs(), wantsLimits, stage.ed25519Keys, emit);
    const own = [
      ...this.session.logonRoutes(api.prefix),
      ...(api.family === 'spot' ? this.session.subscriptionRoutes() : listenKeyRoutes(api.prefix)),
    ];
    this.#ownRoutes = new Map(own.map((route) => [route.path.slice(api.prefix.length + 1), route]));
  }

  /** Answers one frame, or does what a fault wants instead. */
  async receive(text: string): Promise<void> {
    const { exchange, faults } = this.#stage;
    const frame = readRequestFrame(text);
    const name = frame.method === undefined ? undefined : methodName(this.#api, frame.method);
    const draft = this.#newDraft(text, frame);
    this.#stage.record(draft);
    const fault = faults.takeForFrame(this.#api.path, name);
    const judged = this.#judge(exchange, frame, name, draft);
    if (fault?.kind === 'close-unexecuted') return hangUp(this.#socket, fault.code, fault.reason);
    if (fault?.kind === 'stall' && fault.execute !== true) return;
    const reply = replyInstead(fault) ?? this.#carryOut(exchange, judged);
    if (fault?.kind === 'close-executed') hangUp(this.#socket, fault.code, fault.reason);
    else if (fault?.kind !== 'stall') await this.#answer(frame, judged, reply, draft, fault);
    this.#stage.settle();
  }

  async #answer(
    frame: RequestFrame,
    { route, account }: Judged,
    reply: Reply,
    draft: FrameDraft,
    fault: FrameFault | undefined,
  ): Promise<void> {
    const { exchange } = this.#stage;
    const nowMs = exchange.nowMs();
    const asked = frame.parameters.find((parameter) => parameter.name === 'returnRateLimits')?.value;
    const wantsLimits = asked === undefined ? this.session.returnRateLimits : asked !== 'false';
    const report = wantsLimits ? { exchange, api: this.#api, route, account, nowMs } : undefined;
    const text = answerText(frame.id, reply, nowMs, report);
    if (fault?.kind === 'delay') {
      this.#stage.settle();
      await sleep(fault.ms, undefined, { ref: false });
    }
    if (fault?.kind === 'garbage') sendText(this.#socket, fault.text ?? '{"id":');
    if (fault?.kind === 'garbage' && fault.instead === true) return;
    draft.status = reply.status;
    draft.code = reply.code;
    sendText(this.#socket, text);
  }

  #judge(exchange: Exchange, frame: RequestFrame, name: string | undefined, draft: FrameDraft): Judged {
    let route: Route | undefined;
    try {
      if (frame.refusal !== undefined || name === undefined)
        throw frame.refusal ?? mandatoryParameter('method');
      route = this.#find(name);
      const { accounts } = exchange;
      const account = authenticateFrame(
        frame.parameters,
        route,
        accounts,
        this.session.apiKey,
        exchange.nowMs(),
      );
      draft.verified = true;
      draft.account = account?.apiKey;
      return { route, request: this.#toRequest(route, frame.parameters), account, refusal: undefined };
    } catch (error) {
      if (!(error instanceof ExchangeError)) throw error;
      return { route, request: undefined, account: undefined, refusal: error };
    }
  }

  /** @throws ExchangeError for a method that does not exist */
  #find(name: string): Route {
    const own = this.#ownRoutes.get(name);
    if (own !== undefined) return own;
    const twin = Object.hasOwn(this.#api.twins, name) ? this.#api.twins[name] : undefined;
    const [method = '', path = ''] = twin?.split(' ') ?? [];
    const route = twin === undefined ? undefined : this.#stage.router.find(method, path);
    if (route === undefined) throw noSuchMethod(this.#api, name);
    return route;
  }

  #carryOut(exchange: Exchange, judged: Judged): Reply {
    if (judged.route === undefined && judged.refusal !== undefined) return errorReply(judged.refusal);
    return respond(exchange, judged);
  }

  /** The frame as the request that its REST twin would get. */
  #toRequest(route: Route, parameters: readonly FrameParameter[]): WireRequest {
    const pairs = plainParameters(parameters).map(({ name, value, kind }) => {
      if (kind === 'null') throw mandatoryParameter(name);
      return { name, value, text: `${name}=${value}`, rawValue: value };
    });
    const { method, path } = route;
    return {
      method,
      path,
      headers: this.#headers,
      queryText: '',
      bodyText: '',
      query: pairs,
      body: [],
      pairs,
    };
  }

  #newDraft(text: string, { id, method }: RequestFrame): FrameDraft {
    return {
      connection: this.#number,
      path: this.#api.path,
      text,
      id,
      method,
      verified: false,
      account: undefined,
      status: undefined,
      code: undefined,
    };
  }
}

/** The answer of a fault that keeps the request from being carried out. */
function replyInstead(fault: FrameFault | undefined): Reply | undefined {
  if (fault?.kind !== 'error') return undefined;
  const { status, code, message, data } = fault;
  return errorReply(new ExchangeError(code, message, data === undefined ? { status } : { status, data }));
}
