import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { verifyClientSignature } from '../core/access/form-signature.ts';
import type { BinanceHost } from '../core/binance-hosts.ts';
import { readHead, withBody } from '../core/call/call.ts';
import { readTarget, type Target } from '../core/call/target.ts';
import type { Proof } from '../pipeline/authenticate.ts';
import type { CallContext } from '../pipeline/call-context.ts';
import { identify } from '../pipeline/clients/identify.ts';
import { LISTEN_KEY_SHARED } from '../pipeline/clients/listen-keys.ts';
import { acceptParameters } from '../pipeline/recognise.ts';
import type { Pipeline } from '../pipeline/wire-pipeline.ts';
import type { Claim } from '../repeats/claim.ts';
import { HttpCarrier } from './http-carrier.ts';
import { KeylessCalls } from './keyless/keyless-calls.ts';
import { BodyReader } from './read-body.ts';
import { cutOffWhenUnread } from './taking/slow-reader.ts';
import { createTakePart } from './taking/take-part.ts';
import { writeAnswer } from './write-answer.ts';

declare module 'fastify' {
  interface FastifyRequest {
    callContext: CallContext | undefined;
    /** The host of Binance's that was called by its name. */
    binanceHost: BinanceHost | undefined;
  }
}

export interface ForwardDeps {
  readonly pipeline: Pipeline;
  /** How long an app may take nothing of its answer, in ms. */
  readonly slowReaderMs: number;
}

/**
 * THE route: recognise → identify → authenticate → admit → authorise → judge → reserve → attempt → finish → relay.
 * Whatever refuses throws a ProxyError, which the one error handler answers; nothing is sent before `attempt`.
 */
export function forwardRoute({ pipeline, slowReaderMs }: ForwardDeps) {
  const { recognise, authenticate, admit, authorise, judge, reserve, attempt, finish, listenKeys } = pipeline;

  const takePart = createTakePart({ pipeline, slowReaderMs });
  const keyless = new KeylessCalls();
  const bodies = new BodyReader();

  /** Others of the account still use what this call would end. */
  function answerHere(context: CallContext, reply: FastifyReply): FastifyReply {
    pipeline.recorder.answeredHere(context, LISTEN_KEY_SHARED);
    const headers = { 'x-proxy-request-id': context.requestId, 'x-proxy-outcome': 'not-sent' };
    return reply.type('application/json;charset=UTF-8').headers(headers).send('{}');
  }

  return async function forward(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const context = contextOf(request);
    const target = readTarget(request.originalUrl, hostOf(request));
    const head = readHead(request.method, target);
    const endpoint = recognise.request(context, head);
    const caller = identify(context, endpoint, context.identified);
    keyless.begin(caller.client, request.raw, reply.raw);
    const body = await bodies.read(request.raw, { ...caller, endpoint });
    const call = acceptParameters(context, { ...caller, endpoint }, withBody(head, body));
    const proven = authenticate({ ...caller, endpoint, call }, proofOf(target, body));
    using _use = proven.signed?.use;
    const claimed = await admit(context, proven);
    using claim = claimed.claim;
    const admitted = authorise(context, claimed);
    if (listenKeys.isShared(admitted, context.config)) return answerHere(context, reply);
    using waiting = waitingFor(context, reply.raw);
    const judged = await judge(context, admitted, waiting?.hangUp);
    using _approval = judged.approval;
    // What another call brings is answered here, and costs nothing.
    using part = await takePart(context, admitted, { request, reply });
    if (part.isAnswered) return leaveTo(reply);
    using reserved = await reserve(context, judged, waiting?.hangUp);
    const carrier = new HttpCarrier(context, endpoint, request.raw.headers, part.taker);
    const answer = await attempt(reserved, carrier);
    const finished = finish(reserved, answer, carrier);
    await part.end(finished);
    writeAnswer(context, finished, reply);
    if (finished.lost === undefined) hearWhenWritten(claim, reply.raw);
    return leaveTo(reply);
  };

  /** What is still to be read is the app's; one that does not read is cut off. */
  function leaveTo(reply: FastifyReply): FastifyReply {
    if ((reply.raw.socket?.writableLength ?? 0) > 0) cutOffWhenUnread(reply.raw, slowReaderMs);
    return reply;
  }
}

/** An app that hung up meanwhile does not know of its order: only an answer that was handed on is one that it had. */
function hearWhenWritten(claim: Claim | undefined, response: ServerResponse): void {
  if (claim === undefined || response.destroyed) return;
  if (response.writableFinished) claim.heard();
  else response.once('finish', () => claim.heard());
}

/** The context of a request; the first hook put it there. */
export function contextOf(request: FastifyRequest): CallContext {
  if (request.callContext === undefined) throw new Error('a request without its context');
  return request.callContext;
}

/** The host of Binance's that a request called by its name; the first hook put it there. */
export function hostOf({ binanceHost }: FastifyRequest): BinanceHost | undefined {
  return binanceHost;
}

/** Over HTTP a client signs its query and body as it sent them; there is no logon. */
function proofOf({ query }: Target, body: Buffer): Proof {
  return {
    door: 'http',
    isLogon: false,
    verify: (key, signature) => verifyClientSignature(key, signature, query, body.toString('latin1')),
    isLoggedOn: () => false,
  };
}

/** Tells, where calls wait for room or for a decision at all, when the app hangs up. */
function waitingFor({ config, client }: CallContext, response: ServerResponse) {
  if (config.settings.throttle.maxWaitMs === 0 && !client?.approval?.holdMs) return undefined;
  const hangUp = new AbortController();
  const onClose = () => hangUp.abort();
  response.once('close', onClose);
  return { hangUp: hangUp.signal, [Symbol.dispose]: () => void response.off('close', onClose) };
}
